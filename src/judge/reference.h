/* The data that samples are compared with in an evaluation. */
#ifndef DRIFT_JUDGE_REFERENCE_H
#define DRIFT_JUDGE_REFERENCE_H

#include "data/data.h"
#include "eval/eval.h"

/* An endless set is drawn three times (data, and two draws for the floor), a finite one is taken whole, its training
 * and test rows for the memorisation. */
struct drift_reference {
    struct drift_data *data, *train, *test;
    float *drawn;
};

/* Opens the set and fills the evaluation's data, floors and dim for n samples; evaluation->seed is set. To be closed
 * after the evaluation, even on failure, where it was all zero before. */
drift_status drift_reference_open(struct drift_reference *reference, const char *data, size_t n,
                                  drift_evaluation *evaluation);
void drift_reference_close(struct drift_reference *reference);

#endif
