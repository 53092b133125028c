/* What a training step compares: its entries (a class and a guidance scale each), their positives and their
 * unconditional negatives. spec: guidance, sample queue.
 *
 * A class-conditional run pushes batches of the data into a ring for each class and into one for all, and draws from
 * these. A run without classes (an MLP's) has one entry, whose positives are drawn from the data afresh. */
#ifndef DRIFT_TRAIN_BATCH_H
#define DRIFT_TRAIN_BATCH_H

#include "data/data.h"
#include "drifting/queue.h"
#include "recipe/recipe.h"

struct drift_batch {
    size_t entries, generated, positives, negatives; /* the last three of each entry */
    size_t dim;
    int conditional;
    struct drift_queue by_class, all;
    size_t push_size, pushes; /* samples of a push; pushes of a step */
    float *pushed;            /* [push_size, dim]: the last push */
    int32_t *pushed_label;
    float *positive, *negative; /* [entries positives, dim], [entries negatives, dim] */
    int32_t *label;             /* [entries] */
    float *alpha, *weight;      /* [entries]: guidance scale, weight of each negative */
};

/* Sizes and memory for a recipe. Of a class-conditional recipe dataset.num_classes is
 * known (drift_batch_classes). On failure there is nothing to free. */
drift_status drift_batch_new(struct drift_batch *batch, const struct drift_recipe *recipe, size_t dim);
/* Sizes and what is small: no samples, no rings. And the bytes that all would take. */
drift_status drift_batch_sizes(struct drift_batch *batch, const struct drift_recipe *recipe, size_t dim);
double drift_batch_bytes(const struct drift_batch *batch, const struct drift_recipe *recipe);
void drift_batch_free(struct drift_batch *batch);

/* Sets dataset.num_classes to what the data has where it is 0, and checks that every class has a sample and every
 * sample a class of those. */
drift_status drift_batch_classes(const struct drift_data *data, struct drift_recipe *recipe);

/* Batch `number` of the data, n samples x[n, dim] with their classes (label may be NULL), mirrored and
 * cropped at random as the recipe says. */
drift_status drift_batch_data(const struct drift_recipe *recipe, const struct drift_data *data, uint32_t number,
                              size_t n, float *x, int32_t *label);

/* Fills the batch of step 0, 1, ...: a function of recipe, data, step, and, where there are rings, of what they hold.
 */
drift_status drift_batch_draw(struct drift_batch *batch, const struct drift_recipe *recipe,
                              const struct drift_data *data, int64_t step);

#endif
