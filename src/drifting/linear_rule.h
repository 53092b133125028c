/* What guidance is to make of a class: the linear rule of the paper's guidance, where everything about it is known.
 *
 *     q(x|c) = alpha p(x|c) - (alpha - 1) p(x)      where that is positive, divided by its sum; p is the mean of all
 *                                                   classes' p(x|c) */
#ifndef DRIFT_DRIFTING_LINEAR_RULE_H
#define DRIFT_DRIFTING_LINEAR_RULE_H

#include "data/data.h"

/* Draws x[n,2] of the rule's law; sample i has class i modulo the classes. The set is one whose drift_data_likelihood
 * is known (else DRIFT_INVALID), and its classes are equally frequent. The same arguments give the same bits. */
drift_status drift_linear_rule_draw(const struct drift_data *data, double alpha, size_t n, uint64_t seed, float *x);

#endif
