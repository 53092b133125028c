/* What a run will need, without running it. */
#ifndef DRIFT_TRAIN_PLAN_H
#define DRIFT_TRAIN_PLAN_H

#include "train/generator.h"

struct drift_plan {
    size_t parameters;                  /* numbers that are trained */
    double weights, optimizer, average; /* bytes: parameters and gradients; moments; running means */
    double step;                        /* bytes: activations, features, the field */
    double batch;                       /* bytes: rings, positives, negatives */
    double encoder;                     /* bytes: parameters of the encoder */
    double data;       /* bytes: rows of a finite set, all and those of the training and of the test part */
    double program;    /* bytes: what the program and its libraries take before anything else */
    char without[256]; /* why the recipe's encoder could not be counted; empty where it was */
    double flop;       /* of a step, by the formulas of tensor/backend.def */
};

/* Counts one training step of a recipe whose samples have this shape, `rows` of them in a finite set (0: endless), on a
 * backend that computes nothing: shapes that do not fit are found too. dataset.num_classes is known. Where the
 * encoder's files are not there, it counts without.
 */
drift_status drift_plan_step(const struct drift_recipe *recipe, const struct drift_sample_shape *shape, size_t rows,
                             struct drift_plan *plan);

/* The same for an encoder's recipe and images of this shape. */
drift_status drift_plan_encoder(const struct drift_recipe *recipe, const struct drift_sample_shape *shape, size_t rows,
                                struct drift_plan *plan);

/* The sum of the plan's bytes. */
double drift_plan_bytes(const struct drift_plan *plan);

#endif
