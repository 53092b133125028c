/* One training step: a batch, generated samples, the loss's gradient, the update, running means. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "train/trainer.h"

static drift_tensor *generate(void *context, drift_tape *tape, size_t first, size_t count)
{
    const struct drift_trainer *trainer = context;
    const struct drift_batch *batch = &trainer->batch;
    const struct drift_generator_stream stream = {(uint64_t)trainer->recipe.train.seed, DRIFT_RANDOM_NOISE,
                                                  DRIFT_RANDOM_STYLE, (uint32_t)trainer->step, 1};
    struct drift_generator_input input = {NULL, NULL, NULL, NULL};
    int32_t *label = malloc((count + 1) * sizeof *label);
    float *alpha = malloc((count + 1) * sizeof *alpha);
    if (!label || !alpha)
        drift_tape_fail(tape, DRIFT_NO_MEMORY, "no memory for %zu classes", count);
    for (size_t i = 0; i < count && label && alpha; i++) {
        label[i] = batch->label[(first + i) / batch->generated];
        alpha[i] = batch->alpha[(first + i) / batch->generated];
    }
    drift_generator_draw(&trainer->generator, tape, &stream, first, count, &input);
    drift_generator_condition(&trainer->generator, tape, count, label, alpha, &input);
    free(label);
    free(alpha);
    return drift_generator_forward(&trainer->generator, tape, &input);
}

static drift_status gradients(struct drift_trainer *trainer)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    const struct drift_batch *b = &trainer->batch;
    const struct drift_sample_shape *shape = &trainer->generator.shape;
    const drift_field_config config = drift_recipe_field(recipe);
    const drift_loss_batch batch = {.entries = b->entries,
                                    .generated = b->generated,
                                    .positives = b->positives,
                                    .negatives = b->negatives,
                                    .height = shape->height ? shape->height : 1,
                                    .width = shape->width ? shape->width : 1,
                                    .channels = shape->channels ? shape->channels : shape->dim,
                                    .positive = b->positive,
                                    .negative = b->negative,
                                    .w_neg = b->weight,
                                    .generate = generate,
                                    .context = trainer};
    return drift_loss_gradients(&trainer->memory, &config, &trainer->encoder.encoder, &batch,
                                (size_t)recipe->train.accumulate, trainer->report);
}

static void note(struct drift_trainer *trainer, const struct drift_optimizer_report *optimizer)
{
    const drift_loss_report *report = trainer->report;
    double *last = trainer->last, raw = 0;
    int taus = trainer->recipe.train.loss_kwargs.R_list.count;
    for (size_t f = 0; f < report->count; f++)
        for (int i = 0; i < taus; i++)
            raw += report->feature[f].field.raw[i];
    last[DRIFT_LOG_LOSS_EMA] = trainer->step ? 0.96 * last[DRIFT_LOG_LOSS_EMA] + 0.04 * report->loss : report->loss;
    last[DRIFT_LOG_LOSS] = report->loss;
    last[DRIFT_LOG_RAW] = raw / (taus * (double)report->count);
    last[DRIFT_LOG_SCALE] = report->feature[0].field.scale;
    last[DRIFT_LOG_GRAD_NORM] = optimizer->grad_norm;
    last[DRIFT_LOG_LEARNING_RATE] = optimizer->learning_rate;
    for (size_t i = DRIFT_LOG_ENERGY; i < trainer->log.columns; i++)
        last[i] = NAN;
    last[DRIFT_LOG_STEP] = (double)++trainer->step;
}

drift_status drift_trainer_update(struct drift_trainer *trainer, struct drift_optimizer_report *report)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    drift_params *params = &trainer->generator.params;
    drift_status status = drift_params_zero_grad(params);
    if (!status)
        status = gradients(trainer);
    if (!status)
        status = drift_optimizer_step(&trainer->optimizer, recipe, trainer->step, params, report);
    for (int i = 0; i < recipe->train.ema_decay.count && !status; i++)
        status = params->backend->ema(params->backend, recipe->train.ema_decay.items[i], &params->values,
                                      &trainer->averages[i]);
    return status;
}

drift_status drift_trainer_step(struct drift_trainer *trainer)
{
    struct drift_optimizer_report optimizer;
    drift_status status = drift_batch_draw(&trainer->batch, &trainer->recipe, trainer->data, trainer->step);
    if (!status)
        status = drift_trainer_update(trainer, &optimizer);
    if (status)
        return drift_fail_context(status, "step %ld", (long)trainer->step + 1);
    note(trainer, &optimizer);
    return DRIFT_OK;
}
