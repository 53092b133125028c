/* bfloat16: the upper half of a float, 8 significant bits and a float's range. */
#ifndef DRIFT_BASE_BFLOAT16_H
#define DRIFT_BASE_BFLOAT16_H

#include <stdint.h>
#include <string.h>

/* The nearest bfloat16 number, ties to even, as a float. NaN stays NaN, what is too large becomes infinite. */
static inline float drift_bfloat16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return x;
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
