/* ConvNeXt-V2 as it gives features of images (spec: convnext; Woo and others, 2023). Runs in float, frozen.
 *
 * Parameters: "downsample_layers_0/layers_0/kernel", "stages_2/layers_14/grn/gamma", ... */
#ifndef DRIFT_NN_CONVNEXT_H
#define DRIFT_NN_CONVNEXT_H

#include "io/safetensors.h"
#include "nn/params.h"
#include "op/op.h"

enum { DRIFT_CONVNEXT_STAGES = 4, DRIFT_CONVNEXT_MAX_BLOCKS = 64, DRIFT_CONVNEXT_SIDE = 224 };

typedef struct drift_convnext_config {
    size_t depths[DRIFT_CONVNEXT_STAGES]; /* blocks of each stage: 3, 3, 27, 3 in the base model */
    size_t dims[DRIFT_CONVNEXT_STAGES];   /* channels: 128, 256, 512, 1024 */
} drift_convnext_config;

struct drift_convnext_layer {
    drift_param *kernel, *bias; /* or weight and bias of a norm, gamma and beta of GRN */
};

struct drift_convnext_block {
    struct drift_convnext_layer dwconv, norm, pwconv1, grn, pwconv2;
};

typedef struct drift_convnext {
    drift_convnext_config config;
    struct {
        struct drift_convnext_layer conv, norm;
    } down[DRIFT_CONVNEXT_STAGES]; /* stage 0: convolution, then norm; the others: norm, then convolution */
    struct drift_convnext_block *blocks[DRIFT_CONVNEXT_STAGES]; /* [depths[stage]] */
    struct drift_convnext_layer norm;
} drift_convnext;

/* Declares the parameters; the caller allocates them. DRIFT_INVALID names a size that makes no sense. */
drift_status drift_convnext_new(drift_convnext *net, const drift_convnext_config *config, drift_params *params);
void drift_convnext_free(drift_convnext *net);

/* Depths and widths of the network that a checkpoint with the public names holds. DRIFT_INVALID: none of it. */
drift_status drift_convnext_measure(const struct drift_safetensors *file, drift_convnext_config *config);

/* Fills the parameters from a checkpoint with the public names ("convnextv2.encoder.stages.0.layers.0.dwconv.weight"),
 * kernels turned to channels last. What the network does not use (the classifier) is passed over; what is missing or of
 * another shape is DRIFT_INVALID. */
drift_status drift_convnext_load(const struct drift_safetensors *file, drift_params *params);

/* Output of each stage, before any norm: [B, ., ., dims[stage]] of images [B, H, W, 3] with black -1 and white 1, which
 * are scaled and resized to 224 x 224 first. */
void drift_convnext_stages(const drift_convnext *net, drift_tape *tape, drift_tensor *images,
                           drift_tensor *stage[DRIFT_CONVNEXT_STAGES]);
/* The final norm of the mean over space of the last stage: [B, 1, dims[3]]. */
drift_tensor *drift_convnext_pooled(const drift_convnext *net, drift_tape *tape, drift_tensor *last);

#endif
