/* Older checkpoints of a run: checkpoint-STEP.safetensors beside checkpoint.safetensors. */
#ifndef DRIFT_TRAIN_KEEP_H
#define DRIFT_TRAIN_KEEP_H

#include <stdint.h>

#include "base/status.h"

/* After checkpoint.safetensors of this step was written: gives it its second name, where it is to be kept (a multiple
 * of `every`, for good; or among the latest `last`, where that is above 1), and removes those that are no longer. Step
 * 0 is never kept. The second name is a link and takes no room until the next save. */
drift_status drift_checkpoints_keep(const char *folder, int64_t step, int64_t every, int64_t last);

#endif
