/* The state of an encoder's run in files and back.
 *
 * checkpoint.safetensors   progress F64 [2]: step, seconds;  last F64 [columns];  log F64 [rows, columns];
 *                          params/NAME ema_DECAY/NAME adam_m/NAME adam_v/NAME;  metadata: recipe, step
 * params_ema/              the first running mean (the parameters where there is none) as the authors release it */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "nn/artifact.h"
#include "train/draft.h"
#include "train/keep.h"
#include "train/mae_trainer.h"

enum { STEP, SECONDS, PROGRESS };

static drift_status add_weights(struct drift_draft *draft, const struct drift_mae_trainer *trainer)
{
    const struct drift_mae_state *state = &trainer->state;
    drift_status status = drift_draft_add_block(draft, "params", &state->params, &state->params.values);
    for (int i = 0; i < state->average_count && !status; i++) {
        char prefix[DRIFT_PREFIX];
        drift_ema_prefix(trainer->recipe.train.ema_decay.items[i], prefix);
        status = drift_draft_add_block(draft, prefix, &state->params, &state->averages[i]);
    }
    if (!status)
        status = drift_draft_add_block(draft, "adam_m", &state->params, &state->optimizer.m);
    return status ? status : drift_draft_add_block(draft, "adam_v", &state->params, &state->optimizer.v);
}

static drift_status write_draft(struct drift_draft *draft, const struct drift_mae_trainer *trainer, const char *path)
{
    char step[32], *recipe = drift_recipe_print(&trainer->recipe, 0);
    if (!recipe)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a checkpoint");
    snprintf(step, sizeof step, "%" PRId64, trainer->step);
    const struct drift_metadata_entry metadata[] = {{"format", "drift 1"}, {"recipe", recipe}, {"step", step}};
    drift_status status =
        drift_safetensors_write(path, draft->count, draft->tensors, sizeof metadata / sizeof *metadata, metadata);
    free(recipe);
    return status;
}

static drift_status save_checkpoint(struct drift_mae_trainer *trainer, const char *path)
{
    struct drift_draft draft;
    const double progress[PROGRESS] = {(double)trainer->step, trainer->seconds};
    const size_t shape[] = {trainer->log.count, trainer->log.columns};
    drift_status status = drift_draft_new(&draft, 3 + (size_t)trainer->state.average_count, &trainer->state.params);
    if (!status) {
        drift_draft_add(&draft, "progress", DRIFT_ARRAY_F64, 1, (const size_t[]){PROGRESS}, progress);
        drift_draft_add(&draft, "last", DRIFT_ARRAY_F64, 1, &trainer->log.columns, trainer->last);
        if (trainer->log.count)
            drift_draft_add(&draft, "log", DRIFT_ARRAY_F64, 2, shape, trainer->log.rows);
        status = add_weights(&draft, trainer);
    }
    if (!status)
        status = write_draft(&draft, trainer, path);
    drift_draft_free(&draft);
    return status;
}

drift_status drift_mae_trainer_save(struct drift_mae_trainer *trainer, const char *folder)
{
    const struct drift_mae_state *state = &trainer->state;
    const struct drift_recipe *recipe = &trainer->recipe;
    char *checkpoint, *artifact = NULL;
    drift_status status = drift_file_join(folder, "checkpoint.safetensors", &checkpoint);
    if (!status)
        status = save_checkpoint(trainer, checkpoint);
    if (!status)
        status = drift_checkpoints_keep(folder, trainer->step, recipe->train.keep_every, recipe->train.keep_last);
    if (!status)
        status = drift_file_join(folder, "params_ema", &artifact);
    if (!status)
        status = drift_artifact_save_mae(
            artifact, &state->mae.config, state->average_count ? recipe->train.ema_decay.items[0] : 0, trainer->step,
            &state->params, state->average_count ? &state->averages[0] : &state->params.values);
    free(checkpoint);
    free(artifact);
    return status;
}

/* ---- and back ---- */

static drift_status load_weights(struct drift_mae_trainer *trainer, const struct drift_safetensors *file)
{
    struct drift_mae_state *state = &trainer->state;
    drift_status status = drift_generator_read_block(file, "params", &state->params, &state->params.values);
    for (int i = 0; i < state->average_count && !status; i++) {
        char prefix[DRIFT_PREFIX];
        drift_ema_prefix(trainer->recipe.train.ema_decay.items[i], prefix);
        status = drift_generator_read_block(file, prefix, &state->params, &state->averages[i]);
    }
    if (!status)
        status = drift_generator_read_block(file, "adam_m", &state->params, &state->optimizer.m);
    return status ? status : drift_generator_read_block(file, "adam_v", &state->params, &state->optimizer.v);
}

static drift_status load_progress(struct drift_mae_trainer *trainer, const struct drift_safetensors *file)
{
    double progress[PROGRESS];
    const size_t rows = drift_draft_rows(file, "log"), shape[] = {rows, trainer->log.columns};
    drift_status status = drift_draft_read(file, "progress", DRIFT_ARRAY_F64, 1, (const size_t[]){PROGRESS}, progress);
    if (!status)
        status = drift_draft_read(file, "last", DRIFT_ARRAY_F64, 1, &trainer->log.columns, trainer->last);
    if (!status)
        status = drift_draft_copy(file, "log", DRIFT_ARRAY_F64, 2, shape, &trainer->log.rows);
    if (status)
        return status;
    if (!(progress[STEP] >= 0 && progress[STEP] <= 1e15))
        return drift_fail(DRIFT_INVALID, "%s: progress: %g is no step", file->path, progress[STEP]);
    trainer->log.count = trainer->log.room = rows;
    trainer->step = (int64_t)progress[STEP];
    trainer->seconds = progress[SECONDS];
    return DRIFT_OK;
}

static drift_status load(struct drift_mae_trainer *trainer, const struct drift_safetensors *file)
{
    drift_status status = load_weights(trainer, file);
    return status ? status : load_progress(trainer, file);
}

drift_status drift_mae_trainer_load(struct drift_mae_trainer *trainer, const char *folder, int *found)
{
    struct drift_safetensors file;
    drift_status status = drift_draft_open(folder, &trainer->recipe, &file, found);
    if (status || !*found)
        return status;
    status = load(trainer, &file);
    drift_safetensors_free(&file);
    return status;
}
