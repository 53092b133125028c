/* x -> linear -> activation -> linear -> ... -> linear -> y */
#include "nn/mlp.h"

#include <stdio.h>

drift_status drift_mlp_new(drift_mlp *mlp, const drift_mlp_config *config, drift_params *params)
{
    if (config->layers < 1 || config->layers > DRIFT_MLP_MAX_LAYERS)
        return drift_fail(DRIFT_INVALID, "mlp: %d layers, expected 1 to %d", config->layers, DRIFT_MLP_MAX_LAYERS);
    mlp->config = *config;
    const drift_init bias_init = config->init == DRIFT_INIT_UNIFORM ? DRIFT_INIT_UNIFORM : DRIFT_INIT_ZEROS;
    for (int i = 0; i < config->layers; i++) {
        const size_t in = config->size[i], out = config->size[i + 1];
        if (!in || !out)
            return drift_fail(DRIFT_INVALID, "mlp: layer %d is %zu to %zu", i, in, out);
        char name[64];
        snprintf(name, sizeof name, "layers.%d.weight", i);
        mlp->weight[i] = drift_params_add(params, name, 2, (const size_t[]){in, out}, config->init, 1);
        snprintf(name, sizeof name, "layers.%d.bias", i);
        mlp->bias[i] = drift_params_add_fan(params, name, 1, &out, bias_init, 1, in, out);
    }
    return params->status;
}

drift_tensor *drift_mlp_forward(const drift_mlp *mlp, drift_tape *tape, drift_tensor *x)
{
    for (int i = 0; i < mlp->config.layers; i++) {
        if (i)
            x = drift_unary(tape, mlp->config.activation, x);
        x = drift_linear(tape, x, &mlp->weight[i]->tensor, &mlp->bias[i]->tensor);
    }
    return x;
}
