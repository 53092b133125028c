/* Checks of simd/drift.c. Distances are kept below 64 / rate, where the bounds of kernels.def hold. */
#include <math.h>

#include "base/real.h"
#include "check.h"

/* Distances in [0, 6), a few of them infinite (masked) or 0 (copies). */
static struct check_array *distances_of(struct check *c, size_t n)
{
    struct check_array *distances = check_in(c, n, 0, 6);
    for (size_t j = 0; j < n; j += 7)
        check_set(distances, j, check_int(c, 0, 1) ? INFINITY : 0);
    if (check_wild(c)) {
        for (size_t j = 0; j < n; j++) {
            const float d = fabsf(distances->x[j]);
            check_set(distances, j, d > 1e30f && d < INFINITY ? 1e30f : d); /* rate d stays finite */
        }
        check_bits_only(c);
    }
    return distances;
}

static void scale_by_sum(struct check_array *y, size_t n, size_t terms, double size)
{
    double *scale = check_scale(y);
    for (size_t i = 0; i < n; i++)
        scale[i] = (double)terms * size;
}

/* A term e^z has an error of |z| u from its exponent's last rounding, what went into the exponent before that, and 1.8
 * u from exp, u = 2^-24; a factor or two, and the sum over n of them, (n/16 + 5) u more: altogether at most (2 + n/16)
 * u times the term's size * (4 + errors of the exponent in u). Adds that to the scales of the term itself and its sum.
 */
static void add_term(double value, double exponent, struct check_array *term, size_t j, struct check_array *sum)
{
    const double scale = value > 0 ? value * (4 + exponent) : 0;
    if (term)
        check_scale(term)[j] = scale;
    check_scale(sum)[0] += scale;
}

void drift_check_field_sums(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096);
        float rate = check_float(c, 0.1f, 10), shift = check_float(c, 0, 3);
        struct check_array *distances = distances_of(c, n), *row = check_out(c, 1);
        struct check_array *column = check_int(c, 0, 3) || check_timing(c) ? check_added(c, n, 0, 4) : NULL;
        check_scale(row);
        for (size_t j = 0; j < n; j++) {
            const double z = (double)shift - (double)rate * (double)distances->x[j];
            add_term(drift_exp(z), fabs(z), column, j, row);
        }
        CHECK(c, field_sums, n, rate, shift, distances->p, column ? column->p : NULL, row->p);
    }
}

void drift_check_field_weights(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096);
        float rate = check_float(c, 0.1f, 10), shift = check_float(c, 0, 3), a = check_float(c, 0, 2);
        float most = check_int(c, 0, 1) ? INFINITY : 2, least = check_int(c, 0, 1) ? 0 : 1e-3f;
        struct check_array *distances = distances_of(c, n), *columns = check_in(c, n, 0, 2), *row = check_out(c, 1);
        struct check_array *weight = check_int(c, 0, 1) ? check_in(c, n, 0, 2) : NULL, *w = check_out(c, n);
        check_scale(row);
        for (size_t j = 0; j < n; j++) {
            const double z = (double)shift - (double)rate * (double)distances->x[j], k = drift_exp(z);
            const double affinity = fmax(least, k * fmin((double)a * (double)columns->x[j], most));
            add_term(affinity * (weight ? (double)weight->x[j] : 1), k > 0 ? 1 + fabs(z) : 1, w, j, row);
        }
        CHECK(c, field_weights, n, rate, shift, a, most, least, distances->p, columns->p, weight ? weight->p : NULL,
              w->p, row->p);
    }
}

/* Without NaN: which of two a minimum keeps is not promised, and the field takes no minimum of them alone. */
void drift_check_field_nearest(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096);
        struct check_array *distances = check_tame(c, n, 0, 6), *row = check_out(c, 1);
        struct check_array *column = check_int(c, 0, 1) ? check_added(c, n, 0, 6) : NULL;
        for (size_t j = 0; j < n; j += 7)
            check_set(distances, j, check_int(c, 0, 1) ? INFINITY : 0);
        CHECK(c, field_nearest, n, distances->p, column ? column->p : NULL, row->p);
    }
}

void drift_check_field_log_sums(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096);
        float rate = check_float(c, 0.1f, 10), nearest = check_float(c, 0, 0.1f);
        struct check_array *distances = distances_of(c, n), *near = check_in(c, n, 0, 0.1f), *row = check_out(c, 1);
        struct check_array *column = check_int(c, 0, 1) ? check_added(c, n, 0, 4) : NULL;
        check_scale(row);
        for (size_t j = 0; j < n; j++) {
            const double z = (double)rate * ((double)nearest - (double)distances->x[j]);
            const double own = (double)rate * ((double)near->x[j] - (double)distances->x[j]);
            add_term(drift_exp(z), 2 * fabs(z), NULL, j, row);
            if (column)
                check_scale(column)[j] = isinf(own) ? 0 : drift_exp(own) * (4 + 2 * fabs(own));
        }
        CHECK(c, field_log_sums, n, rate, nearest, distances->p, near->p, column ? column->p : NULL, row->p);
    }
}

void drift_check_field_log_weights(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096);
        float rate = check_float(c, 0.1f, 10), l = check_float(c, -8, 4);
        float least = check_int(c, 0, 1) ? 0 : 1e-3f;
        struct check_array *distances = distances_of(c, n), *columns = check_in(c, n, -8, 4), *row = check_out(c, 1);
        struct check_array *weight = check_int(c, 0, 1) ? check_in(c, n, 0, 2) : NULL, *w = check_out(c, n);
        check_scale(row);
        for (size_t j = 0; j < n; j++) {
            const double half = 0.5 * ((double)l + (double)columns->x[j]);
            const double z = -(double)rate * (double)distances->x[j] - half, k = drift_exp(z);
            add_term(fmax(least, k) * (weight ? (double)weight->x[j] : 1), k > 0 ? fabs(z) + fabs(half) : 0, w, j, row);
        }
        CHECK(c, field_log_weights, n, rate, l, least, distances->p, columns->p, weight ? weight->p : NULL, w->p,
              row->p);
    }
}

static double exponent_of(float rate, const struct check_array *distances, const struct check_array *log_weight,
                          size_t j)
{
    return (log_weight ? (double)log_weight->x[j] : 0) - (double)rate * (double)distances->x[j];
}

void drift_check_field_softmax(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096);
        float rate = check_float(c, 0.1f, 10);
        struct check_array *distances = distances_of(c, n), *w = check_out(c, n), *row = check_out(c, 1);
        struct check_array *top = check_out(c, 1), *log_weight = check_int(c, 0, 1) ? check_in(c, n, -3, 3) : NULL;
        check_scale(row);
        double most = -INFINITY;
        for (size_t j = 0; j < n; j++)
            most = fmax(most, exponent_of(rate, distances, log_weight, j));
        for (size_t j = 0; j < n; j++) {
            const double z = exponent_of(rate, distances, log_weight, j);
            if (isfinite(z))
                add_term(drift_exp(z - most), fabs(z) + fabs(most) + fabs(z - most), w, j, row);
        }
        CHECK(c, field_softmax, n, rate, distances->p, log_weight ? log_weight->p : NULL, w->p, top->p, row->p);
    }
}

void drift_check_field_force(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 2000, 4096), dim = 1 + check_size(c, 60, 1), stride = n + (size_t)check_int(c, 0, 9);
        struct check_array *x = check_in(c, dim, -4, 4), *y = check_in(c, dim * stride, -4, 4),
                           *w = check_in(c, n, 0, 1);
        struct check_array *force = check_out(c, dim);
        if (check_wild(c))
            check_bits_only(c);
        else
            scale_by_sum(force, dim, n, 8);
        CHECK(c, field_force, n, dim, stride, x->p, y->p, w->p, force->p);
    }
}

void drift_check_field_coefficients(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096), split = (size_t)check_int(c, 0, (int)n);
        float first = check_float(c, -4, 0), second = check_float(c, 0, 4);
        struct check_array *w = check_inplace(c, n, 0, 1), *row = check_out(c, 1);
        if (check_wild(c))
            check_bits_only(c);
        else
            scale_by_sum(row, 1, n, 4);
        CHECK(c, field_coefficients, split, n, first, second, w->p, row->p);
    }
}

void drift_check_field_total(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096), taus = 1 + (size_t)check_int(c, 0, 3),
               stride = n + (size_t)check_int(c, 0, 9);
        struct check_array *factor = check_in(c, taus, -2, 2), *f = check_in(c, taus * stride, -4, 4);
        struct check_array *v = check_out(c, n), *square = check_out(c, 1);
        if (check_wild(c))
            check_bits_only(c);
        else {
            scale_by_sum(v, n, taus, 8);
            scale_by_sum(square, 1, n, 64.0 * (double)(taus * taus));
        }
        CHECK(c, field_total, n, taus, stride, factor->p, f->p, v->p, square->p);
    }
}

void drift_check_field_centre_across(struct check *c)
{
    while (check_round(c)) {
        size_t rows = check_size(c, 100, 64), dim = check_size(c, 100, 256), x_row = dim + (size_t)check_int(c, 0, 9),
               stride = rows + (size_t)check_int(c, 0, 9);
        struct check_array *x = check_in(c, rows * x_row, -4, 4), *shift = check_in(c, dim, -1, 1);
        struct check_array *y = check_inplace(c, dim * stride, 0, 0), *norm = check_added(c, rows, 0, 9);
        if (check_wild(c))
            check_bits_only(c);
        else
            scale_by_sum(norm, rows, dim, 25);
        CHECK(c, field_centre_across, rows, dim, x_row, x->p, shift->p, stride, y->p, norm->p);
    }
}

void drift_check_field_centre_along(struct check *c)
{
    while (check_round(c)) {
        size_t rows = check_size(c, 100, 64), dim = check_size(c, 100, 256), x_row = dim + (size_t)check_int(c, 0, 9);
        size_t panels = (dim + DRIFT_GEMM_PANEL - 1) / DRIFT_GEMM_PANEL, panel = rows * DRIFT_GEMM_PANEL;
        struct check_array *x = check_in(c, rows * x_row, -4, 4), *shift = check_in(c, dim, -1, 1);
        struct check_array *y = check_out(c, panels * panel);
        if (check_wild(c))
            check_bits_only(c);
        CHECK(c, field_centre_along, rows, dim, x_row, x->p, shift->p, panel, y->p);
    }
}

/* A square has an error of u (|x|^2 + |y|^2) from their sum and u of itself; the count may differ by those that lie so
 * near to a sixteenth that it decides. */
static void scale_expanded(size_t n, float norm, const float *norms, const float *products, struct check_array *d,
                           struct check_array *lost)
{
    check_scale(lost);
    for (size_t j = 0; j < n; j++) {
        const double sum = (double)norm + (double)norms[j], square = sum - 2 * (double)products[j];
        const double size = sum + 2 * fabs((double)products[j]);
        check_scale(d)[j] = size / sqrt(fmax(square, 1e-8));
        check_scale(lost)[0] += fabs(square - sum / 16) <= 0x1p-22 * size ? 0x1p24 : 0;
    }
}

void drift_check_field_expand(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096);
        float norm = check_float(c, 0, 9);
        struct check_array *norms = check_in(c, n, 0, 9), *products = check_in(c, n, -9, 4), *d = check_out(c, n);
        struct check_array *lost = check_out(c, 1);
        if (check_wild(c))
            check_bits_only(c);
        else
            scale_expanded(n, norm, norms->x, products->x, d, lost);
        CHECK(c, field_expand, n, norm, norms->p, products->p, d->p, lost->p);
    }
}

void drift_check_field_square(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 4096);
        struct check_array *x = check_in(c, n, -4, 4), *y = check_int(c, 0, 1) ? check_in(c, n, -4, 4) : NULL;
        struct check_array *square = check_out(c, 1);
        if (check_wild(c))
            check_bits_only(c);
        CHECK(c, field_square, n, x->p, y ? y->p : NULL, square->p);
    }
}

void drift_check_field_dot(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 1000, 32), rows = 1 + check_size(c, 40, 32), row = n + (size_t)check_int(c, 0, 9);
        struct check_array *a = check_in(c, rows * n, -4, 4), *b = check_in(c, rows * row, -2, 2),
                           *sum = check_out(c, 1);
        if (check_wild(c))
            check_bits_only(c);
        else
            scale_by_sum(sum, 1, rows * n, 8);
        CHECK(c, field_dot, rows, n, a->p, n, b->p, row, sum->p);
    }
}
