/* Golden values for others: cases of every kind that is a formula, made by the code that verifies them. */
#ifndef DRIFT_GOLDEN_GENERATE_H
#define DRIFT_GOLDEN_GENERATE_H

#include "golden/golden.h"

/* What to make. */
typedef struct drift_golden_request {
    const struct drift_golden_kind *kind;
    json_t *config; /* keys laid over the kind's defaults; NULL: none */
    uint64_t seed;
    int single; /* results are rounded to float; else they are doubles */
    const char *name;
} drift_golden_request;

/* Writes a case to each of the paths: .npz and .json hold the same tensors as a .safetensors, which any other is.
 * Inputs are floats, results are computed in double. config.atol bounds the rms error of each result: four times its
 * worst rms change over eight runs whose inputs are multiplied by 1 + 2^-24 or 1 - 2^-24 at random, at least the kind's
 * `rounding` of its rms. The same request makes the same bytes on every machine. */
drift_status drift_golden_generate(const drift_golden_request *request, size_t paths, const char *const *path);

/* For each of `values`, which kind->compute made of golden: its worst rms change over so many such runs. `exact` says
 * which of the inputs are not touched. */
drift_status drift_golden_noise(const struct drift_golden_kind *kind, const drift_golden *golden, const int *exact,
                                uint64_t seed, uint32_t runs, const struct drift_golden_values *values, double *noise);

#endif
