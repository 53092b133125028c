/* The CPU backend: OpenMP loops that hand rows, blocks or tiles to leaf kernels. Every file of this room is compiled
 * twice: real = float over drift_kernels(), and, with -DDRIFT_CPU_F64, real = double over the reference kernels.
 *
 * A file defines `drift_status CPU(name)(const drift_backend *backend, ...)` for rows of tensor/backend.def. */
#ifndef DRIFT_CPU_CPU_H
#define DRIFT_CPU_CPU_H

#include "kernel/kernel.h"
#include "tensor/backend.h"

/* The backend of this precision, DRIFT_F32 or DRIFT_F64; never freed. */
const drift_backend *drift_cpu_backend(drift_dtype real);

#ifdef DRIFT_CPU_F64
#define CPU(name) drift_cpu_##name##_f64
#else
#define CPU(name) drift_cpu_##name##_f32
#endif

#define OP(name, parameters, arguments, flop, moved)                                                                   \
    drift_status CPU(name)(const drift_backend *backend, DRIFT_UNWRAP parameters);
#include "tensor/backend.def"
#undef OP

#endif
