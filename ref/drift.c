/* The drifting field, step by step, for one generated sample x against n columns y_j (transposed: coordinate k of y_j
 * is y[k stride + j]). How the three forms are put together from these steps: src/cpu/drift.c and docs/ops/drift.md. */
#include "kernel.h"

#include "base/real.h"

/* K_j = exp(shift - d_j / tau), the kernel of the paper */
static real kernel(real rate, real shift, real distance) { return (real)drift_exp((double)(shift - rate * distance)); }

/* joint form: sums of K over a row and, row by row, over the columns */
void K(field_sums)(size_t n, real rate, real shift, const real *distances, real *column, real *row)
{
    *row = 0;
    for (size_t j = 0; j < n; j++) {
        real k = kernel(rate, shift, distances[j]);
        *row += k;
        if (column)
            column[j] += k;
    }
}

/* A_ij = K_ij / sqrt(rowsum_i colsum_j): a = 1 / sqrt(rowsum), c_j = 1 / sqrt(colsum) */
void K(field_weights)(size_t n, real rate, real shift, real a, real most, real least, const real *distances,
                      const real *c, const real *weight, real *w, real *row)
{
    *row = 0;
    for (size_t j = 0; j < n; j++) {
        real scale = a * c[j], affinity = kernel(rate, shift, distances[j]) * (scale < most ? scale : most);
        affinity = least > affinity ? least : affinity;
        w[j] = weight ? affinity * weight[j] : affinity;
        *row += w[j];
    }
}

void K(field_nearest)(size_t n, const real *distances, real *column, real *row)
{
    *row = R(INFINITY);
    for (size_t j = 0; j < n; j++) {
        *row = *row < distances[j] ? *row : distances[j];
        if (column)
            column[j] = column[j] < distances[j] ? column[j] : distances[j];
    }
}

void K(field_log_sums)(size_t n, real rate, real nearest, const real *distances, const real *column_nearest,
                       real *column, real *row)
{
    *row = 0;
    for (size_t j = 0; j < n; j++) {
        if (distances[j] == R(INFINITY))
            continue;
        *row += (real)drift_exp((double)(rate * (nearest - distances[j])));
        if (column)
            column[j] += (real)drift_exp((double)(rate * (column_nearest[j] - distances[j])));
    }
}

/* log A_ij = -d_ij / tau - (L_i + C_j) / 2, L and C the log of row and column sum */
void K(field_log_weights)(size_t n, real rate, real l, real least, const real *distances, const real *column,
                          const real *weight, real *w, real *row)
{
    *row = 0;
    for (size_t j = 0; j < n; j++) {
        real affinity = 0;
        if (distances[j] != R(INFINITY))
            affinity = (real)drift_exp((double)(-rate * distances[j] - R(0.5) * (l + column[j])));
        affinity = least > affinity ? least : affinity;
        w[j] = weight ? affinity * weight[j] : affinity;
        *row += w[j];
    }
}

/* weights of one side over the largest: in the exact form the softmax before its division by the sum, in the joint form
 * A where that would under-flow */
void K(field_softmax)(size_t n, real rate, const real *distances, const real *log_weight, real *w, real *top, real *row)
{
    *top = R(-INFINITY);
    for (size_t j = 0; j < n; j++) {
        w[j] = (log_weight ? log_weight[j] : 0) - rate * distances[j];
        *top = w[j] > *top || w[j] != w[j] ? w[j] : *top;
    }
    *row = 0;
    for (size_t j = 0; j < n; j++) {
        w[j] = w[j] == R(-INFINITY) ? 0 : (real)drift_exp((double)(w[j] - *top));
        *row += w[j];
    }
}

/* sum_j w_j (y_j - x): differences, because the coefficients of x cancel */
void K(field_force)(size_t n, size_t dim, size_t stride, const real *x, const real *y, const real *w, real *force)
{
    for (size_t k = 0; k < dim; k++) {
        force[k] = 0;
        for (size_t j = 0; j < n; j++)
            force[k] += w[j] * (y[k * stride + j] - x[k]);
    }
}

void K(field_coefficients)(size_t split, size_t n, real first, real second, real *w, real *row)
{
    *row = 0;
    for (size_t j = 0; j < n; j++) {
        w[j] *= j < split ? first : second;
        *row += w[j];
    }
}

/* normalized form: V = sum over tau of F / sqrt(mean F^2), the factors given */
void K(field_total)(size_t n, size_t taus, size_t stride, const real *factor, const real *f, real *v, real *square)
{
    *square = 0;
    for (size_t k = 0; k < n; k++) {
        real sum = 0;
        for (size_t t = 0; t < taus; t++)
            sum += factor[t] * f[t * stride + k];
        v[k] = sum;
        *square += sum * sum;
    }
}

/* samples with their mean taken off (shift is minus the mean), a column each, and their squared norms */
void K(field_centre_across)(size_t rows, size_t dim, size_t x_row, const real *x, const real *shift, size_t stride,
                            real *y, real *norm)
{
    for (size_t j = 0; j < rows; j++)
        for (size_t k = 0; k < dim; k++) {
            const real centred = x[j * x_row + k] + shift[k];
            y[k * stride + j] = centred;
            norm[j] += centred * centred;
        }
}

/* the same as rows, cut into panels of 32 dimensions */
void K(field_centre_along)(size_t rows, size_t dim, size_t x_row, const real *x, const real *shift, size_t panel,
                           real *y)
{
    enum { WIDTH = DRIFT_GEMM_PANEL };
    for (size_t j = 0; j < rows; j++)
        for (size_t k = 0; k < (dim + WIDTH - 1) / WIDTH * WIDTH; k++)
            y[k / WIDTH * panel + j * WIDTH + k % WIDTH] = k < dim ? x[j * x_row + k] + shift[k] : 0;
}

/* |x - y|^2 = |x|^2 + |y|^2 - 2 x.y, not below 1e-8 */
void K(field_expand)(size_t n, real norm, const real *norms, const real *products, real *distances, real *cancelled)
{
    *cancelled = 0;
    for (size_t j = 0; j < n; j++) {
        real sum = norm + norms[j], square = sum - 2 * products[j];
        *cancelled += square < sum / 16;
        distances[j] = (real)sqrt(square < R(1e-8) ? R(1e-8) : square);
    }
}

void K(field_square)(size_t n, const real *x, const real *y, real *square)
{
    *square = 0;
    for (size_t k = 0; k < n; k++) {
        real step = y ? x[k] - y[k] : x[k];
        *square += step * step;
    }
}

void K(field_dot)(size_t rows, size_t n, const real *a, size_t a_row, const real *b, size_t b_row, real *sum)
{
    *sum = 0;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++)
            *sum += a[i * a_row + j] * b[i * b_row + j];
}
