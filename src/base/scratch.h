/* Memory for the length of one call, kept by the calling thread for its next call: a training step asks the system for
 * nothing after the first. */
#ifndef DRIFT_BASE_SCRATCH_H
#define DRIFT_BASE_SCRATCH_H

#include <stddef.h>

/* At least `bytes` bytes aligned to 64, not cleared; NULL where there is no memory. The same block at every call of a
 * thread (larger where needed), so only one user at a time: it is freed when the thread ends. */
void *drift_scratch(size_t bytes);

#endif
