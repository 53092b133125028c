/* Rounding to bfloat16, the upper half of a float, and its storage in 16 bits. */
#include "kernel.h"

#include "base/bfloat16.h"

static real rounded(real x) { return drift_bfloat16((float)x); }

void K(bf16_pack)(size_t n, const real *x, uint16_t *y)
{
    for (size_t i = 0; i < n; i++) {
        const float value = drift_bfloat16((float)x[i]);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        y[i] = value == value ? (uint16_t)(bits >> 16) : 0x7fc0;
    }
}

void K(bf16_unpack)(size_t n, const uint16_t *x, real *y)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)x[i] << 16;
        float value;
        memcpy(&value, &bits, sizeof value);
        y[i] = value;
    }
}

void K(bf16_round)(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = rounded(x[i]);
}

void K(bf16_add_row)(size_t rows, size_t cols, const real *x, const real *b, real *y)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            y[i * cols + j] = rounded(rounded(x[i * cols + j]) + rounded(b[j]));
}
