/* The machine's peak: fused multiply-adds in registers, as many chains at once as the ISA has registers for. */
#include "kernel.h"

#if defined(DRIFT_ISA_avx512)
enum { CHAINS = 12 };
#elif defined(DRIFT_ISA_c)
enum { CHAINS = 1 };
#else
enum { CHAINS = 6 };
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif PARTS == 16
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

void K(peak_fma)(size_t n, const float *x, float *y)
{
    const vec scale = vec_set1(x[0]), shift = vec_set1(x[1]);
    for (size_t i = 0; i < DRIFT_PEAK_LANES; i += CHAINS * LANES) {
        vec chain[CHAINS];
        UNROLL for (int c = 0; c < CHAINS; c++) chain[c] = vec_load(y + i + c * LANES);
        for (size_t r = 0; r < n; r++)
            UNROLL for (int c = 0; c < CHAINS; c++) chain[c] = vec_fma(chain[c], scale, shift);
        UNROLL for (int c = 0; c < CHAINS; c++) vec_store(y + i + c * LANES, chain[c]);
    }
}
