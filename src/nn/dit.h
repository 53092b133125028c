/* The generator: a DiT that maps noise to an image in one pass, under a class, a guidance scale and style numbers.
 * Paper: generator architecture; spec: generator, whose names and defaults these are. */
#ifndef DRIFT_NN_DIT_H
#define DRIFT_NN_DIT_H

#include "nn/params.h"
#include "op/op.h"

enum { DRIFT_DIT_MAX_DEPTH = 64, DRIFT_DIT_MAX_STYLES = 64 };

/* The recipes' keys. */
typedef struct drift_dit_config {
    size_t cond_dim;                    /* width of the condition */
    size_t num_classes;                 /* rows of the class table */
    size_t noise_classes, noise_coords; /* rows of each style table (0: no style), and how many tables */
    size_t input_size, in_channels;     /* the noise is [input_size, input_size, in_channels] */
    size_t n_cls_tokens;                /* in-context tokens, made of the condition */
    size_t patch_size, hidden_size, depth, num_heads, out_channels;
    double mlp_ratio;
    int use_qknorm, use_swiglu, use_rope, use_rmsnorm;
    int use_bf16, attn_fp32;  /* linears round to bfloat16; with attn_fp32 0 the rotary angles, too */
    int use_remat;            /* backward computes every block again instead of keeping its activations */
    size_t checkpoint_blocks; /* the same in groups of so many blocks; 0: as use_remat says */
} drift_dit_config;

typedef struct drift_dit_linear {
    drift_param *kernel, *bias; /* [in, out], [out] */
} drift_dit_linear;

typedef struct drift_dit_block {
    drift_dit_linear modulation; /* C to 6 D: shift, scale, gate of attention, then of the MLP */
    drift_param *norm1, *norm2;  /* [D], with use_rmsnorm */
    drift_dit_linear qkv, projection;
    drift_param *q_weight, *q_bias, *k_weight, *k_bias; /* [d], with use_qknorm; biases without use_rmsnorm */
    drift_dit_linear mlp[3];                            /* SwiGLU: w1, w3, w2; else in, out */
} drift_dit_block;

/* Pointers into a drift_params. */
typedef struct drift_dit {
    drift_dit_config config;
    drift_param *classes, *style[DRIFT_DIT_MAX_STYLES];
    drift_dit_linear cfg[2]; /* the guidance scale's MLP */
    drift_param *cfg_norm;
    drift_param *pos_embed, *cls_embed; /* [1, T, D]; [1, n, D] */
    drift_dit_linear patches, tokens;
    drift_dit_block block[DRIFT_DIT_MAX_DEPTH];
    drift_dit_linear final_modulation, final;
    drift_param *final_norm;
} drift_dit;

/* DRIFT_INVALID names the key whose value is impossible: "patch_size 3 does not divide input_size 32". */
drift_status drift_dit_check(const drift_dit_config *config);

/* Width of the MLP: int(D mlp_ratio), or two thirds of it rounded up to a multiple of 32 with use_swiglu. */
size_t drift_dit_mlp_width(const drift_dit_config *config);

/* Checks the config and declares the parameters under the names of the authors' tree, with their laws of first values;
 * the caller then allocates and draws them. */
drift_status drift_dit_new(drift_dit *dit, const drift_dit_config *config, drift_params *params);

/* The image [B, input_size, input_size, out_channels] for noise [B, input_size, input_size, in_channels], N(0, 1) times
 * a temperature; label, I32 [B], in 0 .. num_classes - 1; cfg_scale [B]; style, I32 [B, noise_coords], each in 0 ..
 * noise_classes - 1, or NULL where noise_classes is 0. */
drift_tensor *drift_dit_forward(const drift_dit *dit, drift_tape *tape, drift_tensor *noise, drift_tensor *label,
                                drift_tensor *cfg_scale, drift_tensor *style);

#endif
