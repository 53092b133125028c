/* A graded set of cases, from one positive and one generated sample to a whole training step. */
#ifndef DRIFT_GOLDEN_SUITE_H
#define DRIFT_GOLDEN_SUITE_H

#include <stdint.h>

#include "base/status.h"

/* Writes FOLDER/NN_NAME.safetensors with its .npz, a .json of the small ones, and README.md. */
drift_status drift_golden_suite(const char *folder, uint64_t seed, int single);

/* Case i of the set: its kind's name and its config; 0 beyond the last. */
int drift_golden_suite_case(int i, const char **kind, const char **config);

#endif
