/* The training loop: a recipe, its data and a generator; step, evaluate, save, go on from what was saved.
 *
 * In the run's folder lie
 *   checkpoint.safetensors   all of the training state; what --resume reads. The only truth.
 *   model.safetensors        parameters, running means, recipe: what sampling reads. Made from the same state, so a run
 *                            that was killed and resumed ends with the same bytes as one that was not.
 *   log.csv                  a row per logged step; brought back to the checkpoint's step on resume.
 *   recipe.yaml
 * The random state is (seed, step): random numbers are made by counter. */
#ifndef DRIFT_TRAIN_TRAINER_H
#define DRIFT_TRAIN_TRAINER_H

#include "data/data.h"
#include "drifting/loss.h"
#include "recipe/recipe.h"
#include "train/batch.h"
#include "train/encoder.h"
#include "train/generator.h"
#include "train/log.h"
#include "train/optimizer.h"

/* Columns of the log. NaN where a row has none. */
enum drift_log_column {
    DRIFT_LOG_STEP,
    DRIFT_LOG_LOSS,
    DRIFT_LOG_LOSS_EMA, /* 0.96 old + 0.04 new, the first loss to begin with */
    DRIFT_LOG_RAW,      /* mean of the raw |V|^2 entries over features and temperatures */
    DRIFT_LOG_SCALE,    /* mean distance of the normalized form: of the first feature */
    DRIFT_LOG_GRAD_NORM,
    DRIFT_LOG_LEARNING_RATE,
    DRIFT_LOG_ENERGY, /* energy distance^2 of a few samples, where evaluated: of the first running mean at the first */
    DRIFT_LOG_COLUMNS /* guidance scale; a column more for each other mean and scale */
};

/* What is kept for looking at: samples of the same noise at some steps, and the field at some of those. */
struct drift_snapshots {
    size_t points; /* samples in each frame */
    size_t count;
    int64_t *steps;
    float *frames; /* [count, points, dim] */
    size_t arrows; /* samples in each field; 0: none (images) */
    size_t field_count;
    int64_t *field_steps;
    float *field_x, *field_v; /* [field_count, arrows, dim] */
};

struct drift_trainer {
    struct drift_recipe recipe;
    struct drift_data *data; /* what is trained on */
    struct drift_data *all;  /* what is evaluated against: the same, or all rows of a finite set */
    struct drift_data *test; /* rows left out of training; NULL where there are none */
    struct drift_generator generator;
    struct drift_optimizer optimizer;
    drift_tensor *averages; /* [ema_decay.count] */
    struct drift_batch batch;
    struct drift_feature_encoder encoder;
    drift_loss_memory memory;
    drift_loss_report *report; /* of the last step */

    int started;        /* the parameters of train.init_from are taken */
    int64_t step;       /* updates made */
    double step_memory; /* bytes that the process had taken at most when it had made its first step */
    double seconds;     /* of all steps, those before a resume included */
    double *last;       /* [log.columns] */
    double energy;      /* the last energy distance^2, NaN before the first */
    struct drift_log log;
    struct drift_snapshots snapshots;
};

/* Opens the data, draws the parameters of step 0. */
drift_status drift_trainer_new(const struct drift_recipe *recipe, struct drift_trainer **trainer);
void drift_trainer_free(struct drift_trainer *trainer);

/* At step 0, before anything else: takes the parameters of train.init_from, where the recipe has it. drift_trainer_run
 * does it where it has not been done. */
drift_status drift_trainer_start(struct drift_trainer *trainer);

/* The parts of a trainer that need no data, on this backend: generator, optimiser, running means, a step's tapes. Its
 * recipe is set; the encoder and the batch are the caller's. And an update from the batch as it is: what
 * drift_trainer_step does after drawing it. For drift_plan_step, which counts. */
drift_status drift_trainer_make(struct drift_trainer *trainer, const struct drift_sample_shape *shape,
                                const drift_backend *backend);
drift_status drift_trainer_update(struct drift_trainer *trainer, struct drift_optimizer_report *report);

/* One update. Not finite: DRIFT_NOT_FINITE names step and tensor, and the parameters are those before. */
drift_status drift_trainer_step(struct drift_trainer *trainer);

/* Samples 0 .. n - 1 of the recipe's seed: with the first running mean (the parameters where there is none), the first
 * guidance scale of train.cfg_list, and the classes in turn. */
drift_status drift_trainer_sample(struct drift_trainer *trainer, size_t n, float *x);
/* The same with running mean number `average`, this scale, and these classes (NULL: in turn). */
drift_status drift_trainer_sample_of(struct drift_trainer *trainer, int average, double cfg_scale, const int32_t *label,
                                     size_t n, float *x);

/* Writes checkpoint.safetensors, then model.safetensors, into the folder. */
drift_status drift_trainer_save(struct drift_trainer *trainer, const char *folder);
/* Goes to where the folder's checkpoint is. *found is 0 where there is none, and nothing changes. */
drift_status drift_trainer_load(struct drift_trainer *trainer, const char *folder, int *found);

struct drift_progress {
    int64_t step, total_steps;
    double steps_per_second, seconds_left;
    double loss, loss_ema, energy_distance2; /* NaN before the first evaluation */
};

/* After `seconds` of steps from `first` on; the losses are left 0. */
struct drift_progress drift_progress_at(int64_t step, int64_t first, int64_t total, double seconds);

/* Called after every step; other than 0 asks to stop. */
typedef int drift_progress_function(void *context, const struct drift_progress *progress);

/* Trains to the end: steps, log, evaluations, snapshots, saves. The folder exists. DRIFT_INTERRUPTED where `progress`
 * asked to stop, after saving. */
drift_status drift_trainer_run(struct drift_trainer *trainer, const char *folder, drift_progress_function *progress,
                               void *context);

#endif
