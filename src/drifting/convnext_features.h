/* Features of images as ConvNeXt-V2 sees them (spec: convnext, features). */
#ifndef DRIFT_DRIFTING_CONVNEXT_FEATURES_H
#define DRIFT_DRIFTING_CONVNEXT_FEATURES_H

#include "drifting/features.h"
#include "nn/convnext.h"

/* drift_encode of a drift_convnext. Appends, for images [B, H, W, 3] and with z a stage's output, each location brought
 * to mean 0 and deviation 1 over its d channels,
 *
 *   convenxt_stage_I, I = 1, 2, 3            [B, h w, d]: z
 *   convenxt_stage_I_mean, _std, I = 0 .. 3  [B, 1, d]: mean and deviation of z over space
 *   global_mean                              [B, 1, d]: the final norm of the mean over space of the last stage
 *   global_std                               the same numbers as convenxt_stage_3_std, which so count twice */
drift_encode drift_encode_convnext;

#endif
