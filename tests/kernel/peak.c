/* Check of simd/peak.c. The factor is below 1, so that n steps add less than n roundings of the largest value. */
#include "check.h"

void drift_check_peak_fma(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 300, 10000);
        struct check_array *x = check_in(c, 2, 0.25f, 0.5f), *y = check_inplace(c, DRIFT_PEAK_LANES, -4, 4);
        if (check_wild(c))
            check_bits_only(c);
        else if (!check_timing(c)) {
            double *scale = check_scale(y);
            for (size_t i = 0; i < DRIFT_PEAK_LANES; i++)
                scale[i] = 8;
        }
        CHECK(c, peak_fma, n, x->p, y->p);
    }
}
