/* drift features: what an encoder sees. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/run.h"
#include "data/data.h"
#include "io/npz.h"
#include "train/encode.h"

struct settings {
    const char *out;
    int64_t n;
    struct drift_option_texts set;
};

/* Mean and deviation over all numbers of a feature. */
static void moments(const float *x, size_t count, double *mean, double *deviation)
{
    double variance = 0;
    *mean = 0;
    for (size_t i = 0; i < count; i++)
        *mean += (double)x[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        variance += ((double)x[i] - *mean) * ((double)x[i] - *mean) / (double)count;
    *deviation = sqrt(variance);
}

static void print(const struct drift_encoded *encoded)
{
    printf("%-24s %10s %10s %12s %12s\n", "feature", "locations", "channels", "mean", "deviation");
    for (size_t f = 0; f < encoded->count; f++) {
        const struct drift_encoded_feature *feature = &encoded->list[f];
        double mean, deviation;
        moments(feature->x, encoded->n * feature->locations * feature->channels, &mean, &deviation);
        printf("%-24s %10zu %10zu %12.5g %12.5g\n", feature->name, feature->locations, feature->channels, mean,
               deviation);
    }
    printf("\n%zu features of %zu images\n", encoded->count, encoded->n);
}

static drift_status write(const struct drift_encoded *encoded, const char *path)
{
    const char *names[DRIFT_MAX_FEATURES];
    struct drift_array arrays[DRIFT_MAX_FEATURES];
    for (size_t f = 0; f < encoded->count; f++) {
        const struct drift_encoded_feature *feature = &encoded->list[f];
        const size_t shape[] = {encoded->n, feature->locations, feature->channels};
        names[f] = feature->name;
        arrays[f] = drift_array_view(DRIFT_ARRAY_F32, 3, shape, feature->x);
    }
    return drift_npz_write(path, encoded->count, names, arrays, 1);
}

static drift_status features_of(const char *model, const struct drift_data *data, const struct settings *settings)
{
    struct drift_feature_encoder encoder;
    struct drift_encoded encoded;
    const size_t n = data->size < (size_t)settings->n ? data->size : (size_t)settings->n;
    drift_status status = drift_run_open_encoder(model, &settings->set, data, &encoder);
    if (status)
        return status;
    status = drift_encode_images(&encoder, data, n, data->rows, 0, &encoded);
    drift_feature_encoder_close(&encoder);
    if (status)
        return status;
    if (settings->out)
        status = write(&encoded, settings->out);
    if (!status)
        print(&encoded);
    drift_encoded_free(&encoded);
    return status;
}

static int run(int argc, char **argv)
{
    struct settings settings = {.n = 16};
    struct drift_data *data;
    int status = drift_options_parse(&drift_command_features, &argc, argv, 2, 2, &settings);
    if (status >= 0)
        return status;
    if (settings.out && !drift_ends_with(settings.out, ".npz"))
        return drift_error("--out: %s: expected a name that ends with .npz", settings.out);
    if (drift_data_open(argv[2], DRIFT_DATA_ALL, &data))
        return drift_error_kept();
    const drift_status bad = features_of(argv[1], data, &settings);
    drift_data_close(data);
    return bad ? drift_error_kept() : DRIFT_EXIT_YES;
}

#define AT(member) offsetof(struct settings, member)
static const struct drift_option options[] = {
    {"n", "N", DRIFT_OPTION_INTEGER, AT(n), "the first so many images (default: 16)", 1, 1e7},
    {"out", "FILE.npz", DRIFT_OPTION_TEXT, AT(out), "write every feature, [images, locations, channels]", 0, 0},
    {"set", "KEY=VALUE", DRIFT_OPTION_REPEATED, AT(set),
     "which features, by a recipe's keys, as in --set train.activation_kwargs.every_k_block=1; may be repeated", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_features = {
    .name = "features",
    .summary = "what an encoder sees in images",
    .arguments = "MODEL IMAGES [options]",
    .text = "Runs a frozen encoder over images and prints its features: name, locations and channels, mean and "
            "deviation. These are what the drifting loss compares in a run whose recipe names the encoder.\n\n"
            "MODEL is a trained encoder: a run's folder, an artefact (a folder with ema_params.msgpack and "
            "metadata.json, or hf://NAME below $HF_ROOT), or a safetensors file of ConvNeXt-V2 with its public names. "
            "IMAGES is a data set's name, file or folder.",
    .options = options,
    .examples = {{"drift features encoder digits --n 100 --out features.npz", "all features of a hundred digits"},
                 {"drift features encoder digits --set train.activation_kwargs.every_k_block=0",
                  "without those of single blocks"}},
    .run = run,
};
