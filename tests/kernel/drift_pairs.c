/* Checks of simd/drift_pairs.c. */
#include <math.h>

#include "base/real.h"
#include "check.h"

/* Coordinates are small, so that every K is of order one. */
static struct pairs {
    size_t rows, n, dim;
    ptrdiff_t below;
    struct check_array *x, *y;
} draw(struct check *c)
{
    struct pairs p = {.rows = check_size(c, 100, 64), .n = check_size(c, 1000, 1024)};
    p.dim = 1 + (size_t)check_int(c, 0, DRIFT_FIELD_PLANE - 1);
    p.below = check_int(c, 0, 1) ? -(1 << 20) : 16 * check_int(c, -3, 3);
    p.x = check_in(c, p.dim * p.rows, -1, 1);
    p.y = check_in(c, p.dim * p.n, -1, 1);
    if (check_wild(c))
        check_bits_only(c);
    return p;
}

enum { RATE = 2 };

/* K and each |y_k - x_k| of a pair, and into *errors, in units of 2^-24 of K: the exponent's z (dim/2 + 3), exp and two
 * factors. The chains and the tree, which the kernels' bound counts, add rows or n/16 + 5. */
static double pair_of(const struct pairs *p, size_t i, size_t j, double *step, double *errors)
{
    double square = 0;
    for (size_t k = 0; k < p->dim; k++) {
        step[k] = fabs((double)p->y->x[k * p->n + j] - (double)p->x->x[k * p->rows + i]);
        square += step[k] * step[k];
    }
    const double z = sqrt(square) * RATE;
    *errors = 4 + z * (0.5 * (double)p->dim + 3);
    return drift_exp(-z);
}

/* Adds a pair's term to the scales of a sum, and of moments [1 + dim,stride] if `moments`. */
static void add_pair(const struct pairs *p, struct check_array *a, size_t stride, size_t at, double term,
                     const double *step, int moments)
{
    check_scale(a)[at] += term;
    for (size_t k = 0; moments && k < p->dim; k++)
        check_scale(a)[(1 + k) * stride + at] += term * step[k];
}

/* What was there before goes through the whole chain too. */
static void start(struct check_array *a)
{
    for (size_t i = 0; i < a->n; i++)
        check_scale(a)[i] = 3 * fabs((double)a->x[i]);
}

void drift_check_pair_sums(struct check *c)
{
    while (check_round(c)) {
        const struct pairs p = draw(c);
        struct check_array *row = check_added(c, p.rows, 0, 1), *column = check_added(c, p.n, 0, 1);
        double step[DRIFT_FIELD_PLANE], errors;
        start(row), start(column);
        for (size_t i = 0; i < p.rows; i++)
            for (size_t j = 0; j < p.n; j++)
                if ((ptrdiff_t)j > (ptrdiff_t)i + p.below) {
                    const double k = pair_of(&p, i, j, step, &errors) * errors;
                    add_pair(&p, row, p.rows, i, k, step, 0);
                    add_pair(&p, column, p.n, j, k, step, 0);
                }
        CHECK(c, pair_sums, p.rows, p.n, p.dim, p.rows, p.n, p.below, RATE, p.x->p, p.y->p, row->p, column->p);
    }
}

void drift_check_pair_moments(struct check *c)
{
    while (check_round(c)) {
        const struct pairs p = draw(c);
        const int both = check_int(c, 0, 1), capped = check_int(c, 0, 1);
        struct check_array *r = check_in(c, p.rows, 0, 1), *row_cap = check_in(c, p.rows, 0, 1);
        struct check_array *w = check_in(c, p.n, 0, 1), *cap = check_in(c, p.n, 0, 1);
        struct check_array *row = check_added(c, (1 + p.dim) * p.rows, 0, 1),
                           *column = check_added(c, (1 + p.dim) * p.n, 0, 1);
        double step[DRIFT_FIELD_PLANE], errors;
        start(row), start(column);
        for (size_t i = 0; i < p.rows; i++)
            for (size_t j = 0; j < p.n; j++)
                if ((ptrdiff_t)j > (ptrdiff_t)i + p.below) {
                    const double k = pair_of(&p, i, j, step, &errors) * errors;
                    const double t = capped ? fmin(w->x[j], row_cap->x[i]) : w->x[j];
                    const double u = capped ? fmin(r->x[i], cap->x[j]) : r->x[i];
                    add_pair(&p, row, p.rows, i, k * t, step, 1);
                    add_pair(&p, column, p.n, j, k * u, step, 1);
                }
        CHECK(c, pair_moments, p.rows, p.n, p.dim, p.rows, p.n, p.below, RATE, p.x->p, p.y->p, r->p,
              capped ? row_cap->p : NULL, w->p, capped ? cap->p : NULL, row->p, both ? column->p : NULL);
    }
}
