/* Samples of an image generator as the bytes of pictures (spec: artifacts, "Sampling and evaluation"). */
#ifndef DRIFT_EVAL_IMAGE_H
#define DRIFT_EVAL_IMAGE_H

#include <stddef.h>

#include "base/status.h"

/* bytes[i] = trunc(255 clip((x[i] + 1) / 2, 0, 1)), not rounded; NaN gives 0. */
void drift_image_bytes(size_t n, const float *x, unsigned char *bytes);

/* DRIFT_OK where a generator of so many channels makes pixels; DRIFT_INVALID where it makes latents (4 channels), for
 * which a decoder is missing. */
drift_status drift_image_check(size_t channels);

#endif
