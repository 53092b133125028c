/* cpuid and xgetbv. gcc's __builtin_cpu_supports asks the operating system too, clang 14's AVX-512 answer does not. */
#include "base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* XCR0: bit 1 SSE, 2 YMM, 5 masks, 6 and 7 ZMM. 0 where the system does not use XSAVE. */
static unsigned saved_state(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return a;
}

static unsigned features7(void) /* ebx of leaf 7 */
{
    unsigned a, b = 0, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) ? b : 0;
}

int drift_cpu_has_avx2(void)
{
    unsigned a, b, c = 0, d;
    const unsigned ymm = 0x6;
    return (saved_state() & ymm) == ymm && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_FMA) && (features7() & bit_AVX2);
}

int drift_cpu_has_avx512(void)
{
    const unsigned zmm = 0xe6;
    return drift_cpu_has_avx2() && (saved_state() & zmm) == zmm && (features7() & bit_AVX512F) &&
           (features7() & bit_AVX512DQ);
}
#else
int drift_cpu_has_avx2(void) { return 0; }
int drift_cpu_has_avx512(void) { return 0; }
#endif
