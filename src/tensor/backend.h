/* A backend is a device and a precision: memory functions, and a table of whole-tensor ops (tensor/backend.def).
 *
 * Rules for every backend:
 *   - ops get shapes that fit (the op that calls checks them); they fail only for memory or for the device;
 *   - a tensor argument stands for its `data`; gradients are passed as tensors too (drift_tensor_grad);
 *   - forward ops overwrite their result; *_backward ops ADD to the gradients, which come last, and a gradient that is
 *     not wanted is NULL;
 *   - results do not depend on the number of threads;
 *   - memory is followed inside the backend's own functions only. */
#ifndef DRIFT_TENSOR_BACKEND_H
#define DRIFT_TENSOR_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "tensor/tensor.h"

/* y = f(x) element by element: the enumerator, and the name of its leaf kernel. */
#define DRIFT_UNARIES(U)                                                                                               \
    U(RELU, relu)                                                                                                      \
    U(SILU, silu)                                                                                                      \
    U(GELU, gelu)                                                                                                      \
    U(GELU_TANH, gelu_tanh)                                                                                            \
    U(SIGMOID, sigmoid)                                                                                                \
    U(TANH, tanh)                                                                                                      \
    U(EXP, exp)                                                                                                        \
    U(LOG, log)                                                                                                        \
    U(SQRT, sqrt)                                                                                                      \
    U(SIN, sin)                                                                                                        \
    U(COS, cos)
#define U(upper, lower) DRIFT_##upper,
typedef enum drift_unary_kind { DRIFT_UNARIES(U) DRIFT_UNARY_COUNT } drift_unary_kind;
#undef U

/* [..., n] to [...]: each row to one number. */
typedef enum drift_reduce_kind { DRIFT_SUM, DRIFT_MEAN, DRIFT_MAX, DRIFT_LOG_SUM_EXP } drift_reduce_kind;

/* A cell of an image to a number a channel: mean x, (mean (x - mean x)^2 + epsilon)^1/2, (mean x^2 + epsilon)^1/2. */
typedef enum drift_pool_kind { DRIFT_POOL_MEAN, DRIFT_POOL_STD, DRIFT_POOL_RMS } drift_pool_kind;

/* The rotary embedding as a second half of the heads' norms: none, of floats, by angles in bfloat16. */
typedef enum drift_turn { DRIFT_TURN_NONE, DRIFT_TURN, DRIFT_TURN_BF16 } drift_turn;

/* Where random numbers come from: element `first` + i of the stream (seed, purpose, step) lands in y[i]. */
typedef struct drift_stream {
    uint64_t seed;
    uint32_t purpose, step;
    uint64_t first;
} drift_stream;

/* One step of Adam (weight_decay 0) or AdamW, t = 1, 2, ...
 *   g = gradient_scale * gradient;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
 *   value -= learning_rate * (m / correction1 / (sqrt(v / correction2) + epsilon) + weight_decay * value) */
typedef struct drift_adam_step {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    double correction1, correction2; /* 1 - beta1^t, 1 - beta2^t */
    double gradient_scale;           /* 1, or less where the global norm is clipped */
} drift_adam_step;

/* A 2D convolution: zeros on all four sides, and groups of channels (1, or as many as channels: depthwise). */
typedef struct drift_conv {
    size_t stride, padding, groups;
} drift_conv;

#define DRIFT_UNWRAP(...) __VA_ARGS__
#define OP(name, parameters, arguments, flop, moved)                                                                   \
    drift_status (*name)(const drift_backend *backend, DRIFT_UNWRAP parameters);
struct drift_backend {
    const char *name;
    drift_dtype real; /* of all real tensors: DRIFT_F32 or DRIFT_F64 */
    void *state;      /* the backend's own */

    drift_status (*alloc)(const drift_backend *backend, size_t bytes, void **memory);
    void (*free)(const drift_backend *backend, void *memory);
    drift_status (*copy_in)(const drift_backend *backend, void *to, const void *host, size_t bytes);
    drift_status (*copy_out)(const drift_backend *backend, void *host, const void *from, size_t bytes);
    drift_status (*copy)(const drift_backend *backend, void *to, const void *from, size_t bytes);
    drift_status (*zero)(const drift_backend *backend, void *memory, size_t bytes);
#include "tensor/backend.def"
};
#undef OP

#endif
