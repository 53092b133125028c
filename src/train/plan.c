/* A training step on the counting backend. */
#include "train/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "count/count.h"
#include "cpu/field.h"
#include "recipe/model.h"
#include "train/mae_trainer.h"
#include "train/trainer.h"

/* What the program and its libraries take. */
static const double PROGRAM = 6e6;

double drift_plan_bytes(const struct drift_plan *plan)
{
    return plan->weights + plan->optimizer + plan->average + plan->step + plan->batch + plan->encoder + plan->data +
           plan->program;
}

/* Scratch memory of the CPU's field, which backends do not see: of the feature that needs most. */
static double field_bytes(const struct drift_trainer *trainer)
{
    const drift_field_config config = drift_recipe_field(&trainer->recipe);
    const struct drift_batch *b = &trainer->batch;
    double most = 0;
    for (size_t f = 0; f < trainer->report->count; f++) {
        const drift_field_shape shape = {.batches = b->entries * trainer->report->feature[f].locations,
                                         .generated = b->generated,
                                         .positives = b->positives,
                                         .negatives = b->negatives,
                                         .dim = trainer->report->feature[f].channels};
        const double bytes = (double)drift_cpu_field_bytes_f32(&config, &shape);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static drift_status open_encoder(struct drift_trainer *trainer, const drift_backend *backend, struct drift_plan *plan)
{
    const struct drift_sample_shape *s = &trainer->generator.shape;
    struct drift_recipe without = trainer->recipe;
    drift_status status =
        drift_feature_encoder_open(&trainer->recipe, s->height, s->width, s->channels, backend, &trainer->encoder);
    if (!status)
        return DRIFT_OK;
    snprintf(plan->without, sizeof plan->without, "%s", drift_message());
    without.feature.use_mae = without.feature.use_convnext = 0;
    return drift_feature_encoder_open(&without, s->height, s->width, s->channels, backend, &trainer->encoder);
}

static drift_status count_step(struct drift_trainer *trainer, const struct drift_sample_shape *shape,
                               const drift_backend *backend, const drift_count *count, struct drift_plan *plan)
{
    struct drift_optimizer_report report;
    const drift_params *params = &trainer->generator.params;
    drift_status status = drift_trainer_make(trainer, shape, backend);
    const size_t own = count->bytes;
    if (!status)
        status = open_encoder(trainer, backend, plan);
    plan->encoder = (double)(count->bytes - own);
    if (!status)
        status = drift_batch_sizes(&trainer->batch, &trainer->recipe, shape->dim);
    if (status)
        return status;
    const double block = (double)drift_tensor_bytes(&params->values), before = count->flop;
    const size_t held = count->bytes;
    status = drift_trainer_update(trainer, &report);
    for (size_t i = 0; i < params->count; i++)
        plan->parameters += drift_tensor_elements(&params->list[i]->tensor);
    plan->weights = plan->optimizer = 2 * block;
    plan->average = trainer->recipe.train.ema_decay.count * block;
    plan->step = (double)(count->peak_bytes - held) + field_bytes(trainer);
    plan->batch = drift_batch_bytes(&trainer->batch, &trainer->recipe);
    plan->flop = count->flop - before;
    return status;
}

static struct drift_plan plan_of_data(const struct drift_sample_shape *shape, size_t rows)
{
    return (struct drift_plan){.data = 2.0 * (double)rows * (double)shape->dim * sizeof(float), .program = PROGRAM};
}

drift_status drift_plan_step(const struct drift_recipe *recipe, const struct drift_sample_shape *shape, size_t rows,
                             struct drift_plan *plan)
{
    drift_count count;
    const drift_backend backend = drift_count_backend(DRIFT_F32, &count);
    struct drift_trainer *trainer = calloc(1, sizeof *trainer);
    *plan = plan_of_data(shape, rows);
    if (!trainer)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a plan");
    trainer->recipe = *recipe;
    drift_status status = drift_recipe_check(recipe);
    if (!status)
        status = count_step(trainer, shape, &backend, &count, plan);
    drift_trainer_free(trainer);
    return status;
}

/* ---- encoders ---- */

/* A step on images of zeros, whose loss and gradient the counting backend says are 0. */
static drift_status count_images(struct drift_mae_state *state, const struct drift_recipe *recipe,
                                 const struct drift_sample_shape *shape)
{
    const size_t n = (size_t)recipe->dataset.batch_size;
    struct drift_mae_report report;
    float *x = calloc(n * shape->dim + 1, sizeof *x);
    int32_t *label = calloc(n + 1, sizeof *label);
    const struct drift_mae_images images = {n, shape->height, shape->width, shape->channels, x, x, label};
    const int64_t last = recipe->train.total_steps > 0 ? recipe->train.total_steps - 1 : 0; /* classification joins */
    drift_status status = x && label ? drift_mae_state_step(state, recipe, last, &images, &report)
                                     : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu images", n);
    free(x);
    free(label);
    return status;
}

drift_status drift_plan_encoder(const struct drift_recipe *recipe, const struct drift_sample_shape *shape, size_t rows,
                                struct drift_plan *plan)
{
    drift_count count;
    const drift_backend backend = drift_count_backend(DRIFT_F32, &count);
    const drift_mae_config config = drift_recipe_mae(recipe);
    struct drift_mae_state state;
    *plan = plan_of_data(shape, rows);
    drift_status status = drift_mae_check(&config);
    if (!status)
        status = drift_mae_fits(recipe->dataset.name, shape, &config);
    if (!status)
        status = drift_mae_state_new(&state, recipe, &config, &backend);
    if (status)
        return status;
    const double block = (double)drift_tensor_bytes(&state.params.values), before = count.flop;
    const size_t held = count.bytes;
    status = count_images(&state, recipe, shape);
    for (size_t i = 0; i < state.params.count; i++)
        plan->parameters += drift_tensor_elements(&state.params.list[i]->tensor);
    plan->weights = plan->optimizer = 2 * block;
    plan->average = state.average_count * block;
    plan->step = (double)(count.peak_bytes - held);
    plan->batch = (double)recipe->dataset.batch_size * (double)shape->dim * 2 * sizeof(float);
    plan->flop = count.flop - before;
    drift_mae_state_free(&state);
    return status;
}
