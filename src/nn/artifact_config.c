/* model_config of metadata.json from and to a model's settings, and parameters by their paths. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/number.h"
#include "nn/artifact.h"

static int set_count(const json_t *value, size_t *count)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (unsigned long long)json_integer_value(value) > SIZE_MAX)
        return 0;
    *count = (size_t)json_integer_value(value);
    return 1;
}

static int set_counts(const json_t *value, size_t length, size_t *counts)
{
    int good = json_is_array(value) && json_array_size(value) == length;
    for (size_t i = 0; good && i < length; i++)
        good = set_count(json_array_get(value, i), &counts[i]);
    return good;
}

static void set_initial(const struct drift_artifact_setting *setting, void *place)
{
    const double x = setting->initial;
    if (setting->type == DRIFT_SETTING_NUMBER)
        *(double *)place = x;
    else if (setting->type == DRIFT_SETTING_FLAG)
        *(int *)place = x != 0;
    else
        for (size_t i = 0; i < (setting->type == DRIFT_SETTING_COUNTS ? setting->length : 1); i++)
            ((size_t *)place)[i] = (size_t)x;
}

static int set_value(const struct drift_artifact_setting *setting, const json_t *value, void *place)
{
    if ((!value || json_is_null(value)) && setting->initial >= 0) {
        set_initial(setting, place);
        return 1;
    }
    switch (setting->type) {
    case DRIFT_SETTING_COUNT: return set_count(value, place);
    case DRIFT_SETTING_COUNTS: return set_counts(value, setting->length, place);
    case DRIFT_SETTING_NUMBER: *(double *)place = json_number_value(value); return json_is_number(value);
    default: *(int *)place = json_is_true(value); return json_is_boolean(value);
    }
}

drift_status drift_artifact_read_settings(const json_t *object, const char *where,
                                          const struct drift_artifact_setting *table, void *settings)
{
    static const char *const wanted[] = {"an integer >= 0", "a number", "true or false", "a list of integers >= 0"};
    for (const struct drift_artifact_setting *setting = table; setting->key; setting++)
        if (!set_value(setting, json_object_get(object, setting->key), (char *)settings + setting->offset))
            return drift_fail(DRIFT_INVALID, "%s.%s: expected %s", where, setting->key, wanted[setting->type]);
    return DRIFT_OK;
}

drift_status drift_artifact_settings(const struct drift_artifact *artifact, const struct drift_artifact_setting *table,
                                     void *settings)
{
    char where[512];
    snprintf(where, sizeof where, "%s: metadata: model_config", artifact->folder);
    return drift_artifact_read_settings(json_object_get(artifact->metadata, "model_config"), where, table, settings);
}

/* ---- to text: JSON as Python's json.dumps(indent=2) lays it out ---- */

enum { TEXT = 8192 }; /* some twenty settings of at most 60 bytes each take a quarter of it */

static void add(char *text, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, TEXT - used, format, args);
    va_end(args);
}

static void add_setting(char *text, const struct drift_artifact_setting *setting, const void *place)
{
    char number[DRIFT_NUMBER_TEXT];
    add(text, "%s\n    \"%s\": ", text[strlen(text) - 1] == '{' ? "" : ",", setting->key);
    switch (setting->type) {
    case DRIFT_SETTING_COUNT: add(text, "%zu", *(const size_t *)place); break;
    case DRIFT_SETTING_NUMBER: add(text, "%s", drift_number_print_double(*(const double *)place, number)); break;
    case DRIFT_SETTING_FLAG: add(text, "%s", *(const int *)place ? "true" : "false"); break;
    case DRIFT_SETTING_COUNTS:
        for (size_t i = 0; i < setting->length; i++)
            add(text, "%s\n      %zu", i ? "," : "[", ((const size_t *)place)[i]);
        add(text, "\n    ]");
        break;
    }
}

char *drift_artifact_metadata(enum drift_artifact_kind kind, double ema_decay, int64_t step,
                              const struct drift_artifact_setting *table, const void *settings)
{
    char *text = calloc(1, TEXT), number[DRIFT_NUMBER_TEXT];
    if (!text)
        return NULL;
    add(text, "{\n  \"format\": \"flax.msgpack\",\n  \"kind\": \"%s\",\n  \"backend\": \"jax\",\n",
        kind == DRIFT_ARTIFACT_GEN ? "gen" : "mae");
    add(text, "  \"ema_decay\": %s,\n  \"step\": %lld,\n", drift_number_print_double((double)(float)ema_decay, number),
        (long long)step);
    add(text, "  \"path\": \"params_ema/ema_params.msgpack\",\n  \"model_config\": {");
    for (const struct drift_artifact_setting *setting = table; setting->key; setting++)
        add_setting(text, setting, (const char *)settings + setting->offset);
    add(text, "\n  }\n}\n");
    return text;
}

/* ---- parameters ---- */

static drift_status find(const struct drift_artifact *artifact, const drift_param *param,
                         const struct drift_array **array)
{
    return drift_tensor_entry_get(artifact->path, artifact->count, artifact->tensors, param->name, param->tensor.dims,
                                  param->tensor.size, array);
}

drift_status drift_artifact_match(const struct drift_artifact *artifact, const drift_params *params,
                                  struct drift_surplus *surplus)
{
    const struct drift_array *array;
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < params->count && !status; i++)
        status = find(artifact, params->list[i], &array);
    if (surplus)
        surplus->count = 0;
    for (size_t i = 0; surplus && i < artifact->count; i++)
        if (!drift_params_find(params, artifact->tensors[i].name) && !surplus->count++)
            snprintf(surplus->name, sizeof surplus->name, "%s", artifact->tensors[i].name);
    return status;
}

static drift_status fill_one(const struct drift_array *array, drift_tensor *view)
{
    float *values = malloc(array->count * sizeof *values + 1);
    if (!values)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", array->count);
    drift_array_floats(array, values);
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < array->count && !status; i++)
        if (!isfinite(values[i]))
            status = drift_fail(DRIFT_INVALID, "number %zu is not finite", i);
    if (!status)
        status = drift_tensor_write_floats(view, values);
    free(values);
    return status;
}

drift_status drift_artifact_fill(const struct drift_artifact *artifact, const drift_params *params, drift_tensor *block)
{
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < params->count && !status; i++) {
        drift_tensor view = drift_params_view(params, block, i);
        const struct drift_array *array;
        status = find(artifact, params->list[i], &array);
        if (!status && (status = fill_one(array, &view)))
            status = drift_fail_context(status, "%s: %s", artifact->path, params->list[i]->name);
    }
    return status;
}
