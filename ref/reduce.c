/* A row of numbers to one number. x is [rows, cols], y and dy are [rows]; dx += dy dy/dx.
 *
 *   row_sum            sum of x_j            dx_j = dy
 *   row_mean           the same / cols       dx_j = dy / cols
 *   row_max            largest x_j           dx_j = dy for the first largest element, 0 for the others
 *   row_log_sum_exp    log sum e^x_j         dx_j = dy e^(x_j - y)
 *
 * An empty row has sum 0, mean NaN, max and log-sum-exp -Inf. A NaN in the row makes the result NaN, and then row_max
 * passes on no gradient. A row of -Inf has log-sum-exp -Inf, and by the formula a NaN gradient. */
#include "kernel.h"

#include "base/real.h"

void K(row_sum)(size_t rows, size_t cols, const real *x, real *y)
{
    for (size_t i = 0; i < rows; i++) {
        real sum = 0;
        for (size_t j = 0; j < cols; j++)
            sum += x[i * cols + j];
        y[i] = sum;
    }
}

void K(row_sum_backward)(size_t rows, size_t cols, const real *dy, real *dx)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            dx[i * cols + j] += dy[i];
}

void K(row_mean)(size_t rows, size_t cols, const real *x, real *y)
{
    K(row_sum)(rows, cols, x, y);
    for (size_t i = 0; i < rows; i++)
        y[i] /= (real)cols;
}

void K(row_mean_backward)(size_t rows, size_t cols, const real *dy, real *dx)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            dx[i * cols + j] += dy[i] / (real)cols;
}

void K(row_max)(size_t rows, size_t cols, const real *x, real *y)
{
    for (size_t i = 0; i < rows; i++) {
        real top = -INFINITY;
        for (size_t j = 0; j < cols; j++)
            if (x[i * cols + j] > top || isnan(x[i * cols + j]))
                top = x[i * cols + j]; /* once NaN, top stays so */
        y[i] = top;
    }
}

void K(row_max_backward)(size_t rows, size_t cols, const real *x, const real *y, const real *dy, real *dx)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            if (x[i * cols + j] == y[i]) {
                dx[i * cols + j] += dy[i];
                break;
            }
}

/* The largest element is taken out of the exponentials, so that none overflows and one of them is 1. */
void K(row_log_sum_exp)(size_t rows, size_t cols, const real *x, real *y)
{
    K(row_max)(rows, cols, x, y);
    for (size_t i = 0; i < rows; i++) {
        const real top = isfinite(y[i]) ? y[i] : 0;
        real sum = 0;
        for (size_t j = 0; j < cols; j++)
            sum += (real)drift_exp(x[i * cols + j] - top);
        y[i] = top + (real)drift_log(sum);
    }
}

void K(row_log_sum_exp_backward)(size_t rows, size_t cols, const real *x, const real *y, const real *dy, real *dx)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            dx[i * cols + j] += dy[i] * (real)drift_exp(x[i * cols + j] - y[i]);
}
