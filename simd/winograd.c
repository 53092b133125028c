/* The transforms of 3 x 3 convolutions by F(2 x 2, 3 x 3), channels along the lanes: see ref/winograd.c. The products
 * between them are conv_rows. */
#include "kernel.h"
#include "row.h"

#if PARTS == 16
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 4")
#endif
#define INLINE static inline __attribute__((always_inline))

INLINE void source_side(vec d0, vec d1, vec d2, vec d3, vec v[4])
{
    v[0] = vec_sub(d0, d2);
    v[1] = vec_add(d1, d2);
    v[2] = vec_sub(d2, d1);
    v[3] = vec_sub(d1, d3);
}

INLINE void kernel_side(vec g0, vec g1, vec g2, vec u[4])
{
    const vec half = vec_set1(0.5f), ends = vec_add(g0, g2);
    u[0] = g0;
    u[1] = vec_mul(half, vec_add(ends, g1));
    u[2] = vec_mul(half, vec_sub(ends, g1));
    u[3] = g2;
}

INLINE void destination_side(vec m0, vec m1, vec m2, vec m3, vec y[2])
{
    y[0] = vec_add(vec_add(m0, m1), m2);
    y[1] = vec_sub(vec_sub(m1, m2), m3);
}

/* inside: no pixel is outside. */
INLINE void source_tile(int inside, const ptrdiff_t *at, const float *x, size_t c, size_t left, size_t v_step, float *v)
{
#define PIXEL(k) (inside || at[k] >= 0 ? row_load(x + at[k] + c, left, 0) : vec_zero())
    vec column[4][4];
    UNROLL for (int j = 0; j < 4; j++) source_side(PIXEL(j), PIXEL(4 + j), PIXEL(8 + j), PIXEL(12 + j), column[j]);
    UNROLL for (size_t r = 0; r < 4; r++)
    {
        vec t[4];
        source_side(column[0][r], column[1][r], column[2][r], column[3][r], t);
        UNROLL for (size_t s = 0; s < 4; s++) row_store(v + (4 * r + s) * v_step + c, left, t[s]);
    }
}

void K(winograd_source)(size_t tiles, size_t n, const ptrdiff_t *at, const float *x, size_t v_tile, size_t v_step,
                        float *v)
{
    for (size_t tile = 0; tile < tiles; tile++, at += 16, v += v_tile) {
        int inside = 1;
        for (int i = 0; i < 16; i++)
            inside &= at[i] >= 0;
        size_t c = 0;
        for (; inside && c + LANES <= n; c += LANES)
            source_tile(1, at, x, c, LANES, v_step, v);
        for (; c < n; c += LANES)
            source_tile(0, at, x, c, n - c, v_step, v);
    }
}

INLINE void kernel_lanes(const float *w, size_t w_step, size_t left, size_t u_step, float *u)
{
    vec column[3][4];
    UNROLL for (size_t j = 0; j < 3; j++)
        kernel_side(row_load(w + j * w_step, left, 0), row_load(w + (3 + j) * w_step, left, 0),
                    row_load(w + (6 + j) * w_step, left, 0), column[j]);
    UNROLL for (size_t r = 0; r < 4; r++)
    {
        vec t[4];
        kernel_side(column[0][r], column[1][r], column[2][r], t);
        UNROLL for (size_t s = 0; s < 4; s++) row_store(u + (4 * r + s) * u_step, left, t[s]);
    }
}

void K(winograd_kernel)(size_t n, size_t w_step, const float *w, size_t u_step, float *u)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        kernel_lanes(w + i, w_step, LANES, u_step, u + i);
    if (i < n)
        kernel_lanes(w + i, w_step, n - i, u_step, u + i);
}

struct epilogue {
    const float *bias;
    int accumulate;
    float *y;
};

INLINE void destination_tile(const ptrdiff_t *at, const float *m, size_t m_step, size_t j, size_t left,
                             const struct epilogue *e)
{
    vec column[4][2];
    UNROLL for (size_t s = 0; s < 4; s++) destination_side(
        row_load(m + s * m_step + j, left, 0), row_load(m + (4 + s) * m_step + j, left, 0),
        row_load(m + (8 + s) * m_step + j, left, 0), row_load(m + (12 + s) * m_step + j, left, 0), column[s]);
    UNROLL for (size_t r = 0; r < 2; r++)
    {
        vec out[2];
        destination_side(column[0][r], column[1][r], column[2][r], column[3][r], out);
        UNROLL for (size_t s = 0; s < 2; s++) if (at[2 * r + s] >= 0)
        {
            float *const to = e->y + at[2 * r + s] + j;
            if (e->accumulate)
                out[s] = vec_add(row_load(to, left, 0), out[s]);
            if (e->bias)
                out[s] = vec_add(out[s], row_load(e->bias + j, left, 0));
            row_store(to, left, out[s]);
        }
    }
}

void K(winograd_destination)(size_t tiles, size_t n, const ptrdiff_t *at, size_t m_step, const float *m,
                             const float *bias, int accumulate, float *y)
{
    const struct epilogue e = {bias, accumulate, y};
    for (size_t tile = 0; tile < tiles; tile++, at += 4, m += DRIFT_CONV_PANEL) {
        size_t j = 0;
        for (; j + LANES <= n; j += LANES)
            destination_tile(at, m, m_step, j, LANES, &e);
        if (j < n)
            destination_tile(at, m, m_step, j, n - j, &e);
    }
}

/* ---- gradients ---- */

INLINE void spread_side(vec d0, vec d1, vec z[4])
{
    z[0] = d0;
    z[1] = vec_add(d0, d1);
    z[2] = vec_sub(d0, d1);
    z[3] = vec_neg(d1);
}

INLINE void gather_side(vec u0, vec u1, vec u2, vec u3, vec g[3])
{
    const vec half = vec_set1(0.5f), middle = vec_mul(half, vec_add(u1, u2));
    g[0] = vec_add(u0, middle);
    g[1] = vec_mul(half, vec_sub(u1, u2));
    g[2] = vec_add(middle, u3);
}

void K(winograd_spread)(size_t tiles, size_t n, const ptrdiff_t *at, const float *dy, size_t z_step, float *z)
{
    for (size_t tile = 0; tile < tiles; tile++, at += 4, z += DRIFT_CONV_PANEL)
        for (size_t j = 0; j < DRIFT_CONV_PANEL; j += LANES) {
            vec d[4], column[2][4];
            UNROLL for (int k = 0; k < 4; k++) d[k] =
                at[k] < 0 || j >= n ? vec_zero() : row_load(dy + at[k] + j, n - j, 0);
            spread_side(d[0], d[2], column[0]);
            spread_side(d[1], d[3], column[1]);
            UNROLL for (size_t r = 0; r < 4; r++)
            {
                vec t[4];
                spread_side(column[0][r], column[1][r], t);
                UNROLL for (size_t s = 0; s < 4; s++) vec_store(z + (4 * r + s) * z_step + j, t[s]);
            }
        }
}

INLINE void gather_lanes(const float *u, size_t u_step, size_t left, int accumulate, size_t w_step, float *dw)
{
    vec column[4][3];
    UNROLL for (size_t s = 0; s < 4; s++)
        gather_side(row_load(u + s * u_step, left, 0), row_load(u + (4 + s) * u_step, left, 0),
                    row_load(u + (8 + s) * u_step, left, 0), row_load(u + (12 + s) * u_step, left, 0), column[s]);
    UNROLL for (size_t r = 0; r < 3; r++)
    {
        vec g[3];
        gather_side(column[0][r], column[1][r], column[2][r], column[3][r], g);
        UNROLL for (size_t s = 0; s < 3; s++)
        {
            float *const to = dw + (3 * r + s) * w_step;
            row_store(to, left, accumulate ? vec_add(row_load(to, left, 0), g[s]) : g[s]);
        }
    }
}

void K(winograd_gather)(size_t k, size_t n, size_t u_step, const float *u, int accumulate, size_t w_step, size_t w_row,
                        float *dw)
{
    for (size_t p = 0; p < k; p++, u += DRIFT_CONV_PANEL, dw += w_row) {
        size_t j = 0;
        for (; j + LANES <= n; j += LANES)
            gather_lanes(u + j, u_step, LANES, accumulate, w_step, dw + j);
        if (j < n)
            gather_lanes(u + j, u_step, n - j, accumulate, w_step, dw + j);
    }
}
