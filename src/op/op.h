/* The ops of the tape: a file each (or a family), forward with its backward right below. Each checks its shapes, runs
 * on the tape's backend, and records itself. [...] stands for any leading dimensions. See tape/tape.h for failures. */
#ifndef DRIFT_OP_OP_H
#define DRIFT_OP_OP_H

#include "tape/tape.h"

/* activation.c: f of each element; and silu(a) b, with `bf16` stored as DRIFT_BF16 */
drift_tensor *drift_unary(drift_tape *tape, drift_unary_kind kind, drift_tensor *x);
drift_tensor *drift_swiglu(drift_tape *tape, int bf16, drift_tensor *a, drift_tensor *b);

/* elementwise.c: a and b of one shape */
drift_tensor *drift_add(drift_tape *tape, drift_tensor *a, drift_tensor *b);
drift_tensor *drift_sub(drift_tape *tape, drift_tensor *a, drift_tensor *b);
drift_tensor *drift_mul(drift_tape *tape, drift_tensor *a, drift_tensor *b);
drift_tensor *drift_scale(drift_tape *tape, double alpha, drift_tensor *x);

/* linear.c: y[..., out] = x[..., in] w[in, out] + bias[out]; bias may be NULL */
drift_tensor *drift_linear(drift_tape *tape, drift_tensor *x, drift_tensor *w, drift_tensor *bias);
/* The same in bfloat16: x, w, bias, the product and the result are rounded to it, sums are not; x may be stored so. */
drift_tensor *drift_linear_bf16(drift_tape *tape, drift_tensor *x, drift_tensor *w, drift_tensor *bias);
/* bf16.c: x rounded to bfloat16, as a new tensor, and in place: what was computed from x before saw it unrounded, so x
 * is best the result of the op just run, whose backward does not read it or asks its sign alone. Rounding is the
 * identity of the backward. */
drift_tensor *drift_round_bf16(drift_tape *tape, drift_tensor *x);
drift_tensor *drift_round_bf16_here(drift_tape *tape, drift_tensor *x);
/* y[..., n] = x[..., n] + bias[n] */
drift_tensor *drift_add_bias(drift_tape *tape, drift_tensor *x, drift_tensor *bias);

/* matmul.c: op(a) op(b), both [., .] or both [batch, ., .]; op swaps the last two dimensions where asked */
drift_tensor *drift_matmul(drift_tape *tape, int transpose_a, int transpose_b, drift_tensor *a, drift_tensor *b);

/* conv.c: 2D convolution, channels last: x[B,H,W,Cin], kernel[kh,kw,Cin/groups,Cout], bias[Cout] or NULL, to
 * [B,Ho,Wo,Cout] with Ho = (H + 2 padding - kh) / stride + 1, rounded down. Zeros around x on all four sides. groups is
 * 1, or Cin = Cout: each channel by itself (depthwise). spec: encoder */
drift_tensor *drift_conv2d(drift_tape *tape, drift_tensor *x, drift_tensor *kernel, drift_tensor *bias, size_t stride,
                           size_t padding, size_t groups);

/* reduce.c: [..., n] to [...] */
drift_tensor *drift_reduce(drift_tape *tape, drift_reduce_kind kind, drift_tensor *x);

/* softmax.c: over the last dimension */
drift_tensor *drift_softmax(drift_tape *tape, drift_tensor *x);

/* norm.c: over the last dimension, [..., n]; weight and bias are [n] */
drift_tensor *drift_rms_norm(drift_tape *tape, double epsilon, drift_tensor *x, drift_tensor *weight);
drift_tensor *drift_layer_norm(drift_tape *tape, double epsilon, drift_tensor *x, drift_tensor *weight,
                               drift_tensor *bias);
/* (x - mean) / (deviation + epsilon): epsilon outside of the root, no weights. A row of equal numbers is 0, and so is
 * its gradient (spec: convnext) */
drift_tensor *drift_standardize(drift_tape *tape, double epsilon, drift_tensor *x);

/* attention.c: qkv[B, T, 3 D] = [q|k|v], each `heads` heads of d = D / heads side by side (spec: generator) */
/* norm over d of every head of q and k, with weights and biases [d] that the heads share: RMSNorm with `rms` (biases
 * are NULL), else LayerNorm; v passes through. With `turn` as drift_rope of the result */
drift_tensor *drift_head_norm(drift_tape *tape, double epsilon, int rms, size_t heads, drift_turn turn,
                              drift_tensor *qkv, drift_tensor *q_weight, drift_tensor *q_bias, drift_tensor *k_weight,
                              drift_tensor *k_bias);
/* rotary embedding of q and k, d even: (a, b) = elements (i, i + d/2) of the token at position t turn by the angle
 * t 10000^(-i / (d/2)); v passes through. bf16_angles: t, frequency, angle, cosine and sine rounded to bfloat16 */
drift_tensor *drift_rope(drift_tape *tape, size_t heads, int bf16_angles, drift_tensor *qkv);
/* [B, T, D] = softmax(q k^T d^-1/2) v, head by head, without a mask; scores exist a tile at a time */
drift_tensor *drift_attention(drift_tape *tape, size_t heads, drift_tensor *qkv);

/* channel_norm.c: of images x[batch, height, width, channels]. GroupNorm over an image's space and each of `groups`
 * runs of neighbouring channels, then max(0, .) where relu; scale and bias [channels] (spec: encoder) */
drift_tensor *drift_group_norm(drift_tape *tape, double epsilon, size_t groups, int relu, drift_tensor *x,
                               drift_tensor *scale, drift_tensor *bias);
/* Global response norm, gamma x n + beta + x; gamma and beta [channels], or [1, 1, 1, channels] (spec: convnext) */
drift_tensor *drift_grn(drift_tape *tape, double epsilon, drift_tensor *x, drift_tensor *gamma, drift_tensor *beta);

/* pool.c: x[batch, H, W, channels] to [batch, cells, channels], cells of height x width locations row major; height
 * divides H and width W. Mean, deviation or root mean square of each channel in the cell (spec: encoder) */
drift_tensor *drift_pool(drift_tape *tape, drift_pool_kind kind, double epsilon, drift_tensor *x, size_t height,
                         size_t width);

/* mask.c: x (1 - mask), mask[batch, H, W, 1] beside x[batch, H, W, channels]; and for each image, [batch],
 * sum mask (a - b)^2 / (sum mask + epsilon): over space and channels above, over space below (spec: encoder) */
drift_tensor *drift_hide(drift_tape *tape, drift_tensor *x, drift_tensor *mask);
drift_tensor *drift_masked_error(drift_tape *tape, double epsilon, drift_tensor *a, drift_tensor *b,
                                 drift_tensor *mask);

/* resize.c: x[batch, ., ., channels] to [batch, height, width, channels], bilinear with half-pixel centres and clamped
 * edges, antialiased where it shrinks (spec: convnext) */
drift_tensor *drift_resize(drift_tape *tape, drift_tensor *x, size_t height, size_t width);

/* modulate.c: adaptive norms and gates, "adaLN". mod [B, k D] holds k rows of D for each sample of x [B, T, D].
 * norm(x) (1 + row `scale`) + row `shift`: RMSNorm (rms 1) or LayerNorm, weight [D] or NULL; with
 * `bf16` stored as DRIFT_BF16. And x + row `gate` y */
drift_tensor *drift_norm_modulate(drift_tape *tape, double epsilon, int rms, int bf16, drift_tensor *x,
                                  drift_tensor *weight, drift_tensor *mod, size_t shift, size_t scale);
drift_tensor *drift_gated_add(drift_tape *tape, drift_tensor *x, drift_tensor *mod, size_t gate, drift_tensor *y);

/* embedding.c: rows of table [n, D] by number: y[b] = table[indices[b, column]], + x[b] unless x is NULL. indices are
 * I32 [B], or [B, k] where there are several tables. An index that is no row of the table is DRIFT_INVALID. */
drift_tensor *drift_embedding(drift_tape *tape, drift_tensor *x, drift_tensor *table, drift_tensor *indices,
                              size_t column);

/* distance.c: d[g, p] = |x_i - y_j| for x[g, dim], y[p, dim] */
drift_tensor *drift_distance(drift_tape *tape, drift_tensor *x, drift_tensor *y);

/* loss.c: mean over all elements of (a - b)^2, a scalar */
drift_tensor *drift_mean_square(drift_tape *tape, drift_tensor *a, drift_tensor *b);

/* layout.c: a and b side by side in the last dimension; columns first .. first + count - 1 of the last dimension;
 * [n, a, b, c] to [n, b, a, c] */
drift_tensor *drift_concat(drift_tape *tape, drift_tensor *a, drift_tensor *b);
drift_tensor *drift_slice(drift_tape *tape, size_t first, size_t count, drift_tensor *x);
drift_tensor *drift_swap(drift_tape *tape, drift_tensor *x);
/* An image [B, H, W, C] as patches [B, H/patch * W/patch, patch * patch * C], row major, each in the order (row,
 * column, channel): space to depth; and back. spec: generator */
drift_tensor *drift_patchify(drift_tape *tape, size_t patch, drift_tensor *image);
drift_tensor *drift_unpatchify(drift_tape *tape, size_t patch, size_t height, size_t width, drift_tensor *x);

/* cross_entropy.c: y[...] = -log softmax(logits[..., C])[labels]; labels are I32 [...], 0 .. C - 1 (else NaN) */
drift_tensor *drift_cross_entropy(drift_tape *tape, drift_tensor *logits, drift_tensor *labels);

/* view.c: the same elements in another shape; and x as a constant */
drift_tensor *drift_reshape(drift_tape *tape, drift_tensor *x, int dims, const size_t *size);
drift_tensor *drift_stop_gradient(drift_tape *tape, drift_tensor *x);

#endif
