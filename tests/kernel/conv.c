/* Checks of simd/conv.c: rows that lie anywhere and overlap in the source, pieces in any order and of any length,
 * ragged panels. */
#include <math.h>

#include "check.h"

enum { MOST_ROWS = 256, MOST_PIECES = 49, REACH = 40 };

/* Rows and pieces of a convolution; x is `source` elements without a term's width. */
struct geometry {
    size_t rows, pieces, source, terms; /* terms: how far pieces reach in the kernel */
    ptrdiff_t step;
    struct drift_conv_piece piece[MOST_PIECES];
    ptrdiff_t x_at[MOST_ROWS], y_at[MOST_ROWS];
};

/* Every second pair of pieces changes places in the kernel. Timing: 3 x 3 of 64 channels, rows of 64. */
static struct geometry draw(struct check *c, size_t rows, size_t pieces, size_t length, size_t y_row)
{
    const int timing = check_timing(c);
    struct geometry g = {.rows = rows, .pieces = pieces, .terms = pieces * length};
    g.step = timing ? 1 : check_int(c, 1, 20);
    for (size_t s = 0; s < pieces; s++) {
        const size_t place = s + 1 < pieces || s % 2 ? s ^ 1 : s;
        g.piece[s].x = timing ? (ptrdiff_t)(64 * s) : check_int(c, -REACH, REACH);
        g.piece[s].w = place * length;
        g.piece[s].length = timing || length == 1 ? length : (size_t)check_int(c, 0, (int)length);
    }
    for (size_t i = 0; i < rows; i++) {
        g.x_at[i] = REACH + (timing ? (ptrdiff_t)(80 * i) : check_int(c, 0, REACH));
        g.y_at[i] = (ptrdiff_t)((rows - 1 - i) * y_row);
    }
    g.source = (timing ? 80 * rows + 64 * pieces : 2 * REACH) + REACH + length * (size_t)g.step + 1;
    return g;
}

void drift_check_conv_panel(struct check *c)
{
    while (check_round(c)) {
        const size_t k = check_size(c, 300, 512), n = check_timing(c) ? 32 : (size_t)check_int(c, 1, DRIFT_CONV_PANEL);
        const size_t gap = check_timing(c) ? 0 : (size_t)check_int(c, 0, 5);
        const int across = check_int(c, 0, 1);
        struct check_array *w = check_in(c, across ? n * (k + gap) : k * (n + gap), -2, 2);
        struct check_array *panel = check_out(c, k * DRIFT_CONV_PANEL);
        CHECK(c, conv_panel, k, n, w->p, (ptrdiff_t)(across ? 1 : n + gap), (ptrdiff_t)(across ? k + gap : 1),
              panel->p);
    }
}

/* Sum of the terms' sizes of y[i][j]; w has w_row. */
static void set_scale(struct check_array *y, const struct geometry *g, size_t n, int depthwise, const float *x,
                      const float *w, size_t w_row, const float *bias, int accumulate)
{
    double *scale = check_scale(y);
    for (size_t i = 0; i < g->rows; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = bias ? fabs((double)bias[j]) : 0;
            for (size_t s = 0; s < g->pieces; s++)
                for (size_t p = 0; p < g->piece[s].length; p++) {
                    const ptrdiff_t at = g->x_at[i] + g->piece[s].x + (ptrdiff_t)p * g->step;
                    sum += fabs((double)x[at + (depthwise ? (ptrdiff_t)j : 0)] * w[(g->piece[s].w + p) * w_row + j]);
                }
            scale[g->y_at[i] + (ptrdiff_t)j] = sum + (accumulate ? fabs((double)y->x[g->y_at[i] + (ptrdiff_t)j]) : 0);
        }
}

void drift_check_conv_rows(struct check *c)
{
    while (check_round(c)) {
        const int timing = check_timing(c), accumulate = timing ? 0 : check_int(c, 0, 1);
        const size_t rows = check_size(c, 64, 252), n = timing ? 32 : (size_t)check_int(c, 1, DRIFT_CONV_PANEL);
        const size_t y_row = timing ? 64 : n + (size_t)check_int(c, 0, 3),
                     pieces = timing ? 9 : (size_t)check_int(c, 0, 9);
        const struct geometry g = draw(c, rows, pieces, timing ? 64 : (size_t)check_int(c, 2, 20), y_row);
        struct check_array *x = check_in(c, g.source, -2, 2), *bias = check_in(c, n, -2, 2);
        struct check_array *panel = check_in(c, g.terms * DRIFT_CONV_PANEL, -2, 2);
        struct check_array *y = accumulate ? check_inplace(c, rows * y_row, -2, 2) : check_out(c, rows * y_row);
        const int with_bias = check_int(c, 0, 1);
        if (check_wild(c))
            check_bits_only(c);
        else if (!timing)
            set_scale(y, &g, n, 0, x->x, panel->x, DRIFT_CONV_PANEL, with_bias ? bias->x : NULL, accumulate);
        CHECK(c, conv_rows, rows, n, g.pieces, g.piece, g.x_at, g.step, x->p, panel->p, with_bias ? bias->p : NULL,
              accumulate, g.y_at, y->p);
    }
}

void drift_check_depthwise_rows(struct check *c)
{
    while (check_round(c)) {
        const int timing = check_timing(c), accumulate = timing ? 0 : check_int(c, 0, 1);
        const size_t n = check_size(c, 130, 64), rows = timing ? 252 : (size_t)check_int(c, 0, 30);
        const size_t y_row = n + (timing ? 0 : (size_t)check_int(c, 0, 3)), w_row = n + (size_t)check_int(c, 0, 3);
        const struct geometry g = draw(c, rows, timing ? 49 : (size_t)check_int(c, 0, MOST_PIECES), 1, y_row);
        struct check_array *x = check_in(c, g.source + n, -2, 2), *bias = check_in(c, n, -2, 2);
        struct check_array *w = check_in(c, g.terms * w_row, -2, 2);
        struct check_array *y = accumulate ? check_inplace(c, rows * y_row, -2, 2) : check_out(c, rows * y_row);
        const int with_bias = check_int(c, 0, 1);
        if (check_wild(c))
            check_bits_only(c);
        else if (!timing)
            set_scale(y, &g, n, 1, x->x, w->x, w_row, with_bias ? bias->x : NULL, accumulate);
        CHECK(c, depthwise_rows, rows, n, g.pieces, g.piece, g.x_at, x->p, w->p, w_row, with_bias ? bias->p : NULL,
              accumulate, g.y_at, y->p);
    }
}

void drift_check_depthwise_gradient(struct check *c)
{
    while (check_round(c)) {
        const int timing = check_timing(c), accumulate = timing ? 0 : check_int(c, 0, 1);
        const size_t n = check_size(c, 200, 64), dy_row = n + (size_t)check_int(c, 0, 3);
        const size_t pieces = timing ? 7 : (size_t)check_int(c, 0, 9),
                     length = timing ? 56 : (size_t)check_int(c, 2, 9);
        struct geometry g = draw(c, 1, pieces, length, n);
        g.step = timing ? 64 : g.step;
        struct check_array *x = check_in(c, g.source + n + 64 * (timing ? g.terms : 0), -2, 2);
        struct check_array *dy = check_in(c, g.terms * dy_row, -2, 2);
        struct check_array *dw = accumulate ? check_inplace(c, n, -2, 2) : check_out(c, n);
        g.x_at[0] = REACH;
        if (check_wild(c))
            check_bits_only(c);
        else if (!timing)
            set_scale(dw, &g, n, 1, x->x, dy->x, dy_row, NULL, accumulate);
        for (size_t s = 0; s < g.pieces; s++)
            g.piece[s].x += REACH;
        CHECK(c, depthwise_gradient, n, g.pieces, g.piece, g.step, x->p, dy_row, dy->p, accumulate, dw->p);
    }
}
