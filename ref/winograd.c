/* 3 x 3 convolution by F(2 x 2, 3 x 3): y = A^T [(G g G^T) * (B^T d B)] A, * element by element. On one side
 *     B^T d = (d0 - d2, d1 + d2, d2 - d1, d1 - d3)      G g = (g0, (g0 + g2 + g1)/2, (g0 + g2 - g1)/2, g2)
 *     A^T m = (m0 + m1 + m2, m1 - m2 - m3) */
#include "kernel.h"

static void source_side(const real d[4], real v[4])
{
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}

static void kernel_side(const real g[3], real u[4])
{
    u[0] = g[0];
    u[1] = R(0.5) * (g[0] + g[2] + g[1]);
    u[2] = R(0.5) * (g[0] + g[2] - g[1]);
    u[3] = g[2];
}

static void destination_side(const real m[4], real y[2])
{
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
}

void K(winograd_source)(size_t tiles, size_t n, const ptrdiff_t *at, const real *x, size_t v_tile, size_t v_step,
                        real *v)
{
    for (size_t tile = 0; tile < tiles; tile++, at += 16, v += v_tile)
        for (size_t c = 0; c < n; c++) {
            real column[4][4], d[4], t[4]; /* column[j]: the column transform of d's column j */
            for (int j = 0; j < 4; j++) {
                for (int i = 0; i < 4; i++)
                    d[i] = at[4 * i + j] < 0 ? 0 : x[at[4 * i + j] + (ptrdiff_t)c];
                source_side(d, column[j]);
            }
            for (size_t r = 0; r < 4; r++) {
                for (int j = 0; j < 4; j++)
                    d[j] = column[j][r];
                source_side(d, t);
                for (size_t s = 0; s < 4; s++)
                    v[(4 * r + s) * v_step + c] = t[s];
            }
        }
}

void K(winograd_kernel)(size_t n, size_t w_step, const real *w, size_t u_step, real *u)
{
    for (size_t k = 0; k < n; k++) {
        real column[3][4], g[3], t[4];
        for (size_t j = 0; j < 3; j++) {
            for (size_t i = 0; i < 3; i++)
                g[i] = w[(3 * i + j) * w_step + k];
            kernel_side(g, column[j]);
        }
        for (size_t r = 0; r < 4; r++) {
            for (int j = 0; j < 3; j++)
                g[j] = column[j][r];
            kernel_side(g, t);
            for (size_t s = 0; s < 4; s++)
                u[(4 * r + s) * u_step + k] = t[s];
        }
    }
}

void K(winograd_destination)(size_t tiles, size_t n, const ptrdiff_t *at, size_t m_step, const real *m,
                             const real *bias, int accumulate, real *y)
{
    for (size_t tile = 0; tile < tiles; tile++, at += 4, m += DRIFT_CONV_PANEL)
        for (size_t j = 0; j < n; j++) {
            real column[4][2], t[4], out[2];
            for (size_t s = 0; s < 4; s++) {
                for (size_t r = 0; r < 4; r++)
                    t[r] = m[(4 * r + s) * m_step + j];
                destination_side(t, column[s]);
            }
            for (size_t r = 0; r < 2; r++) {
                for (int s = 0; s < 4; s++)
                    t[s] = column[s][r];
                destination_side(t, out);
                for (size_t s = 0; s < 2; s++)
                    if (at[2 * r + s] >= 0) {
                        real *to = y + at[2 * r + s] + j;
                        *to = accumulate ? *to + out[s] : out[s];
                        if (bias)
                            *to += bias[j];
                    }
            }
        }
}

/* The gradients: dm = A d A^T and dg = G^T u G. On one side
 *     A d = (d0, d0 + d1, d0 - d1, -d1)      G^T u = (u0 + (u1 + u2)/2, (u1 - u2)/2, (u1 + u2)/2 + u3) */
static void spread_side(const real d[2], real z[4])
{
    z[0] = d[0];
    z[1] = d[0] + d[1];
    z[2] = d[0] - d[1];
    z[3] = -d[1];
}

static void gather_side(const real u[4], real g[3])
{
    const real middle = R(0.5) * (u[1] + u[2]);
    g[0] = u[0] + middle;
    g[1] = R(0.5) * (u[1] - u[2]);
    g[2] = middle + u[3];
}

void K(winograd_spread)(size_t tiles, size_t n, const ptrdiff_t *at, const real *dy, size_t z_step, real *z)
{
    for (size_t tile = 0; tile < tiles; tile++, at += 4, z += DRIFT_CONV_PANEL)
        for (size_t j = 0; j < DRIFT_CONV_PANEL; j++) {
            real column[2][4], d[2], t[4];
            for (int s = 0; s < 2; s++) {
                for (int r = 0; r < 2; r++)
                    d[r] = j >= n || at[2 * r + s] < 0 ? 0 : dy[at[2 * r + s] + (ptrdiff_t)j];
                spread_side(d, column[s]);
            }
            for (size_t r = 0; r < 4; r++) {
                for (int s = 0; s < 2; s++)
                    d[s] = column[s][r];
                spread_side(d, t);
                for (size_t s = 0; s < 4; s++)
                    z[(4 * r + s) * z_step + j] = t[s];
            }
        }
}

void K(winograd_gather)(size_t k, size_t n, size_t u_step, const real *u, int accumulate, size_t w_step, size_t w_row,
                        real *dw)
{
    for (size_t p = 0; p < k; p++, u += DRIFT_CONV_PANEL, dw += w_row)
        for (size_t j = 0; j < n; j++) {
            real column[4][3], t[4], g[3];
            for (size_t s = 0; s < 4; s++) {
                for (size_t r = 0; r < 4; r++)
                    t[r] = u[(4 * r + s) * u_step + j];
                gather_side(t, column[s]);
            }
            for (size_t r = 0; r < 3; r++) {
                for (int s = 0; s < 4; s++)
                    t[s] = column[s][r];
                gather_side(t, g);
                for (size_t s = 0; s < 3; s++) {
                    real *to = dw + (3 * r + s) * w_step + j;
                    *to = accumulate ? *to + g[s] : g[s];
                }
            }
        }
}
