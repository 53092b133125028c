/* Images through a frozen encoder, a part at a time. */
#include "train/encode.h"

#include <stdlib.h>
#include <string.h>

#include "io/array.h" /* drift_size_multiply */

enum { PART = 16 }; /* images that pass the encoder at once */

void drift_encoded_free(struct drift_encoded *encoded)
{
    for (size_t f = 0; f < encoded->count; f++)
        free(encoded->list[f].x);
    free(encoded->list);
    memset(encoded, 0, sizeof *encoded);
}

/* Room for a feature of all images. */
static drift_status add(const drift_feature *feature, struct drift_encoded *encoded)
{
    struct drift_encoded_feature *to = &encoded->list[encoded->count];
    size_t bytes;
    memcpy(to->name, feature->name, sizeof to->name);
    to->locations = feature->x->size[1];
    to->channels = feature->x->size[2];
    to->x = drift_size_multiply(encoded->n, to->locations * to->channels * sizeof(float), &bytes) ? malloc(bytes + 1)
                                                                                                  : NULL;
    if (!to->x)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for feature %s of %zu images", to->name, encoded->n);
    encoded->count++;
    return DRIFT_OK;
}

/* Copies a part's features to their places. */
static drift_status keep(const drift_features *features, size_t first, size_t most_locations,
                         struct drift_encoded *encoded)
{
    drift_status status = DRIFT_OK;
    for (size_t f = 0, at = 0; f < features->count && !status; f++) {
        const drift_tensor *x = features->list[f].x;
        if (most_locations && x->size[1] > most_locations)
            continue;
        if (!first)
            status = add(&features->list[f], encoded);
        if (!status)
            status = drift_tensor_read_floats(x, encoded->list[at++].x + first * x->size[1] * x->size[2]);
    }
    return status;
}

static drift_status encode(const drift_encoder *encoder, drift_tape *tape, const struct drift_data *shape,
                           const float *x, size_t most_locations, struct drift_encoded *encoded)
{
    drift_features *features = malloc(sizeof *features);
    drift_status status = features ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "no memory for features");
    for (size_t first = 0; first < encoded->n && !status; first += PART) {
        const size_t n = encoded->n - first < PART ? encoded->n - first : PART;
        const size_t size[] = {n, shape->height, shape->width, shape->channels};
        drift_tape_clear(tape);
        drift_tape_pause(tape);
        features->count = 0;
        encoder->encode(encoder->context, tape, drift_tape_input(tape, 4, size, x + first * shape->dim, 0), features);
        status = drift_tape_status(tape);
        if (!status)
            status = keep(features, first, most_locations, encoded);
    }
    free(features);
    return status;
}

drift_status drift_encode_images(const struct drift_feature_encoder *encoder, const struct drift_data *shape, size_t n,
                                 const float *x, size_t most_locations, struct drift_encoded *encoded)
{
    drift_tape *tape = NULL;
    const drift_params *params = encoder->with_mae ? &encoder->mae_params : &encoder->convnext_params;
    *encoded = (struct drift_encoded){.n = n};
    encoded->list = calloc(DRIFT_MAX_FEATURES, sizeof *encoded->list);
    drift_status status =
        encoded->list ? drift_tape_new(params->backend, &tape) : drift_fail(DRIFT_NO_MEMORY, "no memory for features");
    if (!status)
        status = encode(&encoder->encoder, tape, shape, x, most_locations, encoded);
    drift_tape_free(tape);
    if (status)
        drift_encoded_free(encoded);
    return status;
}
