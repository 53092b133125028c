/* What every file of ref/ opens with. Each is compiled twice: real = float gives drift_exp_ref, and, with
 * -DDRIFT_REF_F64, real = double gives drift_exp_f64, the oracle. R(x) is a constant of that type: R(0.5). */
#ifndef DRIFT_REF_KERNEL_H
#define DRIFT_REF_KERNEL_H

#include <math.h> /* sqrt, fma, fabs and NAN alone: glibc's other functions give other bits on other CPUs */

#include "kernel/types.h"

#ifdef DRIFT_REF_F64
#define real double
#define K(name) drift_##name##_f64
#else
#define real float
#define K(name) drift_##name##_ref
#endif
#define R(x) ((real)(x))

#define KERNEL(name, parameters, bound, flop, bytes) void K(name) parameters;
#include "kernel/kernels.def"
#undef KERNEL

#endif
