/* The way between the noise of two samples. */
#ifndef DRIFT_TRAIN_INTERPOLATE_H
#define DRIFT_TRAIN_INTERPOLATE_H

#include "train/generator.h"

/* noise[steps, noise_dim] and style[steps, styles] (NULL without styles) from sample a of a seed to sample b, both ends
 * included; steps >= 2. Noise goes over the sphere: its direction turns evenly, by the same angle
 * each step, and its length goes evenly from |a| to |b|, so that what lies between is as long as noise is:
 *     ((1 - t) |a| + t |b|) (sin((1 - t) angle) a / |a| + sin(t angle) b / |b|) / sin(angle),   t = s / (steps - 1)
 * and in a straight line where they have one direction. Style indices, which have nothing between them, change from a's
 * to b's one after the other: index k of K where t reaches (k + 1) / (K + 1). */
drift_status drift_interpolate(const struct drift_generator *generator, uint64_t seed, double temperature, uint64_t a,
                               uint64_t b, size_t steps, float *noise, int32_t *style);

#endif
