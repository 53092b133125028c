/* Parameters, encoder, decoder and classifier of the masked autoencoder. */
#include "nn/mae.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double epsilon = 1e-6; /* of every GroupNorm */

/* ---- parameters ---- */

drift_status drift_mae_check(const drift_mae_config *config)
{
    const size_t most = 1 << 20;
    const size_t *positive[] = {&config->num_classes, &config->in_channels, &config->base_channels, &config->patch_size,
                                &config->input_patch_size};
    static const char *const names[] = {"num_classes", "in_channels", "base_channels", "patch_size",
                                        "input_patch_size"};
    for (size_t i = 0; i < sizeof positive / sizeof *positive; i++)
        if (*positive[i] < 1 || *positive[i] > most)
            return drift_fail(DRIFT_INVALID, "mae: %s is %zu, expected 1 to %zu", names[i], *positive[i], most);
    for (int stage = 0; stage < DRIFT_MAE_STAGES; stage++)
        if (config->layers[stage] < 1 || config->layers[stage] > DRIFT_MAE_MAX_BLOCKS)
            return drift_fail(DRIFT_INVALID, "mae: layers: stage %d has %zu blocks, expected 1 to %d", stage + 1,
                              config->layers[stage], (int)DRIFT_MAE_MAX_BLOCKS);
    if (config->dropout_prob != 0)
        return drift_fail(DRIFT_INVALID, "mae: dropout_prob is %g, expected 0", config->dropout_prob);
    return DRIFT_OK;
}

size_t drift_mae_groups(size_t channels)
{
    size_t groups = 32;
    while (channels % groups)
        groups--;
    return groups;
}

static size_t width_of(const drift_mae_config *config, int stage) { return config->base_channels << stage; }

static size_t grid_channels(const drift_mae_config *config)
{
    return config->in_channels * config->input_patch_size * config->input_patch_size;
}

static struct drift_mae_norm add_norm(drift_params *params, const char *path, size_t channels)
{
    char name[DRIFT_PARAM_NAME];
    struct drift_mae_norm norm;
    snprintf(name, sizeof name, "%s/scale", path);
    norm.scale = drift_params_add(params, name, 1, &channels, DRIFT_INIT_ONES, 1);
    snprintf(name, sizeof name, "%s/bias", path);
    norm.bias = drift_params_add(params, name, 1, &channels, DRIFT_INIT_ZEROS, 1);
    return norm;
}

/* PATH/CONV/kernel and PATH/GN/{scale,bias}: "encoder/stages_0/layers_0" with "conv1" and "gn1". */
static struct drift_mae_conv add_conv(drift_params *params, const char *path, const char *conv, const char *gn,
                                      size_t side, size_t in, size_t out)
{
    char name[DRIFT_PARAM_NAME];
    struct drift_mae_conv result;
    snprintf(name, sizeof name, "%s/%s/kernel", path, conv);
    result.kernel = drift_params_add(params, name, 4, (const size_t[]){side, side, in, out}, DRIFT_INIT_TRUNCATED, 1);
    snprintf(name, sizeof name, "%s/%s", path, gn);
    result.gn = add_norm(params, name, out);
    return result;
}

static void add_stage(drift_mae *mae, int stage, drift_params *params)
{
    const size_t out = width_of(&mae->config, stage), before = stage ? width_of(&mae->config, stage - 1) : out;
    char path[64];
    for (size_t i = 0; i < mae->config.layers[stage]; i++) {
        struct drift_mae_block *block = &mae->blocks[stage][i];
        const size_t in = i ? out : before;
        snprintf(path, sizeof path, "encoder/stages_%d/layers_%zu", stage, i);
        block->conv1 = add_conv(params, path, "conv1", "gn1", 3, in, out);
        block->conv2 = add_conv(params, path, "conv2", "gn2", 3, out, out);
        if (in != out)
            block->proj = add_conv(params, path, "proj_conv", "proj_gn", 1, in, out);
    }
    snprintf(path, sizeof path, "encoder/layer%d_norm", stage + 1);
    mae->layer_norm[stage] = add_norm(params, path, out);
}

static void add_decoder(drift_mae *mae, drift_params *params)
{
    static const char *const names[] = {"decoder/up43", "decoder/up32", "decoder/up21", "decoder/up10"};
    const drift_mae_config *config = &mae->config;
    const size_t c = config->base_channels, skip[] = {4 * c, 2 * c, c, c};
    size_t in = 8 * c, channels = grid_channels(config);
    mae->bridge = add_conv(params, "decoder/bridge", "conv", "gn", 3, in, in);
    for (int i = 0; i < DRIFT_MAE_STAGES; in = skip[i++]) {
        char path[64];
        snprintf(path, sizeof path, "%s/concat_norm_fn", names[i]);
        mae->up[i].concat = add_norm(params, path, in + skip[i]);
        snprintf(path, sizeof path, "%s/proj", names[i]);
        mae->up[i].proj = add_conv(params, path, "conv", "gn", 3, in + skip[i], skip[i]);
        snprintf(path, sizeof path, "%s/refine", names[i]);
        mae->up[i].refine = add_conv(params, path, "conv", "gn", 3, skip[i], skip[i]);
    }
    mae->head_kernel = drift_params_add(params, "decoder/head/kernel", 4, (const size_t[]){1, 1, c, channels},
                                        DRIFT_INIT_TRUNCATED, 1);
    mae->head_bias = drift_params_add(params, "decoder/head/bias", 1, &channels, DRIFT_INIT_ZEROS, 1);
    mae->fc_kernel =
        drift_params_add(params, "fc/kernel", 2, (const size_t[]){8 * c, config->num_classes}, DRIFT_INIT_TRUNCATED, 1);
    mae->fc_bias = drift_params_add(params, "fc/bias", 1, &config->num_classes, DRIFT_INIT_ZEROS, 1);
}

drift_status drift_mae_new(drift_mae *mae, const drift_mae_config *config, int whole, drift_params *params)
{
    memset(mae, 0, sizeof *mae);
    drift_status status = drift_mae_check(config);
    if (status)
        return status;
    mae->config = *config;
    mae->whole = whole;
    mae->conv1 = add_conv(params, "encoder", "conv1", "gn1", 3, grid_channels(config), config->base_channels);
    for (int stage = 0; stage < DRIFT_MAE_STAGES; stage++) {
        mae->blocks[stage] = calloc(config->layers[stage], sizeof *mae->blocks[stage]);
        if (!mae->blocks[stage]) {
            drift_mae_free(mae);
            return drift_fail(DRIFT_NO_MEMORY, "mae: no memory for %zu blocks", config->layers[stage]);
        }
        add_stage(mae, stage, params);
    }
    if (whole)
        add_decoder(mae, params);
    if (params->status)
        drift_mae_free(mae);
    return params->status;
}

void drift_mae_free(drift_mae *mae)
{
    for (int stage = 0; stage < DRIFT_MAE_STAGES; stage++) {
        free(mae->blocks[stage]);
        mae->blocks[stage] = NULL;
    }
}

/* ---- layers ---- */

/* With use_bf16 what products take and what is a feature is rounded to bfloat16. What a norm reads stays real: results
 * of convolutions, what is resized; and so do the terms of a block's sum. */
static drift_tensor *stored(const drift_mae *mae, drift_tape *tape, drift_tensor *x)
{
    return mae->config.use_bf16 ? drift_round_bf16_here(tape, x) : x;
}

static drift_tensor *norm(drift_tape *tape, const struct drift_mae_norm *gn, int relu, drift_tensor *x)
{
    const size_t channels = drift_tensor_row_size(&gn->scale->tensor);
    return drift_group_norm(tape, epsilon, drift_mae_groups(channels), relu, x, &gn->scale->tensor, &gn->bias->tensor);
}

/* Zeros around; windows centre on pixels 0, stride, 2 stride, ... */
static drift_tensor *convolve(const drift_mae *mae, drift_tape *tape, drift_param *parameter, drift_tensor *bias,
                              size_t stride, drift_tensor *x)
{
    drift_tensor *kernel = &parameter->tensor;
    const size_t padding = kernel->size[0] / 2;
    if (!mae->config.use_bf16)
        return drift_conv2d(tape, x, kernel, bias, stride, padding, 1);
    kernel = drift_round_bf16(tape, kernel);
    drift_tensor *y = drift_conv2d(tape, x, kernel, bias, stride, padding, 1);
    if (!drift_tape_recording(tape))
        drift_tape_drop(tape, kernel);
    return y;
}

/* Convolution, then the norm. Without relu the result is a term of a sum. */
static drift_tensor *conv(const drift_mae *mae, drift_tape *tape, const struct drift_mae_conv *layer, size_t stride,
                          int relu, drift_tensor *x)
{
    drift_tensor *h = convolve(mae, tape, layer->kernel, NULL, stride, x);
    drift_tensor *y = norm(tape, &layer->gn, relu, h);
    if (relu)
        y = stored(mae, tape, y);
    if (!drift_tape_recording(tape))
        drift_tape_drop(tape, h);
    return y;
}

drift_tensor *drift_mae_grid(const drift_mae *mae, drift_tape *tape, drift_tensor *image)
{
    const size_t p = mae->config.input_patch_size;
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (image->dims != 4 || image->size[3] != mae->config.in_channels || image->size[1] % p || image->size[2] % p)
        return drift_tape_fail(tape, DRIFT_INVALID,
                               "mae: the image is %s, expected %zu channels and sides that are multiples of %zu",
                               drift_tensor_shape(image), mae->config.in_channels, p);
    if (p == 1)
        return image;
    const size_t size[] = {image->size[0], image->size[1] / p, image->size[2] / p, grid_channels(&mae->config)};
    return drift_reshape(tape, drift_patchify(tape, p, image), 4, size);
}

/* ---- encoder ---- */

/* relu(x through two convolutions + x): x through a 1x1 convolution of the same stride where the shape changes. What no
 * backward reads is dropped; of a recorded block with frozen kernels there remain the convolutions' results, which the
 * norms read, and y. */
static drift_tensor *block(const drift_mae *mae, drift_tape *tape, const struct drift_mae_block *block, size_t stride,
                           drift_tensor *x)
{
    drift_tensor *inner = conv(mae, tape, &block->conv1, stride, 1, x),
                 *h = conv(mae, tape, &block->conv2, 1, 0, inner);
    drift_tensor *skip = block->proj.kernel ? conv(mae, tape, &block->proj, stride, 0, x) : x;
    drift_tensor *sum = stored(mae, tape, drift_add(tape, h, skip)), *y = drift_unary(tape, DRIFT_RELU, sum);
    if (!drift_tape_recording(tape) || !block->conv2.kernel->tensor.needs_grad)
        drift_tape_drop(tape, inner);
    if (skip != x)
        drift_tape_drop(tape, skip);
    drift_tape_drop(tape, h);
    drift_tape_drop(tape, sum);
    return y;
}

void drift_mae_encode(const drift_mae *mae, drift_tape *tape, drift_tensor *grid, struct drift_mae_maps *maps)
{
    drift_tensor *x = mae->config.use_bf16 ? drift_round_bf16(tape, grid) : grid;
    x = maps->conv1 = conv(mae, tape, &mae->conv1, 1, 1, x);
    for (int stage = 0; stage < DRIFT_MAE_STAGES; stage++) {
        for (size_t i = 0; i < mae->config.layers[stage]; i++)
            x = maps->block[stage][i] = block(mae, tape, &mae->blocks[stage][i], stage && !i ? 2 : 1, x);
        x = maps->layer[stage] = stored(mae, tape, norm(tape, &mae->layer_norm[stage], 0, x));
    }
}

/* ---- decoder and classifier ---- */

static drift_tensor *up(const drift_mae *mae, drift_tape *tape, const struct drift_mae_up *step, drift_tensor *x,
                        drift_tensor *skip)
{
    if (drift_tape_failed(tape))
        return x;
    if (x->size[1] != skip->size[1] || x->size[2] != skip->size[2])
        x = drift_resize(tape, x, skip->size[1], skip->size[2]);
    x = stored(mae, tape, norm(tape, &step->concat, 0, drift_concat(tape, x, skip)));
    return conv(mae, tape, &step->refine, 1, 1, conv(mae, tape, &step->proj, 1, 1, x));
}

drift_tensor *drift_mae_decode(const drift_mae *mae, drift_tape *tape, const struct drift_mae_maps *maps)
{
    drift_tensor *const skip[] = {maps->layer[2], maps->layer[1], maps->layer[0], maps->conv1};
    drift_tensor *x = conv(mae, tape, &mae->bridge, 1, 1, maps->layer[3]);
    for (int i = 0; i < DRIFT_MAE_STAGES; i++)
        x = up(mae, tape, &mae->up[i], x, skip[i]);
    return convolve(mae, tape, mae->head_kernel, &mae->head_bias->tensor, 1, x);
}

drift_tensor *drift_mae_classify(const drift_mae *mae, drift_tape *tape, const struct drift_mae_maps *maps)
{
    drift_tensor *x = maps->layer[3];
    if (drift_tape_failed(tape))
        return x;
    x = drift_pool(tape, DRIFT_POOL_MEAN, 0, x, x->size[1], x->size[2]);
    x = drift_reshape(tape, x, 2, (const size_t[]){x->size[0], drift_tensor_row_size(x)});
    return (mae->config.use_bf16 ? drift_linear_bf16 : drift_linear)(tape, x, &mae->fc_kernel->tensor,
                                                                     &mae->fc_bias->tensor);
}
