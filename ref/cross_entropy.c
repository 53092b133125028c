/* y_i = -log softmax(x_i)[label_i] = log(sum_k e^(x_ik - m)) + (m - x_i,label), m = max x_i; x is [rows, cols].
 *
 * A label outside 0 .. cols - 1 has no loss: NaN. So has a row with a NaN or +Inf, and a row of -Inf alone. */
#include "kernel.h"

#include "base/real.h"

/* The largest of a row, and sum_k e^(x_k - largest). */
static real top_and_sum(size_t cols, const real *x, real *sum)
{
    real top = -INFINITY;
    for (size_t j = 0; j < cols; j++)
        top = x[j] > top ? x[j] : top;
    *sum = 0;
    for (size_t j = 0; j < cols; j++)
        *sum += (real)drift_exp(x[j] - top);
    return top;
}

void K(cross_entropy)(size_t rows, size_t cols, const real *x, const int32_t *labels, real *y)
{
    for (size_t i = 0; i < rows; i++, x += cols) {
        const size_t label = (size_t)labels[i]; /* a negative one becomes large */
        real sum, top = top_and_sum(cols, x, &sum);
        y[i] = label < cols ? (real)drift_log(sum) + (top - x[label]) : (real)NAN;
    }
}

/* dy_i / dx_ij = softmax(x_i)_j - [j = label_i] */
void K(cross_entropy_backward)(size_t rows, size_t cols, const real *x, const int32_t *labels, const real *dy, real *dx)
{
    for (size_t i = 0; i < rows; i++, x += cols, dx += cols) {
        const size_t label = (size_t)labels[i];
        const real d = label < cols ? dy[i] : (real)NAN;
        real sum, top = top_and_sum(cols, x, &sum);
        for (size_t j = 0; j < cols; j++)
            dx[j] += d * ((real)drift_exp(x[j] - top) / sum - (real)(j == label));
    }
}
