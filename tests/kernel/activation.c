/* Checks of simd/activation.c. Every forward is tried in place, too. Where a function's terms cancel, the error is
 * measured against |x| (gelu near its tail), and 2^-102 allows for what e^x flushes to 0 below 2^-126. */
#include "check.h"

#include <math.h>

enum { RELATIVE, OF_X, FLUSHED };

static void set_scale(struct check_array *y, const struct check_array *x, int kind, double (*f)(double))
{
    if (kind == RELATIVE)
        return;
    double *scale = check_scale(y);
    for (size_t i = 0; i < x->n; i++)
        scale[i] = (kind == OF_X ? fabs((double)x->x[i]) : fabs(f(x->x[i]))) + 0x1p-102;
}

/* |dy| (1 + |x|), for derivatives that are sums of two terms */
static void set_backward_scale(struct check_array *dx, const struct check_array *x, const struct check_array *dy,
                               int kind)
{
    double *scale = check_scale(dx);
    for (size_t i = 0; i < x->n; i++)
        scale[i] = fabs((double)dy->x[i]) * (kind == OF_X ? 1 + fabs((double)x->x[i]) : 1);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

#define FORWARD(name, low, high, kind, f)                                                                              \
    void drift_check_##name(struct check *c)                                                                           \
    {                                                                                                                  \
        while (check_round(c)) {                                                                                       \
            size_t n = check_size(c, 3000, 16384);                                                                     \
            struct check_array *x = check_in(c, n, low, high), *y = check_out(c, n);                                   \
            set_scale(y, x, kind, f);                                                                                  \
            CHECK(c, name, n, x->p, y->p);                                                                             \
            if (check_timing(c))                                                                                       \
                continue;                                                                                              \
            struct check_array *z = check_inplace(c, n, low, high);                                                    \
            set_scale(z, z, kind, f);                                                                                  \
            CHECK(c, name, n, z->p, z->p);                                                                             \
        }                                                                                                              \
    }
FORWARD(relu, -4, 4, RELATIVE, 0)
FORWARD(silu, -20, 20, OF_X, 0)
FORWARD(gelu, -6, 6, OF_X, 0)
FORWARD(gelu_tanh, -6, 6, OF_X, 0)
FORWARD(sigmoid, -100, 100, FLUSHED, sigmoid)
FORWARD(exp, -104, 89, RELATIVE, 0)
FORWARD(log, 0, 100, RELATIVE, 0)
FORWARD(sqrt, 0, 100, RELATIVE, 0)
FORWARD(sin, -1000, 1000, RELATIVE, 0)
FORWARD(cos, -1000, 1000, RELATIVE, 0)
FORWARD(tanh, -12, 12, RELATIVE, 0)
FORWARD(erf, -5, 5, RELATIVE, 0)

#define BACKWARD(name, low, high, kind)                                                                                \
    void drift_check_##name(struct check *c)                                                                           \
    {                                                                                                                  \
        while (check_round(c)) {                                                                                       \
            size_t n = check_size(c, 3000, 16384);                                                                     \
            struct check_array *x = check_in(c, n, low, high), *dy = check_in(c, n, -2, 2);                            \
            struct check_array *dx = check_added(c, n, -2, 2);                                                         \
            set_backward_scale(dx, x, dy, kind);                                                                       \
            if (check_wild(c))                                                                                         \
                check_bits_only(c);                                                                                    \
            CHECK(c, name, n, x->p, dy->p, dx->p);                                                                     \
        }                                                                                                              \
    }
BACKWARD(relu_backward, -4, 4, RELATIVE)
BACKWARD(silu_backward, -20, 20, OF_X)
BACKWARD(gelu_backward, -6, 6, OF_X)
BACKWARD(gelu_tanh_backward, -6, 6, OF_X)
BACKWARD(sigmoid_backward, 0, 1, RELATIVE)
BACKWARD(exp_backward, 0, 1, RELATIVE)
BACKWARD(log_backward, 1, 100, RELATIVE)
BACKWARD(sqrt_backward, 1, 100, RELATIVE)
BACKWARD(sin_backward, -1000, 1000, RELATIVE)
BACKWARD(cos_backward, -1000, 1000, RELATIVE)
BACKWARD(tanh_backward, -1, 1, RELATIVE)
BACKWARD(erf_backward, -5, 5, RELATIVE)

/* |a b|: silu is as exact as |a| (OF_X above) */
void drift_check_swiglu(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 3000, 16384);
        struct check_array *a = check_in(c, n, -20, 20), *b = check_in(c, n, -4, 4), *y = check_out(c, n);
        double *scale = check_scale(y);
        for (size_t i = 0; i < n; i++)
            scale[i] = (fabs((double)a->x[i]) + 0x1p-102) * fabs((double)b->x[i]);
        if (check_wild(c))
            check_bits_only(c); /* silu(a) may underflow, a product overflow */
        CHECK(c, swiglu, n, a->p, b->p, y->p);
    }
}

void drift_check_swiglu_backward(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 3000, 16384);
        struct check_array *a = check_in(c, n, -20, 20), *b = check_in(c, n, -4, 4), *dy = check_in(c, n, -2, 2);
        struct check_array *da = check_added(c, n, -2, 2), *db = check_added(c, n, -2, 2);
        double *a_scale = check_scale(da), *b_scale = check_scale(db);
        for (size_t i = 0; i < n; i++) {
            const double size = fabs((double)dy->x[i]), at = fabs((double)a->x[i]);
            a_scale[i] = size * fabs((double)b->x[i]) * (1 + at);
            b_scale[i] = size * at;
        }
        if (check_wild(c))
            check_bits_only(c);
        CHECK(c, swiglu_backward, n, a->p, b->p, dy->p, da->p, db->p);
    }
}
