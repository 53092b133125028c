/* Convolution as products whose rows lie apart: y_i,j = sum over pieces and their terms p of x(i, p) w(p, j)
 * (+ y_i,j) (+ bias_j). */
#include "kernel.h"

void K(conv_panel)(size_t k, size_t n, const real *w, ptrdiff_t w_row, ptrdiff_t w_col, real *panel)
{
    for (size_t p = 0; p < k; p++)
        for (size_t j = 0; j < DRIFT_CONV_PANEL; j++)
            panel[p * DRIFT_CONV_PANEL + j] = j < n ? w[(ptrdiff_t)p * w_row + (ptrdiff_t)j * w_col] : 0;
}

void K(conv_rows)(size_t m, size_t n, size_t pieces, const struct drift_conv_piece *piece, const ptrdiff_t *x_at,
                  ptrdiff_t x_step, const real *x, const real *panel, const real *bias, int accumulate,
                  const ptrdiff_t *y_at, real *y)
{
    for (size_t i = 0; i < m; i++) {
        real *row = y + y_at[i];
        for (size_t j = 0; j < n; j++)
            row[j] = accumulate ? row[j] : 0;
        for (size_t s = 0; s < pieces; s++)
            for (size_t p = 0; p < piece[s].length; p++) {
                const real a = x[x_at[i] + piece[s].x + (ptrdiff_t)p * x_step];
                const real *w = panel + (piece[s].w + p) * DRIFT_CONV_PANEL;
                for (size_t j = 0; j < n; j++)
                    row[j] += a * w[j];
            }
        for (size_t j = 0; bias && j < n; j++)
            row[j] += bias[j];
    }
}

void K(depthwise_rows)(size_t m, size_t n, size_t pieces, const struct drift_conv_piece *piece, const ptrdiff_t *x_at,
                       const real *x, const real *w, size_t w_row, const real *bias, int accumulate,
                       const ptrdiff_t *y_at, real *y)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            real sum = accumulate ? y[y_at[i] + (ptrdiff_t)j] : 0;
            for (size_t s = 0; s < pieces; s++)
                sum += x[x_at[i] + piece[s].x + (ptrdiff_t)j] * w[piece[s].w * w_row + j];
            y[y_at[i] + (ptrdiff_t)j] = bias ? sum + bias[j] : sum;
        }
}

void K(depthwise_gradient)(size_t n, size_t pieces, const struct drift_conv_piece *piece, ptrdiff_t x_step,
                           const real *x, size_t dy_row, const real *dy, int accumulate, real *dw)
{
    for (size_t j = 0; j < n; j++) {
        real sum = accumulate ? dw[j] : 0;
        for (size_t s = 0; s < pieces; s++)
            for (size_t p = 0; p < piece[s].length; p++)
                sum += x[piece[s].x + (ptrdiff_t)(p * (size_t)x_step + j)] * dy[(piece[s].w + p) * dy_row + j];
        dw[j] = sum;
    }
}
