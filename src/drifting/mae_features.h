/* Features of images as the frozen encoder of a masked autoencoder sees them (spec: encoder, features). */
#ifndef DRIFT_DRIFTING_MAE_FEATURES_H
#define DRIFT_DRIFTING_MAE_FEATURES_H

#include "drifting/features.h"
#include "nn/mae.h"

enum { DRIFT_MAX_PATCH_SIZES = 16 };

/* Which features; a patch size that does not divide a map adds none to it. */
typedef struct drift_feature_options {
    size_t patch_means, patch_stds; /* how many sizes */
    size_t patch_mean_size[DRIFT_MAX_PATCH_SIZES], patch_std_size[DRIFT_MAX_PATCH_SIZES];
    int use_mean, use_std;
    size_t every_k_block; /* the output of every k-th block of a stage is a map too; 0: none */
} drift_feature_options;

/* As published: patches of 2 and 4, means and deviations, every second block. */
drift_feature_options drift_feature_defaults(void);

typedef struct drift_mae_encoder {
    const drift_mae *mae;
    drift_feature_options options;
} drift_mae_encoder;

/* drift_encode of a drift_mae_encoder. Appends, for images [B, H, W, C0] on a grid of C0' channels,
 *
 *   conv1, layer1 .. layer4, layerS_blkK     [B, h w, c]; of each such map NAME also
 *   NAME_mean, NAME_std                      [B, 1, c] over the whole map
 *   NAME_mean_S, NAME_std_S                  [B, (h/S)(w/S), c] over S x S patches, row major
 *   norm_x                                   [B, 1, C0']: each channel's root mean square over the grid
 *   global                                   [B, 1, H W C0]: the image itself
 *
 * the deviations with 1e-6 under the root. With use_bf16 all but deviations and global are bfloat16 numbers. */
drift_encode drift_encode_mae;

#endif
