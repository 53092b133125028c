/* A masked autoencoder in training: parameters, moments, running means, and one update of them (spec: encoder,
 * training).
 */
#ifndef DRIFT_TRAIN_MAE_STEP_H
#define DRIFT_TRAIN_MAE_STEP_H

#include "nn/mae.h"
#include "recipe/recipe.h"
#include "tape/tape.h"
#include "train/optimizer.h"

struct drift_mae_state {
    drift_params params;
    drift_mae mae;
    struct drift_optimizer optimizer;
    drift_tensor *averages; /* [average_count], the recipe's ema_decay */
    int average_count;
    drift_tape *tape;
};

/* The model with parameters of zero (drift_mae_state_start draws them). On failure there is nothing to free. */
drift_status drift_mae_state_new(struct drift_mae_state *state, const struct drift_recipe *recipe,
                                 const drift_mae_config *config, const drift_backend *backend);
void drift_mae_state_free(struct drift_mae_state *state);
/* First values by the recipe's seed; and running means that begin as copies of the parameters as they are. */
drift_status drift_mae_state_start(struct drift_mae_state *state, const struct drift_recipe *recipe);
drift_status drift_mae_state_start_averages(struct drift_mae_state *state);

/* Images with their masks, all on the host: x[n, height, width, channels], label[n], and mask[n, h, w] on the grid. */
struct drift_mae_images {
    size_t n, height, width, channels;
    const float *x, *mask;
    const int32_t *label;
};

/* Means over the images, and of an update its own figures. */
struct drift_mae_report {
    double loss, recon_loss, cls_loss, accuracy, mask_ratio;
    double lambda, learning_rate, grad_norm; /* the norm before it is clipped */
};

/* Update number `step` on these images, which pass the model in train.accumulate parts. Not finite: DRIFT_NOT_FINITE,
 * and the parameters are those before. */
drift_status drift_mae_state_step(struct drift_mae_state *state, const struct drift_recipe *recipe, int64_t step,
                                  const struct drift_mae_images *images, struct drift_mae_report *report);

/* The loss on images with the parameters in use (drift_params_use), in parts of `part` images; nothing is updated.
 * recon [n, h, w, channels of the grid], or NULL. */
drift_status drift_mae_state_measure(struct drift_mae_state *state, double lambda, size_t part,
                                     const struct drift_mae_images *images, struct drift_mae_report *report,
                                     float *recon);

#endif
