/* Check of simd/resize.c. */
#include <math.h>

#include "check.h"

void drift_check_weighted_rows(struct check *c)
{
    while (check_round(c)) {
        const size_t cols = check_size(c, 1100, 1024), rows = check_size(c, 17, 3);
        const size_t stride = cols + (check_timing(c) ? 0 : (size_t)check_int(c, 0, 40));
        const int accumulate = !check_timing(c) && check_int(c, 0, 1);
        struct check_array *x = check_in(c, rows ? (rows - 1) * stride + cols : 0, -4, 4),
                           *w = check_in(c, rows, -1, 1);
        struct check_array *y = accumulate ? check_added(c, cols, -4, 4) : check_out(c, cols);
        for (size_t j = 0; j < cols; j++)
            for (size_t i = 0; i < rows; i++)
                check_scale(y)[j] += fabs((double)w->x[i] * x->x[i * stride + j]);
        if (check_wild(c))
            check_bits_only(c);
        CHECK(c, weighted_rows, rows, cols, stride, w->p, x->p, accumulate, y->p);
    }
}
