/* The drifting loss of a class-conditional training step, in feature space (paper, section 3; spec: feature-space
 * loss):
 *
 *   total = sum over features of mean_b(loss_b)
 *
 * with form 3 (or another) of the field once per feature, over all b = (entry, location) at once, so that its scale and
 * its normalisation belong to the whole step. Its gradient lands in the generator's parameters. */
#ifndef DRIFT_DRIFTING_LOSS_H
#define DRIFT_DRIFTING_LOSS_H

#include "drifting/features.h"

/* Images [count, H, W, C] of the generated samples first .. first + count - 1 of the step, recorded where the tape
 * records; the same samples whenever it is called. Sample i belongs to entry i / generated. */
typedef drift_tensor *drift_generate(void *context, drift_tape *tape, size_t first, size_t count);

/* A step: `entries` classes (the same class may come twice), each with so many samples. */
typedef struct drift_loss_batch {
    size_t entries, generated, positives, negatives;
    size_t height, width, channels;
    const float *positive; /* [entries positives, H, W, C], on the host; NULL where nothing but a count is wanted */
    const float *negative; /* [entries negatives, H, W, C]; NULL where there are none */
    const float *w_neg;    /* [entries]: the weight of each of the entry's negatives; NULL: 1 */
    drift_generate *generate;
    void *context;
} drift_loss_batch;

typedef struct drift_loss_report {
    double loss; /* the total */
    size_t count;
    struct {
        char name[DRIFT_FEATURE_NAME];
        size_t locations, channels;
        drift_field_report field;
    } feature[DRIFT_MAX_FEATURES];
} drift_loss_report;

/* The tapes that a step works on; their memory is kept from step to step. */
typedef struct drift_loss_memory {
    drift_tape *work;   /* a part: generator and encoder, forward and backward */
    drift_tape *kept;   /* the features of all samples, then the field */
    drift_tape *sorted; /* one feature, regrouped by entry and location */
} drift_loss_memory;

drift_status drift_loss_memory_new(drift_loss_memory *memory, const drift_backend *backend);
void drift_loss_memory_free(drift_loss_memory *memory);

/* Computes the loss and adds its gradient to every leaf below the generated samples.
 *
 * With `parts` 1 generator and encoder run once. With more, samples pass them in so many parts: first without
 * recording, until the features of all are known; then the field of the whole step; then each part again, recorded,
 * with its slice of the field as gradient. Loss and report have the same bits whatever `parts` is, the gradient the
 * same up to the order of its sums.
 *
 * DRIFT_NOT_FINITE names the first feature whose loss is NaN or infinite; no gradient was added then. */
drift_status drift_loss_gradients(drift_loss_memory *memory, const drift_field_config *config,
                                  const drift_encoder *encoder, const drift_loss_batch *batch, size_t parts,
                                  drift_loss_report *report);

#endif
