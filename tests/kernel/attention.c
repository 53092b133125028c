/* Checks of simd/attention.c. Scales follow the formulas of ref/attention.c with every term's size. An exponent is
 * rounded before it is raised, so a weight e^x has the error of x; below 2^-126 it may be 0. */
#include <math.h>

#include "base/real.h"
#include "check.h"

void drift_check_rope(struct check *c)
{
    while (check_round(c)) {
        const size_t half = check_size(c, 300, 32), rows = check_size(c, half > 60 ? 7 : 33, 24);
        const int accumulate = check_timing(c) ? 0 : check_int(c, 0, 1), in_place = !accumulate && check_int(c, 0, 1);
        struct check_array *cosine = check_in(c, half, -1, 1), *sine = check_in(c, half, -1, 1);
        struct check_array *x =
            in_place ? check_inplace(c, 2 * rows * half, -4, 4) : check_in(c, 2 * rows * half, -4, 4);
        struct check_array *y = in_place     ? x
                                : accumulate ? check_added(c, 2 * rows * half, -4, 4)
                                             : check_out(c, 2 * rows * half);
        for (size_t i = 0; i < rows * half; i++) {
            const size_t j = i % half, at = i / half * 2 * half + j;
            const double u = fabs((double)cosine->x[j]), v = fabs((double)sine->x[j]), a = fabs((double)x->x[at]),
                         b = fabs((double)x->x[at + half]);
            check_scale(y)[at] = a * u + b * v;
            check_scale(y)[at + half] = b * u + a * v;
        }
        CHECK(c, rope, rows, half, accumulate, cosine->p, sine->p, x->p, y->p);
    }
}

struct tile {
    size_t rows, cols, stride;
    float scale;
};

static struct tile draw(struct check *c)
{
    struct tile t = {.cols = check_size(c, 1009, 272)};
    t.rows = check_size(c, t.cols > 300 ? 3 : 33, 272);
    t.stride = t.cols + (size_t)check_int(c, 0, 3);
    t.scale = check_int(c, 0, 1) ? 0.125f : check_float(c, 0.05f, 2);
    if (check_wild(c))
        check_bits_only(c); /* sums overflow, and infinite scores are a matter of rounding */
    return t;
}

/* The scales of one row of attention_weights. Every exponent has the error of its two terms, eight times less than the
 * bound allows. */
static void scale_weights(const struct tile *t, const float *s, double top, double sum, double *scale,
                          double *scale_top, double *scale_sum, double *scale_factor)
{
    double most = top, total = 0;
    for (size_t j = 0; j < t->cols; j++)
        most = fmax(most, (double)t->scale * s[j]);
    const double shift = most > -INFINITY ? most : 0;
    for (size_t j = 0; j < t->cols; j++) {
        const double x = (double)t->scale * s[j] - shift;
        scale[j] = (x > -INFINITY ? drift_exp(x) * (1 + (fabs(x) + fabs(shift)) / 4) : 0) + 0x1p-103;
        total += scale[j];
    }
    *scale_factor =
        (top > -INFINITY ? drift_exp(top - shift) * (1 + (fabs(top - shift) + fabs(shift)) / 4) : 0) + 0x1p-103;
    *scale_sum = fabs(sum) * *scale_factor + total;
    *scale_top = most > -INFINITY ? fabs(most) : 0;
}

void drift_check_attention_weights(struct check *c)
{
    while (check_round(c)) {
        const struct tile t = draw(c);
        const float spread = check_float(c, 0.1f, 40);
        struct check_array *s = check_inplace(c, t.rows * t.stride, -spread, spread);
        struct check_array *top = check_inplace(c, t.rows, -8, 8), *sum = check_inplace(c, t.rows, 0, 100);
        struct check_array *factor = check_out(c, t.rows);
        const int holes = !check_timing(c) && check_int(c, 0, 3) == 0; /* scores of -Inf; rows of nothing else */
        for (size_t i = 0; holes && i < t.rows * t.stride; i++)
            if (check_int(c, 0, 3) || i < t.stride)
                check_set(s, i, -INFINITY);
        for (size_t i = 0; i < t.rows; i++)
            if (check_int(c, 0, 1)) { /* the first tile */
                check_set(top, i, -INFINITY);
                check_set(sum, i, 0);
            }
        for (size_t i = 0; i < t.rows; i++)
            scale_weights(&t, s->x + i * t.stride, top->x[i], sum->x[i], check_scale(s) + i * t.stride,
                          check_scale(top) + i, check_scale(sum) + i, check_scale(factor) + i);
        CHECK(c, attention_weights, t.rows, t.cols, t.stride, t.scale, top->p, sum->p, factor->p, s->p);
    }
}

void drift_check_attention_score_gradient(struct check *c)
{
    while (check_round(c)) {
        const struct tile t = draw(c);
        const float spread = check_float(c, 0.1f, 20);
        struct check_array *s = check_inplace(c, t.rows * t.stride, -spread, spread);
        struct check_array *g = check_inplace(c, t.rows * t.stride, -4, 4);
        struct check_array *log_sum = check_in(c, t.rows, 2 * spread, 2 * spread + 4),
                           *mean = check_in(c, t.rows, -1, 1);
        for (size_t i = 0; i < t.rows * t.cols; i++) {
            const size_t r = i / t.cols, at = r * t.stride + i % t.cols;
            const double l = log_sum->x[r], x = (double)t.scale * s->x[at] - l;
            const double p = drift_exp(x) * (1 + (fabs(x) + fabs(l)) / 8) + 0x1p-103;
            check_scale(s)[at] = p;
            check_scale(g)[at] = t.scale * p * (fabs((double)g->x[at]) + fabs((double)mean->x[r]));
        }
        CHECK(c, attention_score_gradient, t.rows, t.cols, t.stride, t.scale, log_sum->p, mean->p, s->p, g->p);
    }
}

void drift_check_row_dot(struct check *c)
{
    while (check_round(c)) {
        const size_t cols = check_size(c, 1009, 64), rows = check_size(c, cols > 300 ? 3 : 33, 272);
        const size_t stride = cols + (check_timing(c) ? 704 : (size_t)check_int(c, 0, 3));
        struct check_array *x = check_in(c, rows * stride, -4, 4), *y = check_in(c, rows * stride, -4, 4);
        struct check_array *dot = check_out(c, rows);
        if (check_wild(c))
            check_bits_only(c);
        for (size_t i = 0; i < rows * cols; i++) {
            const size_t at = i / cols * stride + i % cols;
            check_scale(dot)[i / cols] += fabs((double)x->x[at] * y->x[at]);
        }
        CHECK(c, row_dot, rows, cols, stride, x->p, y->p, dot->p);
    }
}
