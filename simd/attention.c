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

void K(attention_weights)(size_t keys, size_t queries, size_t stride, float scale, float *top, float *sum,
                          float *factor, float *s)
{
    const vec times = vec_set1(scale);
    for (size_t i = 0; i < queries; i += LANES) {
        const size_t left = queries - i;
        vec largest = vec_set1(-INFINITY), total = vec_zero();
        for (size_t j = 0; j < keys; j++)
            largest = vec_max(row_load(s + j * stride + i, left, -INFINITY), largest);
        const vec before = row_load(top + i, left, 0), most = vec_max(vec_mul(largest, times), before);
        const vec shift = vec_select(vec_lt(vec_set1(-INFINITY), most), most, vec_zero()), minus = vec_neg(shift);
        for (size_t j = 0; j < keys; j++) {
            float *at = s + j * stride + i;
            const vec e = vec_exp_neg(vec_fma(row_load(at, left, 0), times, minus));
            total = vec_add(total, e);
            row_store(at, left, e);
        }
        const vec shrunk = vec_exp_neg(vec_sub(before, shift));
        row_store(factor + i, left, shrunk);
        row_store(sum + i, left, vec_fma(row_load(sum + i, left, 0), shrunk, total));
        row_store(top + i, left, most);
    }
}

void K(attention_score_gradient)(size_t keys, size_t queries, size_t stride, float scale, const float *log_sum,
                                 const float *mean, float *s, float *g)
{
    const vec times = vec_set1(scale);
    for (size_t j = 0; j < keys; j++, s += stride, g += stride)
        for (size_t i = 0; i < queries; i += LANES) {
            const size_t left = queries - i;
            const vec x = vec_fma(row_load(s + i, left, 0), times, vec_neg(row_load(log_sum + i, left, 0)));
            const vec p = vec_exp_neg(x), change = vec_sub(row_load(g + i, left, 0), row_load(mean + i, left, 0));
            row_store(s + i, left, p);
            row_store(g + i, left, vec_mul(vec_mul(p, times), change));
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
