/* A trainer's parts and one training step. */
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "op/drift.h"

const char *const drift_log_names[DRIFT_LOG_COLUMNS] = {
    "step", "loss", "loss_ema", "raw_v2", "scale", "grad_norm", "learning_rate", "energy_distance2",
};

static drift_status open_data(struct drift_trainer *trainer)
{
    const char *name = trainer->recipe.dataset.name;
    enum drift_data_split split = (enum drift_data_split)trainer->recipe.dataset.split;
    drift_status status = drift_data_open(name, split, &trainer->data);
    if (!status)
        status = drift_data_open(name, DRIFT_DATA_ALL, &trainer->all);
    if (!status && trainer->data->size && split == DRIFT_DATA_TRAIN)
        status = drift_data_open(name, DRIFT_DATA_TEST, &trainer->test);
    return status;
}

static drift_status make_parts(struct drift_trainer *trainer)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    struct drift_generator *generator = &trainer->generator;
    int decays = recipe->train.ema_decay.count;
    drift_status status = drift_generator_new(generator, recipe, trainer->data->dim);
    if (status)
        return status;
    generator->height = trainer->data->height;
    generator->width = trainer->data->width;
    generator->channels = trainer->data->channels;
    trainer->averages = calloc((size_t)decays + 1, sizeof *trainer->averages);
    trainer->batch = malloc((size_t)recipe->train.pos_per_sample * trainer->data->dim * sizeof *trainer->batch);
    if (!trainer->averages || !trainer->batch)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a batch of %ld", (long)recipe->train.pos_per_sample);
    status = drift_params_init(&generator->params, (uint64_t)recipe->train.seed);
    for (int i = 0; i < decays && !status; i++) {
        drift_tensor *average = &trainer->averages[i], *values = &generator->params.values;
        status = drift_params_block(&generator->params, average);
        if (!status)
            status = values->backend->copy(values->backend, average->data, values->data, drift_tensor_bytes(values));
    }
    if (!status)
        status = drift_optimizer_new(&trainer->optimizer, &generator->params);
    if (!status)
        status = drift_tape_new(generator->params.backend, &trainer->tape);
    return status;
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
        status = open_data(trainer);
    if (!status)
        status = make_parts(trainer);
    if (status) {
        drift_trainer_free(trainer);
        return status;
    }
    trainer->snapshots.points = trainer->data->height ? 100 : 1000;
    trainer->snapshots.arrows = trainer->data->height ? 0 : 256;
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
    if (trainer->tape)
        drift_tape_free(trainer->tape);
    drift_generator_free(&trainer->generator);
    drift_data_close(trainer->test);
    drift_data_close(trainer->all);
    drift_data_close(trainer->data);
    free(trainer->batch);
    free(trainer->log.rows);
    free(snapshots->steps);
    free(snapshots->frames);
    free(snapshots->field_steps);
    free(snapshots->field_x);
    free(snapshots->field_v);
    free(trainer);
}

/* ---- a step ---- */

/* Forward and backward: the loss's gradient lands in the parameters' gradients. */
static drift_status gradients(struct drift_trainer *trainer, drift_field_report *report)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    const drift_backend *backend = trainer->generator.params.backend;
    drift_tape *tape = trainer->tape;
    drift_field_config config = drift_recipe_field(recipe);
    size_t generated = (size_t)recipe->train.forward_dict.gen_per_label;
    size_t positives = (size_t)recipe->train.pos_per_sample;
    drift_stream stream = {(uint64_t)recipe->train.seed, DRIFT_RANDOM_NOISE, (uint32_t)trainer->step, 0};

    drift_tape_clear(tape);
    drift_tensor *noise = drift_tape_tensor(tape, 2, (size_t[]){generated, trainer->generator.noise_dim});
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, backend->random_normal(backend, &stream, 1, noise), "noise");
    drift_tensor *x = drift_generator_forward(&trainer->generator, tape, noise);
    drift_tensor *data = drift_tape_input(tape, 2, (size_t[]){positives, trainer->data->dim}, trainer->batch, 0);
    drift_tensor *loss = drift_loss(tape, &config, &(drift_loss_input){.gen = x, .pos = data}, report);
    drift_status status = drift_tape_status(tape);
    if (status)
        return status;
    if (!isfinite(report->loss))
        return drift_fail(DRIFT_NOT_FINITE, "the loss is not finite");
    drift_tape_backward(tape, loss, NULL);
    return drift_tape_status(tape);
}

static void note(struct drift_trainer *trainer, const drift_field_report *field,
                 const struct drift_optimizer_report *optimizer)
{
    double *last = trainer->last, raw = 0;
    int taus = trainer->recipe.train.loss_kwargs.R_list.count;
    for (int i = 0; i < taus; i++)
        raw += field->raw[i];
    last[DRIFT_LOG_LOSS_EMA] = trainer->step ? 0.96 * last[DRIFT_LOG_LOSS_EMA] + 0.04 * field->loss : field->loss;
    last[DRIFT_LOG_LOSS] = field->loss;
    last[DRIFT_LOG_RAW] = raw / taus;
    last[DRIFT_LOG_SCALE] = field->scale;
    last[DRIFT_LOG_GRAD_NORM] = optimizer->grad_norm;
    last[DRIFT_LOG_LEARNING_RATE] = optimizer->learning_rate;
    last[DRIFT_LOG_ENERGY] = NAN;
    last[DRIFT_LOG_STEP] = (double)++trainer->step;
}

drift_status drift_trainer_step(struct drift_trainer *trainer)
{
    const struct drift_recipe *recipe = &trainer->recipe;
    drift_params *params = &trainer->generator.params;
    drift_field_report field;
    struct drift_optimizer_report optimizer;
    drift_status status =
        drift_data_draw(trainer->data, (size_t)recipe->train.pos_per_sample, (uint64_t)recipe->train.seed,
                        (uint32_t)trainer->step, DRIFT_RANDOM_DATA, trainer->batch);
    if (!status)
        status = drift_params_zero_grad(params);
    if (!status)
        status = gradients(trainer, &field);
    if (!status)
        status = drift_optimizer_step(&trainer->optimizer, recipe, trainer->step, params, &optimizer);
    for (int i = 0; i < recipe->train.ema_decay.count && !status; i++)
        status = params->backend->ema(params->backend, recipe->train.ema_decay.items[i], &params->values,
                                      &trainer->averages[i]);
    if (status)
        return drift_fail_context(status, "step %ld", (long)trainer->step + 1);
    note(trainer, &field, &optimizer);
    return DRIFT_OK;
}

drift_status drift_trainer_sample(struct drift_trainer *trainer, size_t n, float *x)
{
    drift_params *params = &trainer->generator.params;
    if (trainer->recipe.train.ema_decay.count)
        drift_params_use(params, &trainer->averages[0]);
    drift_status status = drift_generator_sample(&trainer->generator, (uint64_t)trainer->recipe.train.seed, 0, n, 1, x);
    drift_params_use(params, NULL);
    return status;
}
