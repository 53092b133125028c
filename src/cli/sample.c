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
enum { FEW = 2048 };

struct settings {
    int64_t n, seed;
    double temperature;
    const char *ema, *out;
};

static drift_status write_picture(const struct drift_generator *g, size_t n, const float *x, const char *path)
{
    drift_report report = {.title = "samples", .dim = g->shape.dim, .low = -1, .high = 1, .samples_n = n, .samples = x};
    report.image_width = g->shape.width;
    report.image_height = g->shape.height;
    report.image_channels = g->shape.channels;
    return drift_report_samples(&report, path);
}

static drift_status write_samples(const struct drift_generator *g, size_t n, const float *x, const char *path)
{
    static const char *const names[] = {"samples"};
    struct drift_array array = drift_array_view(DRIFT_ARRAY_F32, 2, (size_t[]){n, g->shape.dim}, x);
    if (g->shape.height)
        array =
            drift_array_view(DRIFT_ARRAY_F32, 4, (size_t[]){n, g->shape.height, g->shape.width, g->shape.channels}, x);
    if (drift_ends_with(path, ".npy"))
        return drift_npy_write(path, &array);
    if (drift_ends_with(path, ".npz"))
        return drift_npz_write(path, 1, names, &array, 1);
    if (drift_ends_with(path, ".png"))
        return write_picture(g, n, x, path);
    return drift_csv_write(path, n, g->shape.dim, x);
}

static int known_ending(const char *path)
{
    return drift_ends_with(path, ".npy") || drift_ends_with(path, ".npz") || drift_ends_with(path, ".png") ||
           drift_ends_with(path, ".csv") || !strncmp(path, "/dev/", 5);
}

static drift_status sample(const struct settings *settings, const char *path)
{
    struct drift_generator generator;
    struct drift_recipe recipe;
    drift_status status = drift_generator_load(path, settings->ema, &generator, &recipe);
    if (status)
        return status;
    if (generator.surplus.count)
        drift_error("note: %s: %zu arrays that the model does not have, such as %s", path, generator.surplus.count,
                    generator.surplus.name);
    if (drift_ends_with(settings->out, ".png") && (status = drift_image_check(generator.shape.channels))) {
        drift_generator_free(&generator);
        return drift_fail_context(status, "%s", path);
    }
    size_t n = (size_t)settings->n;
    if (n <= FEW)
        omp_set_num_threads(1);
    float *x = generator.shape.dim <= (size_t)-1 / sizeof *x / n ? malloc(n * generator.shape.dim * sizeof *x) : NULL;
    if (!x)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", n);
    if (!status)
        status = drift_generator_sample(&generator,
                                        &(struct drift_sampling){.seed = (uint64_t)settings->seed,
                                                                 .temperature = settings->temperature,
                                                                 .cfg_scale = 1},
                                        n, x);
    if (!status)
        status = write_samples(&generator, n, x, settings->out);
    free(x);
    drift_generator_free(&generator);
    return status;
}

static int run(int argc, char **argv)
{
    struct settings settings = {.n = 64, .temperature = 1, .out = "/dev/stdout"};
    int status = drift_options_parse(&drift_command_sample, &argc, argv, 1, 1, &settings);
    if (status >= 0)
        return status;
    if (!known_ending(settings.out))
        return drift_error("--out: %s: expected a name that ends with .png, .npy, .npz or .csv", settings.out);
    drift_file_wait_for_disk(0); /* samples can be made again, and the disk would take longer than the rest */
    return sample(&settings, argv[1]) ? drift_error_kept() : DRIFT_EXIT_YES;
}

static const struct drift_option options[] = {
    {"n", "N", DRIFT_OPTION_INTEGER, offsetof(struct settings, n), "how many samples (default: 64)", 1, 1e9},
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
    .text = "Makes samples in one pass of the generator, one's own or a released one (a folder with ema_params.msgpack "
            "and metadata.json, hf://NAME below $HF_ROOT, or what drift convert makes of it). Sample i depends on the "
            "model, the seed, the temperature and i "
            "alone: not on --n, nor on the number of threads or the instruction set.",
    .options = options,
    .examples = {{"drift sample demo/model.safetensors --n 256 --out digits.png", "a grid of images"},
                 {"drift sample roll/model.safetensors --n 100000 --seed 1 --out points.npy", "points for numpy"},
                 {"drift sample roll/model.safetensors --n 3", "three points as text"}},
    .run = run,
};
