/* Checks of simd/random.c. The error of a normal number is measured against the largest there is, 5.8. */
#include "check.h"

static uint64_t any_first(struct check *c)
{
    uint64_t high = (uint64_t)check_int(c, 0, 9), low = (uint64_t)check_int(c, -40, 40);
    return (high << 32) * 4 + low; /* also where the low word of the block counter wraps; 2^64 - few is allowed */
}

void drift_check_random_uniform(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 65536);
        uint64_t seed = (uint64_t)check_int(c, 0, 1 << 30) << 13, first = any_first(c);
        uint32_t step = (uint32_t)check_int(c, 0, 1 << 30), purpose = (uint32_t)check_int(c, 0, 9);
        struct check_array *y = check_out(c, n);
        CHECK(c, random_uniform, n, seed, first, step, purpose, y->p);
    }
}

void drift_check_random_normal(struct check *c)
{
    while (check_round(c)) {
        size_t n = check_size(c, 5000, 65536);
        uint64_t seed = (uint64_t)check_int(c, 0, 1 << 30) << 13, first = any_first(c);
        uint32_t step = (uint32_t)check_int(c, 0, 1 << 30), purpose = (uint32_t)check_int(c, 0, 9);
        struct check_array *y = check_out(c, n);
        double *scale = check_scale(y);
        for (size_t i = 0; i < n; i++)
            scale[i] = 5.8;
        CHECK(c, random_normal, n, seed, first, step, purpose, y->p);
    }
}
