/* Parts of `drift eval`. */
#ifndef DRIFT_CLI_EVAL_H
#define DRIFT_CLI_EVAL_H

#include <stdint.h>

#include "base/status.h"

/* Prints how well an encoder's features tell the classes of a set apart: each of one location alone, and all of them.
 * At most n images of either part are looked at. */
drift_status drift_eval_encoder(const char *model, const char *data, size_t n, uint64_t seed, int json);

#endif
