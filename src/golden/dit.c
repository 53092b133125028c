/* Kind dit: the generator's output, and the gradient of <output, cotangent> with respect to every parameter. */
#include <stdio.h>

#include "golden/golden.h"
#include "nn/artifact.h"

drift_status drift_golden_dit_config(drift_golden *golden, drift_dit_config *config)
{
    char where[512];
    const json_t *model = json_object_get(golden->config, "model");
    snprintf(where, sizeof where, "%s: config: model", golden->file->path);
    if (!json_is_object(model))
        return drift_fail(DRIFT_INVALID, "%s: expected an object", where);
    *config = (drift_dit_config){.checkpoint_blocks = 0};
    drift_status status = drift_artifact_read_settings(model, where, drift_dit_settings, config);
    if (!status && (status = drift_dit_check(config)))
        return drift_fail_context(status, "%s", where);
    return status;
}

struct model {
    drift_dit dit;
    drift_params params;
};

static drift_status run(drift_golden *golden, drift_tape *tape, void *context)
{
    struct model *m = context;
    drift_tensor *noise = drift_golden_tensor(golden, tape, "in/noise", 0);
    drift_tensor *label = drift_golden_indices(golden, tape, "in/label");
    drift_tensor *scale = drift_golden_tensor(golden, tape, "in/cfg_scale", 0);
    drift_tensor *style = m->dit.config.noise_classes ? drift_golden_indices(golden, tape, "in/style") : NULL;
    drift_tensor *cotangent = drift_golden_tensor(golden, tape, "in/cotangent", 0);
    drift_tensor *samples = drift_dit_forward(&m->dit, tape, noise, label, scale, style);
    drift_tape_backward(tape, samples, cotangent);
    drift_status status = drift_tape_status(tape);
    if (!status)
        status = drift_golden_output_tensor(golden, "out/samples", samples);
    const drift_tensor gradients = drift_tensor_grad(&m->params.values);
    return status ? status : drift_golden_output_block(golden, "grad", &m->params, &gradients);
}

drift_status drift_golden_dit(drift_golden *golden)
{
    struct model m;
    drift_dit_config config;
    drift_status status = drift_golden_dit_config(golden, &config);
    if (status)
        return status;
    drift_params_new(&m.params, golden->backend);
    status = drift_dit_new(&m.dit, &config, &m.params);
    if (!status)
        status = drift_golden_params(golden, "param", &m.params);
    if (!status)
        status = drift_golden_run(golden, run, &m);
    drift_params_free(&m.params);
    return status;
}
