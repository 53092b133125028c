/* Checks of simd/optimizer.c. */
#include "check.h"

#include <math.h>

static void set_sum_scale(struct check_array *y, const struct check_array *x, double weight)
{
    double *scale = check_scale(y);
    for (size_t i = 0; i < x->n; i++)
        scale[i] = weight * fabs((double)x->x[i]);
}

void drift_check_adam(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 3000, 16384);
        struct drift_adam o = {check_float(c, 1e-4f, 1e-2f),
                               0.9,
                               check_int(c, 0, 1) ? 0.999 : 0.95,
                               1e-8,
                               check_int(c, 0, 1) ? 0.01 : 0,
                               check_float(c, 0.1f, 1),
                               1.5,
                               3};
        struct check_array *g = check_in(c, n, -4, 4), *m = check_added(c, n, -1, 1), *v = check_added(c, n, 0.1f, 2);
        struct check_array *theta = check_added(c, n, -4, 4);
        set_sum_scale(m, g, 1);
        double *scale = check_scale(v), *theta_scale = check_scale(theta);
        for (size_t i = 0; i < n; i++) {
            scale[i] = (double)g->x[i] * g->x[i];
            double size = fabs((double)m->x[i]) + fabs((double)g->x[i]);
            theta_scale[i] = o.lr * (1 + 1.5 * size / sqrt(0.9 * v->x[i]));
        }
        if (check_wild(c))
            check_bits_only(c);
        CHECK(c, adam, n, &o, g->p, m->p, v->p, theta->p);
    }
}

void drift_check_ema(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 3000, 16384);
        double decay = check_int(c, 0, 1) ? 0.999 : 0.99;
        struct check_array *theta = check_in(c, n, -4, 4), *e = check_added(c, n, -4, 4);
        set_sum_scale(e, theta, 1);
        if (check_wild(c))
            check_bits_only(c); /* theta - e may overflow in float alone */
        CHECK(c, ema, n, decay, theta->p, e->p);
    }
}

void drift_check_sum_squares(struct check *c)
{
    while (check_round(c)) {
        struct check_array *x = check_in(c, check_size(c, 5000, 16384), -4, 4), *sum = check_out_double(c, 1);
        CHECK(c, sum_squares, x->n, x->p, sum->p);
    }
}
