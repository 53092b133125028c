/* The joint form, a block of pairs at a time: a pair of two generated samples serves the sums of both. Points are
 * transposed: coordinate k of y_j is y[k stride + j]. */
#include "kernel.h"

#include "base/real.h"

static real distance(size_t dim, const real *x, size_t x_stride, const real *y, size_t stride)
{
    real square = 0;
    for (size_t k = 0; k < dim; k++) {
        real step = y[k * stride] - x[k * x_stride];
        square += step * step;
    }
    return sqrt(square);
}

static real smaller(real a, real b) { return a < b ? a : b; }

/* Row and column sums of K = exp(-|x_i - y_j| / tau). With below >= 0 or so the pairs are the upper triangle of a
 * symmetric block, each taken once for both of its sums. */
void K(pair_sums)(size_t rows, size_t n, size_t dim, size_t x_stride, size_t stride, ptrdiff_t below, real inv_tau,
                  const real *x, const real *y, real *row_sum, real *column_sum)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++)
            if ((ptrdiff_t)j > (ptrdiff_t)i + below) {
                real k = (real)drift_exp(-distance(dim, x + i, x_stride, y + j, stride) * inv_tau);
                row_sum[i] += k;
                column_sum[j] += k;
            }
}

/* sum_j A_ij and sum_j A_ij (y_j - x_i), the factor of row i left out: A_ij = K min(a_i c_j, 1/sqrt(floor)). */
void K(pair_moments)(size_t rows, size_t n, size_t dim, size_t x_stride, size_t stride, ptrdiff_t below, real inv_tau,
                     const real *x, const real *y, const real *r, const real *row_cap, const real *c, const real *cap,
                     real *row_moment, real *column_moment)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++)
            if ((ptrdiff_t)j > (ptrdiff_t)i + below) {
                real kernel = (real)drift_exp(-distance(dim, x + i, x_stride, y + j, stride) * inv_tau);
                real t = kernel * (row_cap ? smaller(c[j], row_cap[i]) : c[j]);
                row_moment[i] += t;
                for (size_t k = 0; k < dim; k++)
                    row_moment[(1 + k) * x_stride + i] += t * (y[k * stride + j] - x[k * x_stride + i]);
                if (!column_moment)
                    continue;
                real u = kernel * (cap ? smaller(r[i], cap[j]) : r[i]);
                column_moment[j] += u;
                for (size_t k = 0; k < dim; k++)
                    column_moment[(1 + k) * stride + j] += u * (x[k * x_stride + i] - y[k * stride + j]);
            }
}
