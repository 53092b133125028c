/* To bytes, as the reference has it. */
#include "eval/image.h"

void drift_image_bytes(size_t n, const float *x, unsigned char *bytes)
{
    for (size_t i = 0; i < n; i++) {
        const float y = (x[i] + 1) / 2;
        bytes[i] = y >= 1 ? 255 : y > 0 ? (unsigned char)(255 * y) : 0; /* NaN compares as neither */
    }
}

drift_status drift_image_check(size_t channels)
{
    enum { LATENT = 4 };
    if (channels != LATENT)
        return DRIFT_OK;
    return drift_fail(DRIFT_INVALID,
                      "the model makes latents of 4 channels, and the decoder of the Stable Diffusion VAE "
                      "that turns them into pictures is not supported yet; .npy and .npz take latents");
}
