/* The state of a run in a file and back.
 *
 * checkpoint.safetensors   progress F64 [3]: step, seconds, last energy distance^2;  last F64 [columns];
 *                          log F64 [rows, columns];  snapshots;  of a run with classes the rings, queue/ and all/rows,
 *                          next, count;  params/NAME ema_DECAY/NAME adam_m/NAME adam_v/NAME
 * model.safetensors        params/NAME ema_DECAY/NAME;  metadata: recipe, sample_shape, step */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/safetensors.h"
#include "train/draft.h"
#include "train/keep.h"
#include "train/trainer.h"

enum { STEP, SECONDS, ENERGY, PROGRESS };

static drift_status add_weights(struct drift_draft *draft, const struct drift_trainer *trainer)
{
    const drift_params *params = &trainer->generator.params;
    drift_status status = drift_draft_add_block(draft, "params", params, &params->values);
    for (int i = 0; i < trainer->recipe.train.ema_decay.count && !status; i++) {
        char prefix[DRIFT_PREFIX];
        drift_ema_prefix(trainer->recipe.train.ema_decay.items[i], prefix);
        status = drift_draft_add_block(draft, prefix, params, &trainer->averages[i]);
    }
    return status;
}

static void add_snapshots(struct drift_draft *draft, const struct drift_trainer *trainer)
{
    const struct drift_snapshots *snapshots = &trainer->snapshots;
    size_t dim = trainer->data->dim;
    if (snapshots->count) {
        drift_draft_add(draft, "frame_steps", DRIFT_ARRAY_I64, 1, &snapshots->count, snapshots->steps);
        drift_draft_add(draft, "frames", DRIFT_ARRAY_F32, 3, (size_t[]){snapshots->count, snapshots->points, dim},
                        snapshots->frames);
    }
    if (snapshots->field_count) {
        size_t shape[] = {snapshots->field_count, snapshots->arrows, dim};
        drift_draft_add(draft, "field_steps", DRIFT_ARRAY_I64, 1, &snapshots->field_count, snapshots->field_steps);
        drift_draft_add(draft, "field_x", DRIFT_ARRAY_F32, 3, shape, snapshots->field_x);
        drift_draft_add(draft, "field_v", DRIFT_ARRAY_F32, 3, shape, snapshots->field_v);
    }
}

static void progress_of(const struct drift_trainer *trainer, double progress[PROGRESS])
{
    progress[STEP] = (double)trainer->step;
    progress[SECONDS] = trainer->seconds;
    progress[ENERGY] = trainer->energy;
}

static void add_queue(struct drift_draft *draft, const char *rows, const char *next, const char *count,
                      const struct drift_queue *queue)
{
    if (!queue->rows)
        return;
    drift_draft_add(draft, next, DRIFT_ARRAY_I64, 1, &queue->classes, queue->next);
    drift_draft_add(draft, count, DRIFT_ARRAY_I64, 1, &queue->classes, queue->count);
    drift_draft_add(draft, rows, DRIFT_ARRAY_F32, 3, (size_t[]){queue->classes, queue->size, queue->dim}, queue->rows);
}

static drift_status write_draft(struct drift_draft *draft, const struct drift_trainer *trainer, const char *folder,
                                const char *file)
{
    char step[32], shape[96], *path, *recipe = drift_recipe_print(&trainer->recipe, 0);
    const struct drift_sample_shape *sample = &trainer->generator.shape;
    drift_status status = drift_file_join(folder, file, &path);
    if (!status && !recipe)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for a checkpoint");
    if (!status) {
        snprintf(step, sizeof step, "%" PRId64, trainer->step);
        snprintf(shape, sizeof shape, "%zu %zu %zu %zu", sample->dim, sample->height, sample->width, sample->channels);
        const struct drift_metadata_entry metadata[] = {
            {"format", "drift 1"}, {"recipe", recipe}, {"sample_shape", shape}, {"step", step}};
        status =
            drift_safetensors_write(path, draft->count, draft->tensors, sizeof metadata / sizeof *metadata, metadata);
    }
    free(path);
    free(recipe);
    return status;
}

static drift_status save_checkpoint(struct drift_trainer *trainer, const char *folder)
{
    struct drift_draft draft;
    double progress[PROGRESS];
    drift_status status =
        drift_draft_new(&draft, 3 + (size_t)trainer->recipe.train.ema_decay.count, &trainer->generator.params);
    progress_of(trainer, progress);
    if (!status) {
        drift_draft_add(&draft, "progress", DRIFT_ARRAY_F64, 1, (size_t[]){PROGRESS}, progress);
        drift_draft_add(&draft, "last", DRIFT_ARRAY_F64, 1, &trainer->log.columns, trainer->last);
        if (trainer->log.count)
            drift_draft_add(&draft, "log", DRIFT_ARRAY_F64, 2, (size_t[]){trainer->log.count, trainer->log.columns},
                            trainer->log.rows);
        add_queue(&draft, "queue/rows", "queue/next", "queue/count", &trainer->batch.by_class);
        add_queue(&draft, "all/rows", "all/next", "all/count", &trainer->batch.all);
        add_snapshots(&draft, trainer);
        status = add_weights(&draft, trainer);
    }
    if (!status)
        status = drift_draft_add_block(&draft, "adam_m", &trainer->generator.params, &trainer->optimizer.m);
    if (!status)
        status = drift_draft_add_block(&draft, "adam_v", &trainer->generator.params, &trainer->optimizer.v);
    if (!status)
        status = write_draft(&draft, trainer, folder, "checkpoint.safetensors");
    drift_draft_free(&draft);
    return status;
}

static drift_status save_model(struct drift_trainer *trainer, const char *folder)
{
    struct drift_draft draft;
    drift_status status =
        drift_draft_new(&draft, 3 + (size_t)trainer->recipe.train.ema_decay.count, &trainer->generator.params);
    if (!status)
        status = add_weights(&draft, trainer);
    if (!status)
        status = write_draft(&draft, trainer, folder, "model.safetensors");
    drift_draft_free(&draft);
    return status;
}

drift_status drift_trainer_save(struct drift_trainer *trainer, const char *folder)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    drift_status status = save_checkpoint(trainer, folder);
    if (!status)
        status = drift_checkpoints_keep(folder, trainer->step, recipe->train.keep_every, recipe->train.keep_last);
    return status ? status : save_model(trainer, folder);
}

/* ---- and back ---- */

static drift_status load_snapshots(struct drift_trainer *trainer, const struct drift_safetensors *file)
{
    struct drift_snapshots *snapshots = &trainer->snapshots;
    size_t dim = trainer->data->dim, frames = drift_draft_rows(file, "frame_steps"),
           fields = drift_draft_rows(file, "field_steps");
    size_t frame_shape[] = {frames, snapshots->points, dim}, field_shape[] = {fields, snapshots->arrows, dim};
    drift_status status = drift_draft_copy(file, "frame_steps", DRIFT_ARRAY_I64, 1, &frames, &snapshots->steps);
    if (!status)
        status = drift_draft_copy(file, "frames", DRIFT_ARRAY_F32, 3, frame_shape, &snapshots->frames);
    if (!status)
        status = drift_draft_copy(file, "field_steps", DRIFT_ARRAY_I64, 1, &fields, &snapshots->field_steps);
    if (!status)
        status = drift_draft_copy(file, "field_x", DRIFT_ARRAY_F32, 3, field_shape, &snapshots->field_x);
    if (!status)
        status = drift_draft_copy(file, "field_v", DRIFT_ARRAY_F32, 3, field_shape, &snapshots->field_v);
    snapshots->count = snapshots->frames ? frames : 0;
    snapshots->field_count = snapshots->field_x && snapshots->field_v ? fields : 0;
    return status;
}

static drift_status load_weights(struct drift_trainer *trainer, const struct drift_safetensors *file)
{
    drift_params *params = &trainer->generator.params;
    drift_status status = drift_generator_read_block(file, "params", params, &params->values);
    for (int i = 0; i < trainer->recipe.train.ema_decay.count && !status; i++) {
        char prefix[DRIFT_PREFIX];
        drift_ema_prefix(trainer->recipe.train.ema_decay.items[i], prefix);
        status = drift_generator_read_block(file, prefix, params, &trainer->averages[i]);
    }
    if (!status)
        status = drift_generator_read_block(file, "adam_m", params, &trainer->optimizer.m);
    if (!status)
        status = drift_generator_read_block(file, "adam_v", params, &trainer->optimizer.v);
    return status;
}

static drift_status load_queue(const struct drift_safetensors *file, const char *rows, const char *next,
                               const char *count, struct drift_queue *queue)
{
    if (!queue->rows)
        return DRIFT_OK;
    const size_t shape[] = {queue->classes, queue->size, queue->dim};
    drift_status status = drift_draft_read(file, rows, DRIFT_ARRAY_F32, 3, shape, queue->rows);
    if (!status)
        status = drift_draft_read(file, next, DRIFT_ARRAY_I64, 1, shape, queue->next);
    if (!status)
        status = drift_draft_read(file, count, DRIFT_ARRAY_I64, 1, shape, queue->count);
    if (!status && !drift_queue_sound(queue))
        status = drift_fail(DRIFT_INVALID, "%s: %s and %s are not those of a ring", file->path, next, count);
    return status;
}

static drift_status load_progress(struct drift_trainer *trainer, const struct drift_safetensors *file)
{
    const struct drift_array *array, *last;
    double progress[PROGRESS];
    size_t rows = drift_draft_rows(file, "log");
    drift_status status = drift_safetensors_get(file, "progress", 1, (size_t[]){PROGRESS}, &array);
    if (!status)
        status = drift_draft_copy(file, "log", DRIFT_ARRAY_F64, 2, (size_t[]){rows, trainer->log.columns},
                                  &trainer->log.rows);
    if (!status)
        status = drift_safetensors_get(file, "last", 1, &trainer->log.columns, &last);
    if (status)
        return status;
    drift_array_doubles(array, progress);
    if (!(progress[STEP] >= 0 && progress[STEP] <= 1e15))
        return drift_fail(DRIFT_INVALID, "%s: progress: %g is no step", file->path, progress[STEP]);
    trainer->log.count = trainer->log.room = rows;
    trainer->step = (int64_t)progress[STEP];
    trainer->seconds = progress[SECONDS];
    trainer->energy = progress[ENERGY];
    drift_array_doubles(last, trainer->last);
    return DRIFT_OK;
}

static drift_status load(struct drift_trainer *trainer, const struct drift_safetensors *file)
{
    drift_status status = load_weights(trainer, file);
    if (!status)
        status = load_queue(file, "queue/rows", "queue/next", "queue/count", &trainer->batch.by_class);
    if (!status)
        status = load_queue(file, "all/rows", "all/next", "all/count", &trainer->batch.all);
    if (!status)
        status = load_snapshots(trainer, file);
    return status ? status : load_progress(trainer, file);
}

drift_status drift_trainer_load(struct drift_trainer *trainer, const char *folder, int *found)
{
    struct drift_safetensors file;
    drift_status status = drift_draft_open(folder, &trainer->recipe, &file, found);
    if (status || !*found)
        return status;
    status = load(trainer, &file);
    drift_safetensors_free(&file);
    return status;
}
