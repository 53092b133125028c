/* For kinds of models: parameters from a case's file, parameters and gradients as results, the law of first
 * values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/golden.h"
#include "golden/mistakes.h"

enum { NAME = DRIFT_PARAM_NAME + 32 };

drift_status drift_golden_fill(drift_golden *golden, const char *prefix, drift_params *params)
{
    char name[NAME];
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < params->count && !status; i++) {
        drift_tensor *x = &params->list[i]->tensor;
        const struct drift_array *array;
        snprintf(name, sizeof name, "%s/%s", prefix, params->list[i]->name);
        if ((status = drift_safetensors_get(golden->file, name, x->dims, x->size, &array)))
            return status;
        double *values = malloc(array->count * sizeof *values + 1);
        if (!values)
            return drift_fail_memory(golden->file->path, array->count * sizeof *values);
        drift_array_doubles(array, values);
        drift_golden_reorder(golden, name, array->count, values, 0);
        status = drift_tensor_write_doubles(x, values);
        free(values);
    }
    return status;
}

drift_status drift_golden_params(drift_golden *golden, const char *prefix, drift_params *params)
{
    drift_status status = drift_params_allocate(params);
    return status ? status : drift_golden_fill(golden, prefix, params);
}

drift_status drift_golden_output_block(drift_golden *golden, const char *prefix, const drift_params *params,
                                       const drift_tensor *block)
{
    char name[NAME];
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < params->count && !status; i++) {
        const drift_tensor view = drift_params_view(params, block, i);
        snprintf(name, sizeof name, "%s/%s", prefix, params->list[i]->name);
        status = drift_golden_output_tensor(golden, name, &view);
    }
    return status;
}

/* ---- shapes and the law of first values ---- */

/* Mean, deviation and support of the numbers that a parameter starts with. */
struct law {
    double mean, deviation, least, most;
};

static struct law law_of(const drift_param *p)
{
    const double uniform = p->scale / sqrt((double)p->fan_in);
    const double xavier = p->scale * sqrt(6 / (double)(p->fan_in + p->fan_out));
    switch (p->init) {
    case DRIFT_INIT_ONES: return (struct law){1, 0, 1, 1};
    case DRIFT_INIT_UNIFORM: return (struct law){0, uniform / sqrt(3), -uniform, uniform};
    case DRIFT_INIT_XAVIER: return (struct law){0, xavier / sqrt(3), -xavier, xavier};
    case DRIFT_INIT_TRUNCATED: return (struct law){0, uniform, -2.2737 * uniform, 2.2737 * uniform};
    case DRIFT_INIT_NORMAL: return (struct law){0, p->scale, -INFINITY, INFINITY};
    default: return (struct law){0, 0, 0, 0};
    }
}

/* A sample of n by its mean, deviation, extremes, and whether it is all zero. */
enum { MEAN, DEVIATION, LEAST, MOST, ZERO, STATISTICS };

static void judge_statistics(drift_golden *golden, const char *name, const drift_param *p, const double *s)
{
    const struct law law = law_of(p);
    const double n = (double)drift_tensor_elements(&p->tensor), five = 5 * law.deviation;
    const double mean = fabs(s[MEAN] - law.mean), deviation = fabs(s[DEVIATION] - law.deviation);
    const int zero = law.deviation == 0 && law.mean == 0;
    drift_golden_judge(golden, name, mean <= five / sqrt(n), mean, five / sqrt(n));
    drift_golden_judge(golden, name, deviation <= five / sqrt(2 * n), deviation, five / sqrt(2 * n));
    drift_golden_judge(golden, name, s[LEAST] >= law.least && s[MOST] <= law.most, s[LEAST], law.least);
    drift_golden_judge(golden, name, s[ZERO] == zero, s[ZERO], zero);
}

static void measure(size_t n, const float *x, double *s)
{
    double sum = 0, squares = 0;
    s[LEAST] = INFINITY, s[MOST] = -INFINITY, s[ZERO] = 1;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i];
        s[LEAST] = fmin(s[LEAST], (double)x[i]);
        s[MOST] = fmax(s[MOST], (double)x[i]);
        s[ZERO] = s[ZERO] != 0 && x[i] == 0;
    }
    s[MEAN] = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)x[i] - s[MEAN]) * ((double)x[i] - s[MEAN]);
    s[DEVIATION] = sqrt(squares / (double)n);
}

/* Both the file's statistics and those of our own first values follow the law. */
static drift_status verify_law(drift_golden *golden, const char *name, const drift_param *p)
{
    size_t statistics = STATISTICS;
    const size_t n = drift_tensor_elements(&p->tensor);
    float *theirs, *values = malloc(n * sizeof *values + 1);
    double s[STATISTICS];
    drift_status status = values ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", n);
    if (!status)
        status = drift_tensor_read_floats(&p->tensor, values);
    if (!status) {
        measure(n, values, s);
        if (p->init == DRIFT_INIT_POSITION) { /* numbers, not draws */
            free(values);
            return drift_golden_output_row(golden, name, STATISTICS, s);
        }
        judge_statistics(golden, name, p, s);
        status = drift_golden_input(golden, name, 1, &statistics, NULL, &theirs);
    }
    free(values);
    if (status)
        return status;
    for (int i = 0; i < STATISTICS; i++)
        s[i] = (double)theirs[i];
    judge_statistics(golden, name, p, s);
    free(theirs);
    return DRIFT_OK;
}

static drift_status verify_shape(drift_golden *golden, const char *name, const drift_param *p)
{
    float size[DRIFT_MAX_DIMS];
    const size_t dims = (size_t)p->tensor.dims;
    for (size_t i = 0; i < dims; i++)
        size[i] = (float)p->tensor.size[i];
    return drift_golden_output_exact(golden, name, DRIFT_ARRAY_I32, 1, &dims, size);
}

size_t drift_golden_tensors(const drift_golden *golden, const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < golden->file->count; i++)
        count += !strncmp(golden->file->tensors[i].name, prefix, strlen(prefix));
    return count;
}

drift_status drift_golden_init(drift_golden *golden, drift_params *params)
{
    char name[NAME];
    const size_t shapes = drift_golden_tensors(golden, "out/shape/"), laws = drift_golden_tensors(golden, "out/stat/");
    drift_status status = DRIFT_OK;
    if (shapes != params->count || (laws && laws != params->count))
        return drift_fail(DRIFT_INVALID, "%s: out/: shapes of %zu parameters, laws of %zu; expected %zu",
                          golden->file->path, shapes, laws, params->count);
    if (laws && !(status = drift_params_allocate(params)))
        status = drift_params_init(params, 1);
    for (size_t i = 0; i < params->count && !status; i++) {
        const drift_param *p = params->list[i];
        snprintf(name, sizeof name, "out/shape/%s", p->name);
        if (!drift_safetensors_find(golden->file, name))
            return drift_fail(DRIFT_INVALID, "%s: %s is missing", golden->file->path, name);
        status = verify_shape(golden, name, p);
        snprintf(name, sizeof name, "out/stat/%s", p->name);
        if (laws && !status)
            status = verify_law(golden, name, p);
    }
    return status;
}
