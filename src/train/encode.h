/* An encoder's features of many images, on the host: what it sees, to be printed, written, judged. */
#ifndef DRIFT_TRAIN_ENCODE_H
#define DRIFT_TRAIN_ENCODE_H

#include "data/data.h"
#include "train/encoder.h"

struct drift_encoded {
    size_t n, count;
    struct drift_encoded_feature {
        char name[DRIFT_FEATURE_NAME];
        size_t locations, channels;
        float *x; /* [n, locations, channels] */
    } * list;
};

/* Features of images x[n, height, width, channels] in the encoder's order; where `most_locations` is not 0, those of at
 * most so many locations alone. On failure there is nothing to free. */
drift_status drift_encode_images(const struct drift_feature_encoder *encoder, const struct drift_data *shape, size_t n,
                                 const float *x, size_t most_locations, struct drift_encoded *encoded);
void drift_encoded_free(struct drift_encoded *encoded);

#endif
