/* The files of drift sample. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sample.h"
#include "io/csv.h"
#include "io/npy.h"
#include "io/npz.h"
#include "report/report.h"

enum { MOST_COLUMNS = 32, GRID_COLUMNS = 16 };

/* ---- pictures ---- */

/* Captions of the picture's rows, and which samples are in each. */
struct layout {
    drift_rows rows;
    char text[DRIFT_SAMPLE_ROWS][DRIFT_SAMPLE_CAPTION];
    const char *captions[DRIFT_SAMPLE_ROWS];
};

/* A row between each pair: "3 - 7", and which class or scale where there are several. */
static void rows_between(const struct drift_sample_job *job, struct layout *l)
{
    const size_t classes = job->classes > 1 ? (size_t)job->classes : 1;
    l->rows = (drift_rows){job->total / job->steps, job->steps, job->steps, 1, NULL, NULL, NULL};
    for (size_t r = 0; r < l->rows.rows && r < DRIFT_SAMPLE_ROWS; r++) {
        const size_t pair = r / (classes * job->scales);
        char *text = l->text[r];
        size_t used = (size_t)snprintf(text, DRIFT_SAMPLE_CAPTION, "%llu - %llu", (unsigned long long)job->pair[pair].a,
                                       (unsigned long long)job->pair[pair].b);
        if (classes > 1)
            used += (size_t)snprintf(text + used, DRIFT_SAMPLE_CAPTION - used, ", class %ld",
                                     (long)job->label[r * job->steps]);
        if (job->scales > 1)
            snprintf(text + used, DRIFT_SAMPLE_CAPTION - used, ", cfg %g", (double)job->scale[r * job->steps]);
    }
}

/* A row for each scale, or else for each class of those asked for; or, to have a place for the nearest, just rows. */
static void rows_of(const struct drift_sample_job *job, struct layout *l)
{
    if (job->scales > 1) {
        l->rows = (drift_rows){job->scales, job->n, job->n, 1, NULL, NULL, NULL};
        for (size_t i = 0; i < job->scales; i++)
            snprintf(l->text[i], DRIFT_SAMPLE_CAPTION, "cfg %g", (double)job->scale[i * job->n]);
    } else if (job->classes > 1 && job->generator.shape.width) {
        const size_t classes = (size_t)job->classes;
        l->rows = (drift_rows){
            classes < job->n ? classes : job->n, (job->n + classes - 1) / classes, 1, classes, NULL, NULL, NULL};
        for (size_t i = 0; i < l->rows.rows; i++)
            snprintf(l->text[i], DRIFT_SAMPLE_CAPTION, "%ld", (long)job->label[i]);
    } else if (job->data) {
        const size_t columns = job->n < GRID_COLUMNS ? job->n : GRID_COLUMNS;
        l->rows = (drift_rows){(job->n + columns - 1) / columns, columns, columns, 1, NULL, NULL, NULL};
        for (size_t i = 0; i < l->rows.rows && i < DRIFT_SAMPLE_ROWS; i++)
            snprintf(l->text[i], DRIFT_SAMPLE_CAPTION, "%zu", i * columns);
    }
}

/* For each sample its nearest row, [total, dim]; to be freed. */
static float *nearest_rows(const struct drift_sample_job *job)
{
    const size_t dim = job->generator.shape.dim;
    float *rows = malloc(job->total * dim * sizeof *rows + 1);
    for (size_t i = 0; i < job->total && rows; i++)
        memcpy(rows + i * dim, job->data->rows + job->nearest[i] * dim, dim * sizeof *rows);
    return rows;
}

static drift_status draw_rows(const struct drift_sample_job *job, const drift_report *report, struct layout *l,
                              const char *path)
{
    float *below = NULL;
    if (l->rows.rows > DRIFT_SAMPLE_ROWS)
        l->rows.rows = DRIFT_SAMPLE_ROWS;
    if (job->generator.shape.width && l->rows.columns > MOST_COLUMNS)
        l->rows.columns = MOST_COLUMNS;
    for (size_t i = 0; i < l->rows.rows; i++)
        l->captions[i] = l->text[i];
    l->rows.captions = l->captions;
    if (job->data && !(below = nearest_rows(job)))
        return drift_fail(DRIFT_NO_MEMORY, "no memory for the nearest of %zu samples", job->total);
    l->rows.below = below;
    l->rows.below_caption = "nearest";
    drift_status status = drift_report_rows(report, &l->rows, path);
    free(below);
    return status;
}

static drift_status write_picture(const struct drift_sample_job *job, const char *path)
{
    const struct drift_sample_shape *shape = &job->generator.shape;
    struct layout *l = calloc(1, sizeof *l);
    drift_report report = {
        .title = "samples", .dim = shape->dim, .low = -1, .high = 1, .samples_n = job->total, .samples = job->x};
    report.image_width = shape->width;
    report.image_height = shape->height;
    report.image_channels = shape->channels;
    if (!l)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a picture's rows");
    (job->steps ? rows_between : rows_of)(job, l);
    drift_status status = l->rows.rows ? draw_rows(job, &report, l, path) : drift_report_samples(&report, path);
    free(l);
    return status;
}

/* ---- arrays ---- */

/* samples; of a model with classes the label and the guidance scale of each; of the nearest, which row and how far. */
static drift_status write_archive(const struct drift_sample_job *job, const struct drift_array *samples,
                                  const char *path)
{
    const char *names[5] = {"samples"};
    struct drift_array arrays[5] = {*samples};
    size_t count = 1;
    int32_t *row = malloc(job->total * sizeof *row + 1);
    if (!row)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", job->total);
    if (job->generator.classes) {
        names[count] = "labels";
        arrays[count++] = drift_array_view(DRIFT_ARRAY_I32, 1, &job->total, job->label);
        names[count] = "cfg";
        arrays[count++] = drift_array_view(DRIFT_ARRAY_F32, 1, &job->total, job->scale);
    }
    if (job->data) {
        for (size_t i = 0; i < job->total; i++)
            row[i] = (int32_t)job->nearest[i];
        names[count] = "nearest";
        arrays[count++] = drift_array_view(DRIFT_ARRAY_I32, 1, &job->total, row);
        names[count] = "distance";
        arrays[count++] = drift_array_view(DRIFT_ARRAY_F32, 1, &job->total, job->distance);
    }
    drift_status status = drift_npz_write(path, count, names, arrays, 1);
    free(row);
    return status;
}

/* A line for each sample; of the nearest two columns more: which row and how far. */
static drift_status write_table(const struct drift_sample_job *job, const char *path)
{
    const size_t dim = job->generator.shape.dim, columns = dim + 2;
    if (!job->data)
        return drift_csv_write(path, job->total, dim, job->x);
    float *table = malloc(job->total * columns * sizeof *table);
    if (!table)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a table of %zu samples", job->total);
    for (size_t i = 0; i < job->total; i++) {
        memcpy(table + i * columns, job->x + i * dim, dim * sizeof *table);
        table[i * columns + dim] = (float)job->nearest[i];
        table[i * columns + dim + 1] = job->distance[i];
    }
    drift_status status = drift_csv_write(path, job->total, columns, table);
    free(table);
    return status;
}

drift_status drift_sample_write(const struct drift_sample_job *job, const char *path)
{
    const struct drift_sample_shape *s = &job->generator.shape;
    struct drift_array array = drift_array_view(DRIFT_ARRAY_F32, 2, (size_t[]){job->total, s->dim}, job->x);
    if (s->height)
        array = drift_array_view(DRIFT_ARRAY_F32, 4, (size_t[]){job->total, s->height, s->width, s->channels}, job->x);
    if (drift_ends_with(path, ".npy"))
        return drift_npy_write(path, &array);
    if (drift_ends_with(path, ".npz"))
        return write_archive(job, &array, path);
    if (drift_ends_with(path, ".png"))
        return write_picture(job, path);
    return write_table(job, path);
}
