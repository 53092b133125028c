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
    size_t keys, queries, stride;
    float scale;
};

static struct tile draw(struct check *c)
{
    struct tile t = {.queries = check_size(c, 1009, 272)};
    t.keys = check_size(c, t.queries > 300 ? 3 : 33, 272);
    t.stride = t.queries + (size_t)check_int(c, 0, 3);
    t.scale = check_int(c, 0, 1) ? 0.125f : check_float(c, 0.05f, 2);
    if (check_wild(c))
        check_bits_only(c); /* sums overflow, and infinite scores are a matter of rounding */
    return t;
}

/* e^(x - shift), both rounded before, with a quarter of their error. */
static double weight_scale(double x, double shift)
{
    return (x > -INFINITY ? drift_exp(x - shift) * (1 + (fabs(x - shift) + fabs(shift)) / 4) : 0) + 0x1p-103;
}

void drift_check_attention_weights(struct check *c)
{
    while (check_round(c)) {
        const struct tile t = draw(c);
        const float spread = check_float(c, 0.1f, 40);
        struct check_array *s = check_inplace(c, t.keys * t.stride, -spread, spread);
        struct check_array *top = check_inplace(c, t.queries, -8, 8), *sum = check_inplace(c, t.queries, 0, 100);
        struct check_array *factor = check_out(c, t.queries);
        const int holes = !check_timing(c) && check_int(c, 0, 3) == 0; /* scores of -Inf; queries of nothing else */
        for (size_t i = 0; holes && i < t.keys * t.stride; i++)
            if (check_int(c, 0, 3) || i % t.stride % 16 == 0)
                check_set(s, i, -INFINITY);
        for (size_t i = 0; i < t.queries; i++)
            if (check_int(c, 0, 1)) { /* the first tile */
                check_set(top, i, -INFINITY);
                check_set(sum, i, 0);
            }
        for (size_t i = 0; i < t.queries; i++) {
            double most = top->x[i], total = 0;
            for (size_t j = 0; j < t.keys; j++)
                most = fmax(most, (double)t.scale * s->x[j * t.stride + i]);
            const double shift = most > -INFINITY ? most : 0;
            for (size_t j = i; j < t.keys * t.stride; j += t.stride)
                total += check_scale(s)[j] = weight_scale((double)t.scale * s->x[j], shift);
            check_scale(factor)[i] = weight_scale(top->x[i], shift);
            check_scale(sum)[i] = fabs((double)sum->x[i]) * check_scale(factor)[i] + total;
        }
        CHECK(c, attention_weights, t.keys, t.queries, t.stride, t.scale, top->p, sum->p, factor->p, s->p);
    }
}

void drift_check_attention_score_gradient(struct check *c)
{
    while (check_round(c)) {
        const struct tile t = draw(c);
        const float spread = check_float(c, 0.1f, 20);
        struct check_array *s = check_inplace(c, t.keys * t.stride, -spread, spread);
        struct check_array *g = check_inplace(c, t.keys * t.stride, -4, 4);
        struct check_array *log_sum = check_in(c, t.queries, 2 * spread, 2 * spread + 4);
        struct check_array *mean = check_in(c, t.queries, -1, 1);
        for (size_t i = 0; i < t.keys * t.queries; i++) {
            const size_t q = i % t.queries, at = i / t.queries * t.stride + q;
            const double p = weight_scale((double)t.scale * s->x[at], log_sum->x[q]);
            check_scale(s)[at] = p;
            check_scale(g)[at] = t.scale * p * (fabs((double)g->x[at]) + fabs((double)mean->x[q]));
        }
        CHECK(c, attention_score_gradient, t.keys, t.queries, t.stride, t.scale, log_sum->p, mean->p, s->p, g->p);
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
