/* A multi-layer perceptron: linear layers with an activation between them, none after the last. */
#ifndef DRIFT_NN_MLP_H
#define DRIFT_NN_MLP_H

#include "nn/params.h"
#include "op/op.h"

enum { DRIFT_MLP_MAX_LAYERS = 16 };

typedef struct drift_mlp_config {
    int layers;                            /* linear layers, 1 .. DRIFT_MLP_MAX_LAYERS */
    size_t size[DRIFT_MLP_MAX_LAYERS + 1]; /* 32, 256, 256, 256, 2 for four layers */
    drift_unary_kind activation;           /* DRIFT_SILU, DRIFT_RELU, DRIFT_GELU, DRIFT_GELU_TANH, DRIFT_TANH */
    drift_init init; /* of weights; DRIFT_INIT_UNIFORM for torch's (biases too), else biases are 0 */
} drift_mlp_config;

typedef struct drift_mlp {
    drift_mlp_config config;
    drift_param *weight[DRIFT_MLP_MAX_LAYERS]; /* "layers.I.weight" [in, out] */
    drift_param *bias[DRIFT_MLP_MAX_LAYERS];   /* "layers.I.bias" [out] */
} drift_mlp;

/* Declares the parameters; the caller then allocates and draws them. */
drift_status drift_mlp_new(drift_mlp *mlp, const drift_mlp_config *config, drift_params *params);

/* y[batch, size[layers]] of x[batch, size[0]] */
drift_tensor *drift_mlp_forward(const drift_mlp *mlp, drift_tape *tape, drift_tensor *x);

#endif
