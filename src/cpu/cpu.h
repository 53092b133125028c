/* The CPU backend: OpenMP loops that hand rows, blocks or tiles to leaf kernels. Every file of this room is compiled
 * twice: real = float over drift_kernels(), and, with -DDRIFT_CPU_F64, real = double over the reference kernels.
 *
 * A file defines `drift_status CPU(name)(const drift_backend *backend, ...)` for rows of tensor/backend.def.
 *
 * Threads: work is cut into blocks by its size alone, so that neither how many threads there are nor which takes which
 * block changes a result; sums over blocks are added in the blocks' order. Small work stays on the calling thread. */
#ifndef DRIFT_CPU_CPU_H
#define DRIFT_CPU_CPU_H

#include "kernel/kernel.h"
#include "tensor/backend.h"

/* The backend of this precision, DRIFT_F32 or DRIFT_F64; never freed. */
const drift_backend *drift_cpu_backend(drift_dtype real);
extern const drift_backend drift_cpu_backend_f32, drift_cpu_backend_f64;

#ifdef DRIFT_CPU_F64
#define CPU(name) drift_cpu_##name##_f64
typedef double real;
#define kernels drift_kernels_f64
#else
#define CPU(name) drift_cpu_##name##_f32
typedef float real;
#define kernels drift_kernels
#endif

#define OP(name, parameters, arguments, flop, moved)                                                                   \
    drift_status CPU(name)(const drift_backend *backend, DRIFT_UNWRAP parameters);
#include "tensor/backend.def"
#undef OP

/* Memory of at least `bytes` bytes that belongs to the calling thread and holds nothing between calls; NULL: no memory.
 * It is kept, so that a training step allocates none. */
void *CPU(scratch)(size_t bytes);

#endif
