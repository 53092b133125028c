/* Reads a case, finds its kind, compares tensors with their bounds. */
#include "cpu/cpu.h"
#include "golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct drift_golden_kind drift_golden_kind_artifact, drift_golden_kind_conv, drift_golden_kind_dit,
    drift_golden_kind_dit_init, drift_golden_kind_dit_rope, drift_golden_kind_drift_exact,
    drift_golden_kind_drift_joint, drift_golden_kind_drift_normalized, drift_golden_kind_drift_features,
    drift_golden_kind_cfg, drift_golden_kind_queue, drift_golden_kind_schedule, drift_golden_kind_train_step,
    drift_golden_kind_group_norm, drift_golden_kind_resize, drift_golden_kind_mae_init, drift_golden_kind_features,
    drift_golden_kind_convnext, drift_golden_kind_mae_forward, drift_golden_kind_mae_loss, drift_golden_kind_mae_train;

const struct drift_golden_kind *const drift_golden_kinds[] = {
    &drift_golden_kind_artifact,
    &drift_golden_kind_conv,
    &drift_golden_kind_dit,
    &drift_golden_kind_dit_init,
    &drift_golden_kind_dit_rope,
    &drift_golden_kind_drift_exact,
    &drift_golden_kind_drift_joint,
    &drift_golden_kind_drift_normalized,
    &drift_golden_kind_drift_features,
    &drift_golden_kind_cfg,
    &drift_golden_kind_queue,
    &drift_golden_kind_schedule,
    &drift_golden_kind_train_step,
    &drift_golden_kind_group_norm,
    &drift_golden_kind_resize,
    &drift_golden_kind_mae_init,
    &drift_golden_kind_features,
    &drift_golden_kind_convnext,
    &drift_golden_kind_mae_forward,
    &drift_golden_kind_mae_loss,
    &drift_golden_kind_mae_train,
    NULL,
};

const struct drift_golden_kind *drift_golden_kind_named(const char *name)
{
    for (const struct drift_golden_kind *const *kind = drift_golden_kinds; *kind; kind++)
        if (!strcmp((*kind)->name, name))
            return *kind;
    return NULL;
}

const json_t *drift_golden_setting(const json_t *config, const char *key)
{
    char part[128];
    for (const char *dot; (dot = strchr(key, '.')); key = dot + 1) {
        snprintf(part, sizeof part, "%.*s", (int)(dot - key), key);
        config = json_object_get(config, part);
    }
    return json_object_get(config, key);
}

drift_status drift_golden_number(drift_golden *golden, const char *key, double *value)
{
    const json_t *node = drift_golden_setting(golden->config, key);
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
    *value = json_string_value(drift_golden_setting(golden->config, key));
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

const char *drift_golden_place(const struct drift_array *shape, size_t index, char text[DRIFT_ARRAY_TEXT])
{
    size_t used = (size_t)snprintf(text, DRIFT_ARRAY_TEXT, "["), rest = shape->count ? shape->count : 1;
    for (int i = 0; i < shape->rank; i++) {
        rest /= shape->shape[i] ? shape->shape[i] : 1;
        used += (size_t)snprintf(text + used, DRIFT_ARRAY_TEXT - used, i ? ",%zu" : "%zu", index / rest);
        index %= rest;
    }
    snprintf(text + used, DRIFT_ARRAY_TEXT - used, "]");
    return text;
}

drift_status drift_golden_finite(const char *path, const char *name, const struct drift_array *array)
{
    char place[DRIFT_ARRAY_TEXT];
    double *x = malloc(array->count * sizeof *x + 1);
    if (!x)
        return drift_fail_memory(path, array->count * sizeof *x);
    drift_status status = DRIFT_OK;
    drift_array_doubles(array, x);
    for (size_t i = 0; i < array->count && !status; i++)
        if (!isfinite(x[i]))
            status = drift_fail(DRIFT_INVALID, "%s: %s: element %s is %s", path, name,
                                drift_golden_place(array, i, place), isnan(x[i]) ? "NaN" : "infinite");
    free(x);
    return status;
}

drift_status drift_golden_open(const char *path, struct drift_golden_case *c)
{
    json_error_t wrong;
    drift_status status = drift_safetensors_read(path, &c->file);
    if (status)
        return status;
    const char *kind = drift_safetensors_metadata(&c->file, "kind"),
               *config = drift_safetensors_metadata(&c->file, "config");
    c->kind = kind ? drift_golden_kind_named(kind) : NULL;
    c->golden = (drift_golden){.file = &c->file,
                               .config = json_loads(config ? config : "{}", 0, &wrong),
                               .backend = drift_cpu_backend(DRIFT_F32),
                               .forward = drift_cpu_backend(DRIFT_F32)};
    if (!kind)
        status = drift_fail(DRIFT_INVALID, "%s: metadata: kind is missing: not a golden file", path);
    else if (!json_is_object(c->golden.config))
        status = drift_fail(DRIFT_INVALID, "%s: metadata: config: expected a JSON object", path);
    for (size_t i = 0; i < c->file.count && !status; i++)
        status = drift_golden_finite(path, c->file.tensors[i].name, &c->file.tensors[i].array);
    if (status)
        drift_golden_close(c);
    return status;
}

void drift_golden_close(struct drift_golden_case *c)
{
    json_decref(c->golden.config);
    drift_safetensors_free(&c->file);
    *c = (struct drift_golden_case){0};
}

static drift_status verify_case(struct drift_golden_case *c, drift_golden_result *result)
{
    drift_golden *golden = &c->golden;
    snprintf(result->kind, sizeof result->kind, "%s", drift_safetensors_metadata(&c->file, "kind"));
    drift_status status = c->kind ? c->kind->compute(golden) : DRIFT_UNAVAILABLE;
    if (status == DRIFT_UNAVAILABLE) {
        result->verdict = DRIFT_GOLDEN_UNKNOWN_KIND;
        return DRIFT_OK;
    }
    if (!status && !golden->compared)
        status = drift_fail(DRIFT_INVALID, "%s: expected tensors out/... or grad/... to compare with", c->file.path);
    result->verdict = golden->off ? DRIFT_GOLDEN_OFF : DRIFT_GOLDEN_OK;
    result->compared = golden->compared;
    memcpy(result->tensor, golden->tensor, sizeof result->tensor);
    result->error = golden->error;
    result->bound = golden->bound;
    return status;
}

drift_status drift_golden_verify(const char *path, drift_golden_result *result)
{
    struct drift_golden_case c;
    const char *end = strrchr(path, '.');
    memset(result, 0, sizeof *result);
    if (end && (!strcmp(end, ".yaml") || !strcmp(end, ".json")))
        return drift_golden_recipe(path, result);
    drift_status status = drift_golden_open(path, &c);
    if (status)
        return status;
    status = verify_case(&c, result);
    drift_golden_close(&c);
    return status;
}
