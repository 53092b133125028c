/* softmax of rows: see ref/softmax.c. A row is read three times, from the first-level cache but for the first. */
#include "kernel.h"

#include "math.h"
#include "row.h"

void K(softmax)(size_t rows, size_t cols, const float *x, float *y)
{
    for (; rows; rows--, x += cols, y += cols) {
        vec top = vec_set1(-INFINITY), sum = vec_zero();
        for (size_t j = 0; j < cols; j += LANES)
            top = vec_max(row_load(x + j, cols - j, -INFINITY), top);
        top = vec_set1(vec_reduce_max(top));
        for (size_t j = 0; j < cols; j += LANES) {
            const vec e = vec_exp_neg(vec_sub(row_load(x + j, cols - j, -INFINITY), top));
            sum = vec_add(sum, e);
            row_store(y + j, cols - j, e);
        }
        const vec scale = vec_set1(1 / vec_reduce_add(sum));
        for (size_t j = 0; j < cols; j += LANES)
            row_store(y + j, cols - j, vec_mul(row_load(y + j, cols - j, 0), scale));
    }
}

void K(softmax_backward)(size_t rows, size_t cols, const float *y, const float *dy, float *dx)
{
    for (; rows; rows--, y += cols, dy += cols, dx += cols) {
        vec dot = vec_zero();
        for (size_t j = 0; j < cols; j += LANES)
            dot = vec_fma(row_load(dy + j, cols - j, 0), row_load(y + j, cols - j, 0), dot);
        dot = vec_set1(vec_reduce_add(dot));
        for (size_t j = 0; j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec change = vec_sub(row_load(dy + j, left, 0), dot);
            row_store(dx + j, left, vec_fma(row_load(y + j, left, 0), change, row_load(dx + j, left, 0)));
        }
    }
}
