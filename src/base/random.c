/* Philox4x32-10, one block at a time. */
#include "base/random.h"

void drift_philox(uint64_t seed, uint64_t block, uint32_t step, uint32_t purpose, uint32_t word[4])
{
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = step, c3 = purpose;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xd2511f53 * c0, p1 = (uint64_t)0xcd9e8d57 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9e3779b9;
        k1 += 0xbb67ae85;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
}

uint32_t drift_random_u32(uint64_t seed, uint32_t purpose, uint32_t step, uint64_t element)
{
    uint32_t word[4];
    drift_philox(seed, element / 4, step, purpose, word);
    return word[element % 4];
}

double drift_random_uniform_at(uint64_t seed, uint32_t purpose, uint32_t step, uint64_t element)
{
    return (drift_random_u32(seed, purpose, step, element) >> 8) * 0x1p-24;
}

uint32_t drift_random_below(uint64_t seed, uint32_t purpose, uint32_t step, uint64_t element, uint32_t n)
{
    return (uint32_t)((uint64_t)drift_random_u32(seed, purpose, step, element) * n >> 32);
}
