/* Sets whose rows lie in files: npy, npz, csv; and how any array becomes rows. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/source.h"
#include "io/csv.h"
#include "io/npy.h"
#include "io/npz.h"

enum { MOST_LABELS = 1 << 20 };

/* ---- from an array to rows ---- */

static drift_status set_shape(const char *path, const struct drift_array *array, struct drift_data *data)
{
    const size_t *shape = array->shape;
    if (array->rank < 1 || array->rank > 4 || !array->count || array->shape[0] > UINT32_MAX) {
        char text[DRIFT_ARRAY_TEXT];
        return drift_fail(DRIFT_INVALID, "%s: expected rows [n,dim] or images [n,height,width(,channels)], got %s",
                          path, drift_array_describe(array, text));
    }
    data->dim = array->count / shape[0];
    if (array->rank >= 3) {
        data->height = shape[1];
        data->width = shape[2];
        data->channels = array->rank == 4 ? shape[3] : 1;
    }
    return DRIFT_OK;
}

/* The part of n rows that a split takes. */
static void cut(enum drift_data_split split, size_t n, size_t *begin, size_t *end)
{
    size_t train = n - n / 5 - (n % 5 > 0); /* floor(4 n / 5) without overflow */
    *begin = split == DRIFT_DATA_TEST ? train : 0;
    *end = split == DRIFT_DATA_TRAIN ? train : n;
}

/* Black -1, white 1; white is 255, or 16 where nothing is brighter. */
static void scale_bytes(const struct drift_array *array, float *rows)
{
    const unsigned char *bytes = array->data;
    int brightest = 0;
    for (size_t i = 0; i < array->count; i++)
        brightest = bytes[i] > brightest ? bytes[i] : brightest;
    double white = brightest <= 16 ? 16 : 255;
    for (size_t i = 0; i < array->count; i++)
        rows[i] = (float)(2 * bytes[i] / white - 1);
}

static drift_status check_finite(const char *path, const struct drift_array *array, size_t dim, const float *rows)
{
    for (size_t i = 0; i < array->count; i++)
        if (!isfinite(rows[i]))
            return drift_fail(DRIFT_INVALID, "%s: row %zu, number %zu: expected a finite float", path, i / dim,
                              i % dim);
    return DRIFT_OK;
}

static drift_status take_labels(const char *path, const struct drift_array *array, size_t begin, size_t end,
                                struct drift_data *data)
{
    double *values = malloc(array->count * sizeof *values);
    int *labels = malloc((end - begin) * sizeof *labels);
    data->labels = labels;
    if (!values || !labels) {
        free(values);
        return drift_fail_memory(path, array->count * sizeof *values);
    }
    drift_array_doubles(array, values);
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < array->count && !status; i++) {
        if (!(values[i] >= 0 && values[i] < MOST_LABELS && values[i] == floor(values[i])))
            status = drift_fail(DRIFT_INVALID, "%s: label %zu: expected 0, 1, 2 ..., got %g", path, i, values[i]);
        else if (values[i] + 1 > data->classes)
            data->classes = (int)values[i] + 1;
    }
    for (size_t i = begin; i < end && !status; i++)
        labels[i - begin] = (int)values[i];
    free(values);
    return status;
}

drift_status drift_data_take(const char *path, const struct drift_array *array, const struct drift_array *labels,
                             enum drift_data_split split, struct drift_data *data)
{
    size_t begin, end;
    drift_status status = set_shape(path, array, data);
    if (status)
        return status;
    size_t n = array->shape[0];
    if (labels && (labels->rank != 1 || labels->count != n))
        return drift_fail(DRIFT_INVALID, "%s: expected %zu labels, got %zu (of rank %d)", path, n, labels->count,
                          labels->rank);
    cut(split, n, &begin, &end);
    if (begin == end)
        return drift_fail(DRIFT_INVALID, "%s: too few rows (%zu) for a %s part", path, n,
                          split == DRIFT_DATA_TRAIN ? "train" : "test");
    float *rows = array->count > SIZE_MAX / sizeof *rows ? NULL : malloc(array->count * sizeof *rows);
    if (!rows)
        return drift_fail_memory(path, array->count * sizeof *rows);
    data->rows = rows;
    data->size = end - begin;
    if (array->type == DRIFT_ARRAY_U8 && array->rank >= 3)
        scale_bytes(array, rows);
    else
        drift_array_floats(array, rows);
    status = check_finite(path, array, data->dim, rows);
    memmove(rows, rows + begin * data->dim, data->size * data->dim * sizeof *rows);
    return status || !labels ? status : take_labels(path, labels, begin, end, data);
}

/* ---- npy, npz, csv ---- */

/* The points of an archive: its only member, or the one called x (data, samples); labels are y (labels). */
static drift_status take_npz(const char *path, const struct drift_npz *npz, enum drift_data_split split,
                             struct drift_data *data)
{
    static const char *const points[] = {"x", "data", "samples"}, *const labels[] = {"y", "labels"};
    const struct drift_array *x = npz->count == 1 ? &npz->members[0].array : NULL, *y = NULL;
    for (int i = 0; i < 3 && !x; i++)
        x = drift_npz_find(npz, points[i]);
    for (int i = 0; i < 2 && !y; i++)
        y = drift_npz_find(npz, labels[i]);
    if (!x)
        return drift_fail(DRIFT_INVALID, "%s: expected one array, or one that is called x, data or samples", path);
    return drift_data_take(path, x, x == y ? NULL : y, split, data);
}

drift_status drift_data_open_points(const char *path, enum drift_data_split split, struct drift_data *data)
{
    struct drift_bytes head;
    struct drift_npz npz;
    struct drift_array array;
    drift_status status = drift_file_read(path, DRIFT_FILE_CAP, &head);
    if (status)
        return status;
    int is_npz = head.size > 2 && !memcmp(head.data, "PK", 2), is_npy = head.data[0] == 0x93;
    drift_bytes_free(&head);
    if (is_npz) {
        status = drift_npz_read(path, &npz);
        if (status)
            return status;
        status = take_npz(path, &npz, split, data);
        drift_npz_free(&npz);
        return status;
    }
    status = is_npy ? drift_npy_read(path, &array) : drift_csv_read(path, &array);
    if (status)
        return status;
    status = drift_data_take(path, &array, NULL, split, data);
    drift_array_free(&array);
    return status;
}
