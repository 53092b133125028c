/* Uniform and normal numbers from Philox words, one element at a time: src/base/random.h has the definitions. */
#include "kernel.h"

#include "base/random.h"
#include "base/real.h"

void K(random_uniform)(size_t n, uint64_t seed, uint64_t first, uint32_t step, uint32_t purpose, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (real)drift_random_uniform_at(seed, purpose, step, first + i);
}

void K(random_normal)(size_t n, uint64_t seed, uint64_t first, uint32_t step, uint32_t purpose, real *y)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t element = first + i;
        uint32_t word[4];
        drift_philox(seed, element / 4, step, purpose, word);
        const uint32_t *pair = word + element % 4 / 2 * 2;
        double u1 = ((pair[0] >> 8) + 1) * 0x1p-24, u2 = (pair[1] >> 8) * 0x1p-24;
        double r = sqrt(-2 * drift_log(u1)), angle = 6.283185307179586 * u2;
        y[i] = (real)(r * (element % 2 ? drift_sin(angle) : drift_cos(angle)));
    }
}
