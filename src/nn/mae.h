/* The masked autoencoder whose encoder gives features (spec: encoder): a ResNet encoder, a U-Net decoder, a classifier.
 *
 *     image [B, H, W, in_channels]  -- cut into input_patch_size squares -->  grid [B, h, w, in_channels p^2]
 *     grid (hidden in part) --encoder--> conv1, layer1 .. layer4 --decoder--> recon [B, h, w, in_channels p^2]
 *                                                        layer4 --classifier--> logits [B, num_classes]
 *
 * Parameters have the authors' tree paths: "encoder/stages_0/layers_0/conv1/kernel". */
#ifndef DRIFT_NN_MAE_H
#define DRIFT_NN_MAE_H

#include "nn/params.h"
#include "op/op.h"

enum { DRIFT_MAE_STAGES = 4, DRIFT_MAE_MAX_BLOCKS = 64 };

typedef struct drift_mae_config {
    size_t num_classes, in_channels;
    size_t base_channels;            /* C: the stages are C, 2C, 4C, 8C wide */
    size_t patch_size;               /* side of a mask cell, in locations of the grid */
    size_t layers[DRIFT_MAE_STAGES]; /* blocks of each stage, 1 .. DRIFT_MAE_MAX_BLOCKS */
    size_t input_patch_size;         /* side of a grid location, in pixels */
    double dropout_prob;             /* of the reference, which never used it: 0 */
    int use_bf16;                    /* products of bfloat16 factors, summed in float; norms in float */
} drift_mae_config;

struct drift_mae_norm {
    drift_param *scale, *bias;
};

/* Convolution without bias, then GroupNorm. */
struct drift_mae_conv {
    drift_param *kernel;
    struct drift_mae_norm gn;
};

struct drift_mae_block {
    struct drift_mae_conv conv1, conv2, proj; /* proj has no parameters where the shape stays */
};

struct drift_mae_up {
    struct drift_mae_norm concat;
    struct drift_mae_conv proj, refine;
};

typedef struct drift_mae {
    drift_mae_config config;
    struct drift_mae_conv conv1;
    struct drift_mae_block *blocks[DRIFT_MAE_STAGES]; /* [layers[stage]] */
    struct drift_mae_norm layer_norm[DRIFT_MAE_STAGES];
    int whole; /* whether decoder and classifier are there */
    struct drift_mae_conv bridge;
    struct drift_mae_up up[DRIFT_MAE_STAGES]; /* in the order they run: up43, up32, up21, up10 */
    drift_param *head_kernel, *head_bias, *fc_kernel, *fc_bias;
} drift_mae;

/* What the encoder makes of a grid: maps [B, ., ., .]. */
struct drift_mae_maps {
    drift_tensor *conv1;
    drift_tensor *layer[DRIFT_MAE_STAGES]; /* after the stage's own norm */
    drift_tensor
        *block[DRIFT_MAE_STAGES][DRIFT_MAE_MAX_BLOCKS]; /* each block's output; the last lies before that norm */
};

/* DRIFT_INVALID names the setting that makes no sense. */
drift_status drift_mae_check(const drift_mae_config *config);

/* Declares the parameters, of the encoder alone unless `whole`; the caller allocates and draws them. */
drift_status drift_mae_new(drift_mae *mae, const drift_mae_config *config, int whole, drift_params *params);
void drift_mae_free(drift_mae *mae);

/* The largest number of groups up to 32 that divides the channels. */
size_t drift_mae_groups(size_t channels);

/* The grid of an image [B, H, W, in_channels]; H and W are multiples of input_patch_size. */
drift_tensor *drift_mae_grid(const drift_mae *mae, drift_tape *tape, drift_tensor *image);

void drift_mae_encode(const drift_mae *mae, drift_tape *tape, drift_tensor *grid, struct drift_mae_maps *maps);
/* recon, of the grid's shape. */
drift_tensor *drift_mae_decode(const drift_mae *mae, drift_tape *tape, const struct drift_mae_maps *maps);
/* logits [B, num_classes] */
drift_tensor *drift_mae_classify(const drift_mae *mae, drift_tape *tape, const struct drift_mae_maps *maps);

/* ---- the loss (mae_loss.c) ---- */

/* mask[batch, h, w]: 1 in cells of patch_size^2 locations whose draw in [0, 1) is below the image's ratio low + u
 * (high - low), u its ratio_draw; cell_draw[batch, h / patch_size, w / patch_size]. */
void drift_mae_mask(const drift_mae_config *config, size_t batch, size_t h, size_t w, double low, double high,
                    const float *ratio_draw, const float *cell_draw, float *mask);

struct drift_mae_loss {
    drift_tensor *recon_loss, *cls_loss, *loss; /* [B]: of each image; loss = (1 - lambda) recon + lambda cls */
    drift_tensor *recon, *logits;
};

/* The mean over the images of the loss, of images hidden by mask[B, h, w, 1]. Where lambda is 0 the classifier is
 * computed but not recorded. labels are I32 [B]. */
drift_tensor *drift_mae_loss(const drift_mae *mae, drift_tape *tape, drift_tensor *image, drift_tensor *mask,
                             drift_tensor *labels, double lambda, struct drift_mae_loss *parts);

#endif
