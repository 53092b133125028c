/* Reads a port's results and compares them. */
#include "golden/port.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spelling.h"
#include "io/npy.h"
#include "io/npz.h"

/* Any of the three formats as named tensors. */
struct port_file {
    struct drift_safetensors tensors;
    struct drift_npz npz;
    struct drift_array single;
    enum { SAFETENSORS, NPZ, NPY } format;
};

static drift_status open_port(const char *path, struct port_file *file)
{
    memset(file, 0, sizeof *file);
    if (drift_ends_with(path, ".npz")) {
        file->format = NPZ;
        return drift_npz_read(path, &file->npz);
    }
    if (drift_ends_with(path, ".npy")) {
        file->format = NPY;
        return drift_npy_read(path, &file->single);
    }
    if (!drift_ends_with(path, ".safetensors"))
        return drift_fail(DRIFT_INVALID, "%s: expected a .safetensors, .npz or .npy file", path);
    return drift_safetensors_read(path, &file->tensors);
}

static void close_port(struct port_file *file)
{
    if (file->format == SAFETENSORS)
        drift_safetensors_free(&file->tensors);
    else if (file->format == NPZ)
        drift_npz_free(&file->npz);
    else
        drift_array_free(&file->single);
}

/* Whether a tensor of the file is a result that a port hands in. */
static int is_result(const char *name)
{
    return (!strncmp(name, "out/", 4) || !strncmp(name, "grad/", 5)) && !strstr(name, "_f32");
}

/* The same shape, dimensions of one apart: a loss may be [] or [1]. */
static int same_shape(const struct drift_array *a, const struct drift_array *b)
{
    int i = 0, k = 0;
    for (;;) {
        while (i < a->rank && a->shape[i] == 1)
            i++;
        while (k < b->rank && b->shape[k] == 1)
            k++;
        if (i == a->rank || k == b->rank)
            return i == a->rank && k == b->rank;
        if (a->shape[i++] != b->shape[k++])
            return 0;
    }
}

/* The result that an .npy is: the only one of its shape, or of those the only one that is no gradient. */
static drift_status name_of(const char *path, const struct drift_array *single, const struct drift_safetensors *file,
                            const char **name)
{
    const char *all = NULL, *out = NULL;
    int count = 0, outs = 0;
    for (size_t i = 0; i < file->count; i++) {
        const char *other = file->tensors[i].name;
        if (!is_result(other) || !same_shape(&file->tensors[i].array, single))
            continue;
        count++, all = other;
        if (!strncmp(other, "out/", 4))
            outs++, out = other;
    }
    char shape[DRIFT_ARRAY_TEXT];
    *name = count == 1 ? all : out;
    if (count == 1 || outs == 1)
        return DRIFT_OK;
    return drift_fail(DRIFT_INVALID, "%s: %s results of the case have the shape %s%s", path, count ? "several" : "no",
                      drift_array_describe(single, shape), count ? ": name them in an .npz" : "");
}

static const struct drift_array *find(const struct port_file *file, const char *name)
{
    return file->format == NPZ ? drift_npz_find(&file->npz, name) : drift_safetensors_find(&file->tensors, name);
}

/* Appends `theirs` as result `name` in the case's shape. */
static drift_status take(const char *path, const char *name, const struct drift_array *reference,
                         const struct drift_array *theirs, struct drift_golden_values *mine)
{
    char got[DRIFT_ARRAY_TEXT], want[DRIFT_ARRAY_TEXT];
    if (!same_shape(reference, theirs))
        return drift_fail(DRIFT_INVALID, "%s: %s: expected %s, got %s", path, name,
                          drift_array_describe(reference, want), drift_array_describe(theirs, got));
    double *x = malloc(theirs->count * sizeof *x + 1);
    if (!x)
        return drift_fail(DRIFT_NO_MEMORY, "%s: no memory for %s", path, name);
    drift_array_doubles(theirs, x);
    struct drift_array array = *reference;
    array.type = DRIFT_ARRAY_F64;
    array.data = x;
    array.memory = NULL;
    drift_status status = drift_golden_finite(path, name, &array);
    if (!status)
        status = drift_golden_values_add(mine, name, &array, 0, DRIFT_ARRAY_F64);
    free(x);
    return status;
}

static drift_status take_all(const char *path, const struct port_file *port, const struct drift_safetensors *file,
                             int partial, struct drift_golden_values *mine)
{
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < file->count && !status; i++) {
        const char *name = file->tensors[i].name;
        if (!is_result(name))
            continue;
        const struct drift_array *theirs = find(port, name);
        if (!theirs)
            theirs = find(port, strchr(name, '/') + 1);
        if (theirs)
            status = take(path, name, &file->tensors[i].array, theirs, mine);
        else if (!partial)
            status = drift_fail(DRIFT_INVALID, "%s: expected a tensor named %s (--partial: compare what is there)",
                                path, name);
    }
    return status;
}

drift_status drift_golden_port_read(const char *path, const struct drift_safetensors *file, int partial,
                                    struct drift_golden_values *mine)
{
    struct port_file port;
    const char *name;
    *mine = (struct drift_golden_values){.count = 0};
    drift_status status = open_port(path, &port);
    if (status)
        return status;
    if (port.format != NPY)
        status = take_all(path, &port, file, partial, mine);
    else if (!(status = name_of(path, &port.single, file, &name)))
        status = take(path, name, drift_safetensors_find(file, name), &port.single, mine);
    if (!status && !mine->count)
        status = drift_fail(DRIFT_INVALID, "%s: holds none of the results of %s", path, file->path);
    close_port(&port);
    if (status)
        drift_golden_values_free(mine);
    return status;
}

static drift_status compare_one(const drift_golden *golden, const struct drift_golden_value *value,
                                struct drift_golden_line *line)
{
    const struct drift_array *reference = drift_safetensors_find(golden->file, value->name);
    const double *x = value->array.data;
    const size_t n = value->array.count;
    struct drift_golden_distance d;
    drift_status status = drift_golden_measure(golden, value->name, n, x, &d);
    double *r = malloc(n * sizeof *r + 1), product = 0;
    if (!status && !r)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for %s", value->name);
    if (status) {
        free(r);
        return status;
    }
    drift_array_doubles(reference, r);
    *line = (struct drift_golden_line){.name = value->name, .shape = value->array, .error = d.error, .bound = d.bound};
    for (size_t i = 0; i < n; i++) {
        product += x[i] * r[i];
        if (fabs(x[i] - r[i]) > fabs(x[line->worst] - r[line->worst]))
            line->worst = i;
    }
    const double own = drift_golden_rms(n, x, NULL), size = drift_golden_rms(n, r, NULL),
                 mean = product / (double)(n + !n);
    line->mine = n ? x[line->worst] : 0;
    line->reference = n ? r[line->worst] : 0;
    line->size = size;
    line->cosine = own > 0 && size > 0 ? mean / own / size : NAN;
    line->scale = size > 0 ? mean / size / size : NAN;
    line->good = d.good;
    free(r);
    return DRIFT_OK;
}

drift_status drift_golden_port_compare(const drift_golden *golden, const struct drift_golden_values *mine,
                                       struct drift_golden_line *lines)
{
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < mine->count && !status; i++)
        status = compare_one(golden, &mine->list[i], &lines[i]);
    return status;
}
