/* Checks of simd/winograd.c: tiles whose pixels lie anywhere, some of them outside. Scales: the sum of the terms'
 * sizes. */
#include <math.h>

#include "check.h"

enum { MOST_TILES = 40, SPREAD = 60 };
static const double source[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
static const double kernel[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const double destination[2][4] = {{1, 1, 1, 0}, {0, 1, -1, -1}};

void drift_check_winograd_source(struct check *c)
{
    while (check_round(c)) {
        const int timing = check_timing(c);
        const size_t n = check_size(c, 130, 64), tiles = timing ? MOST_TILES : (size_t)check_int(c, 0, 5);
        const size_t v_step = n + (timing ? 16 : (size_t)check_int(c, 0, 3)), v_tile = 16 * v_step;
        ptrdiff_t at[16 * MOST_TILES];
        for (size_t i = 0; i < 16 * tiles; i++)
            at[i] = timing ? (ptrdiff_t)(i * n) : check_int(c, -9, SPREAD);
        struct check_array *x = check_in(c, SPREAD + n + 16 * n * MOST_TILES * (size_t)timing, -2, 2);
        struct check_array *v = check_out(c, tiles * v_tile);
        if (check_wild(c))
            check_bits_only(c);
        double *scale = check_scale(v);
        for (size_t tile = 0; !timing && tile < tiles; tile++)
            for (size_t t = 0; t < 16; t++)
                for (size_t k = 0; k < 16 * n; k++) {
                    const ptrdiff_t from = at[16 * tile + k / n];
                    const double factor = source[t / 4][k / n / 4] * source[t % 4][k / n % 4];
                    scale[tile * v_tile + t * v_step + k % n] +=
                        from < 0 ? 0 : fabs(factor * x->x[from + (ptrdiff_t)(k % n)]);
                }
        CHECK(c, winograd_source, tiles, n, at, x->p, v_tile, v_step, v->p);
    }
}

void drift_check_winograd_kernel(struct check *c)
{
    while (check_round(c)) {
        const size_t n = check_size(c, 300, 2048), gap = (size_t)check_int(c, 0, 3), step = n + gap;
        struct check_array *w = check_in(c, 9 * step, -2, 2), *u = check_out(c, 16 * step);
        if (check_wild(c))
            check_bits_only(c);
        double *scale = check_scale(u);
        for (size_t t = 0; !check_timing(c) && t < 16; t++)
            for (size_t k = 0; k < 9 * n; k++)
                scale[t * step + k % n] +=
                    fabs(kernel[t / 4][k / n / 3] * kernel[t % 4][k / n % 3] * w->x[k / n * step + k % n]);
        CHECK(c, winograd_kernel, n, step, w->p, step, u->p);
    }
}

/* A tile's four pixels, in reverse, every seventh one outside. */
void drift_check_winograd_destination(struct check *c)
{
    while (check_round(c)) {
        const int timing = check_timing(c), accumulate = timing ? 0 : check_int(c, 0, 1);
        const size_t tiles = check_size(c, MOST_TILES, MOST_TILES), n = timing ? 32 : (size_t)check_int(c, 1, 32);
        const size_t m_step = tiles * DRIFT_CONV_PANEL + (size_t)check_int(c, 0, 9),
                     y_row = n + (size_t)check_int(c, 0, 3);
        ptrdiff_t at[4 * MOST_TILES];
        for (size_t i = 0; i < 4 * tiles; i++)
            at[i] = i % 7 == 5 ? -1 : (ptrdiff_t)((4 * tiles - 1 - i) * y_row);
        struct check_array *m = check_in(c, 16 * m_step, -2, 2), *bias = check_in(c, n, -2, 2);
        struct check_array *y =
            accumulate ? check_inplace(c, 4 * tiles * y_row, -2, 2) : check_out(c, 4 * tiles * y_row);
        const int with_bias = check_int(c, 0, 1);
        if (check_wild(c))
            check_bits_only(c);
        double *scale = check_scale(y);
        for (size_t i = 0; !timing && i < 4 * tiles; i++)
            for (size_t k = 0; at[i] >= 0 && k < 16 * n; k++) {
                double *to = scale + at[i] + k % n;
                if (k / n == 0)
                    *to += (with_bias ? fabs((double)bias->x[k % n]) : 0) +
                           (accumulate ? fabs((double)y->x[at[i] + (ptrdiff_t)(k % n)]) : 0);
                *to += fabs(destination[i % 4 / 2][k / n / 4] * destination[i % 2][k / n % 4] *
                            m->x[k / n * m_step + i / 4 * DRIFT_CONV_PANEL + k % n]);
            }
        CHECK(c, winograd_destination, tiles, n, at, m_step, m->p, with_bias ? bias->p : NULL, accumulate, y->p);
    }
}

/* d's of tiles whose pixels lie anywhere, every fifth outside. */
void drift_check_winograd_spread(struct check *c)
{
    while (check_round(c)) {
        const int timing = check_timing(c);
        const size_t tiles = check_size(c, MOST_TILES, MOST_TILES), n = timing ? 32 : (size_t)check_int(c, 1, 32);
        const size_t z_step = tiles * DRIFT_CONV_PANEL + (size_t)check_int(c, 0, 9);
        ptrdiff_t at[4 * MOST_TILES];
        for (size_t i = 0; i < 4 * tiles; i++)
            at[i] = i % 5 == 3 ? -1 : check_int(c, 0, SPREAD);
        struct check_array *dy = check_in(c, SPREAD + n, -2, 2), *z = check_out(c, 16 * z_step);
        if (check_wild(c))
            check_bits_only(c);
        double *scale = check_scale(z);
        for (size_t i = 0; !timing && i < 16 * tiles; i++)
            for (size_t k = 0; k < 4 * n; k++) {
                const ptrdiff_t from = at[i / 16 * 4 + k / n];
                const double factor = destination[k / n / 2][i % 16 / 4] * destination[k / n % 2][i % 4];
                scale[i % 16 * z_step + i / 16 * DRIFT_CONV_PANEL + k % n] +=
                    from < 0 ? 0 : fabs(factor * dy->x[from + (ptrdiff_t)(k % n)]);
            }
        CHECK(c, winograd_spread, tiles, n, at, dy->p, z_step, z->p);
    }
}

void drift_check_winograd_gather(struct check *c)
{
    while (check_round(c)) {
        const int timing = check_timing(c), accumulate = timing ? 0 : check_int(c, 0, 1);
        const size_t k = check_size(c, 64, 64), n = timing ? 32 : (size_t)check_int(c, 1, 32);
        const size_t u_step = k * DRIFT_CONV_PANEL + (size_t)check_int(c, 0, 9), w_row = n + (size_t)check_int(c, 0, 3);
        const size_t w_step = k * w_row + (size_t)check_int(c, 0, 3);
        struct check_array *u = check_in(c, 16 * u_step, -2, 2);
        struct check_array *dw = accumulate ? check_inplace(c, 9 * w_step, -2, 2) : check_out(c, 9 * w_step);
        if (check_wild(c))
            check_bits_only(c);
        double *scale = check_scale(dw);
        for (size_t e = 0; !timing && e < 9; e++)
            for (size_t i = 0; i < k * n; i++) {
                double *to = scale + e * w_step + i / n * w_row + i % n;
                *to = accumulate ? fabs((double)dw->x[to - scale]) : 0;
                for (size_t t = 0; t < 16; t++)
                    *to += fabs(kernel[t / 4][e / 3] * kernel[t % 4][e % 3] *
                                u->x[t * u_step + i / n * DRIFT_CONV_PANEL + i % n]);
            }
        CHECK(c, winograd_gather, k, n, u_step, u->p, accumulate, w_step, w_row, dw->p);
    }
}
