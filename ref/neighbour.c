/* d_j = |x - y_j| of one point against n, the points transposed: coordinate k of y_j is y[k stride + j]. */
#include "kernel.h"

void K(point_distance)(size_t n, size_t dim, size_t stride, const real *x, const real *y, real *d)
{
    for (size_t j = 0; j < n; j++) {
        real square = 0;
        for (size_t k = 0; k < dim; k++) {
            real step = x[k] - y[k * stride + j];
            square += step * step;
        }
        d[j] = sqrt(square);
    }
}
