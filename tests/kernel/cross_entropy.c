/* Checks of simd/cross_entropy.c. */
#include <math.h>

#include "base/real.h"
#include "check.h"

/* In most rounds labels are classes; in some a few are not: those rows are NaN. */
static struct check_array *draw_labels(struct check *c, size_t rows, size_t cols)
{
    const int beyond = check_int(c, 0, 5) == 0 && !check_timing(c);
    return check_ints(c, rows, beyond ? -2 : 0, (int)cols - (cols && !beyond ? 1 : 0));
}

/* Each x_j - top is rounded before its exponential: a relative error of the term that grows with it. Gives the row's
 * top, sum of exponentials and weighted mean of the shifts. */
static double row_of(size_t cols, const float *x, double *sum, double *shifts)
{
    double top = -INFINITY;
    *sum = *shifts = 0;
    for (size_t j = 0; j < cols; j++)
        top = fmax(top, x[j]);
    for (size_t j = 0; j < cols; j++) {
        const double e = drift_exp(x[j] - top);
        *sum += e;
        *shifts += e > 0 ? e * (top - x[j]) : 0;
    }
    *shifts /= *sum;
    return top;
}

void drift_check_cross_entropy(struct check *c)
{
    while (check_round(c)) {
        size_t cols = check_size(c, 5000, 1000), rows = check_size(c, cols > 300 ? 3 : 33, 64);
        float spread = check_float(c, 0.1f, 60);
        struct check_array *x = check_in(c, rows * cols, -spread, spread), *labels = draw_labels(c, rows, cols);
        struct check_array *y = check_out(c, rows);
        for (size_t i = 0; i < rows; i++) { /* log sum is off by the sum's relative error; top - x_label is rounded */
            double sum, shifts, top = row_of(cols, x->x + i * cols, &sum, &shifts);
            const size_t label = (size_t)((const int32_t *)(const void *)labels->x)[i];
            check_scale(y)[i] = 1 + shifts / 8 + (label < cols ? top - x->x[i * cols + label] : 0);
        }
        CHECK(c, cross_entropy, rows, cols, x->p, labels->p, y->p);
    }
}

void drift_check_cross_entropy_backward(struct check *c)
{
    while (check_round(c)) {
        size_t cols = check_size(c, 5000, 1000), rows = check_size(c, cols > 300 ? 3 : 33, 64);
        float spread = check_float(c, 0.1f, 60);
        struct check_array *x = check_in(c, rows * cols, -spread, spread), *labels = draw_labels(c, rows, cols);
        struct check_array *dy = check_in(c, rows, -4, 4), *dx = check_added(c, rows * cols, -4, 4);
        if (check_wild(c))
            check_bits_only(c); /* dy times a difference over- and underflows */
        for (size_t i = 0; i < rows; i++) {
            double sum, shifts, top = row_of(cols, x->x + i * cols, &sum, &shifts);
            const size_t label = (size_t)((const int32_t *)(const void *)labels->x)[i];
            for (size_t j = 0; j < cols; j++) {
                const double shift = top - x->x[i * cols + j], p = drift_exp(-shift) / sum;
                check_scale(dx)[i * cols + j] =
                    fabs(dy->x[i]) * (p * (1 + shift / 8 + shifts / 8) + (j == label) + 0x1p-103);
            }
        }
        CHECK(c, cross_entropy_backward, rows, cols, x->p, labels->p, dy->p, dx->p);
    }
}
