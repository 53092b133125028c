/* d_j = |x - y_j| of one point against n, the points transposed: coordinate k of y_j is y[k stride + j].
 * Each d_j is one fma chain over k ascending, so its bits depend on nothing else; four vectors of points at a time
 * share the load of x[k] and hide the latency of the chain. */
#include "kernel.h"

enum { GROUP = 4 };

void K(point_distance)(size_t n, size_t dim, size_t stride, const float *x, const float *y, float *d)
{
    size_t j = 0;
    for (; j + GROUP * LANES <= n; j += GROUP * LANES) {
        vec square[GROUP] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
        for (size_t k = 0; k < dim; k++) {
            vec at = vec_set1(x[k]);
            for (int g = 0; g < GROUP; g++) {
                vec step = vec_sub(at, vec_load(y + k * stride + j + (size_t)g * LANES));
                square[g] = vec_fma(step, step, square[g]);
            }
        }
        for (int g = 0; g < GROUP; g++)
            vec_store(d + j + (size_t)g * LANES, vec_sqrt(square[g]));
    }
    for (; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec square = vec_zero();
        for (size_t k = 0; k < dim; k++) {
            vec step = vec_sub(vec_set1(x[k]), vec_load_n(y + k * stride + j, left, 0));
            square = vec_fma(step, step, square);
        }
        vec_store_n(d + j, left, vec_sqrt(square));
    }
}
