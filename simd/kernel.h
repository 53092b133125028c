/* What every file of simd/ opens with: the vector, and K(name), the kernel's symbol on the ISA being compiled:
 * K(exp) is drift_exp_avx2 with -DDRIFT_ISA_avx2. */
#ifndef DRIFT_SIMD_KERNEL_H
#define DRIFT_SIMD_KERNEL_H

#include "kernel/types.h"
#include "vec.h"

#if defined(DRIFT_ISA_avx512)
#define K(name) drift_##name##_avx512
#elif defined(DRIFT_ISA_avx2)
#define K(name) drift_##name##_avx2
#elif defined(DRIFT_ISA_neon)
#define K(name) drift_##name##_neon
#else
#define K(name) drift_##name##_c
#endif

#define real float
#define KERNEL(name, parameters, bound, flop, bytes) void K(name) parameters;
#include "kernel/kernels.def"
#undef KERNEL
#undef real

#endif
