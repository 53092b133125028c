/* drift convert: a released model's folder to safetensors, and back; one's own model to such a folder. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "nn/artifact.h"
#include "train/generator.h"

static void print_done(const struct drift_tensor_entry *tensors, size_t count, const char *out)
{
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++)
        numbers += tensors[i].array.count;
    printf("%s: %zu arrays, %zu numbers\n", out, count, numbers);
}

static drift_status to_safetensors(const char *in, const char *out)
{
    struct drift_artifact artifact;
    int same;
    drift_status status = drift_artifact_open(in, &artifact);
    if (status)
        return status;
    const struct drift_msgpack_file *params = &artifact.params;
    status = drift_artifact_to_safetensors(&artifact, out);
    if (!status)
        status = drift_msgpack_compare(&params->content, params->view.data, params->view.size, &same);
    if (!status && !same)
        drift_error("note: %s has other forms or chunks than the reference writes; the way back will give the same "
                    "arrays, but not the same bytes",
                    params->path);
    if (!status)
        print_done(params->content.tensors, params->content.count, out);
    drift_artifact_close(&artifact);
    return status;
}

static drift_status to_folder(const char *in, const char *ema, const char *out)
{
    struct drift_artifact artifact;
    struct drift_safetensors file;
    drift_status status = drift_safetensors_read(in, &file);
    if (status)
        return status;
    const int converted = drift_artifact_is_converted(&file);
    drift_safetensors_free(&file);
    if (!converted && (status = drift_generator_export(in, ema, out)))
        return status;
    /* what was written is opened again, and its parts are counted */
    if ((status = drift_artifact_open(converted ? in : out, &artifact)))
        return status;
    if (converted)
        status = drift_artifact_to_folder(&artifact, out);
    if (!status)
        print_done(artifact.tensors, artifact.count, out);
    drift_artifact_close(&artifact);
    return status;
}

struct settings {
    const char *ema;
};

static int run(int argc, char **argv)
{
    struct settings settings = {NULL};
    int status = drift_options_parse(&drift_command_convert, &argc, argv, 2, 2, &settings);
    if (status >= 0)
        return status;
    const int from = drift_ends_with(argv[1], ".safetensors"), to = drift_ends_with(argv[2], ".safetensors");
    if (from == to)
        return drift_error("convert: expected a folder and a .safetensors file, not two of a kind");
    drift_status bad = from ? to_folder(argv[1], settings.ema, argv[2]) : to_safetensors(argv[1], argv[2]);
    return bad ? drift_error_kept() : DRIFT_EXIT_YES;
}

static const struct drift_option options[] = {
    {"ema", "DECAY|none", DRIFT_OPTION_TEXT, offsetof(struct settings, ema),
     "which running mean of a model of drift train; none: as trained (default: the first mean)", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_convert = {
    .name = "convert",
    .summary = "turn a released model's folder into safetensors, and back",
    .arguments = "FOLDER FILE.safetensors | FILE.safetensors FOLDER",
    .text =
        "A released model, generator or encoder, is a folder with ema_params.msgpack and metadata.json, either in "
        "itself or in params_ema/ (a training run's). hf://NAME means such a folder below $HF_ROOT: "
        "models/gen/jax/NAME or models/mae/jax/NAME. In safetensors the arrays keep their names, shapes and bits, and "
        "metadata.json is a text of the file's metadata.\n\n"
        "The way back gives the same bytes in both files. Large files are mapped, not read into memory.\n\n"
        "The model.safetensors of drift train, if its generator is a DiT, becomes such a folder too.",
    .options = options,
    .examples = {{"drift convert tests/golden/artifact/gen_latent latent.safetensors", "a folder to one file"},
                 {"drift convert latent.safetensors latent", "and back, to the byte"},
                 {"drift convert digits/model.safetensors digits/params_ema", "one's own model as a released one"},
                 {"HF_ROOT=~/hub drift convert hf://latent_B_sota latent_B.safetensors",
                  "a model of the hub's layout"}},
    .run = run,
};
