/* Adam and AdamW over the one block of parameters, with the gradient clipped by its global norm. */
#ifndef DRIFT_TRAIN_OPTIMIZER_H
#define DRIFT_TRAIN_OPTIMIZER_H

#include "nn/params.h"
#include "recipe/recipe.h"
#include "train/schedule.h"

struct drift_optimizer {
    drift_tensor m, v; /* moments, blocks in the parameters' layout */
    drift_tensor sum;  /* one element: the gradient's sum of squares */
};

/* Moments of zero. On failure there is nothing to free. */
drift_status drift_optimizer_new(struct drift_optimizer *optimizer, const drift_params *params);
void drift_optimizer_free(struct drift_optimizer *optimizer, const drift_params *params);

struct drift_optimizer_report {
    double learning_rate, grad_norm; /* the norm over all parameters, before clipping */
};

/* Update number `step` = 0, 1, ... from the gradients of `params`. Where the gradient is not finite nothing changes,
 * and DRIFT_NOT_FINITE names the first parameter in which it is not. */
drift_status drift_optimizer_step(struct drift_optimizer *optimizer, const struct drift_recipe *recipe, int64_t step,
                                  drift_params *params, struct drift_optimizer_report *report);

#endif
