/* The list of features, and those that need no network. */
#include "drifting/features.h"

#include <stdio.h>

void drift_features_add(drift_features *features, drift_tape *tape, const char *name, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return;
    if (features->count == DRIFT_MAX_FEATURES || x->dims != 3) {
        drift_tape_fail(tape, DRIFT_INVALID,
                        "feature %s, %s: more than %d features, or not [samples,locations,channels]", name,
                        drift_tensor_shape(x), DRIFT_MAX_FEATURES);
        return;
    }
    drift_feature *feature = &features->list[features->count++];
    snprintf(feature->name, sizeof feature->name, "%s", name);
    feature->x = x;
}

/* A new constant tensor, all elements of one value. */
static drift_tensor *constant(drift_tape *tape, int dims, const size_t *size, double value)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *x = drift_tape_tensor(tape, dims, size);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->fill(b, value, x), "constant");
    return x;
}

/* The mean over space is a product with a row of 1/(H W). */
drift_tensor *drift_channel_scale(drift_tape *tape, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims != 4)
        return drift_tape_fail(tape, DRIFT_INVALID, "channel_scale: x is %s, expected [samples,H,W,C]",
                               drift_tensor_shape(x));
    const size_t n = x->size[0], space = x->size[1] * x->size[2], channels = x->size[3];
    drift_tensor *square = drift_reshape(tape, drift_mul(tape, x, x), 3, (const size_t[]){n, space, channels});
    drift_tensor *weight = constant(tape, 3, (const size_t[]){n, 1, space}, 1 / (double)space);
    drift_tensor *mean = drift_matmul(tape, 0, 0, weight, square);
    return drift_unary(tape, DRIFT_SQRT, drift_add_bias(tape, mean, constant(tape, 1, &channels, 1e-6)));
}

void drift_encode_image(const void *context, drift_tape *tape, drift_tensor *images, drift_features *features)
{
    const size_t n = images->size[0], numbers = n ? drift_tensor_elements(images) / n : 0;
    drift_features_add(features, tape, "global", drift_reshape(tape, images, 3, (const size_t[]){n, 1, numbers}));
    if (*(const int *)context)
        drift_features_add(features, tape, "norm_x", drift_channel_scale(tape, images));
}
