/* The parameters of a model: named tensors in ONE contiguous block, so that gradients, moments and averages are one
 * array each, and clip, Adam and EMA are loops over one array.
 *
 *     values  [ layer0.weight | pad | layer0.bias | pad | ... ]    each tensor starts at a multiple of 16 elements;
 *     grads   [ the same layout ]                                  the padding is zero and stays zero
 */
#ifndef DRIFT_NN_PARAMS_H
#define DRIFT_NN_PARAMS_H

#include <stdint.h>

#include "tensor/backend.h"
#include "tensor/tensor.h"

/* The law of a parameter's first values. fan_in and fan_out are the sizes of [in, out]; a [n] has both n. */
typedef enum drift_init {
    DRIFT_INIT_ZEROS,
    DRIFT_INIT_ONES,
    DRIFT_INIT_UNIFORM,   /* in +-scale / sqrt(fan_in) */
    DRIFT_INIT_XAVIER,    /* uniform in +-scale sqrt(6 / (fan_in + fan_out)) */
    DRIFT_INIT_NORMAL,    /* normal with deviation scale */
    DRIFT_INIT_POSITION,  /* [1, grid^2, width]: sine and cosine of columns and rows (nn/position.h) */
    DRIFT_INIT_TRUNCATED, /* normal, cut off at two of its own deviations; then with deviation scale / sqrt(fan_in) */
} drift_init;

enum { DRIFT_PARAM_NAME = 128 };

typedef struct drift_param {
    char name[DRIFT_PARAM_NAME];
    drift_tensor tensor; /* what ops take */
    size_t offset;       /* in elements, into the block */
    drift_init init;
    double scale;
    size_t fan_in, fan_out;
} drift_param;

typedef struct drift_params {
    const drift_backend *backend;
    drift_param **list;
    size_t count;
    drift_tensor values; /* [elements], padding included; its grad is the gradients' block */
    int frozen;          /* no gradients */
    drift_status status; /* sticky while parameters are being added */
} drift_params;

void drift_params_new(drift_params *params, const drift_backend *backend);
void drift_params_free(drift_params *params);

/* Declares a parameter; its tensor has no memory before drift_params_allocate. NULL, and a failure that
 * drift_params_allocate returns, when there is no memory or the name is taken or too long. */
drift_param *drift_params_add(drift_params *params, const char *name, int dims, const size_t *size, drift_init init,
                              double scale);
/* The same for one whose fan_in is not its own: a bias shares the fan_in of its weight. */
drift_param *drift_params_add_fan(drift_params *params, const char *name, int dims, const size_t *size, drift_init init,
                                  double scale, size_t fan_in, size_t fan_out);

/* Takes the blocks of values and gradients from the backend, zeroed, and points every tensor into them. */
drift_status drift_params_allocate(drift_params *params);
/* Draws every parameter by its law: stream (seed, purpose of initial values, index of the parameter). */
drift_status drift_params_init(drift_params *params, uint64_t seed);
drift_status drift_params_zero_grad(drift_params *params);

/* Another block of the same layout, zeroed (moments, averages); and giving it back. */
drift_status drift_params_block(const drift_params *params, drift_tensor *block);
void drift_params_block_free(const drift_params *params, drift_tensor *block);
/* Parameter i's part of a block, in the parameter's shape. */
drift_tensor drift_params_view(const drift_params *params, const drift_tensor *block, size_t i);

/* Points the tensors at the values of this block (an average, to sample with), or back at params->values (NULL). */
void drift_params_use(drift_params *params, const drift_tensor *block);
/* No gradient for any of them, or back. Frozen before they are allocated they take no memory for gradients, and stay
 * frozen. */
void drift_params_freeze(drift_params *params, int frozen);

drift_param *drift_params_find(const drift_params *params, const char *name);

#endif
