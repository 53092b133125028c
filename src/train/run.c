/* The run around the steps: log, evaluations, snapshots for the report, saves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "eval/eval.h"
#include "io/file.h"
#include "train/trainer.h"

enum {
    QUICK = 2000, /* samples of an evaluation during training */
    FRAMES = 16,  /* snapshots of a run: at total (k / 15)^2 steps, more of them early on */
    FIELD_BATCH = 1024
};

/* ---- what is looked at ---- */

/* Energy distance of every running mean at every guidance scale; x is [2 n, dim], its second half the data. */
static drift_status evaluate_all(struct drift_trainer *trainer, size_t n, const int32_t *label, float *x)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    const size_t dim = trainer->all->dim;
    const int scales = recipe->train.cfg_list.count;
    drift_status status = DRIFT_OK;
    for (size_t k = 0; DRIFT_LOG_ENERGY + k < trainer->log.columns && !status; k++) {
        const int mean = (int)k / scales, scale = (int)k % scales;
        status = drift_trainer_sample_of(trainer, mean, recipe->train.cfg_list.items[scale], label, n, x);
        if (!status)
            status = drift_energy_distance2(n, n, dim, x, x + n * dim, &trainer->last[DRIFT_LOG_ENERGY + k]);
    }
    trainer->energy = trainer->last[DRIFT_LOG_ENERGY];
    return status;
}

/* Samples have the classes of the data that they are compared with. */
static drift_status evaluate(struct drift_trainer *trainer)
{
    const struct drift_data *all = trainer->all;
    size_t n = all->size && all->size < QUICK ? all->size : QUICK, dim = all->dim;
    float *x = malloc(2 * n * dim * sizeof *x);
    int32_t *label = malloc(n * sizeof *label);
    drift_status status = DRIFT_OK;
    if (!x || !label)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory to evaluate %zu samples", n);
    if (!status)
        status = drift_data_draw_labelled(all, n, (uint64_t)trainer->recipe.train.seed, 0, DRIFT_RANDOM_EVAL,
                                          x + n * dim, label);
    if (!status)
        status = evaluate_all(trainer, n, label, x);
    free(x);
    free(label);
    return status;
}

static drift_status snapshot_field(struct drift_trainer *trainer)
{
    struct drift_snapshots *snapshots = &trainer->snapshots;
    drift_field_config config = drift_recipe_field(&trainer->recipe);
    drift_field_shape shape = {1, FIELD_BATCH, FIELD_BATCH, 0, trainer->data->dim};
    drift_field_report report;
    size_t batch = FIELD_BATCH * shape.dim, kept = snapshots->arrows * shape.dim, at = snapshots->field_count;
    float *x = malloc(3 * batch * sizeof *x);
    void *steps = realloc(snapshots->field_steps, (at + 1) * sizeof *snapshots->field_steps);
    snapshots->field_steps = steps ? steps : snapshots->field_steps;
    void *xs = realloc(snapshots->field_x, (at + 1) * kept * sizeof *x);
    snapshots->field_x = xs ? xs : snapshots->field_x;
    void *vs = realloc(snapshots->field_v, (at + 1) * kept * sizeof *x);
    snapshots->field_v = vs ? vs : snapshots->field_v;
    drift_status status = DRIFT_OK;
    if (!x || !steps || !xs || !vs)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for a picture of the field");
    if (!status)
        status = drift_trainer_sample(trainer, FIELD_BATCH, x);
    if (!status)
        status = drift_data_draw(trainer->data, FIELD_BATCH, (uint64_t)trainer->recipe.train.seed, 0, DRIFT_RANDOM_EVAL,
                                 x + batch);
    if (!status)
        status = drift_field(&config, &shape, x, x + batch, NULL, NULL, NULL, NULL, x + 2 * batch, &report);
    if (!status) {
        memcpy(snapshots->field_x + at * kept, x, kept * sizeof *x);
        memcpy(snapshots->field_v + at * kept, x + 2 * batch, kept * sizeof *x);
        snapshots->field_steps[at] = trainer->step;
        snapshots->field_count++;
    }
    free(x);
    return status;
}

static drift_status snapshot(struct drift_trainer *trainer)
{
    struct drift_snapshots *snapshots = &trainer->snapshots;
    size_t frame = snapshots->points * trainer->data->dim, at = snapshots->count;
    if (at && snapshots->steps[at - 1] >= trainer->step)
        return DRIFT_OK;
    void *steps = realloc(snapshots->steps, (at + 1) * sizeof *snapshots->steps);
    snapshots->steps = steps ? steps : snapshots->steps;
    void *frames = realloc(snapshots->frames, (at + 1) * frame * sizeof *snapshots->frames);
    snapshots->frames = frames ? frames : snapshots->frames;
    if (!steps || !frames)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a snapshot");
    drift_status status = drift_trainer_sample(trainer, snapshots->points, snapshots->frames + at * frame);
    if (status)
        return status;
    snapshots->steps[at] = trainer->step;
    snapshots->count++;
    return snapshots->arrows && at % 3 == 0 ? snapshot_field(trainer) : DRIFT_OK;
}

static int snapshot_due(int64_t step, int64_t total)
{
    for (int64_t k = 0; k < FRAMES; k++)
        if (step == total * k * k / ((FRAMES - 1) * (FRAMES - 1)))
            return 1;
    return 0;
}

/* ---- the run ---- */

static drift_status one_step(struct drift_trainer *trainer, FILE *log)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    double start = drift_seconds();
    drift_status status = drift_trainer_step(trainer);
    trainer->seconds += drift_seconds() - start;
    if (status)
        return status;
    if (!trainer->step_memory)
        trainer->step_memory = drift_peak_memory();
    int evaluated = trainer->step % recipe->train.eval_per_step == 0 || trainer->step == recipe->train.total_steps;
    if (evaluated && (status = evaluate(trainer)))
        return status;
    if (trainer->step % recipe->logging.log_every_k && !evaluated)
        return DRIFT_OK;
    return drift_log_append(&trainer->log, trainer->last, log);
}

struct drift_progress drift_progress_at(int64_t step, int64_t first, int64_t total, double seconds)
{
    const double rate = seconds > 0 ? (double)(step - first) / seconds : 0;
    return (struct drift_progress){.step = step,
                                   .total_steps = total,
                                   .steps_per_second = rate,
                                   .seconds_left = rate > 0 ? (double)(total - step) / rate : 0};
}

static int report_progress(const struct drift_trainer *trainer, int64_t first, double seconds_before,
                           drift_progress_function *progress, void *context)
{
    struct drift_progress state =
        drift_progress_at(trainer->step, first, trainer->recipe.train.total_steps, trainer->seconds - seconds_before);
    state.loss = trainer->last[DRIFT_LOG_LOSS];
    state.loss_ema = trainer->last[DRIFT_LOG_LOSS_EMA];
    state.energy_distance2 = trainer->energy;
    return progress && progress(context, &state);
}

static drift_status steps(struct drift_trainer *trainer, const char *folder, FILE *log,
                          drift_progress_function *progress, void *context)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    int64_t total = recipe->train.total_steps, first = trainer->step;
    double seconds_before = trainer->seconds;
    drift_status status = DRIFT_OK;
    while (!status && trainer->step < total) {
        if (snapshot_due(trainer->step, total))
            status = snapshot(trainer);
        if (!status)
            status = one_step(trainer, log);
        if (status)
            return status;
        int stop = report_progress(trainer, first, seconds_before, progress, context);
        if ((stop || trainer->step % recipe->train.save_per_step == 0) && trainer->step < total)
            status = drift_trainer_save(trainer, folder);
        if (!status && stop && trainer->step < total)
            return drift_fail(DRIFT_INTERRUPTED, "stopped after step %ld of %ld", (long)trainer->step, (long)total);
    }
    if (!status)
        status = snapshot(trainer);
    return status ? status : drift_trainer_save(trainer, folder);
}

drift_status drift_trainer_run(struct drift_trainer *trainer, const char *folder, drift_progress_function *progress,
                               void *context)
{
    FILE *log;
    drift_status status = trainer->step ? DRIFT_OK : drift_trainer_start(trainer);
    if (!status && !trainer->step)
        status = drift_trainer_save(trainer, folder);
    if (!status)
        status = drift_log_open(&trainer->log, folder, &log);
    return status ? status : drift_log_close(log, steps(trainer, folder, log, progress, context));
}
