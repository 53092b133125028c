/* drift sample: samples of a model file. */
#include "cli/sample.h"

#include <omp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "eval/eval.h"
#include "eval/image.h"
#include "io/file.h"
#include "train/interpolate.h"

/* So few samples are there before a second thread would be (and on a busy machine long before). */
enum { FEW = 2048, STEPS = 10, MOST_STEPS = 1000 };

struct settings {
    int64_t n, seed;
    double temperature;
    const char *ema, *out, *class_list, *nearest;
    struct drift_option_numbers cfg;
    struct drift_option_texts interpolate;
};

static void job_free(struct drift_sample_job *job)
{
    free(job->label);
    free(job->scale);
    free(job->x);
    free(job->noise);
    free(job->style);
    free(job->nearest);
    free(job->distance);
    drift_data_close(job->data);
    drift_generator_free(&job->generator);
}

/* ---- what was asked for ---- */

/* "3,0,7", or "all" classes in order. */
static drift_status read_classes(const char *text, const char *path, struct drift_sample_job *job)
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
static size_t default_n(const struct drift_sample_job *job)
{
    const size_t each = job->classes > 0 ? (size_t)job->classes : 1, wanted = job->scales > 1 ? 16 : 64;
    return (wanted + each - 1) / each * each;
}

/* "A,B" or "A,B,STEPS". */
static drift_status read_pair(const char *text, struct drift_sample_job *job)
{
    unsigned long long a, b, steps = STEPS;
    int used = 0, more = 0;
    if (strspn(text, "0123456789,") != strlen(text) || sscanf(text, "%18llu,%18llu%n", &a, &b, &used) != 2 ||
        (text[used] && (sscanf(text + used, ",%18llu%n", &steps, &more) != 1 || text[used + more])))
        return drift_fail(DRIFT_INVALID,
                          "--interpolate: expected two samples and, if wanted, how many steps, as in "
                          "3,7 or 3,7,10, not \"%s\"",
                          text);
    if (steps < 2 || steps > MOST_STEPS)
        return drift_fail(DRIFT_INVALID, "--interpolate: %llu steps are not within 2 .. %d", steps, MOST_STEPS);
    if (job->pairs && job->steps != steps)
        return drift_fail(DRIFT_INVALID, "--interpolate: %llu steps, but %zu in another", steps, job->steps);
    job->steps = (size_t)steps;
    job->pair[job->pairs].a = a;
    job->pair[job->pairs++].b = b;
    return DRIFT_OK;
}

static drift_status read_settings(const struct settings *s, const char *path, struct drift_sample_job *job)
{
    drift_status status = DRIFT_OK;
    if (s->cfg.count && !job->generator.classes)
        return drift_fail(DRIFT_INVALID, "--cfg: %s makes samples without classes, so there is nothing to guide", path);
    if (s->n && s->interpolate.count)
        return drift_fail(DRIFT_INVALID, "--n: --interpolate A,B,STEPS says how many samples there are");
    if (s->class_list)
        status = read_classes(s->class_list, path, job);
    for (int i = 0; i < s->interpolate.count && !status; i++)
        status = read_pair(s->interpolate.items[i], job);
    return status;
}

/* Class and scale of sample i. */
static void describe(const struct settings *s, struct drift_sample_job *job, size_t i)
{
    const size_t classes = job->classes ? (size_t)job->classes : 1;
    size_t turn = i % job->n, scale = i / job->n; /* of its scale's samples the how manieth */
    if (job->steps) {
        const size_t row = i / job->steps;
        scale = row % job->scales;
        turn = job->classes ? row / job->scales % classes : (size_t)(job->pair[row / job->scales].a % 1000000000);
    }
    job->label[i] = job->classes             ? job->class_list[turn % classes]
                    : job->generator.classes ? (int32_t)(turn % job->generator.classes)
                                             : 0;
    job->scale[i] = s->cfg.count ? (float)s->cfg.items[scale] : 1;
}

static void *room(size_t n, size_t dim, size_t item)
{
    return dim && n >= PTRDIFF_MAX / item / dim ? NULL : malloc(n * dim * item + 1);
}

static drift_status plan(const struct settings *s, const char *path, struct drift_sample_job *job)
{
    const struct drift_generator *g = &job->generator;
    drift_status status = read_settings(s, path, job);
    if (status)
        return status;
    job->scales = s->cfg.count ? (size_t)s->cfg.count : 1;
    job->n = s->n ? (size_t)s->n : default_n(job);
    if (job->steps)
        job->n = job->pairs * (job->classes ? (size_t)job->classes : 1) * job->steps;
    job->total = job->n * job->scales; /* n <= 1e9 and few scales: no overflow */
    job->label = room(job->total, 1, sizeof *job->label);
    job->scale = room(job->total, 1, sizeof *job->scale);
    job->x = room(job->total, g->shape.dim, sizeof *job->x);
    job->noise = room(job->steps ? job->total : 0, g->noise_dim, sizeof *job->noise);
    job->style = room(job->steps ? job->total : 0, g->styles, sizeof *job->style);
    if (!job->label || !job->scale || !job->x || !job->noise || !job->style)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", job->total);
    for (size_t i = 0; i < job->total; i++)
        describe(s, job, i);
    return DRIFT_OK;
}

/* The rows that the recipe trains on, of the same kind as the samples. */
static drift_status open_data(const char *name, const struct drift_recipe *recipe, struct drift_sample_job *job)
{
    const struct drift_sample_shape *s = &job->generator.shape;
    drift_status status = drift_data_open(name, (enum drift_data_split)recipe->dataset.split, &job->data);
    if (status)
        return drift_fail_context(status, "--nearest");
    const struct drift_data *d = job->data;
    if (!d->size)
        return drift_fail(DRIFT_INVALID, "--nearest: %s is endless: expected a set of rows", name);
    if (d->dim != s->dim || d->height != s->height || d->width != s->width)
        return drift_fail(DRIFT_INVALID, "--nearest: %s has %zu numbers (%zu x %zu), samples have %zu (%zu x %zu)",
                          name, d->dim, d->height, d->width, s->dim, s->height, s->width);
    job->nearest = room(job->total, 1, sizeof *job->nearest);
    job->distance = room(job->total, 1, sizeof *job->distance);
    return job->nearest && job->distance ? DRIFT_OK
                                         : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu distances", job->total);
}

static int known_ending(const char *path)
{
    return drift_ends_with(path, ".npy") || drift_ends_with(path, ".npz") || drift_ends_with(path, ".png") ||
           drift_ends_with(path, ".csv") || !strncmp(path, "/dev/", 5);
}

/* ---- the command ---- */

/* The noise of all rows: a pair's is the same for each of its classes and scales. */
static drift_status make_noise(const struct settings *s, struct drift_sample_job *job)
{
    const struct drift_generator *g = &job->generator;
    const size_t rows = job->total / job->steps;
    drift_status status = DRIFT_OK;
    for (size_t r = 0; r < rows && !status; r++) {
        const size_t pair = r / (rows / job->pairs), first = r * job->steps;
        status = drift_interpolate(g, (uint64_t)s->seed, s->temperature, job->pair[pair].a, job->pair[pair].b,
                                   job->steps, job->noise + first * g->noise_dim, job->style + first * g->styles);
    }
    return status;
}

static drift_status make(const struct settings *s, struct drift_sample_job *job)
{
    const size_t parts = job->steps ? 1 : job->scales, n = job->total / parts;
    drift_status status = job->steps ? make_noise(s, job) : DRIFT_OK;
    for (size_t i = 0; i < parts && !status; i++) {
        const size_t first = i * n;
        const struct drift_sampling how = {.seed = (uint64_t)s->seed,
                                           .temperature = s->temperature,
                                           .label = job->label + first,
                                           .scales = job->scale + first,
                                           .noise = job->steps ? job->noise : NULL,
                                           .style = job->steps ? job->style : NULL};
        status = drift_generator_sample(&job->generator, &how, n, job->x + first * job->generator.shape.dim);
    }
    if (!status && job->data)
        status = drift_nearest(job->total, job->data->size, job->data->dim, job->x, job->data->rows, job->nearest,
                               job->distance);
    return status;
}

/* A line about the distances, where the file has no place for them or is not for reading. */
static void print_distances(const struct settings *s, const struct drift_sample_job *job)
{
    double mean = 0;
    size_t least = 0;
    for (size_t i = 0; i < job->total; i++) {
        mean += (double)job->distance[i] / (double)job->total;
        least = job->distance[i] < job->distance[least] ? i : least;
    }
    printf("%s: distance to the nearest of %zu rows of %s: mean %.4g, least %.4g (sample %zu, row %zu)\n", s->out,
           job->data->size, job->data->name, mean, (double)job->distance[least], least, job->nearest[least]);
}

static drift_status check_picture(const struct settings *s, const char *path, const struct drift_sample_job *job)
{
    drift_status status = drift_image_check(job->generator.shape.channels);
    if (status)
        return drift_fail_context(status, "%s", path);
    if (s->nearest && !job->generator.shape.width)
        return drift_fail(DRIFT_INVALID,
                          "--nearest: %s makes points, which a picture does not show beside their "
                          "nearest: expected --out .npz, .npy or .csv",
                          path);
    return DRIFT_OK;
}

static drift_status make_all(const struct settings *settings, const char *path, const struct drift_recipe *recipe,
                             struct drift_sample_job *job)
{
    const int picture = drift_ends_with(settings->out, ".png");
    drift_status status = picture ? check_picture(settings, path, job) : DRIFT_OK;
    if (!status)
        status = plan(settings, path, job);
    if (!status && settings->nearest)
        status = open_data(settings->nearest, recipe, job);
    if (status)
        return status;
    if (job->total <= FEW)
        omp_set_num_threads(1);
    status = make(settings, job);
    if (!status)
        status = drift_sample_write(job, settings->out);
    if (!status && job->data &&
        (picture || drift_ends_with(settings->out, ".npy") || drift_ends_with(settings->out, ".npz")))
        print_distances(settings, job);
    return status;
}

static drift_status sample(const struct settings *settings, const char *path)
{
    struct drift_sample_job job = {.n = 0};
    struct drift_recipe recipe;
    drift_status status = drift_generator_load(path, settings->ema, &job.generator, &recipe);
    if (status)
        return status;
    const struct drift_surplus *surplus = &job.generator.surplus;
    if (surplus->count)
        drift_error("note: %s: %zu arrays that the model does not have, such as %s", path, surplus->count,
                    surplus->name);
    status = make_all(settings, path, &recipe, &job);
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
    {"interpolate", "A,B[,STEPS]", DRIFT_OPTION_REPEATED, offsetof(struct settings, interpolate),
     "instead: what lies between samples A and B, both included (10 steps); may be given several times", 0, 0},
    {"nearest", "DATA", DRIFT_OPTION_TEXT, offsetof(struct settings, nearest),
     "find each sample's nearest row of what the model was trained on; a picture shows it below the sample", 0, 0},
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
        "Makes samples in one pass of the generator: one's own (a run's folder, or the model.safetensors in it) or a "
        "released one (a folder with ema_params.msgpack and metadata.json, hf://NAME below $HF_ROOT, or what drift "
        "convert makes of it). Sample i depends on the "
        "model, the seed, the temperature, its class, its guidance scale and i alone: not on --n, nor on the number of "
        "threads or the instruction set.\n\n"
        "A class-conditional model makes class i modulo the number of classes, or those of --class in turn: a picture "
        "then has a row for each. A .npz holds samples, labels and cfg.\n\n"
        "--interpolate goes from the noise of one sample to that of another over the sphere, and changes their style "
        "indices one after the other; a row of the picture for each pair, class and scale. The class is sample A's "
        "where --class does not say.\n\n"
        "--nearest looks in the rows of DATA that the recipe trains on (dataset.split). It adds to a .npz the arrays "
        "nearest (the row, from 0) and distance, and to a .csv two such columns; "
        "the distance is Euclidean, pixels from -1 to 1.",
    .options = options,
    .examples =
        {{"drift sample demo --n 256 --out digits.png", "a grid of images"},
         {"drift sample digits/model.safetensors --class all --cfg 2 --out classes.png", "a row for each class"},
         {"drift sample digits/model.safetensors --class 3 --cfg 1,2,4 --out sweep.png",
          "a row for each guidance scale"},
         {"drift sample digits/model.safetensors --interpolate 3,13 --interpolate 5,8 --nearest digits --out way.png",
          "two rows of ten steps between samples, and their nearest training images"},
         {"drift sample roll/model.safetensors --n 100000 --seed 1 --out points.npy", "points for numpy"}},
    .run = run,
};
