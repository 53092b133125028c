/* What a classifier that was trained on real images says of generated ones, and what it says of real ones: the floor.
 *
 * The classifier learns from the training rows alone. As many samples as there are test rows are then compared with the
 * test rows among its features; for the floor as many training rows take their place. The distance to the training
 * images is that of 1,000 samples at most, which is their number times that of the training images. */
#ifndef DRIFT_JUDGE_JUDGE_H
#define DRIFT_JUDGE_JUDGE_H

#include "judge/classifier.h"

struct drift_judgement {
    double class_accuracy;    /* share that the classifier takes for the class that was asked for; NaN without labels */
    double frechet_distance;  /* to the test rows, in feature space */
    double precision, recall; /* k-NN manifolds in feature space, k = DRIFT_NEIGHBOURS */
    double memorisation;      /* mean distance to the nearest training image, over that of the test rows */
};

struct drift_judge {
    struct drift_classifier classifier;
    const struct drift_data *train, *test;
    size_t n;        /* rows compared: all test rows, or as many as there are training rows, or as asked for */
    int32_t *labels; /* [n] of the test rows: the classes to ask a generator for */
    float *features; /* [n, DRIFT_CLASSIFIER_FEATURES] of the test rows */
    double held_out; /* mean distance of test rows to the nearest training image */
    struct drift_judgement floor;
};

/* Trains the classifier from `seed` on the images of `train`, and judges n of them for the floor (its class_accuracy:
 * that of the test rows, which a generator may be expected to reach). n is at most `most`, 0 for no limit. The sets
 * stay the caller's, open as long as the judge. On failure there is nothing to free. */
drift_status drift_judge_new(struct drift_judge *judge, const struct drift_data *train, const struct drift_data *test,
                             size_t most, uint64_t seed, drift_classifier_progress *progress, void *context);
void drift_judge_free(struct drift_judge *judge);

/* Judges x[n, dim] of these classes (NULL: none were asked for). n is the judge's. */
drift_status drift_judge_samples(struct drift_judge *judge, const float *x, const int32_t *labels,
                                 struct drift_judgement *judgement);

#endif
