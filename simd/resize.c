/* A row of a separable resize: see ref/resize.c. One chain of fma a column. */
#include "kernel.h"

#include "row.h"

void K(weighted_rows)(size_t rows, size_t cols, size_t stride, const float *w, const float *x, int accumulate, float *y)
{
    for (size_t c = 0; c < cols; c += LANES) {
        vec sum = accumulate ? row_load(y + c, cols - c, 0) : vec_zero();
        for (size_t i = 0; i < rows; i++)
            sum = vec_fma(vec_set1(w[i]), row_load(x + i * stride + c, cols - c, 0), sum);
        row_store(y + c, cols - c, sum);
    }
}
