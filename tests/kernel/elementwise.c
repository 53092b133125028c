/* Checks of simd/elementwise.c. */
#include "check.h"

void drift_check_add(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 16384);
        struct check_array *a = check_in(c, n, -4, 4), *b = check_in(c, n, -4, 4), *y = check_out(c, n);
        CHECK(c, add, n, a->p, b->p, y->p);
    }
}
