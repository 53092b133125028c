/* Kind mae_train: updates of the masked autoencoder with every random number given. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "golden/draft.h"
#include "golden/mae.h"
#include "train/mae_step.h"

enum { FIGURES = 6 };

struct run {
    drift_golden *golden;
    struct drift_recipe recipe;
    struct drift_mae_state state;
    drift_tensor start; /* the parameters that the case begins with */
    struct drift_golden_batch batch;
    size_t steps;
    double *figures; /* [FIGURES, steps] */
};

/* The keys of the case's `train`, and where a recipe has them. */
static drift_status read_recipe(struct run *r)
{
    static const char *const keys[][2] = {{"total_steps", "train.total_steps"},
                                          {"warmup_steps", "optimizer.lr_schedule.warmup_steps"},
                                          {"learning_rate", "optimizer.lr_schedule.learning_rate"},
                                          {"lr_schedule", "optimizer.lr_schedule.lr_schedule"},
                                          {"weight_decay", "optimizer.weight_decay"},
                                          {"adam_b1", "optimizer.adam_b1"},
                                          {"adam_b2", "optimizer.adam_b2"},
                                          {"ema_decay", "train.ema_decay"},
                                          {"mask_ratio_min", "train.forward_dict.mask_ratio_min"},
                                          {"mask_ratio_max", "train.forward_dict.mask_ratio_max"},
                                          {"finetune_last_steps", "train.finetune_last_steps"},
                                          {"warmup_finetune", "train.warmup_finetune"},
                                          {"finetune_cls", "train.finetune_cls"},
                                          {"max_grad_norm", "train.max_grad_norm"}};
    const json_t *train = json_object_get(r->golden->config, "train"), *steps = json_object_get(train, "steps");
    drift_status status = DRIFT_OK;
    drift_recipe_defaults_of(&r->recipe, DRIFT_MODEL_MAE);
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !status; i++) {
        const json_t *value = json_object_get(train, keys[i][0]);
        char number[32];
        snprintf(number, sizeof number, "%.17g", json_number_value(value));
        if (value)
            status =
                drift_recipe_set(&r->recipe, keys[i][1], json_is_string(value) ? json_string_value(value) : number);
    }
    if (!status && !(json_is_integer(steps) && json_integer_value(steps) >= 1 && json_integer_value(steps) < 1000))
        status = drift_fail(DRIFT_INVALID, "train.steps: expected a number");
    r->steps = (size_t)json_integer_value(steps);
    return status ? drift_fail_context(status, "%s: config", r->golden->file->path) : DRIFT_OK;
}

static drift_status make(struct run *r)
{
    drift_mae_config config;
    const drift_backend *backend = r->golden->backend;
    drift_params *params = &r->state.params;
    drift_status status = drift_golden_mae_config(r->golden, "model", &config);
    if (!status)
        status = drift_mae_state_new(&r->state, &r->recipe, &config, backend);
    if (!status)
        status = drift_golden_fill(r->golden, "param", params);
    if (!status)
        status = drift_mae_state_start_averages(&r->state);
    if (!status)
        status = drift_params_block(params, &r->start);
    if (!status)
        status = backend->copy(backend, r->start.data, params->values.data, drift_tensor_bytes(&r->start));
    r->figures = calloc(FIGURES * r->steps + 1, sizeof *r->figures);
    return status || r->figures ? status : drift_fail_memory(r->golden->file->path, FIGURES * r->steps);
}

static drift_status train(struct run *r)
{
    struct drift_golden_batch *b = &r->batch;
    const size_t n = b->size[0], image = b->size[1] * b->size[2] * b->size[3];
    drift_status status = DRIFT_OK;
    for (size_t step = 0; step < r->steps && !status; step++) {
        const struct drift_mae_images images = {n,
                                                b->size[1],
                                                b->size[2],
                                                b->size[3],
                                                b->x + step * n * image,
                                                b->mask + step * n * b->h * b->w,
                                                b->label + step * n};
        struct drift_mae_report report;
        status = drift_mae_state_step(&r->state, &r->recipe, (int64_t)step, &images, &report);
        const double figures[FIGURES] = {report.loss,      report.recon_loss,    report.cls_loss,
                                         report.grad_norm, report.learning_rate, report.lambda};
        for (size_t i = 0; i < FIGURES; i++)
            r->figures[i * r->steps + step] = figures[i];
    }
    return status;
}

/* The change since the start, to 1e-2 of its own rms or what config allows; of a classifier that takes no gradient it
 * is the decay's alone, and as small as the rounding of the parameters. */
static drift_status compare_change(struct run *r, size_t i)
{
    const drift_params *params = &r->state.params;
    const drift_tensor ours = drift_params_view(params, &params->values, i),
                       first = drift_params_view(params, &r->start, i);
    const size_t n = drift_tensor_elements(&ours);
    const struct drift_array *theirs;
    char name[DRIFT_PARAM_NAME + 32];
    float *x = malloc(3 * n * sizeof *x + 1), *start = x + n, *reference = start + n;
    snprintf(name, sizeof name, "out/param/%s", params->list[i]->name);
    drift_status status = x ? DRIFT_OK : drift_fail_memory(r->golden->file->path, 3 * n);
    if (!status)
        status = drift_safetensors_get(r->golden->file, name, ours.dims, ours.size, &theirs);
    if (!status)
        status = drift_tensor_read_floats(&ours, x);
    if (!status)
        status = drift_tensor_read_floats(&first, start);
    if (!status) {
        double error = 0, change = 0, size = 0;
        drift_array_floats(theirs, reference);
        for (size_t k = 0; k < n; k++) {
            const double d = (double)reference[k] - (double)start[k];
            error += ((double)x[k] - (double)reference[k]) * ((double)x[k] - (double)reference[k]);
            change += d * d;
            size += (double)reference[k] * (double)reference[k];
        }
        const double bound = fmax(1e-2 * sqrt(change / (double)n) + 0x1p-23 * sqrt(size / (double)n),
                                  drift_golden_bound(r->golden->config, name, 0)); /* atol, where there is one */
        drift_golden_judge(r->golden, name, sqrt(error / (double)n) <= bound, sqrt(error / (double)n), bound);
    }
    free(x);
    return status;
}

static drift_status output(struct run *r)
{
    static const char *const names[FIGURES] = {"out/loss",   "out/recon_loss", "out/cls_loss",
                                               "out/g_norm", "out/lr",         "out/lambda_cls"};
    const drift_params *params = &r->state.params;
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < FIGURES && !status; i++)
        status = drift_golden_output_row(r->golden, names[i], r->steps, r->figures + i * r->steps);
    if (!status)
        status = drift_golden_output_block(r->golden, "out/param", params, &params->values);
    if (!status)
        status = drift_golden_output_block(r->golden, "out/ema", params, &r->state.averages[0]);
    for (size_t i = 0; i < params->count && !status && !r->golden->values; i++)
        status = compare_change(r, i);
    return status;
}

static drift_status compute(struct run *r)
{
    drift_status status = read_recipe(r);
    if (!status && r->recipe.train.ema_decay.count < 1)
        status = drift_fail(DRIFT_INVALID, "%s: config: train.ema_decay: expected a number", r->golden->file->path);
    if (!status)
        status = make(r);
    r->batch.steps = (int)r->steps;
    if (!status)
        status = drift_golden_mae_batch(r->golden, &r->state.mae.config, r->recipe.train.forward_dict.mask_ratio_min,
                                        r->recipe.train.forward_dict.mask_ratio_max, &r->batch);
    if (!status)
        status = train(r);
    return status ? status : output(r);
}

static drift_status compute_mae_train(drift_golden *golden)
{
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return drift_fail_memory(golden->file->path, sizeof *r);
    r->golden = golden;
    drift_status status = compute(r);
    drift_golden_mae_batch_free(&r->batch);
    if (r->start.data)
        drift_params_block_free(&r->state.params, &r->start);
    drift_mae_state_free(&r->state);
    free(r->figures);
    free(r);
    return status;
}

static void draw_train(drift_golden_draft *draft)
{
    drift_mae_config c;
    const size_t steps = drift_golden_size(draft, "train.steps");
    drift_golden_draw_mae(draft, "model", "param", 1, &c);
    drift_golden_draw_batches(draft, &c, steps);
}

const struct drift_golden_kind drift_golden_kind_mae_train = {
    .name = "mae_train",
    .what = "updates of the masked autoencoder, every random number given",
    .compute = compute_mae_train,
    .rounding = 1e-3,
    .inputs = draw_train,
    .defaults =
        "{\"model\": {\"num_classes\": 7, \"in_channels\": 4, \"base_channels\": 5, \"patch_size\": 2, "
        "\"dropout_prob\": 0.0,"
        " \"layers\": [1, 1, 1, 1], \"use_bf16\": false, \"input_patch_size\": 1},"
        " \"train\": {\"steps\": 2, \"total_steps\": 3, \"warmup_steps\": 1, \"learning_rate\": 0.004, "
        "\"lr_schedule\": \"cosine\","
        " \"weight_decay\": 0.1, \"adam_b1\": 0.9, \"adam_b2\": 0.95, \"ema_decay\": 0.9, \"mask_ratio_min\": 0.3,"
        " \"mask_ratio_max\": 0.7, \"finetune_last_steps\": 2, \"warmup_finetune\": 2, \"finetune_cls\": 0.8,"
        " \"max_grad_norm\": 60.0}, \"shape\": {\"batch\": 3, \"height\": 16, \"width\": 12}}",
};
