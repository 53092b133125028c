/* A trainer's parts, and samples of it. */
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"

/* ---- the log's columns ---- */

static drift_status name_columns(struct drift_trainer *trainer)
{
    static const char *const names[DRIFT_LOG_COLUMNS] = {
        "step", "loss", "loss_ema", "raw_v2", "scale", "grad_norm", "learning_rate", "energy_distance2",
    };
    const struct drift_recipe_numbers *decays = &trainer->recipe.train.ema_decay,
                                      *scales = &trainer->recipe.train.cfg_list;
    const int means = decays->count ? decays->count : 1, each = scales->count;
    struct drift_log *log = &trainer->log;
    log->columns = DRIFT_LOG_COLUMNS - 1 + (size_t)(means * each);
    log->names = calloc(log->columns, sizeof *log->names);
    trainer->last = calloc(log->columns, sizeof *trainer->last);
    if (!log->names || !trainer->last)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu columns of the log", log->columns);
    for (int i = 0; i < DRIFT_LOG_COLUMNS; i++)
        snprintf(log->names[i], sizeof *log->names, "%s", names[i]);
    for (int i = 1; i < means * each; i++) {
        char *name = log->names[DRIFT_LOG_ENERGY + i];
        size_t room = sizeof *log->names, used = (size_t)snprintf(name, room, "%s", names[DRIFT_LOG_ENERGY]);
        if (means > 1)
            used += (size_t)snprintf(name + used, room - used, "_ema_%.8g", decays->items[i / each]);
        if (each > 1)
            snprintf(name + used, room - used, "_cfg_%.6g", scales->items[i % each]);
    }
    return DRIFT_OK;
}

/* ---- a trainer and its parts ---- */

/* Images are trained on in their own size. */
static drift_status check_resolution(const struct drift_trainer *trainer)
{
    const struct drift_data *data = trainer->data;
    const int64_t side = trainer->recipe.dataset.resolution;
    if (side && data->height && ((int64_t)data->height != side || (int64_t)data->width != side))
        return drift_fail(DRIFT_INVALID,
                          "dataset.resolution: %ld, but %s has images of %zu x %zu: resizing is not supported yet",
                          (long)side, trainer->recipe.dataset.name, data->height, data->width);
    return DRIFT_OK;
}

static drift_status open_data(struct drift_trainer *trainer)
{
    const char *name = trainer->recipe.dataset.name;
    enum drift_data_split split = (enum drift_data_split)trainer->recipe.dataset.split;
    drift_status status = drift_data_open(name, split, &trainer->data);
    if (!status)
        status = drift_data_open(name, DRIFT_DATA_ALL, &trainer->all);
    if (!status && trainer->data->size && split == DRIFT_DATA_TRAIN)
        status = drift_data_open(name, DRIFT_DATA_TEST, &trainer->test);
    return status ? status : check_resolution(trainer);
}

/* Running means begin as copies of the parameters. */
static drift_status start_averages(struct drift_trainer *trainer)
{
    const drift_tensor *values = &trainer->generator.params.values;
    drift_status status = DRIFT_OK;
    for (int i = 0; i < trainer->recipe.train.ema_decay.count && !status; i++)
        status =
            values->backend->copy(values->backend, trainer->averages[i].data, values->data, drift_tensor_bytes(values));
    return status;
}

static drift_status make_averages(struct drift_trainer *trainer)
{
    const drift_params *params = &trainer->generator.params;
    int decays = trainer->recipe.train.ema_decay.count;
    drift_status status = DRIFT_OK;
    trainer->averages = calloc((size_t)decays + 1, sizeof *trainer->averages);
    if (!trainer->averages)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for running means");
    for (int i = 0; i < decays && !status; i++)
        status = drift_params_block(params, &trainer->averages[i]);
    return status ? status : start_averages(trainer);
}

drift_status drift_trainer_make(struct drift_trainer *trainer, const struct drift_sample_shape *shape,
                                const drift_backend *backend)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    drift_params *params = &trainer->generator.params;
    drift_status status = drift_generator_new(&trainer->generator, recipe, shape, backend);
    if (!status)
        status = drift_params_init(params, (uint64_t)recipe->train.seed);
    if (!status)
        status = make_averages(trainer);
    if (!status)
        status = drift_optimizer_new(&trainer->optimizer, params);
    if (!status)
        status = drift_loss_memory_new(&trainer->memory, params->backend);
    trainer->report = calloc(1, sizeof *trainer->report);
    return status || trainer->report ? status : drift_fail(DRIFT_NO_MEMORY, "no memory for a step's report");
}

static drift_status make_parts(struct drift_trainer *trainer)
{
    const struct drift_data *data = trainer->data;
    const struct drift_sample_shape shape = {data->dim, data->height, data->width, data->channels};
    drift_status status = drift_batch_classes(data, &trainer->recipe);
    if (!status)
        status = drift_trainer_make(trainer, &shape, drift_cpu_backend(DRIFT_F32));
    if (!status)
        status = drift_feature_encoder_open(&trainer->recipe, data->height, data->width, data->channels,
                                            trainer->generator.params.backend, &trainer->encoder);
    return status ? status : drift_batch_new(&trainer->batch, &trainer->recipe, data->dim);
}

drift_status drift_trainer_start(struct drift_trainer *trainer)
{
    const char *path = trainer->recipe.train.init_from;
    if (!*path || trainer->started)
        return DRIFT_OK;
    drift_status status = drift_generator_init_from(path, &trainer->generator);
    trainer->started = !status;
    return status ? drift_fail_context(status, "train.init_from") : start_averages(trainer);
}

drift_status drift_trainer_new(const struct drift_recipe *recipe, struct drift_trainer **result)
{
    struct drift_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a trainer");
    trainer->recipe = *recipe;
    trainer->energy = NAN;
    drift_status status = drift_recipe_check(recipe);
    if (!status)
        status = drift_recipe_able(recipe);
    if (!status)
        status = name_columns(trainer);
    if (!status)
        status = open_data(trainer);
    if (!status)
        status = make_parts(trainer);
    if (status) {
        drift_trainer_free(trainer);
        return status;
    }
    trainer->snapshots.points = trainer->data->height ? 100 : 1000;
    trainer->snapshots.arrows = trainer->data->height || trainer->generator.classes ? 0 : 256;
    *result = trainer;
    return DRIFT_OK;
}

void drift_trainer_free(struct drift_trainer *trainer)
{
    struct drift_snapshots *snapshots = &trainer->snapshots;
    for (int i = 0; trainer->averages && i < trainer->recipe.train.ema_decay.count; i++)
        if (trainer->averages[i].data)
            drift_params_block_free(&trainer->generator.params, &trainer->averages[i]);
    free(trainer->averages);
    drift_optimizer_free(&trainer->optimizer, &trainer->generator.params);
    drift_loss_memory_free(&trainer->memory);
    drift_batch_free(&trainer->batch);
    drift_feature_encoder_close(&trainer->encoder);
    drift_generator_free(&trainer->generator);
    drift_data_close(trainer->test);
    drift_data_close(trainer->all);
    drift_data_close(trainer->data);
    free(trainer->report);
    free(trainer->last);
    free(trainer->log.names);
    free(trainer->log.rows);
    free(snapshots->steps);
    free(snapshots->frames);
    free(snapshots->field_steps);
    free(snapshots->field_x);
    free(snapshots->field_v);
    free(trainer);
}

drift_status drift_trainer_sample_of(struct drift_trainer *trainer, int average, double cfg_scale, const int32_t *label,
                                     size_t n, float *x)
{
    drift_params *params = &trainer->generator.params;
    const struct drift_sampling how = {
        .seed = (uint64_t)trainer->recipe.train.seed, .temperature = 1, .cfg_scale = cfg_scale, .label = label};
    if (average < trainer->recipe.train.ema_decay.count)
        drift_params_use(params, &trainer->averages[average]);
    drift_status status = drift_generator_sample(&trainer->generator, &how, n, x);
    drift_params_use(params, NULL);
    return status;
}

drift_status drift_trainer_sample(struct drift_trainer *trainer, size_t n, float *x)
{
    return drift_trainer_sample_of(trainer, 0, trainer->recipe.train.cfg_list.items[0], NULL, n, x);
}
