/* A row of a separable resize: y_c (+)= sum over i of w_i x[i stride + c]. */
#include "kernel.h"

void K(weighted_rows)(size_t rows, size_t cols, size_t stride, const real *w, const real *x, int accumulate, real *y)
{
    for (size_t c = 0; c < cols; c++) {
        real sum = accumulate ? y[c] : 0;
        for (size_t i = 0; i < rows; i++)
            sum += w[i] * x[i * stride + c];
        y[c] = sum;
    }
}
