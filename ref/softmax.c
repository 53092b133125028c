/* y_j = e^(x_j - m) / sum_k e^(x_k - m), m = max x: the rows of y [rows, cols] sum to 1.
 *
 * A row with a NaN or +Inf, and a row of -Inf alone, has no softmax: NaN, as the formula gives (where rows can be
 * masked entirely, the caller leaves them out). Otherwise -Inf gives exactly 0. The vector form may give 0 where the
 * true value is below 2^-126. */
#include "kernel.h"

#include "base/real.h"

void K(softmax)(size_t rows, size_t cols, const real *x, real *y)
{
    for (; rows; rows--, x += cols, y += cols) {
        real top = -INFINITY, sum = 0;
        for (size_t j = 0; j < cols; j++)
            top = x[j] > top ? x[j] : top;
        for (size_t j = 0; j < cols; j++) {
            y[j] = (real)drift_exp(x[j] - top);
            sum += y[j];
        }
        for (size_t j = 0; j < cols; j++)
            y[j] /= sum;
    }
}

/* dy_k / dx_j = y_k (1[j = k] - y_j), so dx_j = sum_k dy_k y_k (1[j = k] - y_j) = y_j (dy_j - sum_k dy_k y_k). */
void K(softmax_backward)(size_t rows, size_t cols, const real *y, const real *dy, real *dx)
{
    for (; rows; rows--, y += cols, dy += cols, dx += cols) {
        real dot = 0;
        for (size_t j = 0; j < cols; j++)
            dot += dy[j] * y[j];
        for (size_t j = 0; j < cols; j++)
            dx[j] += y[j] * (dy[j] - dot);
    }
}
