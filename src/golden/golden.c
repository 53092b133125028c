/* Reads a case, finds its kind, compares tensors with their bounds. */
#include "cpu/cpu.h"
#include "golden/golden.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A kind: one line here, one function. */
static const struct kind {
    const char *name;
    drift_golden_computer *compute;
} kinds[] = {
    {"artifact", drift_golden_artifact},
    {"conv", drift_golden_conv},
    {"dit", drift_golden_dit},
    {"dit_init", drift_golden_dit_init},
    {"dit_rope", drift_golden_dit_rope},
    {"drift_exact", drift_golden_drift_exact},
    {"drift_joint", drift_golden_drift_joint},
    {"drift_normalized", drift_golden_drift_normalized},
    {"drift_features", drift_golden_drift_features},
    {"cfg", drift_golden_cfg},
    {"queue", drift_golden_queue},
    {"schedule", drift_golden_schedule},
    {"train_step", drift_golden_train_step},
    {"group_norm", drift_golden_group_norm},
    {"resize", drift_golden_resize},
    {"mae_init", drift_golden_mae_init},
    {"features", drift_golden_features},
    {"convnext", drift_golden_convnext},
    {"mae_forward", drift_golden_mae_forward},
    {"mae_loss", drift_golden_mae_loss},
    {"mae_train", drift_golden_mae_train},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *const *drift_golden_kinds(void)
{
    static const char *names[KINDS + 1];
    for (int i = 0; i < KINDS; i++)
        names[i] = kinds[i].name;
    return names;
}

drift_status drift_golden_number(drift_golden *golden, const char *key, double *value)
{
    const json_t *node = json_object_get(golden->config, key);
    if (!json_is_number(node))
        return drift_fail(DRIFT_INVALID, "%s: config: %s: expected a number", golden->file->path, key);
    *value = json_number_value(node);
    return DRIFT_OK;
}

drift_status drift_golden_count(drift_golden *golden, const char *key, size_t *value)
{
    double number;
    drift_status status = drift_golden_number(golden, key, &number);
    if (status)
        return status;
    if (!(number >= 0 && number <= 1e9 && number == floor(number)))
        return drift_fail(DRIFT_INVALID, "%s: config: %s: expected 0, 1, 2 ..., not %g", golden->file->path, key,
                          number);
    *value = (size_t)number;
    return DRIFT_OK;
}

drift_status drift_golden_text(drift_golden *golden, const char *key, const char **value)
{
    *value = json_string_value(json_object_get(golden->config, key));
    if (!*value)
        return drift_fail(DRIFT_INVALID, "%s: config: %s: expected a text", golden->file->path, key);
    return DRIFT_OK;
}

drift_status drift_golden_input(drift_golden *golden, const char *name, int rank, size_t *shape, int *absent, float **x)
{
    const struct drift_array *array = drift_safetensors_find(golden->file, name);
    *x = NULL;
    if (absent)
        *absent = !array;
    if (!array && absent)
        return DRIFT_OK;
    drift_status status = drift_safetensors_get(golden->file, name, rank, shape, &array);
    if (status)
        return status;
    memcpy(shape, array->shape, sizeof *shape * (size_t)rank);
    *x = malloc(array->count * sizeof **x + 1); /* an empty tensor has a pointer too */
    if (!*x)
        return drift_fail_memory(golden->file->path, array->count * sizeof **x);
    drift_array_floats(array, *x);
    return DRIFT_OK;
}

static drift_status verify_case(const struct drift_safetensors *file, drift_golden_result *result)
{
    const char *kind = drift_safetensors_metadata(file, "kind"), *config = drift_safetensors_metadata(file, "config");
    if (!kind)
        return drift_fail(DRIFT_INVALID, "%s: metadata: kind is missing: not a golden file", file->path);
    snprintf(result->kind, sizeof result->kind, "%s", kind);
    const struct kind *known = kinds;
    while (known < kinds + KINDS && strcmp(known->name, kind))
        known++;
    if (known == kinds + KINDS) {
        result->verdict = DRIFT_GOLDEN_UNKNOWN_KIND;
        return DRIFT_OK;
    }

    json_error_t wrong;
    drift_golden golden = {.file = file,
                           .config = json_loads(config ? config : "{}", 0, &wrong),
                           .backend = drift_cpu_backend(DRIFT_F32),
                           .forward = drift_cpu_backend(DRIFT_F32)};
    if (!json_is_object(golden.config)) {
        json_decref(golden.config);
        return drift_fail(DRIFT_INVALID, "%s: metadata: config: expected a JSON object", file->path);
    }
    drift_status status = known->compute(&golden);
    json_decref(golden.config);
    if (status == DRIFT_UNAVAILABLE) {
        result->verdict = DRIFT_GOLDEN_UNKNOWN_KIND;
        return DRIFT_OK;
    }
    if (!status && !golden.compared)
        status = drift_fail(DRIFT_INVALID, "%s: expected tensors out/... or grad/... to compare with", file->path);
    result->verdict = golden.off ? DRIFT_GOLDEN_OFF : DRIFT_GOLDEN_OK;
    result->compared = golden.compared;
    memcpy(result->tensor, golden.tensor, sizeof result->tensor);
    result->error = golden.error;
    result->bound = golden.bound;
    return status;
}

drift_status drift_golden_verify(const char *path, drift_golden_result *result)
{
    struct drift_safetensors file;
    const char *end = strrchr(path, '.');
    memset(result, 0, sizeof *result);
    if (end && (!strcmp(end, ".yaml") || !strcmp(end, ".json")))
        return drift_golden_recipe(path, result);
    drift_status status = drift_safetensors_read(path, &file);
    if (status)
        return status;
    status = verify_case(&file, result);
    drift_safetensors_free(&file);
    return status;
}
