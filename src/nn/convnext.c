/* Parameters and forward pass of ConvNeXt-V2. */
#include "nn/convnext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double epsilon = 1e-6; /* of LayerNorm and GRN */

/* ---- parameters ---- */

static drift_status check(const drift_convnext_config *config)
{
    for (int stage = 0; stage < DRIFT_CONVNEXT_STAGES; stage++)
        if (config->depths[stage] < 1 || config->depths[stage] > DRIFT_CONVNEXT_MAX_BLOCKS || config->dims[stage] < 1 ||
            config->dims[stage] > 1 << 20)
            return drift_fail(DRIFT_INVALID, "convnext: stage %d has %zu blocks of %zu channels", stage,
                              config->depths[stage], config->dims[stage]);
    return DRIFT_OK;
}

/* PATH/FIRST and PATH/SECOND: of a product or convolution [..., in, out], of a norm [n] or [1, 1, 1, n]. */
static struct drift_convnext_layer add(drift_params *params, const char *path, const char *first, int dims,
                                       const size_t *size, const char *second)
{
    const size_t out = size[dims - 1];
    const int norm = dims == 1, grn = dims == 4 && size[0] == 1 && size[1] == 1 && size[2] == 1;
    char name[DRIFT_PARAM_NAME];
    struct drift_convnext_layer layer;
    snprintf(name, sizeof name, "%s/%s", path, first);
    layer.kernel = drift_params_add(params, name, dims, size,
                                    norm  ? DRIFT_INIT_ONES
                                    : grn ? DRIFT_INIT_ZEROS
                                          : DRIFT_INIT_TRUNCATED,
                                    1);
    snprintf(name, sizeof name, "%s/%s", path, second);
    layer.bias = drift_params_add(params, name, grn ? dims : 1, grn ? size : &out, DRIFT_INIT_ZEROS, 1);
    return layer;
}

static struct drift_convnext_layer add_kernel(drift_params *params, const char *path, size_t side, size_t in,
                                              size_t out)
{
    const size_t size[] = {side, side, in, out};
    return side ? add(params, path, "kernel", 4, size, "bias") : add(params, path, "kernel", 2, size + 2, "bias");
}

static void add_block(drift_params *params, int stage, size_t i, size_t d, struct drift_convnext_block *block)
{
    const size_t wide[] = {1, 1, 1, 4 * d};
    char path[64];
    const size_t at = (size_t)snprintf(path, sizeof path, "stages_%d/layers_%zu/", stage, i);
    strcpy(path + at, "dwconv");
    block->dwconv = add_kernel(params, path, 7, 1, d);
    strcpy(path + at, "norm");
    block->norm = add(params, path, "weight", 1, &d, "bias");
    strcpy(path + at, "pwconv1");
    block->pwconv1 = add_kernel(params, path, 0, d, 4 * d);
    strcpy(path + at, "grn");
    block->grn = add(params, path, "gamma", 4, wide, "beta");
    strcpy(path + at, "pwconv2");
    block->pwconv2 = add_kernel(params, path, 0, 4 * d, d);
}

/* Stage 0 begins with a convolution of 4 x 4 patches and a norm, the others with a norm and one of 2 x 2 patches. */
static void add_down(drift_convnext *net, drift_params *params, int stage)
{
    const size_t *dims = net->config.dims, before = stage ? dims[stage - 1] : 3;
    char conv[64], norm[64];
    snprintf(conv, sizeof conv, "downsample_layers_%d/layers_%d", stage, stage ? 1 : 0);
    snprintf(norm, sizeof norm, "downsample_layers_%d/layers_%d", stage, stage ? 0 : 1);
    net->down[stage].conv = add_kernel(params, conv, stage ? 2 : 4, before, dims[stage]);
    net->down[stage].norm = add(params, norm, "weight", 1, stage ? &dims[stage - 1] : &dims[0], "bias");
}

drift_status drift_convnext_new(drift_convnext *net, const drift_convnext_config *config, drift_params *params)
{
    memset(net, 0, sizeof *net);
    drift_status status = check(config);
    if (status)
        return status;
    net->config = *config;
    for (int stage = 0; stage < DRIFT_CONVNEXT_STAGES; stage++) {
        net->blocks[stage] = calloc(config->depths[stage], sizeof *net->blocks[stage]);
        if (!net->blocks[stage]) {
            drift_convnext_free(net);
            return drift_fail(DRIFT_NO_MEMORY, "convnext: no memory for %zu blocks", config->depths[stage]);
        }
        add_down(net, params, stage);
        for (size_t i = 0; i < config->depths[stage]; i++)
            add_block(params, stage, i, config->dims[stage], &net->blocks[stage][i]);
    }
    net->norm = add(params, "norm", "scale", 1, &config->dims[DRIFT_CONVNEXT_STAGES - 1], "bias");
    if (params->status)
        drift_convnext_free(net);
    return params->status;
}

void drift_convnext_free(drift_convnext *net)
{
    for (int stage = 0; stage < DRIFT_CONVNEXT_STAGES; stage++) {
        free(net->blocks[stage]);
        net->blocks[stage] = NULL;
    }
}

/* ---- forward ---- */

static drift_tensor *norm(drift_tape *tape, const struct drift_convnext_layer *layer, drift_tensor *x)
{
    return drift_layer_norm(tape, epsilon, x, &layer->kernel->tensor, &layer->bias->tensor);
}

static drift_tensor *linear(drift_tape *tape, const struct drift_convnext_layer *layer, drift_tensor *x)
{
    return drift_linear(tape, x, &layer->kernel->tensor, &layer->bias->tensor);
}

static drift_tensor *conv(drift_tape *tape, const struct drift_convnext_layer *layer, size_t stride, size_t padding,
                          size_t groups, drift_tensor *x)
{
    return drift_conv2d(tape, x, &layer->kernel->tensor, &layer->bias->tensor, stride, padding, groups);
}

/* From [-1, 1] to what the network was trained on: ((x + 1)/2 - mean) / deviation of each colour, 224 x 224. */
static drift_tensor *prepare(drift_tape *tape, drift_tensor *images)
{
    static const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
    float scale[9] = {0}, shift[3];
    for (int c = 0; c < 3; c++) {
        scale[4 * c] = (float)(0.5 / deviation[c]);
        shift[c] = (float)((0.5 - mean[c]) / deviation[c]);
    }
    drift_tensor *w = drift_tape_input(tape, 2, (const size_t[]){3, 3}, scale, 0);
    drift_tensor *b = drift_tape_input(tape, 1, (const size_t[]){3}, shift, 0);
    return drift_resize(tape, drift_linear(tape, images, w, b), DRIFT_CONVNEXT_SIDE, DRIFT_CONVNEXT_SIDE);
}

/* x + pwconv2(GRN(gelu(pwconv1(norm(dwconv(x)))))) */
static drift_tensor *block(drift_tape *tape, const struct drift_convnext_block *b, drift_tensor *x)
{
    drift_tensor *h = norm(tape, &b->norm, conv(tape, &b->dwconv, 1, 3, drift_tensor_row_size(x), x));
    h = drift_unary(tape, DRIFT_GELU, linear(tape, &b->pwconv1, h));
    h = drift_grn(tape, epsilon, h, &b->grn.kernel->tensor, &b->grn.bias->tensor);
    return drift_add(tape, linear(tape, &b->pwconv2, h), x);
}

void drift_convnext_stages(const drift_convnext *net, drift_tape *tape, drift_tensor *images,
                           drift_tensor *stage[DRIFT_CONVNEXT_STAGES])
{
    drift_tensor *x = prepare(tape, images);
    for (int s = 0; s < DRIFT_CONVNEXT_STAGES; s++) {
        if (s)
            x = conv(tape, &net->down[s].conv, 2, 0, 1, norm(tape, &net->down[s].norm, x));
        else
            x = norm(tape, &net->down[s].norm, conv(tape, &net->down[s].conv, 4, 0, 1, x));
        for (size_t i = 0; i < net->config.depths[s]; i++)
            x = block(tape, &net->blocks[s][i], x);
        stage[s] = x;
    }
}

drift_tensor *drift_convnext_pooled(const drift_convnext *net, drift_tape *tape, drift_tensor *last)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    return norm(tape, &net->norm, drift_pool(tape, DRIFT_POOL_MEAN, 0, last, last->size[1], last->size[2]));
}
