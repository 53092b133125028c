/* Artefacts of encoders. */
#include <stddef.h>
#include <stdlib.h>

#include "nn/artifact.h"

#define ROW(key, type, initial)                                                                                        \
    {                                                                                                                  \
#key, DRIFT_SETTING_##type, offsetof(drift_mae_config, key), 0, initial                                        \
    }

/* model_config as training writes it; it leaves num_classes out. */
static const struct drift_artifact_setting table[] = {
    ROW(base_channels, COUNT, 64),
    ROW(patch_size, COUNT, 4),
    ROW(dropout_prob, NUMBER, 0),
    {"layers", DRIFT_SETTING_COUNTS, offsetof(drift_mae_config, layers), DRIFT_MAE_STAGES, 2},
    ROW(in_channels, COUNT, 3),
    ROW(use_bf16, FLAG, 0),
    ROW(input_patch_size, COUNT, 1),
    {.key = NULL},
};

/* num_classes of the metadata, else of the classifier's kernel [., classes], else the default. */
static drift_status count_classes(const struct drift_artifact *artifact, drift_mae_config *config)
{
    const struct drift_array *kernel = drift_tensor_entry_find(artifact->count, artifact->tensors, "fc/kernel");
    struct drift_artifact_setting classes[] = {ROW(num_classes, COUNT, 1000), {.key = NULL}};
    if (kernel && kernel->rank == 2)
        classes[0].initial = (double)kernel->shape[1];
    return drift_artifact_settings(artifact, classes, config);
}

drift_status drift_artifact_mae_config(const struct drift_artifact *artifact, drift_mae_config *config)
{
    *config = (drift_mae_config){.dropout_prob = 0};
    if (artifact->kind != DRIFT_ARTIFACT_MAE)
        return drift_fail(DRIFT_INVALID, "%s: expected an encoder (kind mae), got a generator", artifact->folder);
    drift_status status = drift_artifact_settings(artifact, table, config);
    if (!status)
        status = count_classes(artifact, config);
    if (!status && (status = drift_mae_check(config)))
        return drift_fail_context(status, "%s: metadata: model_config", artifact->folder);
    return status;
}

static drift_status load(const struct drift_artifact *artifact, int whole, drift_mae *mae, drift_params *params)
{
    drift_mae_config config;
    drift_status status = drift_artifact_mae_config(artifact, &config);
    if (!status)
        status = drift_mae_new(mae, &config, whole, params);
    if (status)
        return status;
    status = drift_artifact_match(artifact, params, NULL);
    if (!status)
        status = drift_params_allocate(params);
    if (!status)
        status = drift_artifact_fill(artifact, params, &params->values);
    if (status)
        drift_mae_free(mae);
    return status;
}

drift_status drift_artifact_load_mae(const char *path, int whole, drift_mae *mae, drift_params *params)
{
    struct drift_artifact artifact;
    drift_status status = drift_artifact_open(path, &artifact);
    if (status)
        return status;
    status = load(&artifact, whole, mae, params);
    drift_artifact_close(&artifact);
    return status;
}

drift_status drift_artifact_save_mae(const char *folder, const drift_mae_config *config, double ema_decay, int64_t step,
                                     const drift_params *params, const drift_tensor *block)
{
    char *text = drift_artifact_metadata(DRIFT_ARTIFACT_MAE, ema_decay, step, table, config);
    drift_status status = text ? drift_artifact_save(folder, text, params, block) : drift_fail_memory(folder, 1);
    free(text);
    return status;
}
