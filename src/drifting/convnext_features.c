/* The stages of ConvNeXt, standardized and pooled; names as the reference spells them. */
#include "drifting/convnext_features.h"

#include <stdio.h>

void drift_encode_convnext(const void *context, drift_tape *tape, drift_tensor *images, drift_features *features)
{
    const drift_convnext *net = context;
    drift_tensor *stage[DRIFT_CONVNEXT_STAGES], *deviation = NULL;
    drift_convnext_stages(net, tape, images, stage);
    for (int s = 0; s < DRIFT_CONVNEXT_STAGES && !drift_tape_failed(tape); s++) {
        char name[DRIFT_FEATURE_NAME];
        drift_tensor *z = drift_standardize(tape, 1e-3, stage[s]);
        const size_t n = stage[s]->size[0], h = stage[s]->size[1], w = stage[s]->size[2], d = stage[s]->size[3];
        snprintf(name, sizeof name, "convenxt_stage_%d", s);
        if (s)
            drift_features_add(features, tape, name, drift_reshape(tape, z, 3, (const size_t[]){n, h * w, d}));
        snprintf(name, sizeof name, "convenxt_stage_%d_mean", s);
        drift_features_add(features, tape, name, drift_pool(tape, DRIFT_POOL_MEAN, 0, z, h, w));
        snprintf(name, sizeof name, "convenxt_stage_%d_std", s);
        deviation = drift_pool(tape, DRIFT_POOL_STD, 1e-6, z, h, w);
        drift_features_add(features, tape, name, deviation);
    }
    if (drift_tape_failed(tape))
        return;
    drift_features_add(features, tape, "global_mean",
                       drift_convnext_pooled(net, tape, stage[DRIFT_CONVNEXT_STAGES - 1]));
    drift_features_add(features, tape, "global_std", deviation);
}
