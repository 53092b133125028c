/* Kind train_step: optimisation steps of a DiT with every random number given. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drifting/loss.h"
#include "golden/draft.h"
#include "golden/mae.h"
#include "golden/mistakes.h"
#include "train/encoder.h"
#include "train/generator.h"
#include "train/optimizer.h"

/* A case, and the steps as far as they went. */
struct run {
    drift_golden *golden;
    struct drift_recipe recipe;
    struct drift_generator generator;
    struct drift_optimizer optimizer;
    drift_tensor average, start; /* running mean; the parameters that the case begins with */
    int with_mae;
    struct drift_golden_mae model;
    drift_mae_encoder mae_encoder;
    drift_loss_memory memory;
    drift_loss_report report;
    drift_loss_batch batch;
    size_t steps, step, features, styles;
    float *label, *positive, *negative, *u, *off, *noise, *style; /* of all steps */
    float *alpha, *weight;                                        /* [B] */
    double *scales, *drifts;                                      /* out/feature_scale, out/feature_drift */
    double *losses, *norms, *rates, *alphas;                      /* [steps], the last [steps, B] */
};

static void run_free(struct run *r)
{
    void *all[] = {r->label, r->positive, r->negative, r->u,      r->off,   r->noise, r->style,
                   r->alpha, r->scales,   r->drifts,   r->losses, r->norms, r->rates, r->alphas};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    drift_loss_memory_free(&r->memory);
    if (r->with_mae)
        drift_golden_mae_close(&r->model);
    if (r->generator.params.backend) {
        drift_params_block_free(&r->generator.params, &r->average);
        drift_params_block_free(&r->generator.params, &r->start);
        drift_optimizer_free(&r->optimizer, &r->generator.params);
        drift_generator_free(&r->generator);
    }
    free(r);
}

/* ---- the case's config as a recipe ---- */

static drift_status set_key(struct drift_recipe *recipe, const char *path, const json_t *value)
{
    char text[256] = "";
    if (json_is_boolean(value))
        snprintf(text, sizeof text, "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_string(value))
        snprintf(text, sizeof text, "%s", json_string_value(value));
    else if (json_is_number(value))
        snprintf(text, sizeof text, "%.17g", json_number_value(value));
    else if (json_is_array(value))
        for (size_t i = 0; i < json_array_size(value) && strlen(text) < 200; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.17g", i ? "," : "",
                     json_number_value(json_array_get(value, i)));
    return drift_recipe_set(recipe, path, text);
}

/* Keys of an object, below `path`; objects are three deep at most. */
static drift_status set_keys(struct drift_recipe *recipe, const char *path, json_t *object)
{
    const char *key;
    json_t *value;
    drift_status status = DRIFT_OK;
    json_object_foreach(object, key, value)
    {
        char inner[256];
        snprintf(inner, sizeof inner, "%s.%s", path, key);
        if (!strcmp(inner, "model.num_classes"))
            snprintf(inner, sizeof inner, "dataset.num_classes");
        if (!status)
            status = json_is_object(value) ? set_keys(recipe, inner, value) : set_key(recipe, inner, value);
    }
    return status;
}

/* The keys of a recipe's part `train` stand at the top, beside model and optimizer and what is no key of a recipe. */
static drift_status read_recipe(drift_golden *golden, struct drift_recipe *recipe)
{
    static const char *const others[] = {"steps", "rtol", "atol", "shape", "features", "feature"};
    json_t *value;
    const char *key;
    drift_status status = DRIFT_OK;
    drift_recipe_defaults_of(recipe, DRIFT_MODEL_DIT);
    json_object_foreach(golden->config, key, value)
    {
        char path[256];
        int other = 0;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            other |= !strcmp(key, others[i]);
        const int top = !strcmp(key, "model") || !strcmp(key, "optimizer");
        snprintf(path, sizeof path, "%s%s", top ? "" : "train.", key);
        if (!status && !other)
            status = json_is_object(value) ? set_keys(recipe, path, value) : set_key(recipe, path, value);
    }
    if (!status)
        status = drift_recipe_check(recipe);
    return status ? drift_fail_context(status, "%s: config", golden->file->path) : DRIFT_OK;
}

/* ---- inputs ---- */

static drift_status read_inputs(struct run *r)
{
    drift_golden *golden = r->golden;
    drift_loss_batch *b = &r->batch;
    size_t shape[6] = {r->steps, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    drift_status status = drift_golden_input(golden, "in/positive", 6, shape, NULL, &r->positive);
    if (status)
        return status;
    b->entries = shape[1], b->positives = shape[2];
    b->height = shape[3], b->width = shape[4], b->channels = shape[5];
    b->generated = (size_t)r->recipe.train.forward_dict.gen_per_label;
    shape[2] = SIZE_MAX;
    if ((status = drift_golden_input(golden, "in/negative", 6, shape, NULL, &r->negative)))
        return status;
    b->negatives = shape[2];
    size_t noise[] = {r->steps, b->entries * b->generated, b->height, b->width, (size_t)r->recipe.model.in_channels};
    size_t style[] = {r->steps, b->entries * b->generated, r->styles = (size_t)r->recipe.model.noise_coords};
    if ((status = drift_golden_input(golden, "in/label", 2, shape, NULL, &r->label)) ||
        (status = drift_golden_input(golden, "in/cfg_uniform", 2, shape, NULL, &r->u)) ||
        (status = drift_golden_input(golden, "in/drop_uniform", 2, shape, NULL, &r->off)) ||
        (status = drift_golden_input(golden, "in/noise", 5, noise, NULL, &r->noise)) ||
        (status = drift_golden_input(golden, "in/style", 3, style, NULL, &r->style)))
        return status;
    return DRIFT_OK;
}

/* The frozen encoder, where the case has one. */
static drift_status open_encoder(struct run *r)
{
    const json_t *feature = json_object_get(r->golden->config, "feature");
    if (!feature || json_is_null(feature))
        return DRIFT_OK;
    r->with_mae = 1;
    r->mae_encoder = (drift_mae_encoder){&r->model.mae, drift_recipe_features(&r->recipe)};
    drift_status status = drift_golden_mae_open(r->golden, "feature", "mae", 0, &r->model);
    drift_params_freeze(&r->model.params, 1);
    return status;
}

static drift_encoder encoder_of(const struct run *r)
{
    return r->with_mae ? (drift_encoder){drift_encode_mae, &r->mae_encoder}
                       : (drift_encoder){drift_encode_image, &r->recipe.train.activation_kwargs.has_scale};
}

static drift_status make_room(struct run *r)
{
    const size_t b = r->batch.entries, taus = (size_t)r->recipe.train.loss_kwargs.R_list.count;
    r->features = json_array_size(json_object_get(r->golden->config, "features"));
    r->alpha = calloc(2 * b + 1, sizeof *r->alpha);
    r->weight = r->alpha + b;
    r->scales = calloc(r->steps * r->features + 1, sizeof *r->scales);
    r->drifts = calloc(r->steps * r->features * taus + 1, sizeof *r->drifts);
    r->losses = calloc(r->steps + 1, sizeof *r->losses);
    r->norms = calloc(r->steps + 1, sizeof *r->norms);
    r->rates = calloc(r->steps + 1, sizeof *r->rates);
    r->alphas = calloc(r->steps * b + 1, sizeof *r->alphas);
    if (r->alpha && r->scales && r->drifts && r->losses && r->norms && r->rates && r->alphas)
        return DRIFT_OK;
    return drift_fail_memory(r->golden->file->path, r->steps * r->features * taus);
}

static drift_status copy_block(const drift_params *params, drift_tensor *block)
{
    drift_status status = drift_params_block(params, block);
    return status ? status
                  : params->backend->copy(params->backend, block->data, params->values.data, drift_tensor_bytes(block));
}

static drift_status build(struct run *r)
{
    const struct drift_sample_shape shape = drift_generator_shape(&r->recipe);
    drift_params *params = &r->generator.params;
    drift_status status = drift_generator_new(&r->generator, &r->recipe, &shape, r->golden->backend);
    if (!status)
        status = drift_golden_fill(r->golden, "param", params);
    if (!status)
        status = copy_block(params, &r->start);
    if (!status)
        status = copy_block(params, &r->average);
    if (!status)
        status = drift_optimizer_new(&r->optimizer, params);
    return status ? status : drift_loss_memory_new(&r->memory, params->backend);
}

/* ---- a step ---- */

static drift_tensor *generate(void *context, drift_tape *tape, size_t first, size_t count)
{
    const struct run *r = context;
    const struct drift_generator *g = &r->generator;
    const size_t at = r->step * r->batch.entries * r->batch.generated + first, side = g->noise_size;
    const size_t noise[] = {count, side, side, g->noise_dim / (side * side)};
    int32_t *index = malloc((count * r->styles + 1) * sizeof *index), *label = malloc((count + 1) * sizeof *label);
    float *alpha = malloc((count + 1) * sizeof *alpha);
    struct drift_generator_input input = {.noise = drift_tape_input(tape, 4, noise, r->noise + at * g->noise_dim, 0)};
    if (!index || !label || !alpha)
        drift_tape_fail(tape, DRIFT_NO_MEMORY, "no memory for %zu samples", count);
    for (size_t i = 0; i < count && !drift_tape_failed(tape); i++) {
        const size_t entry = (first + i) / r->batch.generated;
        label[i] = (int32_t)r->label[r->step * r->batch.entries + entry];
        alpha[i] = r->alpha[entry];
        for (size_t k = 0; k < r->styles; k++)
            index[i * r->styles + k] = (int32_t)r->style[(at + i) * r->styles + k];
    }
    if (g->styles)
        input.style = drift_tape_indices(tape, 2, (const size_t[]){count, r->styles}, index);
    drift_generator_condition(g, tape, count, label, alpha, &input);
    free(index);
    free(label);
    free(alpha);
    return drift_generator_forward(g, tape, &input);
}

/* The report's features in the order of the config. */
static drift_status note_features(struct run *r)
{
    const json_t *names = json_object_get(r->golden->config, "features");
    const size_t taus = (size_t)r->recipe.train.loss_kwargs.R_list.count;
    for (size_t f = 0; f < r->features; f++) {
        const char *name = json_string_value(json_array_get(names, f));
        size_t i = 0;
        while (i < r->report.count && (!name || strcmp(r->report.feature[i].name, name)))
            i++;
        if (i == r->report.count)
            return drift_fail(DRIFT_INVALID, "%s: config: features: there is no %s", r->golden->file->path,
                              name ? name : "such name");
        const size_t at = r->step * r->features + f;
        r->scales[at] = r->report.feature[i].field.scale;
        for (size_t t = 0; t < taus; t++)
            r->drifts[at * taus + t] = r->report.feature[i].field.raw[t];
    }
    return DRIFT_OK;
}

/* Every parameter's part of `block`, less that of `minus` (or nothing), times `factor`, as out/PREFIX/parameter. */
static drift_status output_block(struct run *r, const char *prefix, const drift_tensor *block,
                                 const drift_tensor *minus, double factor)
{
    const drift_params *params = &r->generator.params;
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < params->count && !status; i++) {
        char name[DRIFT_PARAM_NAME + 32];
        const drift_tensor part = drift_params_view(params, block, i);
        const size_t n = drift_tensor_elements(&part);
        double *x = malloc(2 * n * sizeof *x + 1), *y = x + n;
        if (!x)
            return drift_fail_memory(r->golden->file->path, n);
        status = drift_tensor_read_doubles(&part, x);
        if (!status && minus) {
            const drift_tensor other = drift_params_view(params, minus, i);
            status = drift_tensor_read_doubles(&other, y);
        }
        for (size_t k = 0; k < n && !status; k++)
            x[k] = factor * (x[k] - (minus ? y[k] : 0));
        snprintf(name, sizeof name, "out/%s/%s", prefix, params->list[i]->name);
        if (!status)
            status = drift_golden_output(r->golden, name, part.dims, part.size, x);
        free(x);
    }
    return status;
}

static drift_status gradients(struct run *r)
{
    drift_loss_batch *b = &r->batch;
    const struct drift_guidance guidance = drift_recipe_guidance(&r->recipe);
    const drift_field_config config = drift_recipe_field(&r->recipe);
    const struct drift_golden_encoder inner = {r->golden, encoder_of(r)};
    const drift_encoder encoder = {drift_golden_encode, &inner};
    const size_t image = b->height * b->width * b->channels;
    for (size_t i = 0; i < b->entries; i++) {
        const size_t at = r->step * b->entries + i;
        const double alpha = drift_guidance_scale(&guidance, (double)r->u[at], (double)r->off[at]);
        r->alphas[at] = alpha;
        r->alpha[i] = (float)alpha;
        r->weight[i] = (float)drift_golden_weight(r->golden, alpha, b->generated, b->negatives);
    }
    b->positive = r->positive + r->step * b->entries * b->positives * image;
    b->negative = r->negative + r->step * b->entries * b->negatives * image;
    b->w_neg = r->weight;
    b->generate = generate;
    b->context = r;
    drift_status status = drift_params_zero_grad(&r->generator.params);
    return status ? status : drift_loss_gradients(&r->memory, &config, &encoder, b, 1, &r->report);
}

static drift_status one_step(struct run *r)
{
    drift_params *params = &r->generator.params;
    const drift_tensor gradient = drift_tensor_grad(&params->values);
    const double most = r->recipe.train.max_grad_norm;
    struct drift_optimizer_report report;
    drift_status status = gradients(r);
    if (!status)
        status = drift_optimizer_step(&r->optimizer, &r->recipe, (int64_t)r->step, params, &report);
    if (!status)
        status =
            params->backend->ema(params->backend, r->recipe.train.ema_decay.items[0], &params->values, &r->average);
    if (status)
        return status;
    r->losses[r->step] = r->report.loss;
    r->norms[r->step] = report.grad_norm;
    r->rates[r->step] = report.learning_rate;
    if (!r->step)
        status = output_block(r, "clipped_grad", &gradient, NULL,
                              most > 0 && report.grad_norm >= most ? most / report.grad_norm : 1);
    return status ? status : note_features(r);
}

static drift_status output(struct run *r)
{
    const drift_params *params = &r->generator.params;
    const size_t taus = (size_t)r->recipe.train.loss_kwargs.R_list.count;
    const struct {
        const char *name;
        int rank;
        size_t shape[3];
        const double *x;
    } per_step[] = {
        {"out/cfg_scale", 2, {r->steps, r->batch.entries}, r->alphas},
        {"out/loss", 1, {r->steps}, r->losses},
        {"out/grad_norm", 1, {r->steps}, r->norms},
        {"out/learning_rate", 1, {r->steps}, r->rates},
        {"out/feature_scale", 2, {r->steps, r->features}, r->scales},
        {"out/feature_drift", 3, {r->steps, r->features, taus}, r->drifts},
    };
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < sizeof per_step / sizeof *per_step && !status; i++)
        status = drift_golden_output(r->golden, per_step[i].name, per_step[i].rank, per_step[i].shape, per_step[i].x);
    if (!status)
        status = output_block(r, "param_change", &params->values, &r->start, 1);
    if (!status)
        status = output_block(r, "ema_change", &r->average, &r->start, 1);
    if (!status)
        status = output_block(r, "moment1", &r->optimizer.m, NULL, 1);
    return status ? status : output_block(r, "moment2", &r->optimizer.v, NULL, 1);
}

static drift_status compute(struct run *r)
{
    drift_status status = drift_golden_count(r->golden, "steps", &r->steps);
    if (!status)
        status = read_recipe(r->golden, &r->recipe);
    if (!status && !r->recipe.train.ema_decay.count)
        status = drift_fail(DRIFT_INVALID, "%s: config: ema_decay: expected a number", r->golden->file->path);
    if (!status)
        status = read_inputs(r);
    if (!status)
        status = open_encoder(r);
    if (!status)
        status = make_room(r);
    if (!status)
        status = build(r);
    for (; r->step < r->steps && !status; r->step++)
        status = one_step(r);
    return status ? status : output(r);
}

static drift_status compute_train_step(drift_golden *golden)
{
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return drift_fail_memory(golden->file->path, sizeof *r);
    r->golden = golden;
    drift_status status = compute(r);
    run_free(r);
    return status;
}

/* The names of the encoder's features, for config's features. */
static drift_status name_features(drift_golden *golden, drift_tape *tape, void *context)
{
    const drift_encoder *encoder = context;
    const struct drift_array *images = drift_safetensors_find(golden->file, "in/positive");
    drift_features features = {.count = 0};
    json_t *names = json_object_get(golden->config, "features");
    const size_t all = images->shape[0] * images->shape[1] * images->shape[2];
    drift_tape_pause(tape);
    drift_tensor *flat = drift_golden_tensor_as(
        golden, tape, "in/positive", 4, (const size_t[]){all, images->shape[3], images->shape[4], images->shape[5]});
    encoder->encode(encoder->context, tape, flat, &features);
    json_array_clear(names);
    for (size_t i = 0; i < features.count; i++)
        json_array_append_new(names, json_string(features.list[i].name));
    return drift_tape_status(tape);
}

static void draw_inputs(drift_golden_draft *draft, struct run *r)
{
    const struct drift_recipe *recipe = &r->recipe;
    const size_t b = (size_t)recipe->train.train_batch_size, side = (size_t)recipe->model.input_size,
                 samples = b * (size_t)recipe->train.forward_dict.gen_per_label;
    const size_t positive[] = {r->steps, b,    (size_t)recipe->train.pos_per_sample,
                               side,     side, (size_t)recipe->model.out_channels},
                 negative[] = {r->steps, b, (size_t)recipe->train.neg_per_sample, side, side, positive[5]},
                 noise[] = {r->steps, samples, side, side, (size_t)recipe->model.in_channels},
                 style[] = {r->steps, samples, (size_t)recipe->model.noise_coords};
    drift_golden_draw(draft, "in/label", drift_golden_index((size_t)recipe->dataset.num_classes), 2, positive);
    drift_golden_draw(draft, "in/positive", drift_golden_normal(0.3, 1), 6, positive);
    drift_golden_draw(draft, "in/negative", drift_golden_normal(0.1, 1), 6, negative);
    drift_golden_draw(draft, "in/cfg_uniform", drift_golden_uniform(0, 1), 2, positive);
    drift_golden_draw_exact(draft, "in/drop_uniform", drift_golden_uniform(0, 1), 2, positive);
    drift_golden_draw(draft, "in/noise", drift_golden_normal(0, 1), 5, noise);
    drift_golden_draw(draft, "in/style", drift_golden_index((size_t)recipe->model.noise_classes), 3, style);
}

/* The generator's parameters, all of them different from zero, and the encoder's. */
static void draw_models(drift_golden_draft *draft, struct run *r)
{
    const struct drift_sample_shape shape = drift_generator_shape(&r->recipe);
    struct drift_generator *g = &r->generator;
    draft->status = drift_generator_new(g, &r->recipe, &shape, draft->golden.backend);
    if (draft->status)
        return;
    drift_golden_draw_params(draft, "param", &g->params);
    drift_generator_free(g);
    *g = (struct drift_generator){.tape = NULL};
    drift_mae_config unused;
    if (json_is_object(json_object_get(draft->golden.config, "feature")))
        drift_golden_draw_mae(draft, "feature", "mae", 0, &unused);
}

static void draw_steps(drift_golden_draft *draft)
{
    struct run *r = calloc(1, sizeof *r);
    if (!r) {
        draft->status = drift_fail_memory(draft->file.path, sizeof *r);
        return;
    }
    r->golden = &draft->golden;
    r->steps = drift_golden_size(draft, "steps");
    if (!draft->status)
        draft->status = read_recipe(r->golden, &r->recipe);
    if (!draft->status)
        draw_inputs(draft, r);
    if (!draft->status)
        draw_models(draft, r);
    if (!draft->status)
        draft->status = open_encoder(r);
    drift_encoder encoder = encoder_of(r);
    if (!draft->status)
        draft->status = drift_golden_run(r->golden, name_features, &encoder);
    run_free(r);
}

const struct drift_golden_kind drift_golden_kind_train_step = {
    .name = "train_step",
    .what = "optimisation steps of a generator, every random number given",
    .compute = compute_train_step,
    .rounding = 1e-3,
    .inputs = draw_steps,
    .defaults =
        "{\"model\": {\"cond_dim\": 16, \"num_classes\": 5, \"noise_classes\": 6, \"noise_coords\": 2, \"input_size\": "
        "16,"
        " \"in_channels\": 4, \"n_cls_tokens\": 3, \"patch_size\": 4, \"hidden_size\": 16, \"depth\": 1, "
        "\"num_heads\": 2,"
        " \"mlp_ratio\": 4.0, \"out_channels\": 4, \"use_bf16\": false, \"attn_fp32\": true, \"use_qknorm\": true,"
        " \"use_swiglu\": true, \"use_rope\": true, \"use_rmsnorm\": true},"
        " \"feature\": {\"in_channels\": 4, \"base_channels\": 5, \"layers\": [1, 1, 1, 1], \"input_patch_size\": 1,"
        " \"patch_size\": 2, \"num_classes\": 5, \"use_bf16\": false},"
        " \"activation_kwargs\": {\"patch_mean_size\": [2], \"patch_std_size\": [2], \"use_std\": false, \"use_mean\": "
        "false,"
        " \"every_k_block\": 0, \"has_scale\": false},"
        " \"train_batch_size\": 2, \"pos_per_sample\": 4, \"neg_per_sample\": 3,"
        " \"forward_dict\": {\"gen_per_label\": 3, \"cfg_min\": 1.0, \"cfg_max\": 4.0, \"neg_cfg_pw\": 3.0, "
        "\"no_cfg_frac\": 0.0},"
        " \"loss_kwargs\": {\"R_list\": [0.2, 0.5]},"
        " \"optimizer\": {\"lr_schedule\": {\"learning_rate\": 0.002, \"warmup_steps\": 0, \"total_steps\": 10,"
        " \"lr_schedule\": \"cosine\"}, \"weight_decay\": 0.1, \"adam_b1\": 0.9, \"adam_b2\": 0.95},"
        " \"ema_decay\": 0.5, \"max_grad_norm\": 2.0, \"steps\": 2, \"features\": []}",
};
