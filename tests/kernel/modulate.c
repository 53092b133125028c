/* Checks of simd/modulate.c. */
#include <math.h>

#include "check.h"

void drift_check_gated_add(struct check *c)
{
    while (check_round(c)) {
        size_t cols = check_size(c, 1000, 768), rows = check_size(c, 20, 64), n = rows * cols;
        struct check_array *gate = check_in(c, cols, -2, 2), *y = check_in(c, n, -4, 4);
        struct check_array *x = check_in(c, n, -4, 4), *z = check_out(c, n), *both = check_inplace(c, n, -4, 4);
        for (size_t i = 0; i < n; i++) {
            const double size = fabs((double)gate->x[i % cols] * y->x[i]);
            check_scale(z)[i] = size + fabs((double)x->x[i]);
            check_scale(both)[i] = size + fabs((double)both->x[i]);
        }
        CHECK(c, gated_add, rows, cols, x->p, gate->p, y->p, z->p);
        if (!check_timing(c))
            CHECK(c, gated_add, rows, cols, both->p, gate->p, y->p, both->p);
    }
}

void drift_check_gated_add_backward(struct check *c)
{
    while (check_round(c)) {
        size_t cols = check_size(c, 1000, 768), rows = check_size(c, 20, 64), n = rows * cols;
        struct check_array *gate = check_in(c, cols, -2, 2), *y = check_in(c, n, -4, 4), *dz = check_in(c, n, -4, 4);
        struct check_array *dy = check_added(c, n, -4, 4), *dgate = check_added(c, cols, -4, 4);
        for (size_t i = 0; i < n; i++) {
            check_scale(dy)[i] = fabs((double)gate->x[i % cols] * dz->x[i]);
            check_scale(dgate)[i % cols] += fabs((double)dz->x[i] * y->x[i]);
        }
        if (check_wild(c))
            check_bits_only(c); /* partial sums may overflow in float alone */
        const int which = check_timing(c) ? 3 : check_int(c, 1, 3);
        CHECK(c, gated_add_backward, rows, cols, gate->p, y->p, dz->p, which & 1 ? dy->p : NULL,
              which & 2 ? dgate->p : NULL);
    }
}
