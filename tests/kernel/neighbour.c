/* Checks of simd/neighbour.c. */
#include "check.h"

void drift_check_point_distance(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 2000, 128), dim = 1 + check_size(c, 100, 2), stride = n + (size_t)check_int(c, 0, 9);
        struct check_array *x = check_in(c, dim, -4, 4), *y = check_in(c, dim * stride, -4, 4), *d = check_out(c, n);
        if (check_wild(c))
            check_bits_only(c);
        CHECK(c, point_distance, n, dim, stride, x->p, y->p, d->p);
    }
}
