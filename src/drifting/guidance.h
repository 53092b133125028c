/* Guidance in training (spec: drifting; paper: guidance): each entry of a batch has a scale alpha >= 1 of its own;
 * the generator is told it, and unconditional data joins its negatives with a weight that follows from it. */
#ifndef DRIFT_DRIFTING_GUIDANCE_H
#define DRIFT_DRIFTING_GUIDANCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct drift_guidance {
    double low, high;    /* range of alpha, 1 <= low <= high */
    double power;        /* k: alpha has a density proportional to alpha^-k on the range */
    double off_fraction; /* share of entries whose alpha is put to 1, in 0 .. 1 */
};

/* DRIFT_INVALID where the range is empty or below 1, or the share is none. */
drift_status drift_guidance_check(const struct drift_guidance *guidance);

/* alpha of two independent uniform numbers in [0,1): u gives its place in the range, `off` below the share puts it
 * to 1. */
double drift_guidance_scale(const struct drift_guidance *guidance, double u, double off);

/* Weight of each of N unconditional negatives beside G generated samples: (alpha - 1)(G - 1) / max(1, N). */
double drift_guidance_weight(double alpha, size_t generated, size_t negatives);

/* alpha[n] of a step: entry i takes elements 2 i and 2 i + 1 of the stream (seed, guidance, step). */
void drift_guidance_draw(const struct drift_guidance *guidance, uint64_t seed, uint32_t step, size_t n, float *alpha);

#endif
