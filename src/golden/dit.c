/* Kind dit: the generator's output, and the gradient of <output, cotangent> with respect to every parameter. */
#include <stdio.h>

#include "golden/draft.h"
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

static drift_status compute_dit(drift_golden *golden)
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

static void draw_generator(drift_golden_draft *draft, const drift_dit_config *config)
{
    drift_params params;
    drift_dit dit;
    drift_params_new(&params, draft->golden.backend);
    if (!draft->status)
        draft->status = drift_dit_new(&dit, config, &params);
    if (!draft->status)
        drift_golden_draw_params(draft, "param", &params);
    drift_params_free(&params);
}

static void draw_dit(drift_golden_draft *draft)
{
    drift_dit_config c;
    const size_t batch = drift_golden_size(draft, "shape.batch");
    if (draft->status || (draft->status = drift_golden_dit_config(&draft->golden, &c)))
        return;
    const size_t noise[] = {batch, c.input_size, c.input_size, c.in_channels},
                 image[] = {batch, c.input_size, c.input_size, c.out_channels},
                 style[] = {batch, c.noise_coords ? c.noise_coords : 1};
    drift_golden_draw(draft, "in/noise", drift_golden_normal(0, 1), 4, noise);
    drift_golden_draw(draft, "in/label", drift_golden_index(c.num_classes), 1, &batch);
    drift_golden_draw(draft, "in/cfg_scale", drift_golden_uniform(1, 4), 1, &batch);
    drift_golden_draw(draft, "in/style", drift_golden_index(c.noise_classes ? c.noise_classes : 1), 2, style);
    drift_golden_draw(draft, "in/cotangent", drift_golden_normal(0, 1), 4, image);
    draw_generator(draft, &c);
}

const struct drift_golden_kind drift_golden_kind_dit = {
    .name = "dit",
    .what = "the generator's output, and the gradient of every parameter",
    .compute = compute_dit,
    .inputs = draw_dit,
    .defaults =
        "{\"model\": {\"cond_dim\": 24, \"num_classes\": 6, \"noise_classes\": 5, \"noise_coords\": 2, \"input_size\": "
        "8,"
        " \"in_channels\": 4, \"n_cls_tokens\": 4, \"patch_size\": 2, \"hidden_size\": 32, \"depth\": 2, "
        "\"num_heads\": 2,"
        " \"mlp_ratio\": 4.0, \"out_channels\": 4, \"use_qknorm\": true, \"use_swiglu\": true, \"use_rope\": true,"
        " \"use_rmsnorm\": true, \"use_bf16\": false, \"attn_fp32\": true},"
        " \"temperature\": 1.0, \"shape\": {\"batch\": 3}, \"loss\": \"sum(out/samples * in/cotangent)\"}",
};
