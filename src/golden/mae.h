/* What verifiers of the masked autoencoder share. */
#ifndef DRIFT_GOLDEN_MAE_H
#define DRIFT_GOLDEN_MAE_H

#include "golden/draft.h"
#include "nn/mae.h"

struct drift_golden_mae {
    drift_params params;
    drift_mae mae;
};

/* The settings below KEY of the case's config. */
drift_status drift_golden_mae_config(drift_golden *golden, const char *key, drift_mae_config *config);
/* The model, with parameters from PREFIX/NAME unless prefix is NULL. To be closed even on failure. */
drift_status drift_golden_mae_open(drift_golden *golden, const char *key, const char *prefix, int whole,
                                   struct drift_golden_mae *model);
void drift_golden_mae_close(struct drift_golden_mae *model);

/* Images, labels, and the masks of given draws. */
struct drift_golden_batch {
    int steps;            /* whether the tensors have a first dimension more, a row a step */
    size_t size[4], h, w; /* of a step's images, and of their grid */
    float *x, *mask;
    int32_t *label;
};
drift_status drift_golden_mae_batch(drift_golden *golden, const drift_mae_config *config, double low, double high,
                                    struct drift_golden_batch *batch);
void drift_golden_mae_batch_free(struct drift_golden_batch *batch);

/* Draws config's model KEY as PREFIX/...; and x, label, ratio_draw and cell_draw, of so many steps (0: without that
 * dimension). */
void drift_golden_draw_mae(drift_golden_draft *draft, const char *key, const char *prefix, int whole,
                           drift_mae_config *config);
void drift_golden_draw_batches(drift_golden_draft *draft, const drift_mae_config *config, size_t steps);

#endif
