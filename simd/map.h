/* Loops over arrays of n for kernels that treat each element alone: y[i] = f(x[i]) with f on sixteen lanes, the ragged
 * end included. f is a constant where these are called, so the compiler puts its body into the loop. */
#ifndef DRIFT_SIMD_MAP_H
#define DRIFT_SIMD_MAP_H

#include "vec.h"

#define MAP static inline __attribute__((always_inline, unused)) void

typedef vec (*vec_unary)(vec x);

/* y = f(x) */
MAP map_unary(size_t n, const float *x, float *y, vec_unary f)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, f(vec_load(x + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    if (left)
        vec_store_n(y + i, left, f(vec_load_n(x + i, left, 1)));
}

/* dx += dy f(x): the chain rule, with f the derivative */
MAP map_backward(size_t n, const float *x, const float *dy, float *dx, vec_unary f)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(dx + i, vec_fma(vec_load(dy + i), f(vec_load(x + i)), vec_load(dx + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    if (left)
        vec_store_n(dx + i, left,
                    vec_fma(vec_load_n(dy + i, left, 0), f(vec_load_n(x + i, left, 1)), vec_load_n(dx + i, left, 0)));
}

#endif
