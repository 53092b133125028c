/* A backend that only counts: tensors have shapes but no memory; ops add up what they would cost. */
#ifndef DRIFT_COUNT_COUNT_H
#define DRIFT_COUNT_COUNT_H

#include "tensor/backend.h"

typedef struct drift_count {
    size_t bytes, peak_bytes, total_bytes; /* of backend memory: held now, most at once, all that was ever asked for */
    double flop;                           /* by the formulas of tensor/backend.def */
    double moved;                          /* bytes that ops read and write at least */
    size_t ops;
} drift_count;

/* A backend of this precision that adds to *count, which is zeroed first and must outlive it. Its addresses are never
 * followed; values that are read from it are zero. Not for several threads at once. */
drift_backend drift_count_backend(drift_dtype real, drift_count *count);

#endif
