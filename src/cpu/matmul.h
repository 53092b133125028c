/* Matrix products of this backend on raw arrays: see kernel/gemm.h for the struct. */
#ifndef DRIFT_CPU_MATMUL_H
#define DRIFT_CPU_MATMUL_H

#include "kernel/gemm.h"

/* C_e = A_e B_e (+ C_e) (+ bias in every row, unless NULL), by the engine in use. With the builtin one every element is
 * one chain of fma over ascending k from 0 (or from the old C), then the bias: the same bits whatever the threads.
 * Fails only for memory. Thread-safe: the workspace belongs to the calling thread and is kept for its next call. */
drift_status drift_cpu_gemm_f32(const struct drift_gemm *g, const float *a, const float *b, const float *bias,
                                float *c);
drift_status drift_cpu_gemm_f64(const struct drift_gemm *g, const double *a, const double *b, const double *bias,
                                double *c);

/* The builtin engine whatever DRIFT_GEMM says (for the benchmark). */
drift_status drift_cpu_gemm_builtin_f32(const struct drift_gemm *g, const float *a, const float *b, const float *bias,
                                        float *c);

#endif
