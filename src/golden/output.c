/* What becomes of a case's results: they are kept, or compared with the file's within their bounds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/golden.h"

/* ---- kept ---- */

void drift_golden_values_free(struct drift_golden_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        free(values->list[i].name);
        drift_array_free(&values->list[i].array);
    }
    free(values->list);
    *values = (struct drift_golden_values){.count = 0};
}

const struct drift_golden_value *drift_golden_value_find(const struct drift_golden_values *values, const char *name)
{
    for (size_t i = 0; i < values->count; i++)
        if (!strcmp(values->list[i].name, name))
            return &values->list[i];
    return NULL;
}

drift_status drift_golden_values_add(struct drift_golden_values *values, const char *name,
                                     const struct drift_array *array, int exact, enum drift_array_type type)
{
    if (values->count == values->room) {
        const size_t room = values->room ? 2 * values->room : 32;
        struct drift_golden_value *list = realloc(values->list, room * sizeof *list);
        if (!list)
            return drift_fail_memory(name, room * sizeof *list);
        values->list = list;
        values->room = room;
    }
    const size_t bytes = array->count * sizeof(double);
    struct drift_golden_value value = {.name = malloc(strlen(name) + 1), .array = *array, .exact = exact, .type = type};
    value.array.memory = malloc(bytes + 1);
    value.array.data = value.array.memory;
    if (!value.name || !value.array.memory) {
        free(value.name);
        free(value.array.memory);
        return drift_fail_memory(name, bytes);
    }
    strcpy(value.name, name);
    memcpy(value.array.memory, array->data, bytes);
    values->list[values->count++] = value;
    return DRIFT_OK;
}

/* ---- compared ---- */

/* config's rtol or atol: a number for all tensors, or an object with one for some. */
static double tolerance(const json_t *config, const char *which, const char *tensor, double otherwise)
{
    const json_t *node = json_object_get(config, which);
    if (json_is_object(node))
        node = json_object_get(node, tensor);
    return json_is_number(node) ? json_number_value(node) : otherwise;
}

double drift_golden_bound(const json_t *config, const char *name, double rms)
{
    double rtol = tolerance(config, "rtol", name, 1e-4);
    if (!strncmp(name, "grad/", 5))
        rtol = tolerance(config, "rtol_grad", name, rtol);
    return tolerance(config, "atol", name, 0) + rtol * rms;
}

double drift_golden_rms(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = x[i] - (y ? y[i] : 0);
        sum += d * d;
    }
    return n ? sqrt(sum / (double)n) : 0;
}

/* Root mean squares of x - reference and of the reference. */
static drift_status distance(const struct drift_array *reference, const double *x, double *error, double *size)
{
    double *r = malloc(reference->count * sizeof *r + 1);
    if (!r)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", reference->count);
    drift_array_doubles(reference, r);
    *error = drift_golden_rms(reference->count, x, r);
    *size = drift_golden_rms(reference->count, r, NULL);
    free(r);
    return DRIFT_OK;
}

/* The tensor to compare n values with, and the finer one beside it; NULL where the file has none. */
static drift_status references(const drift_golden *golden, const char *name, size_t n,
                               const struct drift_array **reference, const struct drift_array **finer)
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
static drift_status measure_bf16(const drift_golden *golden, const char *name, size_t n,
                                 const struct drift_array *reference, const struct drift_array *exact, const double *x,
                                 struct drift_golden_distance *d)
{
    double allowed, size;
    if (exact->count != n)
        return drift_fail(DRIFT_INVALID, "%s: %s in float32: has %zu numbers, expected %zu", golden->file->path, name,
                          exact->count, n);
    double *values = malloc(n * sizeof *values + 1);
    if (!values)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", n);
    drift_array_doubles(reference, values);
    drift_status status = distance(exact, values, &allowed, &size);
    free(values);
    if (!status)
        status = distance(exact, x, &d->error, &size);
    d->bound = 2 * allowed;
    d->good = d->error <= d->bound;
    return status;
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

drift_status drift_golden_measure(const drift_golden *golden, const char *name, size_t n, const double *x,
                                  struct drift_golden_distance *d)
{
    const struct drift_array *reference, *finer;
    double size, finer_error, finer_size;
    *d = (struct drift_golden_distance){.found = 0};
    drift_status status = references(golden, name, n, &reference, &finer);
    if (status || !reference)
        return status;
    d->found = 1;
    const struct drift_array *exact = in_float32(golden, name);
    if (exact)
        return measure_bf16(golden, name, n, reference, exact, x, d);
    if ((status = distance(reference, x, &d->error, &size)))
        return status;
    d->bound = drift_golden_bound(golden->config, name, size);
    d->good = d->error <= d->bound;
    if (!d->good && finer) {
        status = distance(finer, x, &finer_error, &finer_size);
        d->good = finer_error <= drift_golden_bound(golden->config, name, finer_size);
    }
    return status;
}

static drift_status compare(drift_golden *golden, const char *name, size_t n, const double *x, int exact)
{
    struct drift_golden_distance d;
    drift_status status = drift_golden_measure(golden, name, n, x, &d);
    if (!status && d.found)
        drift_golden_judge(golden, name, exact ? d.error == 0 : d.good, d.error, exact ? 0 : d.bound);
    return status;
}

/* ---- what kinds call ---- */

/* Keeps or compares; x is F64. */
static drift_status output(drift_golden *golden, const char *name, const struct drift_array *x, int exact,
                           enum drift_array_type type)
{
    return golden->values ? drift_golden_values_add(golden->values, name, x, exact, type)
                          : compare(golden, name, x->count, x->data, exact);
}

drift_status drift_golden_output(drift_golden *golden, const char *name, int rank, const size_t *shape, const double *x)
{
    const struct drift_array array = drift_array_view(DRIFT_ARRAY_F64, rank, shape, x);
    return output(golden, name, &array, 0, DRIFT_ARRAY_F64);
}

drift_status drift_golden_output_row(drift_golden *golden, const char *name, size_t n, const double *x)
{
    return drift_golden_output(golden, name, 1, &n, x);
}

static drift_status output_floats(drift_golden *golden, const char *name, int exact, enum drift_array_type type,
                                  int rank, const size_t *shape, const float *floats)
{
    struct drift_array array = drift_array_view(DRIFT_ARRAY_F64, rank, shape, NULL);
    double *x = malloc(array.count * sizeof *x + 1);
    if (!x)
        return drift_fail_memory(name, array.count * sizeof *x);
    for (size_t i = 0; i < array.count; i++)
        x[i] = (double)floats[i];
    array.data = x;
    drift_status status = output(golden, name, &array, exact, type);
    free(x);
    return status;
}

drift_status drift_golden_output_floats(drift_golden *golden, const char *name, int rank, const size_t *shape,
                                        const float *x)
{
    return output_floats(golden, name, 0, DRIFT_ARRAY_F64, rank, shape, x);
}

drift_status drift_golden_output_exact(drift_golden *golden, const char *name, enum drift_array_type type, int rank,
                                       const size_t *shape, const float *x)
{
    return output_floats(golden, name, 1, type, rank, shape, x);
}
