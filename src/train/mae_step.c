/* One update of a masked autoencoder, and its loss without one. */
#include "train/mae_step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"

static drift_status make(struct drift_mae_state *state, const struct drift_recipe *recipe)
{
    state->average_count = recipe->train.ema_decay.count;
    state->averages = calloc((size_t)state->average_count + 1, sizeof *state->averages);
    if (!state->averages)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for running means");
    drift_status status = drift_params_allocate(&state->params);
    for (int i = 0; i < state->average_count && !status; i++)
        status = drift_params_block(&state->params, &state->averages[i]);
    if (!status)
        status = drift_optimizer_new(&state->optimizer, &state->params);
    return status ? status : drift_tape_new(state->params.backend, &state->tape);
}

drift_status drift_mae_state_new(struct drift_mae_state *state, const struct drift_recipe *recipe,
                                 const drift_mae_config *config, const drift_backend *backend)
{
    memset(state, 0, sizeof *state);
    drift_params_new(&state->params, backend);
    drift_status status = drift_mae_new(&state->mae, config, 1, &state->params);
    if (!status)
        status = make(state, recipe);
    if (status)
        drift_mae_state_free(state);
    return status;
}

void drift_mae_state_free(struct drift_mae_state *state)
{
    if (!state->params.backend)
        return;
    for (int i = 0; state->averages && i < state->average_count; i++)
        drift_params_block_free(&state->params, &state->averages[i]);
    free(state->averages);
    drift_optimizer_free(&state->optimizer, &state->params);
    drift_tape_free(state->tape);
    drift_mae_free(&state->mae);
    drift_params_free(&state->params);
    memset(state, 0, sizeof *state);
}

drift_status drift_mae_state_start_averages(struct drift_mae_state *state)
{
    const drift_tensor *values = &state->params.values;
    drift_status status = DRIFT_OK;
    for (int i = 0; i < state->average_count && !status; i++)
        status =
            values->backend->copy(values->backend, state->averages[i].data, values->data, drift_tensor_bytes(values));
    return status;
}

drift_status drift_mae_state_start(struct drift_mae_state *state, const struct drift_recipe *recipe)
{
    drift_status status = drift_params_init(&state->params, (uint64_t)recipe->train.seed);
    return status ? status : drift_mae_state_start_averages(state);
}

/* Weight of the classification in update `step` = 0, 1, ...: train.forward_dict.lambda_cls, and in the last
 * train.finetune_last_steps from 0 to train.finetune_cls. */
static double lambda_of(const struct drift_recipe *recipe, int64_t step)
{
    const int64_t last = recipe->train.finetune_last_steps, start = recipe->train.total_steps - last;
    const int64_t warmup = recipe->train.warmup_finetune > 1 ? recipe->train.warmup_finetune : 1;
    if (!last || step < start)
        return recipe->train.forward_dict.lambda_cls;
    const double risen = (double)(step - start) / (double)warmup;
    return recipe->train.finetune_cls * (risen < 1 ? risen : 1);
}

/* ---- the loss of a part of the images ---- */

/* Adds the sum over the tensor's elements. */
static drift_status add_sum(const drift_tensor *x, double *sum)
{
    const size_t n = drift_tensor_elements(x);
    float *values = malloc(n * sizeof *values + 1);
    if (!values)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", n);
    drift_status status = drift_tensor_read_floats(x, values);
    for (size_t i = 0; i < n && !status; i++)
        *sum += (double)values[i];
    free(values);
    return status;
}

/* Adds how many images have their label's logit on top; of equal ones the first counts. */
static drift_status add_right(const drift_tensor *logits, const int32_t *label, double *right)
{
    const size_t n = drift_tensor_rows(logits), classes = drift_tensor_row_size(logits);
    float *values = malloc(n * classes * sizeof *values + 1);
    if (!values)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu logits", n * classes);
    drift_status status = drift_tensor_read_floats(logits, values);
    for (size_t i = 0; i < n && !status; i++)
        *right += drift_most_likely(classes, values + i * classes) == label[i];
    free(values);
    return status;
}

/* Images first .. first + n - 1 through the model; the report's figures are sums. Their mean loss, in *loss. */
static drift_status run_part(struct drift_mae_state *state, const struct drift_mae_images *images, size_t first,
                             size_t n, double lambda, struct drift_mae_report *report, drift_tensor **loss,
                             drift_tensor **recon)
{
    const size_t p = state->mae.config.input_patch_size, h = images->height / p, w = images->width / p;
    const size_t size[] = {n, images->height, images->width, images->channels};
    const size_t image = size[1] * size[2] * size[3];
    drift_tape *tape = state->tape;
    struct drift_mae_loss parts;
    drift_tensor *x = drift_tape_input(tape, 4, size, images->x + first * image, 0);
    drift_tensor *mask = drift_tape_input(tape, 4, (const size_t[]){n, h, w, 1}, images->mask + first * h * w, 0);
    drift_tensor *label = drift_tape_indices(tape, 1, &n, images->label + first);
    *loss = drift_mae_loss(&state->mae, tape, x, mask, label, lambda, &parts);
    drift_status status = drift_tape_status(tape);
    if (!status)
        status = add_sum(parts.loss, &report->loss);
    if (!status)
        status = add_sum(parts.recon_loss, &report->recon_loss);
    if (!status)
        status = add_sum(parts.cls_loss, &report->cls_loss);
    if (!status)
        status = add_right(parts.logits, images->label + first, &report->accuracy);
    for (size_t i = first * h * w; i < (first + n) * h * w; i++)
        report->mask_ratio += (double)images->mask[i] / (double)(h * w);
    if (recon)
        *recon = parts.recon;
    return status;
}

static void to_means(size_t n, struct drift_mae_report *report)
{
    double *const sums[] = {&report->loss, &report->recon_loss, &report->cls_loss, &report->accuracy,
                            &report->mask_ratio};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        *sums[i] /= (double)n;
}

/* ---- the update ---- */

static drift_status gradients(struct drift_mae_state *state, const struct drift_recipe *recipe,
                              const struct drift_mae_images *images, struct drift_mae_report *report)
{
    const size_t parts = (size_t)recipe->train.accumulate, part = (images->n + parts - 1) / parts;
    drift_status status = drift_params_zero_grad(&state->params);
    for (size_t first = 0; first < images->n && !status; first += part) {
        const size_t n = images->n - first < part ? images->n - first : part;
        drift_tensor *loss;
        drift_tape_clear(state->tape);
        status = run_part(state, images, first, n, report->lambda, report, &loss, NULL);
        if (status)
            return status;
        if (!isfinite(report->loss))
            return drift_fail(DRIFT_NOT_FINITE, "the loss is not finite");
        if (n < images->n)
            loss = drift_scale(state->tape, (double)n / (double)images->n, loss);
        drift_tape_backward(state->tape, loss, NULL);
        status = drift_tape_status(state->tape);
    }
    to_means(images->n, report);
    return status;
}

drift_status drift_mae_state_step(struct drift_mae_state *state, const struct drift_recipe *recipe, int64_t step,
                                  const struct drift_mae_images *images, struct drift_mae_report *report)
{
    const drift_backend *b = state->params.backend;
    struct drift_optimizer_report optimizer;
    *report = (struct drift_mae_report){.lambda = lambda_of(recipe, step)};
    drift_status status = gradients(state, recipe, images, report);
    if (!status)
        status = drift_optimizer_step(&state->optimizer, recipe, step, &state->params, &optimizer);
    for (int i = 0; i < state->average_count && !status; i++)
        status = b->ema(b, recipe->train.ema_decay.items[i], &state->params.values, &state->averages[i]);
    if (status)
        return drift_fail_context(status, "step %ld", (long)step + 1);
    report->learning_rate = optimizer.learning_rate;
    report->grad_norm = optimizer.grad_norm;
    return DRIFT_OK;
}

drift_status drift_mae_state_measure(struct drift_mae_state *state, double lambda, size_t part,
                                     const struct drift_mae_images *images, struct drift_mae_report *report,
                                     float *recon)
{
    drift_status status = DRIFT_OK;
    *report = (struct drift_mae_report){.lambda = lambda};
    for (size_t first = 0, n; first < images->n && !status; first += n) {
        drift_tensor *loss, *x;
        n = images->n - first < part ? images->n - first : part;
        drift_tape_clear(state->tape);
        drift_tape_pause(state->tape);
        status = run_part(state, images, first, n, lambda, report, &loss, &x);
        if (!status && recon)
            status = drift_tensor_read_floats(x, recon + first * (drift_tensor_elements(x) / n));
    }
    drift_tape_clear(state->tape);
    to_means(images->n, report);
    return status;
}
