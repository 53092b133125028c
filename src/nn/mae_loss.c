/* Masks and the loss of the masked autoencoder (spec: encoder, training). */
#include "nn/mae.h"

void drift_mae_mask(const drift_mae_config *config, size_t batch, size_t h, size_t w, double low, double high,
                    const float *ratio_draw, const float *cell_draw, float *mask)
{
    const size_t m = config->patch_size;
    for (size_t b = 0; b < batch; b++) {
        const double ratio = low + (double)ratio_draw[b] * (high - low);
        for (size_t i = 0; i < h; i++)
            for (size_t j = 0; j < w; j++)
                mask[(b * h + i) * w + j] = (double)cell_draw[(b * (h / m) + i / m) * (w / m) + j / m] < ratio;
    }
}

drift_tensor *drift_mae_loss(const drift_mae *mae, drift_tape *tape, drift_tensor *image, drift_tensor *mask,
                             drift_tensor *labels, double lambda, struct drift_mae_loss *parts)
{
    struct drift_mae_maps maps;
    drift_tensor *grid = drift_mae_grid(mae, tape, image);
    drift_mae_encode(mae, tape, drift_hide(tape, grid, mask), &maps);
    parts->recon = drift_mae_decode(mae, tape, &maps);
    parts->recon_loss = drift_masked_error(tape, 1e-8, parts->recon, grid, mask);
    if (!(lambda > 0))
        drift_tape_pause(tape);
    parts->logits = drift_mae_classify(mae, tape, &maps);
    parts->cls_loss = drift_cross_entropy(tape, parts->logits, labels);
    if (!(lambda > 0))
        drift_tape_resume(tape);
    parts->loss = parts->recon_loss;
    if (lambda > 0)
        parts->loss = drift_add(tape, drift_scale(tape, 1 - lambda, parts->recon_loss),
                                drift_scale(tape, lambda, parts->cls_loss));
    return drift_reduce(tape, DRIFT_MEAN, parts->loss);
}
