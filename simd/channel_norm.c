/* Maps and sums with a number per channel: formulas in ref/channel_norm.c. A column of the matrix is one chain over its
 * rows; WIDE vectors of columns go down the rows together, so that several chains are under way. */
#include "kernel.h"

#include "row.h"

enum { WIDE = 4 };
#define INLINE static inline __attribute__((always_inline))

INLINE vec load_or(const float *p, size_t j, size_t left, float missing)
{
    return p ? row_load(p + j, left, missing) : vec_set1(missing);
}

/* `left` columns from here on: LANES for all vectors of a wide step, or what is left in one vector. */
INLINE void moments(int wide, int with_sum, size_t rows, size_t cols, size_t left, size_t j, const float *x,
                    const float *centre, float *sum, float *squares)
{
    vec s[WIDE], q[WIDE], middle[WIDE];
    for (int k = 0; k < wide; k++) {
        s[k] = q[k] = vec_zero();
        middle[k] = load_or(centre, j + (size_t)k * LANES, left, 0);
    }
    for (size_t r = 0; r < rows; r++)
        for (int k = 0; k < wide; k++) {
            const vec d = vec_sub(row_load(x + r * cols + j + (size_t)k * LANES, left, 0), middle[k]);
            q[k] = vec_fma(d, d, q[k]);
            if (with_sum)
                s[k] = vec_add(s[k], d);
        }
    for (int k = 0; k < wide; k++) {
        row_add(squares + j + (size_t)k * LANES, left, q[k]);
        if (with_sum)
            row_add(sum + j + (size_t)k * LANES, left, s[k]);
    }
}

INLINE void all_moments(int with_sum, size_t rows, size_t cols, const float *x, const float *centre, float *sum,
                        float *squares)
{
    size_t j = 0;
    for (; j + WIDE * LANES <= cols; j += WIDE * LANES)
        moments(WIDE, with_sum, rows, cols, LANES, j, x, centre, sum, squares);
    for (; j < cols; j += LANES)
        moments(1, with_sum, rows, cols, cols - j, j, x, centre, sum, squares);
}

void K(channel_moments)(size_t rows, size_t cols, const float *x, const float *centre, float *sum, float *squares)
{
    if (sum)
        all_moments(1, rows, cols, x, centre, sum, squares);
    else
        all_moments(0, rows, cols, x, centre, sum, squares);
}

struct map {
    vec centre, factor, shift;
};

INLINE struct map load_map(size_t j, size_t left, const float *centre, const float *factor, const float *shift)
{
    const struct map m = {load_or(centre, j, left, 0), row_load(factor + j, left, 0), row_load(shift + j, left, 0)};
    return m;
}

void K(channel_map)(size_t rows, size_t cols, int relu, const float *x, const float *centre, const float *factor,
                    const float *shift, float *y)
{
    for (size_t j = 0; j < cols; j += LANES) {
        const size_t left = cols - j;
        const struct map m = load_map(j, left, centre, factor, shift);
        const vec least = vec_set1(relu ? 0 : -INFINITY);
        for (size_t r = 0; r < rows; r++) {
            const vec d = vec_sub(row_load(x + r * cols + j, left, 0), m.centre);
            row_store(y + r * cols + j, left, vec_max(least, vec_fma(d, m.factor, m.shift))); /* NaN stays */
        }
    }
}

/* dy where the map's value is above `least`: 0 with relu, else anything. */
INLINE vec gradient(int relu, struct map m, vec d, vec dy)
{
    return relu ? vec_select(vec_lt(vec_zero(), vec_fma(d, m.factor, m.shift)), dy, vec_zero()) : dy;
}

INLINE void sums(int wide, int relu, size_t rows, size_t cols, size_t left, size_t j, const float *x,
                 const float *centre, const float *factor, const float *shift, const float *dy, float *sum,
                 float *product)
{
    vec s[WIDE], p[WIDE];
    struct map m[WIDE];
    for (int k = 0; k < wide; k++) {
        s[k] = p[k] = vec_zero();
        m[k] = load_map(j + (size_t)k * LANES, left, centre, factor, shift);
    }
    for (size_t r = 0; r < rows; r++)
        for (int k = 0; k < wide; k++) {
            const size_t at = r * cols + j + (size_t)k * LANES;
            const vec d = vec_sub(row_load(x + at, left, 0), m[k].centre);
            const vec g = gradient(relu, m[k], d, row_load(dy + at, left, 0));
            s[k] = vec_add(s[k], g);
            p[k] = vec_fma(g, d, p[k]);
        }
    for (int k = 0; k < wide; k++) {
        row_add(sum + j + (size_t)k * LANES, left, s[k]);
        row_add(product + j + (size_t)k * LANES, left, p[k]);
    }
}

INLINE void all_sums(int relu, size_t rows, size_t cols, const float *x, const float *centre, const float *factor,
                     const float *shift, const float *dy, float *sum, float *product)
{
    enum { PAIR = 2 };
    size_t j = 0;
    for (; j + PAIR * LANES <= cols; j += PAIR * LANES)
        sums(PAIR, relu, rows, cols, LANES, j, x, centre, factor, shift, dy, sum, product);
    for (; j < cols; j += LANES)
        sums(1, relu, rows, cols, cols - j, j, x, centre, factor, shift, dy, sum, product);
}

void K(channel_sums)(size_t rows, size_t cols, int relu, const float *x, const float *centre, const float *factor,
                     const float *shift, const float *dy, float *sum, float *product)
{
    if (relu)
        all_sums(1, rows, cols, x, centre, factor, shift, dy, sum, product);
    else
        all_sums(0, rows, cols, x, centre, factor, shift, dy, sum, product);
}

void K(channel_map_backward)(size_t rows, size_t cols, int relu, const float *x, const float *centre,
                             const float *factor, const float *shift, const float *dy, const float *slope,
                             const float *constant, float *dx)
{
    for (size_t j = 0; j < cols; j += LANES) {
        const size_t left = cols - j;
        const struct map m = load_map(j, left, centre, factor, shift);
        const vec s = row_load(slope + j, left, 0), c = row_load(constant + j, left, 0);
        for (size_t at = j; at < rows * cols; at += cols) {
            const vec d = vec_sub(row_load(x + at, left, 0), m.centre);
            const vec g = dy ? gradient(relu, m, d, row_load(dy + at, left, 0)) : vec_zero();
            const vec change = vec_sub(vec_fnma(d, s, vec_mul(g, m.factor)), c);
            row_store(dx + at, left, vec_add(row_load(dx + at, left, 0), change));
        }
    }
}
