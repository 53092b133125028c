/* Learning rates by step. */
#ifndef DRIFT_TRAIN_SCHEDULE_H
#define DRIFT_TRAIN_SCHEDULE_H

#include <stdint.h>

#include "base/status.h"

enum drift_schedule_kind { DRIFT_SCHEDULE_CONST, DRIFT_SCHEDULE_COSINE };

struct drift_schedule {
    int kind;
    double learning_rate; /* after the warm-up */
    int64_t warmup_steps;
    int64_t total_steps; /* where the cosine ends; the constant schedule has no end */
};

/* "const", "cosine" or "cos". */
drift_status drift_schedule_kind(const char *name, int *kind);

/* The rate of update s = 0, 1, ...:
 *   s < warmup   1e-6 + (lr - 1e-6) s / warmup
 *   const        lr
 *   cosine       lr ((1 - 1e-6)(1 + cos pi t)/2 + 1e-6),   t = min(1, (s - warmup) / max(1, total - warmup)) */
double drift_schedule_rate(const struct drift_schedule *schedule, int64_t step);

#endif
