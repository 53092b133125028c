/* Reads a case, finds its kind, compares tensors with their bounds. */
#include "golden/golden.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A kind: one line here, one verifier. */
static const struct kind {
    const char *name;
    drift_golden_verifier *verify;
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

/* config's rtol or atol: a number for all tensors, or an object with one for some. */
static double tolerance(const drift_golden *golden, const char *which, const char *tensor, double otherwise)
{
    const json_t *node = json_object_get(golden->config, which);
    if (json_is_object(node))
        node = json_object_get(node, tensor);
    return json_is_number(node) ? json_number_value(node) : otherwise;
}

/* Root mean squares of x - reference and of the reference. */
static drift_status distance(const struct drift_array *reference, const float *x, double *error, double *size)
{
    double *r = malloc(reference->count * sizeof *r + 1), sum_error = 0, sum = 0;
    if (!r)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", reference->count);
    drift_array_doubles(reference, r);
    for (size_t i = 0; i < reference->count; i++) {
        sum_error += (x[i] - r[i]) * (x[i] - r[i]);
        sum += r[i] * r[i];
    }
    *error = reference->count ? sqrt(sum_error / (double)reference->count) : 0;
    *size = reference->count ? sqrt(sum / (double)reference->count) : 0;
    free(r);
    return DRIFT_OK;
}

/* The tensor to compare n values with, and the finer one beside it; NULL where the file has none. */
static drift_status references(drift_golden *golden, const char *name, size_t n, const struct drift_array **reference,
                               const struct drift_array **finer)
{
    char finer_name[160];
    *reference = drift_safetensors_find(golden->file, name);
    snprintf(finer_name, sizeof finer_name, "f64/%s", strncmp(name, "out/", 4) ? name : name + 4);
    *finer = *reference ? drift_safetensors_find(golden->file, finer_name) : NULL;
    if (*reference && ((*reference)->count != n || (*finer && (*finer)->count != n)))
        return drift_fail(DRIFT_INVALID, "%s: %s: has %zu numbers, expected %zu", golden->file->path, name,
                          (*reference)->count, n);
    return DRIFT_OK;
}

/* Where a case ran in bfloat16, the same in float32: out/x_f32 or out_f32/x of out/x, grad_f32/x of grad/x; else NULL.
 */
static const struct drift_array *in_float32(const drift_golden *golden, const char *name)
{
    char other[160];
    const char *slash = strchr(name, '/');
    snprintf(other, sizeof other, "%s_f32", name);
    const struct drift_array *x = drift_safetensors_find(golden->file, other);
    if (x || !slash)
        return x;
    snprintf(other, sizeof other, "%.*s_f32%s", (int)(slash - name), name, slash);
    return drift_safetensors_find(golden->file, other);
}

/* The rule of such a case: nearer to the float32 result than twice the distance of the reference's bfloat16. */
static drift_status compare_bf16(drift_golden *golden, const char *name, size_t n, const struct drift_array *reference,
                                 const struct drift_array *exact, const float *x)
{
    double error, allowed, size;
    if (exact->count != n)
        return drift_fail(DRIFT_INVALID, "%s: %s in float32: has %zu numbers, expected %zu", golden->file->path, name,
                          exact->count, n);
    float *values = malloc(n * sizeof *values + 1);
    if (!values)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", n);
    drift_array_floats(reference, values);
    drift_status status = distance(exact, values, &allowed, &size);
    free(values);
    if (status || (status = distance(exact, x, &error, &size)))
        return status;
    drift_golden_judge(golden, name, error <= 2 * allowed, error, 2 * allowed);
    return DRIFT_OK;
}

void drift_golden_judge(drift_golden *golden, const char *name, int good, double error, double bound)
{
    golden->compared++;
    if (good || golden->off)
        return;
    golden->off = 1;
    snprintf(golden->tensor, sizeof golden->tensor, "%s", name);
    golden->error = error;
    golden->bound = bound;
}

drift_status drift_golden_compare(drift_golden *golden, const char *name, size_t n, const float *x)
{
    const struct drift_array *reference, *finer;
    double rtol = tolerance(golden, "rtol", name, 1e-4);
    if (!strncmp(name, "grad/", 5))
        rtol = tolerance(golden, "rtol_grad", name, rtol);
    const double atol = tolerance(golden, "atol", name, 0);
    double error, size, finer_error, finer_size;
    drift_status status = references(golden, name, n, &reference, &finer);
    if (status || !reference)
        return status;
    if (in_float32(golden, name))
        return compare_bf16(golden, name, n, reference, in_float32(golden, name), x);
    if ((status = distance(reference, x, &error, &size)))
        return status;
    int good = error <= atol + rtol * size;
    if (!good && finer) {
        status = distance(finer, x, &finer_error, &finer_size);
        if (status)
            return status;
        good = finer_error <= atol + rtol * finer_size;
    }
    drift_golden_judge(golden, name, good, error, atol + rtol * size);
    return DRIFT_OK;
}

drift_status drift_golden_equal(drift_golden *golden, const char *name, size_t n, const float *x)
{
    const struct drift_array *reference, *finer;
    double error, size;
    drift_status status = references(golden, name, n, &reference, &finer);
    if (status || !reference || (status = distance(reference, x, &error, &size)))
        return status;
    drift_golden_judge(golden, name, error == 0, error, 0);
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
    drift_golden golden = {.file = file, .config = json_loads(config ? config : "{}", 0, &wrong)};
    if (!json_is_object(golden.config)) {
        json_decref(golden.config);
        return drift_fail(DRIFT_INVALID, "%s: metadata: config: expected a JSON object", file->path);
    }
    drift_status status = known->verify(&golden);
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
