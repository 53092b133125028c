/* A small classifier of images, trained here on real ones, to judge generated ones: does a sample look like the class
 * that was asked for, and where does it lie among features that mean something?
 *
 *     image -> conv 3x3, 24 -> silu -> conv 3x3, 48, stride 2 -> silu -> linear 64 -> silu = features
 *     features -> linear -> logits
 *
 * The first convolution has stride 2 where both sides are 16 or more.
 *
 * The same data and seed give the same bits, on any machine and for any number of threads. */
#ifndef DRIFT_JUDGE_CLASSIFIER_H
#define DRIFT_JUDGE_CLASSIFIER_H

#include "data/data.h"
#include "nn/params.h"
#include "tape/tape.h"

enum { DRIFT_CLASSIFIER_LAYERS = 4, DRIFT_CLASSIFIER_FEATURES = 64 };

struct drift_classifier {
    drift_params params;
    drift_param *weight[DRIFT_CLASSIFIER_LAYERS], *bias[DRIFT_CLASSIFIER_LAYERS];
    drift_tape *tape;
    size_t dim, height, width, channels, classes;
};

/* Told after every step, for a line of progress. */
typedef void drift_classifier_progress(void *context, int64_t step, int64_t steps);

/* Trains on all rows of a finite set of images with labels: AdamW, 200 rounds or 1,500 steps of 256 images, whichever
 * is less, shifted, turned and sheared a little each time. Some seconds to a minute. `progress` may be NULL. On failure
 * there is nothing to free. */
drift_status drift_classifier_train(struct drift_classifier *classifier, const struct drift_data *train, uint64_t seed,
                                    drift_classifier_progress *progress, void *context);
void drift_classifier_free(struct drift_classifier *classifier);

/* features[n, DRIFT_CLASSIFIER_FEATURES] and the most likely labels[n] of x[n, dim]; either may be NULL. Memory beside
 * them is bounded. */
drift_status drift_classifier_apply(struct drift_classifier *classifier, size_t n, const float *x, float *features,
                                    int *labels);

#endif
