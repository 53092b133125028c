/* The public checkpoint's names and layouts (spec: convnext, parameters). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/convnext.h"

/* What stands for the parts of our names in the checkpoint's. */
static const char *part_of(const char *ours)
{
    static const char *const pairs[][2] = {{"norm/weight", "layernorm.weight"},
                                           {"norm/bias", "layernorm.bias"},
                                           {"grn/gamma", "grn.weight"},
                                           {"grn/beta", "grn.bias"},
                                           {"dwconv/kernel", "dwconv.weight"},
                                           {"dwconv/bias", "dwconv.bias"},
                                           {"pwconv1/kernel", "pwconv1.weight"},
                                           {"pwconv1/bias", "pwconv1.bias"},
                                           {"pwconv2/kernel", "pwconv2.weight"},
                                           {"pwconv2/bias", "pwconv2.bias"},
                                           {"kernel", "weight"},
                                           {"weight", "weight"},
                                           {"bias", "bias"},
                                           {"scale", "weight"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!strcmp(ours, pairs[i][0]))
            return pairs[i][1];
    return ours;
}

/* "stages_2/layers_14/grn/gamma" to "convnextv2.encoder.stages.2.layers.14.grn.weight" */
static void stored_name(const char *ours, char *name, size_t size)
{
    int stage, layer, end = 0;
    if (sscanf(ours, "stages_%d/layers_%d/%n", &stage, &layer, &end) == 2 && end)
        snprintf(name, size, "convnextv2.encoder.stages.%d.layers.%d.%s", stage, layer, part_of(ours + end));
    else if (sscanf(ours, "downsample_layers_%d/layers_%d/%n", &stage, &layer, &end) == 2 && end && stage)
        snprintf(name, size, "convnextv2.encoder.stages.%d.downsampling_layer.%d.%s", stage, layer,
                 part_of(ours + end));
    else if (end)
        snprintf(name, size, "convnextv2.embeddings.%s.%s", layer ? "layernorm" : "patch_embeddings",
                 part_of(ours + end));
    else
        snprintf(name, size, "convnextv2.layernorm.%s", part_of(ours + strlen("norm/")));
}

/* Kernels are stored [out, in, kh, kw] and [out, in]: the stored shape of ours, and the values turned. */
static int is_kernel(const drift_param *p) { return !strcmp(p->name + strlen(p->name) - strlen("kernel"), "kernel"); }

static void stored_shape(const drift_param *p, size_t *shape)
{
    const size_t *size = p->tensor.size;
    memcpy(shape, size, sizeof *shape * (size_t)p->tensor.dims);
    if (!is_kernel(p))
        return;
    shape[0] = size[p->tensor.dims - 1];
    shape[1] = size[p->tensor.dims - 2];
    for (int i = 2; i < p->tensor.dims; i++)
        shape[i] = size[i - 2];
}

static void turn(const drift_param *p, const float *stored, float *ours)
{
    const size_t *size = p->tensor.size;
    const int dims = p->tensor.dims;
    const size_t out = size[dims - 1], in = size[dims - 2], space = drift_tensor_elements(&p->tensor) / in / out;
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t k = 0; k < space; k++)
                ours[(k * in + i) * out + o] = stored[(o * in + i) * space + k];
}

static drift_status load(const struct drift_safetensors *file, drift_param *p)
{
    char name[2 * DRIFT_PARAM_NAME];
    size_t shape[DRIFT_MAX_DIMS];
    const struct drift_array *array;
    stored_name(p->name, name, sizeof name);
    stored_shape(p, shape);
    drift_status status = drift_safetensors_get(file, name, p->tensor.dims, shape, &array);
    if (status)
        return status;
    float *stored = malloc(2 * array->count * sizeof *stored), *ours = stored + array->count;
    if (!stored)
        return drift_fail_memory(file->path, 2 * array->count * sizeof *stored);
    drift_array_floats(array, stored);
    if (is_kernel(p))
        turn(p, stored, ours);
    status = drift_tensor_write_floats(&p->tensor, is_kernel(p) ? ours : stored);
    free(stored);
    return status;
}

drift_status drift_convnext_load(const struct drift_safetensors *file, drift_params *params)
{
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < params->count && !status; i++)
        status = load(file, params->list[i]);
    return status;
}

drift_status drift_convnext_measure(const struct drift_safetensors *file, drift_convnext_config *config)
{
    for (int stage = 0; stage < DRIFT_CONVNEXT_STAGES; stage++) {
        const struct drift_array *bias, *first = NULL;
        size_t depth = 0;
        char name[DRIFT_PARAM_NAME];
        do {
            snprintf(name, sizeof name, "convnextv2.encoder.stages.%d.layers.%zu.dwconv.bias", stage, depth);
            bias = drift_safetensors_find(file, name);
            first = first ? first : bias;
        } while (bias && ++depth <= DRIFT_CONVNEXT_MAX_BLOCKS);
        if (!first || first->rank != 1)
            return drift_fail(DRIFT_INVALID,
                              "%s: expected ConvNeXt-V2's tensors: "
                              "convnextv2.encoder.stages.%d.layers.0.dwconv.bias is missing",
                              file->path, stage);
        config->depths[stage] = depth;
        config->dims[stage] = first->shape[0];
    }
    return DRIFT_OK;
}
