/* Images that are trained on, changed at random: mirrored, and seen in part. */
#ifndef DRIFT_DATA_AUGMENT_H
#define DRIFT_DATA_AUGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Image [height, width, channels], left and right exchanged. */
void drift_mirror_image(size_t height, size_t width, size_t channels, float *x);

/* A rectangle of an image, in pixels. */
struct drift_crop {
    size_t top, left, height, width;
};

/* The rectangle of image `image` of batch `step` (spec: encoder, training): its area uniform in 0.2 to 1 of the
 * image's, the logarithm of width / height uniform in that of 3/4 to 4/3, its place uniform among those inside. A
 * rectangle that does not fit is drawn anew; the tenth in vain gives way to the whole image. */
struct drift_crop drift_draw_crop(size_t height, size_t width, uint64_t seed, uint32_t step, size_t image);

/* The rectangle of from[height, width, channels], enlarged to to[height, width, channels] by cubic convolution (Keys,
 * a = -1/2) between pixel centres, along columns and then rows. Pixels outside the rectangle do not take part, and no
 * number exceeds the largest and least of the rectangle's channel. */
drift_status drift_crop_image(const struct drift_crop *crop, size_t height, size_t width, size_t channels,
                              const float *from, float *to);

#endif
