/* cross-entropy of rows: see ref/cross_entropy.c. */
#include "kernel.h"

#include "math.h"
#include "row.h"

/* The largest of a row, and sum_k e^(x_k - largest). */
static float top_and_sum(size_t cols, const float *x, float *sum)
{
    vec top = vec_set1(-INFINITY), total = vec_zero();
    for (size_t j = 0; j < cols; j += LANES)
        top = vec_max(row_load(x + j, cols - j, -INFINITY), top);
    const float most = vec_reduce_max(top);
    top = vec_set1(most);
    for (size_t j = 0; j < cols; j += LANES)
        total = vec_add(total, vec_exp_neg(vec_sub(row_load(x + j, cols - j, -INFINITY), top)));
    *sum = vec_reduce_add(total);
    return most;
}

void K(cross_entropy)(size_t rows, size_t cols, const float *x, const int32_t *labels, float *y)
{
    for (size_t i = 0; i < rows; i++, x += cols) {
        const size_t label = (size_t)labels[i];
        float sum, log_sum[LANES];
        const float top = top_and_sum(cols, x, &sum);
        vec_store(log_sum, vec_log(vec_set1(sum)));
        y[i] = label < cols ? log_sum[0] + (top - x[label]) : NAN;
    }
}

void K(cross_entropy_backward)(size_t rows, size_t cols, const float *x, const int32_t *labels, const float *dy,
                               float *dx)
{
    for (size_t i = 0; i < rows; i++, x += cols, dx += cols) {
        const size_t label = (size_t)labels[i];
        float sum;
        const vec top = vec_set1(top_and_sum(cols, x, &sum)), scale = vec_set1(1 / sum);
        const vec d = vec_set1(label < cols ? dy[i] : NAN);
        for (size_t j = 0; j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec e = vec_exp_neg(vec_sub(row_load(x + j, left, -INFINITY), top));
            const vmask own = veci_eq(veci_iota(), veci_set1((int32_t)(label - j)));
            const vec change = vec_fma(e, scale, vec_select(own, vec_set1(-1), vec_zero()));
            row_store(dx + j, left, vec_fma(d, change, row_load(dx + j, left, 0)));
        }
    }
}
