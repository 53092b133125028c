/* The machine's peak: fused multiply-adds in registers. */
#include "kernel.h"

void K(peak_fma)(size_t n, const real *x, real *y)
{
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < DRIFT_PEAK_LANES; i++)
            y[i] = y[i] * x[0] + x[1];
}
