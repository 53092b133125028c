/* Checks of simd/drift_pairs.c. */
#include <math.h>

#include "check.h"

/* Coordinates are small, so that every K is of order one and the sums' sizes are those of the results. */
void drift_check_pair_sums(struct check *c)
{
    while (check_round(c)) {
        size_t rows = check_size(c, 100, 64), n = check_size(c, 1000, 1024);
        size_t dim = 1 + (size_t)check_int(c, 0, DRIFT_FIELD_PLANE - 1);
        ptrdiff_t below = check_int(c, 0, 1) ? -(1 << 20) : 16 * check_int(c, -3, 3);
        struct check_array *x = check_in(c, dim * rows, -1, 1), *y = check_in(c, dim * n, -1, 1);
        struct check_array *row = check_added(c, rows, 0, 1), *column = check_added(c, n, 0, 1);
        if (check_wild(c))
            check_bits_only(c);
        CHECK(c, pair_sums, rows, n, dim, rows, n, below, 2, x->p, y->p, row->p, column->p);
    }
}

static void moment_scale(struct check_array *a, size_t terms)
{
    double *scale = check_scale(a);
    for (size_t i = 0; i < a->n; i++)
        scale[i] = 4.0 * (double)terms;
}

void drift_check_pair_moments(struct check *c)
{
    while (check_round(c)) {
        size_t rows = check_size(c, 100, 64), n = check_size(c, 1000, 1024);
        size_t dim = 1 + (size_t)check_int(c, 0, DRIFT_FIELD_PLANE - 1);
        ptrdiff_t below = check_int(c, 0, 1) ? -(1 << 20) : 16 * check_int(c, -3, 3);
        int both = check_int(c, 0, 1), capped = check_int(c, 0, 1);
        struct check_array *x = check_in(c, dim * rows, -1, 1), *y = check_in(c, dim * n, -1, 1);
        struct check_array *r = check_in(c, rows, 0, 1), *row_cap = check_in(c, rows, 0, 1);
        struct check_array *w = check_in(c, n, 0, 1), *cap = check_in(c, n, 0, 1);
        struct check_array *row = check_added(c, (1 + dim) * rows, 0, 1), *column = check_added(c, (1 + dim) * n, 0, 1);
        moment_scale(row, n);
        moment_scale(column, rows);
        if (check_wild(c))
            check_bits_only(c);
        CHECK(c, pair_moments, rows, n, dim, rows, n, below, 2, x->p, y->p, r->p, capped ? row_cap->p : NULL, w->p,
              capped ? cap->p : NULL, row->p, both ? column->p : NULL);
    }
}
