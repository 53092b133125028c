/* Checks of simd/softmax.c. */
#include <math.h>

#include "base/real.h"
#include "check.h"

/* Each x_j - max is rounded before its exponential, so the relative error of a term grows with it, and that of the sum
 * with its weighted mean. Below 2^-126 the result may be 0. */
static void scale_of_row(size_t n, const float *x, double *scale)
{
    double top = -INFINITY, sum = 0, shifts = 0;
    for (size_t j = 0; j < n; j++)
        top = fmax(top, x[j]);
    for (size_t j = 0; j < n; j++) {
        scale[j] = drift_exp(x[j] - top);
        sum += scale[j];
        shifts += scale[j] > 0 ? scale[j] * (top - x[j]) : 0;
    }
    for (size_t j = 0; j < n; j++)
        scale[j] = scale[j] / sum * (1 + (scale[j] > 0 ? top - x[j] : 0) / 8 + shifts / sum / 8) + 0x1p-103;
}

void drift_check_softmax(struct check *c)
{
    while (check_round(c)) {
        size_t cols = check_size(c, 5000, 272), rows = check_size(c, cols > 300 ? 3 : 33, 13056);
        float spread = check_float(c, 0.1f, 60);
        struct check_array *x = check_in(c, rows * cols, -spread, spread), *y = check_out(c, rows * cols);
        if (check_int(c, 0, 3) == 0)
            check_near(c, x, 1, 2);
        if (check_int(c, 0, 3) == 0 && !check_timing(c))
            for (size_t i = 0; i < rows * cols; i++)
                if (check_int(c, 0, 3) || i < cols) /* the first row is -Inf alone */
                    check_set(x, i, -INFINITY);
        for (size_t i = 0; i < rows; i++)
            scale_of_row(cols, x->x + i * cols, check_scale(y) + i * cols);
        CHECK(c, softmax, rows, cols, x->p, y->p);
        if (check_timing(c))
            continue;
        struct check_array *z = check_inplace(c, rows * cols, -8, 8);
        for (size_t i = 0; i < rows; i++)
            scale_of_row(cols, z->x + i * cols, check_scale(z) + i * cols);
        CHECK(c, softmax, rows, cols, z->p, z->p);
    }
}

void drift_check_softmax_backward(struct check *c)
{
    while (check_round(c)) {
        size_t cols = check_size(c, 5000, 272), rows = check_size(c, cols > 300 ? 3 : 33, 1000);
        struct check_array *y = check_in(c, rows * cols, 0, 1), *dy = check_in(c, rows * cols, -4, 4);
        struct check_array *dx = check_added(c, rows * cols, -4, 4);
        if (check_wild(c))
            check_bits_only(c); /* dy y overflows */
        for (size_t i = 0; i < rows; i++) {
            double dot = 0;
            for (size_t j = i * cols; j < (i + 1) * cols; j++)
                dot += fabs((double)dy->x[j] * y->x[j]);
            for (size_t j = i * cols; j < (i + 1) * cols; j++)
                check_scale(dx)[j] = y->x[j] * (fabs(dy->x[j]) + dot);
        }
        CHECK(c, softmax_backward, rows, cols, y->p, dy->p, dx->p);
    }
}
