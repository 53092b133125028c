/* Checks of simd/elementwise.c. */
#include "check.h"

#include <math.h>

void drift_check_add(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 16384);
        struct check_array *a = check_in(c, n, -4, 4), *b = check_in(c, n, -4, 4), *y = check_out(c, n);
        CHECK(c, add, n, a->p, b->p, y->p);
    }
}

void drift_check_mul(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 16384);
        struct check_array *a = check_in(c, n, -4, 4), *y = check_inplace(c, n, -4, 4);
        CHECK(c, mul, n, a->p, y->p, y->p);
    }
}

void drift_check_scale(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 16384);
        float a = check_float(c, -4, 4);
        struct check_array *x = check_in(c, n, -4, 4), *y = check_out(c, n);
        CHECK(c, scale, n, a, x->p, y->p);
    }
}

void drift_check_axpy(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 16384);
        float a = check_float(c, -4, 4);
        struct check_array *x = check_in(c, n, -4, 4), *y = check_added(c, n, -4, 4);
        double *scale = check_scale(y);
        for (size_t i = 0; i < n; i++)
            scale[i] = fabs((double)a * x->x[i]);
        CHECK(c, axpy, n, a, x->p, y->p);
    }
}

void drift_check_mul_add(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 16384);
        struct check_array *a = check_in(c, n, -4, 4), *b = check_in(c, n, -4, 4), *y = check_added(c, n, -4, 4);
        double *scale = check_scale(y);
        for (size_t i = 0; i < n; i++)
            scale[i] = fabs((double)a->x[i] * b->x[i]);
        CHECK(c, mul_add, n, a->p, b->p, y->p);
    }
}

void drift_check_add_row(struct check *c)
{
    while (check_round(c)) {
        size_t rows = check_size(c, 40, 64), cols = check_size(c, 300, 256);
        struct check_array *x = check_in(c, rows * cols, -4, 4), *b = check_in(c, cols, -4, 4);
        struct check_array *y = check_out(c, rows * cols);
        CHECK(c, add_row, rows, cols, x->p, b->p, y->p);
    }
}

void drift_check_column_sum(struct check *c)
{
    while (check_round(c)) {
        size_t rows = check_size(c, 100, 128), cols = check_size(c, 300, 256);
        struct check_array *x = check_in(c, rows * cols, -4, 4), *y = check_added(c, cols, -4, 4);
        double *scale = check_scale(y);
        for (size_t i = 0; i < cols; i++)
            scale[i] = 0;
        for (size_t i = 0; i < rows * cols; i++)
            scale[i % cols] += fabs((double)x->x[i]);
        if (check_wild(c))
            check_bits_only(c); /* partial sums may overflow in float alone */
        CHECK(c, column_sum, rows, cols, x->p, y->p);
    }
}
