/* What the parts of the encoder's bench share. */
#ifndef DRIFT_BENCH_ENCODER_H
#define DRIFT_BENCH_ENCODER_H

#include "bench/figure.h"

enum { DRIFT_BENCH_ENCODER_FIGURES = 5 };

/* The encoder as a whole, its norm, and the loss of features: fills all figures, those not wanted with 0 seconds. */
drift_status drift_bench_encoder_model(const struct drift_bench_options *options,
                                       struct drift_bench_figure figures[DRIFT_BENCH_ENCODER_FIGURES]);

/* The normalized form of bench field on features, or on the wide ones: seconds of the fastest call, and what the limit
 * counts, in FLOP. */
drift_status drift_bench_feature_loss(int wide, double seconds, double *best, double *work);

#endif
