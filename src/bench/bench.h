/* Benchmarks: each prints a table, or JSON, of times beside this machine's own peak, measured in the same run. */
#ifndef DRIFT_BENCH_BENCH_H
#define DRIFT_BENCH_BENCH_H

#include <stddef.h>

#include "base/status.h"

struct drift_bench_options {
    int json;
    int threads;      /* 0: OMP_NUM_THREADS */
    double seconds;   /* for each figure; 0: a quarter of a second */
    const char *only; /* figures with this word in their name; NULL: all */
};

/* Whether a figure of this name is to be measured. */
int drift_bench_wants(const struct drift_bench_options *options, const char *name);

/* Matrix products of the shapes that the models need, the builtin engine against BLIS, in turn. */
drift_status drift_bench_gemm(const struct drift_bench_options *options);

/* Attention in the shapes of the generators, forward and backward. */
drift_status drift_bench_attention(const struct drift_bench_options *options);

/* Softmax, RMSNorm and SwiGLU over the rows of the generator's layers. */
drift_status drift_bench_rows(const struct drift_bench_options *options);

/* The drifting field in the shapes of the demo, the digits and the released loss. */
drift_status drift_bench_field(const struct drift_bench_options *options);

/* The feature encoder's convolutions, forward and backward; the encoder itself, its GroupNorm and the loss of features.
 */
drift_status drift_bench_encoder(const struct drift_bench_options *options);

/* DiT-B/2's forward pass and a small DiT's training step, on one thread and on all. */
drift_status drift_bench_dit(const struct drift_bench_options *options);

/* One training step of the demo on one thread and on all, and 1,000 samples. */
drift_status drift_bench_toy(const struct drift_bench_options *options);

#endif
