/* The steps of attention on tiles of scores, and the rotary embedding: formulas in ref/attention.c. */
#include "kernel.h"

#include "math.h"
#include "row.h"

void K(rope)(size_t rows, size_t half, int accumulate, const float *cosine, const float *sine, const float *x, float *y)
{
    for (; rows; rows--, x += 2 * half, y += 2 * half)
        for (size_t i = 0; i < half; i += LANES) {
            const size_t left = half - i;
            const vec c = row_load(cosine + i, left, 1), s = row_load(sine + i, left, 0);
            const vec a = row_load(x + i, left, 0), b = row_load(x + half + i, left, 0);
            vec re = vec_fnma(b, s, vec_mul(a, c)), im = vec_fma(a, s, vec_mul(b, c));
            if (accumulate) {
                re = vec_add(row_load(y + i, left, 0), re);
                im = vec_add(row_load(y + half + i, left, 0), im);
            }
            row_store(y + i, left, re);
            row_store(y + half + i, left, im);
        }
}

void K(attention_weights)(size_t rows, size_t cols, size_t stride, float scale, float *top, float *sum, float *factor,
                          float *s)
{
    const vec times = vec_set1(scale);
    for (size_t i = 0; i < rows; i++, s += stride) {
        vec largest = vec_set1(-INFINITY), total = vec_zero();
        for (size_t j = 0; j < cols; j += LANES)
            largest = vec_max(row_load(s + j, cols - j, -INFINITY), largest);
        const float here = scale * vec_reduce_max(largest), most = here > top[i] ? here : top[i];
        const vec shift = vec_set1(most > -INFINITY ? -most : 0);
        for (size_t j = 0; j < cols; j += LANES) {
            const vec e = vec_exp_neg(vec_fma(row_load(s + j, cols - j, -INFINITY), times, shift));
            total = vec_add(total, e);
            row_store(s + j, cols - j, e);
        }
        float shrunk[LANES];
        vec_store(shrunk, vec_exp_neg(vec_add(vec_set1(top[i]), shift)));
        factor[i] = shrunk[0];
        sum[i] = fmaf(sum[i], factor[i], vec_reduce_add(total));
        top[i] = most;
    }
}

void K(attention_score_gradient)(size_t rows, size_t cols, size_t stride, float scale, const float *log_sum,
                                 const float *mean, float *s, float *g)
{
    const vec times = vec_set1(scale);
    for (size_t i = 0; i < rows; i++, s += stride, g += stride) {
        const vec shift = vec_set1(-log_sum[i]), middle = vec_set1(mean[i]);
        for (size_t j = 0; j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec p = vec_exp_neg(vec_fma(row_load(s + j, left, 0), times, shift));
            row_store(s + j, left, p);
            row_store(g + j, left, vec_mul(vec_mul(p, times), vec_sub(row_load(g + j, left, 0), middle)));
        }
    }
}

void K(row_dot)(size_t rows, size_t cols, size_t stride, const float *x, const float *y, float *dot)
{
    for (size_t i = 0; i < rows; i++, x += stride, y += stride) {
        vec sum = vec_zero();
        for (size_t j = 0; j < cols; j += LANES)
            sum = vec_fma(row_load(x + j, cols - j, 0), row_load(y + j, cols - j, 0), sum);
        dot[i] = vec_reduce_add(sum);
    }
}
