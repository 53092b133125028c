/* An encoder's trainer: its parts, its steps, and the run around them. */
#include "train/mae_trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "cpu/cpu.h"
#include "io/file.h"
#include "recipe/model.h"

enum { PART = 64 }; /* images of an evaluation that pass the model at once */

static const char *const columns[DRIFT_MAE_COLUMNS] = {
    "step",       "loss",       "loss_ema",  "recon_loss",    "cls_loss",        "accuracy",
    "mask_ratio", "lambda_cls", "grad_norm", "learning_rate", "eval_recon_loss", "eval_accuracy",
};

/* ---- a trainer and its parts ---- */

const struct drift_data *drift_mae_trainer_held_out(const struct drift_mae_trainer *trainer)
{
    return trainer->test && trainer->test->size ? trainer->test : trainer->data;
}

static int classifies(const struct drift_recipe *recipe)
{
    return recipe->train.forward_dict.lambda_cls > 0 || recipe->train.finetune_last_steps > 0;
}

static drift_status open_data(struct drift_mae_trainer *trainer)
{
    const char *name = trainer->recipe.dataset.name;
    const enum drift_data_split split = (enum drift_data_split)trainer->recipe.dataset.split;
    drift_status status = drift_data_open(name, split, &trainer->data);
    if (!status && trainer->data->size && split == DRIFT_DATA_TRAIN)
        status = drift_data_open(name, DRIFT_DATA_TEST, &trainer->test);
    if (!status && (!trainer->data->height || !trainer->data->size))
        status = drift_fail(DRIFT_INVALID, "%s: expected a set of images to train an encoder", name);
    return status;
}

static drift_status check_classes(const struct drift_data *data, const struct drift_recipe *recipe)
{
    if (!data->labels)
        return classifies(recipe) ? drift_fail(DRIFT_INVALID, "%s: has no labels to classify by", data->name)
                                  : DRIFT_OK;
    if (data->classes > recipe->dataset.num_classes)
        return drift_fail(DRIFT_INVALID, "dataset.num_classes: %ld, but %s has %d", (long)recipe->dataset.num_classes,
                          data->name, data->classes);
    return DRIFT_OK;
}

drift_status drift_mae_fits(const char *name, const struct drift_sample_shape *shape, const drift_mae_config *config)
{
    const size_t cell = config->input_patch_size * config->patch_size;
    if (shape->channels != config->in_channels)
        return drift_fail(DRIFT_INVALID, "model.in_channels: %zu, but %s has images of %zu", config->in_channels, name,
                          shape->channels);
    if (shape->height % cell || shape->width % cell)
        return drift_fail(DRIFT_INVALID,
                          "model.patch_size: mask cells of %zu x %zu pixels do not divide images of %zu x %zu", cell,
                          cell, shape->height, shape->width);
    return DRIFT_OK;
}

static drift_status make_parts(struct drift_mae_trainer *trainer)
{
    struct drift_recipe *recipe = &trainer->recipe;
    const struct drift_data *data = trainer->data;
    if (!recipe->dataset.num_classes)
        recipe->dataset.num_classes = data->classes ? data->classes : 1;
    const drift_mae_config config = drift_recipe_mae(recipe);
    const struct drift_sample_shape shape = {data->dim, data->height, data->width, data->channels};
    trainer->batch = (size_t)recipe->dataset.batch_size;
    if (!trainer->batch)
        return drift_fail(DRIFT_INVALID, "dataset.batch_size: expected the images of a step");
    drift_status status = drift_mae_check(&config);
    if (!status)
        status = check_classes(data, recipe);
    if (!status)
        status = drift_mae_fits(data->name, &shape, &config);
    if (!status)
        status = drift_mae_state_new(&trainer->state, recipe, &config, drift_cpu_backend(DRIFT_F32));
    if (!status)
        status = drift_mae_state_start(&trainer->state, recipe);
    if (status)
        return status;
    trainer->h = data->height / config.input_patch_size;
    trainer->w = data->width / config.input_patch_size;
    trainer->x = malloc(trainer->batch * data->dim * sizeof *trainer->x);
    trainer->mask = malloc(trainer->batch * trainer->h * trainer->w * sizeof *trainer->mask);
    trainer->label = malloc(trainer->batch * sizeof *trainer->label);
    trainer->log.columns = DRIFT_MAE_COLUMNS;
    trainer->log.names = calloc(DRIFT_MAE_COLUMNS, sizeof *trainer->log.names);
    if (!trainer->x || !trainer->mask || !trainer->label || !trainer->log.names)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu images", trainer->batch);
    for (int i = 0; i < DRIFT_MAE_COLUMNS; i++)
        snprintf(trainer->log.names[i], sizeof *trainer->log.names, "%s", columns[i]);
    return DRIFT_OK;
}

drift_status drift_mae_trainer_new(const struct drift_recipe *recipe, struct drift_mae_trainer **result)
{
    struct drift_mae_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a trainer");
    trainer->recipe = *recipe;
    drift_status status = drift_recipe_check(recipe);
    if (!status)
        status = drift_recipe_able(recipe);
    if (!status)
        status = open_data(trainer);
    if (!status)
        status = make_parts(trainer);
    if (status) {
        drift_mae_trainer_free(trainer);
        return status;
    }
    *result = trainer;
    return DRIFT_OK;
}

void drift_mae_trainer_free(struct drift_mae_trainer *trainer)
{
    drift_mae_state_free(&trainer->state);
    if (trainer->test)
        drift_data_close(trainer->test);
    if (trainer->data)
        drift_data_close(trainer->data);
    free(trainer->x);
    free(trainer->mask);
    free(trainer->label);
    free(trainer->log.names);
    free(trainer->log.rows);
    free(trainer);
}

/* ---- a step ---- */

/* Masks of n images: image i takes its ratio and its cells' draws from the stream's elements from i (1 + cells) on. */
static drift_status draw_masks(const struct drift_mae_trainer *trainer, uint32_t purpose, uint32_t step, double low,
                               double high, size_t n, float *mask)
{
    const drift_mae_config *config = &trainer->state.mae.config;
    const uint64_t seed = (uint64_t)trainer->recipe.train.seed;
    const size_t cells = trainer->h / config->patch_size * (trainer->w / config->patch_size);
    float *draws = malloc((cells + 1) * sizeof *draws);
    if (!draws)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a mask of %zu cells", cells);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k <= cells; k++)
            draws[k] = (float)drift_random_uniform_at(seed, purpose, step, i * (1 + cells) + k);
        drift_mae_mask(config, 1, trainer->h, trainer->w, low, high, draws, draws + 1,
                       mask + i * trainer->h * trainer->w);
    }
    free(draws);
    return DRIFT_OK;
}

static void note(struct drift_mae_trainer *trainer, const struct drift_mae_report *report)
{
    double *last = trainer->last;
    last[DRIFT_MAE_LOSS_EMA] = trainer->step ? 0.96 * last[DRIFT_MAE_LOSS_EMA] + 0.04 * report->loss : report->loss;
    last[DRIFT_MAE_LOSS] = report->loss;
    last[DRIFT_MAE_RECON_LOSS] = report->recon_loss;
    last[DRIFT_MAE_CLS_LOSS] = report->cls_loss;
    last[DRIFT_MAE_ACCURACY] = report->accuracy;
    last[DRIFT_MAE_MASK_RATIO] = report->mask_ratio;
    last[DRIFT_MAE_LAMBDA_CLS] = report->lambda;
    last[DRIFT_MAE_GRAD_NORM] = report->grad_norm;
    last[DRIFT_MAE_LEARNING_RATE] = report->learning_rate;
    last[DRIFT_MAE_EVAL_RECON_LOSS] = last[DRIFT_MAE_EVAL_ACCURACY] = NAN;
    last[DRIFT_MAE_STEP] = (double)++trainer->step;
}

drift_status drift_mae_trainer_step(struct drift_mae_trainer *trainer)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    const struct drift_data *data = trainer->data;
    struct drift_mae_report report;
    drift_status status =
        drift_batch_data(recipe, data, (uint32_t)trainer->step, trainer->batch, trainer->x, trainer->label);
    if (!status)
        status =
            draw_masks(trainer, DRIFT_RANDOM_MASK, (uint32_t)trainer->step, recipe->train.forward_dict.mask_ratio_min,
                       recipe->train.forward_dict.mask_ratio_max, trainer->batch, trainer->mask);
    const struct drift_mae_images images = {trainer->batch, data->height,  data->width,   data->channels,
                                            trainer->x,     trainer->mask, trainer->label};
    if (!status)
        status = drift_mae_state_step(&trainer->state, recipe, trainer->step, &images, &report);
    if (!status)
        note(trainer, &report);
    return status;
}

/* ---- evaluation ---- */

drift_status drift_mae_trainer_measure(struct drift_mae_trainer *trainer, size_t n, float *mask, float *recon,
                                       struct drift_mae_report *report)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    const struct drift_data *data = drift_mae_trainer_held_out(trainer);
    int32_t *label = calloc(n + 1, sizeof *label);
    if (!label)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu labels", n);
    for (size_t i = 0; i < n && data->labels; i++)
        label[i] = data->labels[i];
    const struct drift_mae_images images = {n, data->height, data->width, data->channels, data->rows, mask, label};
    drift_status status = draw_masks(trainer, DRIFT_RANDOM_EVAL_MASK, 0, recipe->train.eval_forward_dict.mask_ratio_min,
                                     recipe->train.eval_forward_dict.mask_ratio_max, n, mask);
    drift_params_use(&trainer->state.params, trainer->state.average_count ? &trainer->state.averages[0] : NULL);
    if (!status)
        status = drift_mae_state_measure(&trainer->state, recipe->train.eval_forward_dict.lambda_cls, PART, &images,
                                         report, recon);
    drift_params_use(&trainer->state.params, NULL);
    free(label);
    return status;
}

static drift_status evaluate(struct drift_mae_trainer *trainer)
{
    const struct drift_data *data = drift_mae_trainer_held_out(trainer);
    const size_t most = (size_t)trainer->recipe.train.eval_samples, n = data->size < most ? data->size : most;
    struct drift_mae_report report;
    float *mask = malloc(n * trainer->h * trainer->w * sizeof *mask + 1);
    if (!mask)
        return drift_fail(DRIFT_NO_MEMORY, "no memory to evaluate %zu images", n);
    drift_status status = drift_mae_trainer_measure(trainer, n, mask, NULL, &report);
    free(mask);
    if (status)
        return status;
    trainer->last[DRIFT_MAE_EVAL_RECON_LOSS] = report.recon_loss;
    trainer->last[DRIFT_MAE_EVAL_ACCURACY] = classifies(&trainer->recipe) ? report.accuracy : NAN;
    return DRIFT_OK;
}

/* ---- the run ---- */

static drift_status one_step(struct drift_mae_trainer *trainer, FILE *log)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    const double start = drift_seconds();
    drift_status status = drift_mae_trainer_step(trainer);
    trainer->seconds += drift_seconds() - start;
    if (status)
        return status;
    if (!trainer->step_memory)
        trainer->step_memory = drift_peak_memory();
    const int evaluated =
        trainer->step % recipe->train.eval_per_step == 0 || trainer->step == recipe->train.total_steps;
    if (evaluated && (status = evaluate(trainer)))
        return status;
    if (trainer->step % recipe->logging.log_every_k && !evaluated)
        return DRIFT_OK;
    return drift_log_append(&trainer->log, trainer->last, log);
}

static int report_progress(const struct drift_mae_trainer *trainer, int64_t first, double seconds_before,
                           drift_progress_function *progress, void *context)
{
    struct drift_progress state =
        drift_progress_at(trainer->step, first, trainer->recipe.train.total_steps, trainer->seconds - seconds_before);
    state.loss = trainer->last[DRIFT_MAE_LOSS];
    state.loss_ema = trainer->last[DRIFT_MAE_LOSS_EMA];
    state.energy_distance2 = NAN;
    return progress && progress(context, &state);
}

static drift_status steps(struct drift_mae_trainer *trainer, const char *folder, FILE *log,
                          drift_progress_function *progress, void *context)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    const int64_t total = recipe->train.total_steps, first = trainer->step;
    const int64_t finetuning = recipe->train.finetune_last_steps ? total - recipe->train.finetune_last_steps : total;
    const double seconds_before = trainer->seconds;
    drift_status status = DRIFT_OK;
    while (!status && trainer->step < total) {
        status = one_step(trainer, log);
        if (status)
            return status;
        const int stop = report_progress(trainer, first, seconds_before, progress, context);
        const int due = trainer->step % recipe->train.save_per_step == 0 || trainer->step == finetuning;
        if ((stop || due) && trainer->step < total)
            status = drift_mae_trainer_save(trainer, folder);
        if (!status && stop && trainer->step < total)
            return drift_fail(DRIFT_INTERRUPTED, "stopped after step %ld of %ld", (long)trainer->step, (long)total);
    }
    return status ? status : drift_mae_trainer_save(trainer, folder);
}

drift_status drift_mae_trainer_run(struct drift_mae_trainer *trainer, const char *folder,
                                   drift_progress_function *progress, void *context)
{
    FILE *log;
    drift_status status = trainer->step ? DRIFT_OK : drift_mae_trainer_save(trainer, folder);
    if (!status)
        status = drift_log_open(&trainer->log, folder, &log);
    return status ? status : drift_log_close(log, steps(trainer, folder, log, progress, context));
}
