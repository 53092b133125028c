/* The drifting loss as an op: paper, section 3 (stop-gradient target) and the released loss. */
#ifndef DRIFT_OP_DRIFT_H
#define DRIFT_OP_DRIFT_H

#include "tape/tape.h"

/* gen [G,D] or, for independent problems, [B,G,D]; pos and neg likewise; weights [n] or [B,n]. What is NULL is absent
 * (neg), or ones (weights). Only gen takes a gradient. */
typedef struct drift_loss_input {
    drift_tensor *gen, *pos, *neg, *w_gen, *w_pos, *w_neg;
} drift_loss_input;

/* The scalar loss mean(V^2); *report says the rest. Settings that make no sense: see drift_field_check in
 * drifting/field.h, for a caller to check once. */
drift_tensor *drift_loss(drift_tape *tape, const drift_field_config *config, const drift_loss_input *in,
                         drift_field_report *report);

/* In two steps, for those who know the field before the samples pass the generator once more: V at gen, in units of
 * report->unit, unrecorded; and a scalar of this value whose gradient with respect to x is the constant slope times
 * `gradient` (of as many elements). drift_loss is the two with gradient V and the slope -2 / (elements unit). */
drift_tensor *drift_loss_field(drift_tape *tape, const drift_field_config *config, const drift_loss_input *in,
                               drift_field_report *report);
double drift_loss_slope(const drift_tensor *v, const drift_field_report *report);
drift_tensor *drift_linear_loss(drift_tape *tape, double value, double slope, const drift_tensor *gradient,
                                drift_tensor *x);

#endif
