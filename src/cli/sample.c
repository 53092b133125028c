/* drift sample: samples of a model file. */
#include <omp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "eval/image.h"
#include "io/csv.h"
#include "io/npy.h"
#include "io/npz.h"
#include "report/report.h"
#include "train/generator.h"

/* So few samples are there before a second thread would be (and on a busy machine long before). */
enum { FEW = 2048, MOST_COLUMNS = 32 /* of a picture */ };

struct settings {
    int64_t n, seed;
    double temperature;
    const char *ema, *out, *class_list;
    struct drift_option_numbers cfg;
};

/* What is made: n samples at each scale, one scale after the other, all scales of the same noise. */
struct job {
    struct drift_generator generator;
    size_t n, scales, total;
    int classes; /* that the samples go through in turn: class_list[i % classes]; 0: no classes were asked for */
    int32_t class_list[DRIFT_OPTION_LIST];
    int32_t *label; /* [total] */
    float *scale;   /* [total] */
    float *x;       /* [total, dim] */
};

static void job_free(struct job *job)
{
    free(job->label);
    free(job->scale);
    free(job->x);
    drift_generator_free(&job->generator);
}

/* ---- what was asked for ---- */

/* "3,0,7", or "all" classes in order. */
static drift_status read_classes(const char *text, const char *path, struct job *job)
{
    const size_t classes = job->generator.classes;
    if (!classes)
        return drift_fail(DRIFT_INVALID, "--class: %s makes samples without classes", path);
    if (!strcmp(text, "all")) {
        for (size_t i = 0; i < classes && i < DRIFT_OPTION_LIST; i++)
            job->class_list[i] = (int32_t)i;
        job->classes = (int)(classes < DRIFT_OPTION_LIST ? classes : DRIFT_OPTION_LIST);
        return DRIFT_OK;
    }
    for (const char *at = text;; at++) {
        char *end;
        const long class = strtol(at, &end, 10);
        if (end == at || (*end && *end != ','))
            return drift_fail(DRIFT_INVALID, "--class: expected numbers as in 3,0,7, or all, not \"%s\"", text);
        if (class < 0 || (size_t) class >= classes)
            return drift_fail(DRIFT_INVALID, "--class: %ld is not a class of %s: expected 0 .. %zu", class, path,
                              classes - 1);
        if (job->classes == DRIFT_OPTION_LIST)
            return drift_fail(DRIFT_INVALID, "--class: more than %d classes", DRIFT_OPTION_LIST);
        job->class_list[job->classes++] = (int32_t) class;
        at = end;
        if (!*end)
            return DRIFT_OK;
    }
}

/* How many samples a scale has where --n does not say: as many of each class as make 64, or 16 in a row. */
static size_t default_n(const struct job *job)
{
    const size_t each = job->classes > 0 ? (size_t)job->classes : 1, wanted = job->scales > 1 ? 16 : 64;
    return (wanted + each - 1) / each * each;
}

static drift_status plan(const struct settings *s, const char *path, struct job *job)
{
    const struct drift_generator *g = &job->generator;
    if (s->cfg.count && !g->classes)
        return drift_fail(DRIFT_INVALID, "--cfg: %s makes samples without classes, so there is nothing to guide", path);
    drift_status status = s->class_list ? read_classes(s->class_list, path, job) : DRIFT_OK;
    if (status)
        return status;
    job->scales = s->cfg.count ? (size_t)s->cfg.count : 1;
    job->n = s->n ? (size_t)s->n : default_n(job);
    job->total = job->n * job->scales; /* n <= 1e9 and few scales: no overflow */
    job->label = malloc(job->total * sizeof *job->label);
    job->scale = malloc(job->total * sizeof *job->scale);
    job->x = g->shape.dim <= (size_t)-1 / sizeof *job->x / job->total
                 ? malloc(job->total * g->shape.dim * sizeof *job->x)
                 : NULL;
    if (!job->label || !job->scale || !job->x)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", job->total);
    for (size_t i = 0; i < job->total; i++) {
        const size_t sample = i % job->n;
        job->label[i] = job->classes ? job->class_list[sample % (size_t)job->classes]
                        : g->classes ? (int32_t)(sample % g->classes)
                                     : 0;
        job->scale[i] = s->cfg.count ? (float)s->cfg.items[i / job->n] : 1;
    }
    return DRIFT_OK;
}

/* ---- files ---- */

enum { MOST_ROWS = DRIFT_OPTION_LIST, CAPTION = 32 };

/* A row for each scale, or else for each class of those asked for; 0: neither, one grid. */
static size_t rows_of(const struct job *job, char text[MOST_ROWS][CAPTION], drift_rows *rows)
{
    if (job->scales > 1) {
        *rows = (drift_rows){.rows = job->scales, .columns = job->n, .row_step = job->n, .column_step = 1};
        for (size_t i = 0; i < job->scales; i++)
            snprintf(text[i], CAPTION, "cfg %g", (double)job->scale[i * job->n]);
    } else if (job->classes > 1 && job->generator.shape.width) {
        const size_t classes = (size_t)job->classes;
        *rows = (drift_rows){.rows = classes < job->n ? classes : job->n,
                             .columns = (job->n + classes - 1) / classes,
                             .row_step = 1,
                             .column_step = classes};
        for (size_t i = 0; i < rows->rows; i++)
            snprintf(text[i], CAPTION, "%ld", (long)job->label[i]);
    }
    return rows->rows;
}

static drift_status write_picture(const struct job *job, const char *path)
{
    const struct drift_sample_shape *shape = &job->generator.shape;
    char text[MOST_ROWS][CAPTION];
    const char *captions[MOST_ROWS];
    drift_rows rows = {0};
    drift_report report = {
        .title = "samples", .dim = shape->dim, .low = -1, .high = 1, .samples_n = job->total, .samples = job->x};
    report.image_width = shape->width;
    report.image_height = shape->height;
    report.image_channels = shape->channels;
    if (!rows_of(job, text, &rows))
        return drift_report_samples(&report, path);
    for (size_t i = 0; i < rows.rows; i++)
        captions[i] = text[i];
    rows.captions = captions;
    if (shape->width && rows.columns > MOST_COLUMNS)
        rows.columns = MOST_COLUMNS;
    return drift_report_rows(&report, &rows, path);
}

/* samples, and of a model with classes the label and the guidance scale of each. */
static drift_status write_archive(const struct job *job, const struct drift_array *samples, const char *path)
{
    static const char *const names[] = {"samples", "labels", "cfg"};
    const struct drift_array arrays[] = {*samples, drift_array_view(DRIFT_ARRAY_I32, 1, &job->total, job->label),
                                         drift_array_view(DRIFT_ARRAY_F32, 1, &job->total, job->scale)};
    return drift_npz_write(path, job->generator.classes ? 3 : 1, names, arrays, 1);
}

static drift_status write_samples(const struct job *job, const char *path)
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
    return drift_csv_write(path, job->total, s->dim, job->x);
}

static int known_ending(const char *path)
{
    return drift_ends_with(path, ".npy") || drift_ends_with(path, ".npz") || drift_ends_with(path, ".png") ||
           drift_ends_with(path, ".csv") || !strncmp(path, "/dev/", 5);
}

/* ---- the command ---- */

static drift_status make(const struct settings *s, struct job *job)
{
    drift_status status = DRIFT_OK;
    if (job->total <= FEW)
        omp_set_num_threads(1);
    for (size_t i = 0; i < job->scales && !status; i++) {
        const size_t first = i * job->n;
        const struct drift_sampling how = {.seed = (uint64_t)s->seed,
                                           .temperature = s->temperature,
                                           .label = job->label + first,
                                           .scales = job->scale + first};
        status = drift_generator_sample(&job->generator, &how, job->n, job->x + first * job->generator.shape.dim);
    }
    return status;
}

static drift_status sample(const struct settings *settings, const char *path)
{
    struct job job = {.n = 0};
    struct drift_recipe recipe;
    drift_status status = drift_generator_load(path, settings->ema, &job.generator, &recipe);
    if (status)
        return status;
    const struct drift_surplus *surplus = &job.generator.surplus;
    if (surplus->count)
        drift_error("note: %s: %zu arrays that the model does not have, such as %s", path, surplus->count,
                    surplus->name);
    if (drift_ends_with(settings->out, ".png") && (status = drift_image_check(job.generator.shape.channels)))
        drift_fail_context(status, "%s", path);
    if (!status)
        status = plan(settings, path, &job);
    if (!status)
        status = make(settings, &job);
    if (!status)
        status = write_samples(&job, settings->out);
    job_free(&job);
    return status;
}

static int run(int argc, char **argv)
{
    struct settings settings = {.temperature = 1, .out = "/dev/stdout"};
    int status = drift_options_parse(&drift_command_sample, &argc, argv, 1, 1, &settings);
    if (status >= 0)
        return status;
    if (!known_ending(settings.out))
        return drift_error("--out: %s: expected a name that ends with .png, .npy, .npz or .csv", settings.out);
    drift_file_wait_for_disk(0); /* samples can be made again, and the disk would take longer than the rest */
    return sample(&settings, argv[1]) ? drift_error_kept() : DRIFT_EXIT_YES;
}

static const struct drift_option options[] = {
    {"n", "N", DRIFT_OPTION_INTEGER, offsetof(struct settings, n),
     "how many samples, at each scale of --cfg (default: 64 or, of several scales, 16; as many of each class)", 1, 1e9},
    {"class", "K[,K...]|all", DRIFT_OPTION_TEXT, offsetof(struct settings, class_list),
     "classes that the samples have in turn (default: all)", 0, 0},
    {"cfg", "A[,A...]", DRIFT_OPTION_NUMBERS, offsetof(struct settings, cfg),
     "guidance scales; several give one row of a picture each, of the same noise (default: 1)", 0, 1e6},
    {"seed", "N", DRIFT_OPTION_INTEGER, offsetof(struct settings, seed), "of the noise (default: 0)", 0, 9e15},
    {"temperature", "T", DRIFT_OPTION_NUMBER, offsetof(struct settings, temperature),
     "deviation of the noise (default: 1)", 0, 1e6},
    {"ema", "DECAY|none", DRIFT_OPTION_TEXT, offsetof(struct settings, ema),
     "which running mean of the parameters; none: as trained (default: the first mean)", 0, 0},
    {"out", "FILE", DRIFT_OPTION_TEXT, offsetof(struct settings, out),
     ".png (images: a grid), .npy, .npz or .csv (default: csv to standard output)", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_sample = {
    .name = "sample",
    .summary = "make samples with a trained model",
    .arguments = "MODEL.safetensors|FOLDER|hf://NAME [options]",
    .text =
        "Makes samples in one pass of the generator, one's own or a released one (a folder with ema_params.msgpack "
        "and metadata.json, hf://NAME below $HF_ROOT, or what drift convert makes of it). Sample i depends on the "
        "model, the seed, the temperature, its class, its guidance scale and i alone: not on --n, nor on the number of "
        "threads or the instruction set.\n\n"
        "A class-conditional model makes class i modulo the number of classes, or those of --class in turn: a picture "
        "then has a row for each. A .npz holds samples, labels and cfg.",
    .options = options,
    .examples = {{"drift sample demo/model.safetensors --n 256 --out digits.png", "a grid of images"},
                 {"drift sample digits/model.safetensors --class all --cfg 2 --out classes.png",
                  "a row for each class"},
                 {"drift sample digits/model.safetensors --class 3 --cfg 1,2,4 --out sweep.png",
                  "a row for each guidance scale"},
                 {"drift sample roll/model.safetensors --n 100000 --seed 1 --out points.npy", "points for numpy"},
                 {"drift sample roll/model.safetensors --n 3", "three points as text"}},
    .run = run,
};
