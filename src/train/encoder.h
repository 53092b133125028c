/* What a recipe's samples are compared by: the image itself, or the features of frozen encoders. */
#ifndef DRIFT_TRAIN_ENCODER_H
#define DRIFT_TRAIN_ENCODER_H

#include "drifting/convnext_features.h"
#include "drifting/mae_features.h"
#include "recipe/recipe.h"

/* Opened encoders; not to be copied or moved while `encoder` is in use. */
struct drift_feature_encoder {
    drift_encoder encoder;
    int has_scale; /* norm_x beside global, where there is no autoencoder */
    drift_params mae_params, convnext_params;
    drift_mae mae;
    drift_convnext convnext;
    drift_mae_encoder mae_encoder;
    int with_mae, with_convnext;
};

/* Opens what the recipe names (feature.mae_path or load_dict, feature.use_convnext) for images [height, width,
 * channels] on this backend. Samples that an encoder does not take are DRIFT_INVALID: other channels, sides that its
 * cells do not divide, points. On failure there is nothing to close. */
drift_status drift_feature_encoder_open(const struct drift_recipe *recipe, size_t height, size_t width, size_t channels,
                                        const drift_backend *backend, struct drift_feature_encoder *encoder);
void drift_feature_encoder_close(struct drift_feature_encoder *encoder);

/* train.activation_kwargs */
drift_feature_options drift_recipe_features(const struct drift_recipe *recipe);

#endif
