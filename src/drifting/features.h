/* Named features of images: where the drifting loss compares samples (spec: feature-space loss). */
#ifndef DRIFT_DRIFTING_FEATURES_H
#define DRIFT_DRIFTING_FEATURES_H

#include "op/op.h"

enum { DRIFT_FEATURE_NAME = 48, DRIFT_MAX_FEATURES = 256 };

typedef struct drift_feature {
    char name[DRIFT_FEATURE_NAME];
    drift_tensor *x; /* [samples, locations, channels] */
} drift_feature;

typedef struct drift_features {
    size_t count;
    drift_feature list[DRIFT_MAX_FEATURES];
} drift_features;

/* Appends a feature; the tape fails where there is no room, or x has not three dimensions. */
void drift_features_add(drift_features *features, drift_tape *tape, const char *name, drift_tensor *x);

/* What makes features of images [samples, H, W, C]: appends them to the list, always the same ones in the same order.
 * Its own parameters are frozen; the ops are recorded where the tape records. */
typedef void drift_encode(const void *context, drift_tape *tape, drift_tensor *images, drift_features *features);
typedef struct drift_encoder {
    drift_encode *encode;
    const void *context;
} drift_encoder;

/* The image itself, `global` [samples, 1, H W C], and, where *(const int *)context is not 0, `norm_x`. */
drift_encode drift_encode_image;

/* norm_x: sqrt(mean over space of x^2 + 1e-6), [samples, 1, C] of x [samples, H, W, C]. */
drift_tensor *drift_channel_scale(drift_tape *tape, drift_tensor *x);

#endif
