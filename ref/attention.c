/* The steps of attention. For one head of one sample, with scores s_ij = scale q_i . k_j taken a tile at a time:
 *
 *   y_i = sum_j p_ij v_j,   p_ij = e^(s_ij - l_i),   l_i = log sum_j e^(s_ij)
 *
 * Forward does not know l_i before it has seen all keys, so it keeps m_i, the largest score so far, and sums relative
 * to it; where a later tile has a larger score, what was summed before shrinks by e^(old m_i - new m_i). Backward, with
 * g_ij = dy_i . v_j, the gradient of p_ij:
 *
 *   dp_ij / ds_ij' = p_ij ([j = j'] - p_ij'), so ds_ij = p_ij (g_ij - sum_j' p_ij' g_ij')
 *   sum_j' p_ij' g_ij' = dy_i . sum_j' p_ij' v_j' = dy_i . y_i: no row of the tile is needed whole. */
#include "kernel.h"

#include "base/real.h"

/* The two halves of a head are the real and imaginary parts of `half` complex numbers, each turned by its angle. */
void K(rope)(size_t rows, size_t half, int accumulate, const real *cosine, const real *sine, const real *x, real *y)
{
    for (; rows; rows--, x += 2 * half, y += 2 * half)
        for (size_t i = 0; i < half; i++) {
            const real a = x[i], b = x[i + half];
            y[i] = (accumulate ? y[i] : 0) + (a * cosine[i] - b * sine[i]);
            y[i + half] = (accumulate ? y[i + half] : 0) + (b * cosine[i] + a * sine[i]);
        }
}

/* A query whose scores are all -Inf so far has no weight, and none yet of its sum. NaN and +Inf make it NaN. */
void K(attention_weights)(size_t keys, size_t queries, size_t stride, real scale, real *top, real *sum, real *factor,
                          real *s)
{
    for (size_t i = 0; i < queries; i++, s++) {
        real most = top[i], total = 0;
        for (size_t j = 0; j < keys; j++)
            most = scale * s[j * stride] > most ? scale * s[j * stride] : most;
        const real shift = most > -INFINITY ? most : 0;
        for (size_t j = 0; j < keys; j++) {
            s[j * stride] = (real)drift_exp(scale * s[j * stride] - shift);
            total += s[j * stride];
        }
        factor[i] = (real)drift_exp(top[i] - shift);
        sum[i] = sum[i] * factor[i] + total;
        top[i] = most;
    }
}

void K(attention_score_gradient)(size_t keys, size_t queries, size_t stride, real scale, const real *log_sum,
                                 const real *mean, real *s, real *g)
{
    for (size_t j = 0; j < keys; j++, s += stride, g += stride)
        for (size_t i = 0; i < queries; i++) {
            s[i] = (real)drift_exp(scale * s[i] - log_sum[i]);
            g[i] = scale * s[i] * (g[i] - mean[i]);
        }
}

void K(row_dot)(size_t rows, size_t cols, size_t stride, const real *x, const real *y, real *dot)
{
    for (size_t i = 0; i < rows; i++, x += stride, y += stride) {
        dot[i] = 0;
        for (size_t j = 0; j < cols; j++)
            dot[i] += x[j] * y[j];
    }
}
