/* Kinds features and convnext: the dictionary of features of images, and its gradient with respect to them. */
#include <stdio.h>

#include "drifting/convnext_features.h"
#include "drifting/mae_features.h"
#include "golden/draft.h"
#include "golden/mae.h"
#include "golden/mistakes.h"

enum { NAME = DRIFT_FEATURE_NAME + 32 };

/* The sum over features of their products with in/cotangent/NAME, for its gradient. */
static void backward(drift_golden *golden, drift_tape *tape, const drift_features *features)
{
    drift_tensor *total = NULL;
    for (size_t i = 0; i < features->count; i++) {
        char name[NAME];
        snprintf(name, sizeof name, "in/cotangent/%s", features->list[i].name);
        drift_tensor *x = features->list[i].x, *cotangent = drift_golden_tensor(golden, tape, name, 0);
        if (drift_tape_failed(tape))
            return;
        const size_t all = drift_tensor_elements(x);
        drift_tensor *product =
            drift_mul(tape, drift_reshape(tape, x, 1, &all), drift_reshape(tape, cotangent, 1, &all));
        drift_tensor *sum = drift_reduce(tape, DRIFT_SUM, product);
        total = total ? drift_add(tape, total, sum) : sum;
    }
    if (total)
        drift_tape_backward(tape, total, NULL);
}

/* What runs with an encoder. */
struct work {
    drift_encoder encoder;
    drift_golden_draft *draft; /* where its cotangents are drawn */
};

static drift_status compute(drift_golden *golden, drift_tape *tape, void *context)
{
    const struct work *work = context;
    drift_features features = {.count = 0};
    drift_tensor *x = drift_golden_tensor(golden, tape, "in/x", 1);
    const struct drift_golden_encoder inner = {golden, work->encoder};
    drift_golden_encode(&inner, tape, x, &features);
    backward(golden, tape, &features);
    drift_status status = drift_tape_status(tape);
    size_t found = 0;
    for (size_t i = 0; i < features.count && !status; i++) {
        char name[NAME];
        snprintf(name, sizeof name, "out/%s", features.list[i].name);
        found += drift_safetensors_find(golden->file, name) != NULL;
        status = drift_golden_output_tensor(golden, name, features.list[i].x);
    }
    const size_t theirs = drift_golden_tensors(golden, "out/");
    if (!status && !golden->values && (found != theirs || features.count != theirs))
        status = drift_fail(DRIFT_INVALID, "%s: out/: %zu features, of which %zu are among our %zu", golden->file->path,
                            theirs, found, features.count);
    return status ? status : drift_golden_output_gradient(golden, "grad/x", x);
}

static drift_status sizes_of(drift_golden *golden, const json_t *options, const char *key, size_t *count, size_t *sizes)
{
    const json_t *list = json_object_get(options, key);
    *count = json_array_size(list);
    if (*count > DRIFT_MAX_PATCH_SIZES)
        return drift_fail(DRIFT_INVALID, "%s: config: features.%s: more than %d sizes", golden->file->path, key,
                          (int)DRIFT_MAX_PATCH_SIZES);
    for (size_t i = 0; i < *count; i++) {
        const json_int_t size = json_integer_value(json_array_get(list, i));
        sizes[i] = size > 0 ? (size_t)size : 0;
    }
    return DRIFT_OK;
}

static drift_status feature_options(drift_golden *golden, const char *key, drift_feature_options *options)
{
    const json_t *node = json_object_get(golden->config, key);
    const double every = json_number_value(json_object_get(node, "every_k_block"));
    options->use_mean = json_is_true(json_object_get(node, "use_mean"));
    options->use_std = json_is_true(json_object_get(node, "use_std"));
    options->every_k_block = every >= 1 && every < 1e9 ? (size_t)every : 0;
    drift_status status = sizes_of(golden, node, "patch_mean_size", &options->patch_means, options->patch_mean_size);
    return status ? status : sizes_of(golden, node, "patch_std_size", &options->patch_stds, options->patch_std_size);
}

/* Runs `run` with the frozen encoder that the config says. */
static drift_status with_mae(drift_golden *golden, drift_golden_model *run, drift_golden_draft *draft)
{
    struct drift_golden_mae model = {.mae = {.whole = 0}};
    drift_mae_encoder context = {&model.mae, drift_feature_defaults()};
    struct work work = {{drift_encode_mae, &context}, draft};
    drift_status status = drift_golden_mae_open(golden, "model", "param", 0, &model);
    if (!status)
        status = feature_options(golden, "features", &context.options);
    if (!status) {
        drift_params_freeze(&model.params, 1);
        status = drift_golden_run(golden, run, &work);
    }
    drift_golden_mae_close(&model);
    return status;
}

static drift_status compute_features(drift_golden *golden) { return with_mae(golden, compute, NULL); }

/* A cotangent for each feature that the encoder makes of in/x. */
static drift_status draw_cotangents(drift_golden *golden, drift_tape *tape, void *context)
{
    const struct work *work = context;
    drift_features features = {.count = 0};
    drift_tape_pause(tape);
    work->encoder.encode(work->encoder.context, tape, drift_golden_tensor(golden, tape, "in/x", 0), &features);
    for (size_t i = 0; i < features.count && !drift_tape_failed(tape); i++) {
        char name[NAME];
        snprintf(name, sizeof name, "in/cotangent/%s", features.list[i].name);
        drift_golden_draw(work->draft, name, drift_golden_normal(0, 1), 3, features.list[i].x->size);
    }
    return drift_tape_status(tape);
}

static void draw_features(drift_golden_draft *draft)
{
    drift_mae_config c;
    drift_golden_draw_mae(draft, "model", "param", 0, &c);
    if (draft->status)
        return;
    const size_t x[] = {drift_golden_size(draft, "shape.batch"), drift_golden_size(draft, "shape.height"),
                        drift_golden_size(draft, "shape.width"), c.in_channels};
    drift_golden_draw(draft, "in/x", drift_golden_normal(0, 1), 4, x);
    if (!draft->status)
        draft->status = with_mae(&draft->golden, draw_cotangents, draft);
}

const struct drift_golden_kind drift_golden_kind_features = {
    .name = "features",
    .what = "the dictionary of features of images, and its gradient to them",
    .compute = compute_features,
    .rounding = 0x1p-16,
    .inputs = draw_features,
    .defaults = "{\"model\": {\"num_classes\": 7, \"in_channels\": 4, \"base_channels\": 5, \"patch_size\": 2, "
                "\"dropout_prob\": 0.0,"
                " \"layers\": [1, 2, 1, 1], \"use_bf16\": false, \"input_patch_size\": 1},"
                " \"features\": {\"patch_mean_size\": [2, 4], \"patch_std_size\": [2, 4], \"use_mean\": true, "
                "\"use_std\": true,"
                " \"every_k_block\": 2}, \"shape\": {\"batch\": 1, \"height\": 16, \"width\": 16}, \"loss\": \"sum "
                "over NAME of sum(out/NAME * in/cotangent/NAME)\"}",
};

static drift_status convnext_config(drift_golden *golden, drift_convnext_config *config)
{
    const json_t *depths = json_object_get(golden->config, "depths"), *dims = json_object_get(golden->config, "dims");
    for (size_t stage = 0; stage < DRIFT_CONVNEXT_STAGES; stage++) {
        const json_int_t depth = json_integer_value(json_array_get(depths, stage)),
                         dim = json_integer_value(json_array_get(dims, stage));
        if (depth < 1 || dim < 1)
            return drift_fail(DRIFT_INVALID, "%s: config: depths and dims: expected four numbers", golden->file->path);
        config->depths[stage] = (size_t)depth;
        config->dims[stage] = (size_t)dim;
    }
    return DRIFT_OK;
}

static drift_status with_convnext(drift_golden *golden, drift_golden_model *run, drift_golden_draft *draft)
{
    drift_params params;
    drift_convnext net = {.norm = {NULL, NULL}};
    drift_convnext_config config;
    struct work work = {{drift_encode_convnext, &net}, draft};
    drift_params_new(&params, golden->backend);
    drift_status status = convnext_config(golden, &config);
    if (!status)
        status = drift_convnext_new(&net, &config, &params);
    if (!status)
        status = drift_golden_params(golden, "param", &params);
    if (!status) {
        drift_params_freeze(&params, 1);
        status = drift_golden_run(golden, run, &work);
    }
    drift_convnext_free(&net);
    drift_params_free(&params);
    return status;
}

static drift_status compute_convnext(drift_golden *golden) { return with_convnext(golden, compute, NULL); }

static void draw_convnext(drift_golden_draft *draft)
{
    const size_t x[] = {drift_golden_size(draft, "shape.batch"), drift_golden_size(draft, "shape.height"),
                        drift_golden_size(draft, "shape.width"), 3};
    drift_params params;
    drift_convnext net = {.norm = {NULL, NULL}};
    drift_convnext_config config;
    drift_params_new(&params, draft->golden.backend);
    if (!draft->status)
        draft->status = convnext_config(&draft->golden, &config);
    if (!draft->status)
        draft->status = drift_convnext_new(&net, &config, &params);
    if (!draft->status)
        drift_golden_draw_params(draft, "param", &params);
    drift_convnext_free(&net);
    drift_params_free(&params);
    drift_golden_draw(draft, "in/x", drift_golden_uniform(-1, 1), 4, x);
    if (!draft->status)
        draft->status = with_convnext(&draft->golden, draw_cotangents, draft);
}

const struct drift_golden_kind drift_golden_kind_convnext = {
    .name = "convnext",
    .what = "ConvNeXt-V2's features of images in [-1,1], resize and scaling included",
    .compute = compute_convnext,
    .inputs = draw_convnext,
    .defaults =
        "{\"depths\": [1, 1, 1, 1], \"dims\": [8, 9, 10, 12], \"shape\": {\"batch\": 1, \"height\": 40, \"width\": 32},"
        " \"loss\": \"sum over NAME of sum(out/NAME * in/cotangent/NAME)\"}",
};
