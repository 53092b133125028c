/* Artefacts of generators. */
#include <stddef.h>
#include <stdlib.h>

#include "nn/artifact.h"

#define ROW(key, type, initial)                                                                                        \
    {                                                                                                                  \
#key, DRIFT_SETTING_##type, offsetof(drift_dit_config, key), 0, initial                                        \
    }

/* model_config in the reference's order, with its defaults. */
const struct drift_artifact_setting drift_dit_settings[] = {
    ROW(cond_dim, COUNT, -1),    ROW(num_classes, COUNT, 1001), ROW(noise_classes, COUNT, 0),
    ROW(noise_coords, COUNT, 1), ROW(input_size, COUNT, 32),    ROW(in_channels, COUNT, 3),
    ROW(n_cls_tokens, COUNT, 0), ROW(patch_size, COUNT, 2),     ROW(hidden_size, COUNT, 1152),
    ROW(depth, COUNT, 28),       ROW(num_heads, COUNT, 16),     ROW(mlp_ratio, NUMBER, 4),
    ROW(out_channels, COUNT, 3), ROW(use_qknorm, FLAG, 0),      ROW(use_swiglu, FLAG, 0),
    ROW(use_rope, FLAG, 0),      ROW(use_rmsnorm, FLAG, 0),     ROW(use_bf16, FLAG, 0),
    ROW(attn_fp32, FLAG, 1),     ROW(use_remat, FLAG, 0),       {.key = NULL},
};

drift_status drift_artifact_dit_config(const struct drift_artifact *artifact, drift_dit_config *config)
{
    *config = (drift_dit_config){.checkpoint_blocks = 0};
    if (artifact->kind != DRIFT_ARTIFACT_GEN)
        return drift_fail(DRIFT_INVALID, "%s: expected a generator, got an encoder (kind mae)", artifact->folder);
    drift_status status = drift_artifact_settings(artifact, drift_dit_settings, config);
    if (!status && (status = drift_dit_check(config)))
        return drift_fail_context(status, "%s: metadata: model_config", artifact->folder);
    return status;
}

drift_status drift_artifact_load_dit(const char *path, drift_dit *dit, drift_params *params,
                                     struct drift_surplus *surplus)
{
    struct drift_artifact artifact;
    drift_dit_config config;
    drift_status status = drift_artifact_open(path, &artifact);
    if (status)
        return status;
    status = drift_artifact_dit_config(&artifact, &config);
    if (!status)
        status = drift_dit_new(dit, &config, params);
    if (!status)
        status = drift_artifact_match(&artifact, params, surplus);
    if (!status)
        status = drift_params_allocate(params);
    if (!status)
        status = drift_artifact_fill(&artifact, params, &params->values);
    drift_artifact_close(&artifact);
    return status;
}

drift_status drift_artifact_save_dit(const char *folder, const drift_dit_config *config, double ema_decay, int64_t step,
                                     const drift_params *params, const drift_tensor *block)
{
    char *text = drift_artifact_metadata(DRIFT_ARTIFACT_GEN, ema_decay, step, drift_dit_settings, config);
    drift_status status = text ? drift_artifact_save(folder, text, params, block) : drift_fail_memory(folder, 1);
    free(text);
    return status;
}
