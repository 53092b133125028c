/* Kinds features and convnext: the dictionary of features of images, and its gradient with respect to them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drifting/convnext_features.h"
#include "drifting/mae_features.h"
#include "golden/golden.h"
#include "golden/mae.h"

enum { NAME = DRIFT_FEATURE_NAME + 32 };

static drift_status compare(drift_golden *golden, const char *kind, const char *name, const drift_tensor *x)
{
    char full[NAME];
    snprintf(full, sizeof full, "%s/%s", kind, name);
    return drift_golden_output_tensor(golden, full, x);
}

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

static drift_status compute(drift_golden *golden, drift_tape *tape, void *context)
{
    const drift_encoder *encoder = context;
    drift_features features = {.count = 0};
    drift_tensor *x = drift_golden_tensor(golden, tape, "in/x", 1);
    encoder->encode(encoder->context, tape, x, &features);
    backward(golden, tape, &features);
    drift_status status = drift_tape_status(tape);
    size_t found = 0;
    for (size_t i = 0; i < features.count && !status; i++) {
        char name[NAME];
        snprintf(name, sizeof name, "out/%s", features.list[i].name);
        found += drift_safetensors_find(golden->file, name) != NULL;
        status = compare(golden, "out", features.list[i].name, features.list[i].x);
    }
    const size_t theirs = drift_golden_tensors(golden, "out/");
    if (!status && (found != theirs || features.count != theirs))
        status = drift_fail(DRIFT_INVALID, "%s: out/: %zu features, of which %zu are among our %zu", golden->file->path,
                            theirs, found, features.count);
    const drift_tensor gradient = drift_tensor_grad(x);
    return status ? status : compare(golden, "grad", "x", &gradient);
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

drift_status drift_golden_feature_options(drift_golden *golden, const char *key, drift_feature_options *options)
{
    const json_t *node = json_object_get(golden->config, key);
    const double every = json_number_value(json_object_get(node, "every_k_block"));
    options->use_mean = json_is_true(json_object_get(node, "use_mean"));
    options->use_std = json_is_true(json_object_get(node, "use_std"));
    options->every_k_block = every >= 1 && every < 1e9 ? (size_t)every : 0;
    drift_status status = sizes_of(golden, node, "patch_mean_size", &options->patch_means, options->patch_mean_size);
    return status ? status : sizes_of(golden, node, "patch_std_size", &options->patch_stds, options->patch_std_size);
}

drift_status drift_golden_features(drift_golden *golden)
{
    struct drift_golden_mae model = {.mae = {.whole = 0}};
    drift_mae_encoder context = {&model.mae, drift_feature_defaults()};
    drift_encoder encoder = {drift_encode_mae, &context};
    drift_status status = drift_golden_mae_open(golden, "model", "param", 0, &model);
    if (!status)
        status = drift_golden_feature_options(golden, "features", &context.options);
    if (!status) {
        drift_params_freeze(&model.params, 1);
        status = drift_golden_run(golden, compute, &encoder);
    }
    drift_golden_mae_close(&model);
    return status;
}

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

drift_status drift_golden_convnext(drift_golden *golden)
{
    drift_params params;
    drift_convnext net = {.norm = {NULL, NULL}};
    drift_convnext_config config;
    drift_encoder encoder = {drift_encode_convnext, &net};
    drift_params_new(&params, golden->backend);
    drift_status status = convnext_config(golden, &config);
    if (!status)
        status = drift_convnext_new(&net, &config, &params);
    if (!status)
        status = drift_golden_params(golden, "param", &params);
    if (!status) {
        drift_params_freeze(&params, 1);
        status = drift_golden_run(golden, compute, &encoder);
    }
    drift_convnext_free(&net);
    drift_params_free(&params);
    return status;
}
