/* Kind artifact: a model folder as released, read, written again to the byte, and run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drifting/mae_features.h"
#include "eval/image.h"
#include "golden/golden.h"
#include "nn/artifact.h"

/* ---- the two files ---- */

static drift_status open_folder(drift_golden *golden, struct drift_artifact *artifact)
{
    const char *path = golden->file->path, *slash = strrchr(path, '/'), *name;
    drift_status status = drift_golden_text(golden, "artifact", &name);
    if (status)
        return status;
    const size_t room = strlen(path) + strlen(name) + 2;
    char *folder = malloc(room);
    if (!folder)
        return drift_fail_memory(path, room);
    snprintf(folder, room, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
    status = drift_artifact_open(folder, artifact);
    free(folder);
    return status;
}

/* What metadata.json says, and that writing the parameters gives the file's bytes. */
static drift_status compare_files(drift_golden *golden, struct drift_artifact *artifact)
{
    const struct drift_file_view *bytes = &artifact->params.view;
    struct drift_msgpack content = artifact->params.content;
    double chunk_bytes;
    int same;
    drift_status status = drift_golden_number(golden, "chunk_bytes", &chunk_bytes);
    if (status)
        return status;
    if (!(chunk_bytes >= 1 && chunk_bytes <= (double)DRIFT_MSGPACK_CHUNK))
        return drift_fail(DRIFT_INVALID, "%s: config: chunk_bytes: expected 1 to 2^30", golden->file->path);
    content.chunk_bytes = (size_t)chunk_bytes;
    if ((status = drift_msgpack_compare(&content, bytes->data, bytes->size, &same)))
        return status;
    drift_golden_judge(golden, "ema_params.msgpack", same, !same, 0);
    same = json_equal(artifact->metadata, json_object_get(golden->config, "metadata"));
    drift_golden_judge(golden, "metadata.json", same, !same, 0);
    return DRIFT_OK;
}

/* ---- generators ---- */

/* Bytes of the samples. One beside the reference's is taken for it where 255 y lies within 1e-4 of an integer. */
static drift_status compare_image(drift_golden *golden, size_t n, const float *x)
{
    const struct drift_array *reference = drift_safetensors_find(golden->file, "out/image");
    if (!reference || reference->count != n)
        return reference ? drift_fail(DRIFT_INVALID, "%s: out/image: expected %zu bytes", golden->file->path, n)
                         : DRIFT_OK;
    unsigned char *bytes = malloc(n + 1);
    float *want = malloc(n * sizeof *want + 1), *values = malloc(n * sizeof *values + 1);
    drift_status status = bytes && want && values ? DRIFT_OK : drift_fail_memory(golden->file->path, n);
    if (!status) {
        drift_image_bytes(n, x, bytes);
        drift_array_floats(reference, want);
    }
    for (size_t i = 0; i < n && !status; i++) {
        const double level = 255 * ((double)x[i] + 1) / 2;
        const int close = fabs(level - floor(level + 0.5)) <= 1e-4;
        values[i] = close && fabsf((float)bytes[i] - want[i]) == 1 ? want[i] : bytes[i];
    }
    status = status ? status : drift_golden_output_exact(golden, "out/image", DRIFT_ARRAY_U8, 1, &n, values);
    free(bytes);
    free(want);
    free(values);
    return status;
}

static drift_status compare_samples(drift_golden *golden, const drift_tensor *samples)
{
    const size_t n = drift_tensor_elements(samples);
    float *x = malloc(n * sizeof *x + 1);
    if (!x)
        return drift_fail_memory(golden->file->path, n * sizeof *x);
    drift_status status = drift_tensor_read_floats(samples, x);
    if (!status)
        status = drift_golden_output_floats(golden, "out/samples", 1, &n, x);
    if (!status)
        status = compare_image(golden, n, x);
    free(x);
    return status;
}

static drift_status run_dit(drift_golden *golden, drift_tape *tape, void *context)
{
    const drift_dit *dit = context;
    drift_tape_pause(tape);
    drift_tensor *noise = drift_golden_tensor(golden, tape, "in/noise", 0);
    drift_tensor *label = drift_golden_indices(golden, tape, "in/label");
    drift_tensor *scale = drift_golden_tensor(golden, tape, "in/cfg_scale", 0);
    drift_tensor *style = dit->config.noise_classes ? drift_golden_indices(golden, tape, "in/style") : NULL;
    drift_tensor *samples = drift_dit_forward(dit, tape, noise, label, scale, style);
    drift_status status = drift_tape_status(tape);
    return status ? status : compare_samples(golden, samples);
}

static drift_status compare_generator(drift_golden *golden, const struct drift_artifact *artifact)
{
    drift_params params;
    drift_dit dit;
    drift_params_new(&params, golden->backend);
    drift_status status = drift_artifact_load_dit(artifact->folder, &dit, &params, NULL);
    if (!status)
        status = drift_golden_run(golden, run_dit, &dit);
    drift_params_free(&params);
    return status;
}

/* ---- encoders ---- */

/* All features but the image itself: a feature more or less than the file has is an error. */
static drift_status run_encoder(drift_golden *golden, drift_tape *tape, void *context)
{
    drift_features features = {.count = 0};
    drift_tape_pause(tape);
    drift_encode_mae(context, tape, drift_golden_tensor(golden, tape, "in/image", 0), &features);
    drift_status status = drift_tape_status(tape);
    size_t found = 0;
    for (size_t i = 0; i < features.count && !status; i++) {
        char name[DRIFT_FEATURE_NAME + 16];
        snprintf(name, sizeof name, "out/feature/%s", features.list[i].name);
        found += drift_safetensors_find(golden->file, name) != NULL;
        status = drift_golden_output_tensor(golden, name, features.list[i].x);
    }
    const size_t theirs = drift_golden_tensors(golden, "out/feature/");
    if (!status && (found != theirs || features.count != theirs + 1))
        return drift_fail(DRIFT_INVALID, "%s: out/feature/: %zu features, of which %zu are among our %zu",
                          golden->file->path, theirs, found, features.count);
    return status;
}

static drift_status compare_features(drift_golden *golden, const struct drift_artifact *artifact)
{
    drift_params params;
    drift_mae mae = {.whole = 0};
    drift_mae_encoder encoder = {&mae, drift_feature_defaults()};
    drift_params_new(&params, golden->backend);
    drift_status status = drift_artifact_load_mae(artifact->folder, 0, &mae, &params);
    if (!status) {
        status = drift_golden_run(golden, run_encoder, &encoder);
        drift_mae_free(&mae);
    }
    drift_params_free(&params);
    return status;
}

static drift_status compute_artifact(drift_golden *golden)
{
    struct drift_artifact artifact;
    drift_status status = open_folder(golden, &artifact);
    if (status)
        return status;
    status = compare_files(golden, &artifact);
    if (!status && artifact.kind == DRIFT_ARTIFACT_GEN)
        status = compare_generator(golden, &artifact);
    else if (!status)
        status = compare_features(golden, &artifact);
    drift_artifact_close(&artifact);
    return status;
}

const struct drift_golden_kind drift_golden_kind_artifact = {
    .name = "artifact",
    .what = "a model folder as released: read, written again, run",
    .compute = compute_artifact,
};
