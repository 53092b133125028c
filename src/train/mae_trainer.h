/* The training of an encoder: a recipe, its images and a masked autoencoder; step, evaluate, save, go on from what was
 * saved.
 *
 * In the run's folder lie
 *   checkpoint.safetensors   all of the training state; what --resume reads
 *   params_ema/              the first running mean as an artefact: what a recipe's feature.mae_path reads
 *   log.csv, recipe.yaml     as of a generator's run
 * The random state is (seed, step): random numbers are made by counter. */
#ifndef DRIFT_TRAIN_MAE_TRAINER_H
#define DRIFT_TRAIN_MAE_TRAINER_H

#include "data/data.h"
#include "train/log.h"
#include "train/mae_step.h"
#include "train/trainer.h"

/* Columns of the log. Losses are means over images, of the step's or, where evaluated, of held-out ones. */
enum drift_mae_column {
    DRIFT_MAE_STEP,
    DRIFT_MAE_LOSS,
    DRIFT_MAE_LOSS_EMA, /* 0.96 old + 0.04 new, the first loss to begin with */
    DRIFT_MAE_RECON_LOSS,
    DRIFT_MAE_CLS_LOSS,
    DRIFT_MAE_ACCURACY,
    DRIFT_MAE_MASK_RATIO,
    DRIFT_MAE_LAMBDA_CLS,
    DRIFT_MAE_GRAD_NORM,
    DRIFT_MAE_LEARNING_RATE,
    DRIFT_MAE_EVAL_RECON_LOSS, /* of the first running mean, with train.eval_forward_dict */
    DRIFT_MAE_EVAL_ACCURACY,
    DRIFT_MAE_COLUMNS
};

struct drift_mae_trainer {
    struct drift_recipe recipe;
    struct drift_data *data; /* what is trained on */
    struct drift_data *test; /* rows left out of training; NULL where there are none */
    struct drift_mae_state state;
    size_t batch;    /* images of a step */
    size_t h, w;     /* of the grid */
    float *x, *mask; /* [batch, dim], [batch, h, w] */
    int32_t *label;
    int64_t step;       /* updates made */
    double seconds;     /* of all steps, those before a resume included */
    double step_memory; /* the process's peak after the first step; 0 without one, or where the system does not say */
    double last[DRIFT_MAE_COLUMNS];
    struct drift_log log;
};

/* Opens the images, draws the parameters of step 0. Images that the model does not take (channels, sides that cells do
 * not divide), a set without labels where there is classification: DRIFT_INVALID. */
drift_status drift_mae_trainer_new(const struct drift_recipe *recipe, struct drift_mae_trainer **trainer);
/* Whether images, grid and mask cells of a model go together; `name` is what the images are called in the line. */
drift_status drift_mae_fits(const char *name, const struct drift_sample_shape *shape, const drift_mae_config *config);
void drift_mae_trainer_free(struct drift_mae_trainer *trainer);

/* One update. Not finite: DRIFT_NOT_FINITE names step and tensor, and the parameters are those before. */
drift_status drift_mae_trainer_step(struct drift_mae_trainer *trainer);

/* The first n held-out images (or images trained on, where none are held out) with masks of train.eval_forward_dict, by
 * the first running mean. mask[n, h, w] and recon[n, h, w, channels of the grid] are the caller's; recon may be NULL.
 */
drift_status drift_mae_trainer_measure(struct drift_mae_trainer *trainer, size_t n, float *mask, float *recon,
                                       struct drift_mae_report *report);
/* Those images. */
const struct drift_data *drift_mae_trainer_held_out(const struct drift_mae_trainer *trainer);

/* Writes checkpoint.safetensors, then params_ema/, into the folder. */
drift_status drift_mae_trainer_save(struct drift_mae_trainer *trainer, const char *folder);
/* Goes to where the folder's checkpoint is. *found is 0 where there is none, and nothing changes. */
drift_status drift_mae_trainer_load(struct drift_mae_trainer *trainer, const char *folder, int *found);

/* Trains to the end: steps, log, evaluations, saves. The folder exists. DRIFT_INTERRUPTED where `progress` asked to
 * stop, after saving. */
drift_status drift_mae_trainer_run(struct drift_mae_trainer *trainer, const char *folder,
                                   drift_progress_function *progress, void *context);

#endif
