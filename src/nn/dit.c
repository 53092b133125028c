/* The generator, from noise to image. B samples, T = grid^2 patches, n in-context tokens, width D, condition C. */
#include "nn/dit.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/real.h"

static const double EPSILON = 1e-6; /* of every norm */

static size_t grid_of(const drift_dit_config *c) { return c->input_size / c->patch_size; }

static int has_style(const drift_dit_config *c) { return c->noise_classes > 0 && c->noise_coords > 0; }

static drift_tensor *linear(const drift_dit *dit, drift_tape *tape, const drift_dit_linear *layer, drift_tensor *x)
{
    drift_tensor *kernel = &layer->kernel->tensor, *bias = &layer->bias->tensor;
    return dit->config.use_bf16 ? drift_linear_bf16(tape, x, kernel, bias) : drift_linear(tape, x, kernel, bias);
}

static drift_tensor *weight_of(const drift_param *p) { return p ? (drift_tensor *)&p->tensor : NULL; }

/* ---- the condition ---- */

/* [cos(a f_0), ..., sin(a f_0), ...] of each scale a, f_i = 10000^(-i/128) in float32 */
static drift_tensor *sinusoids(drift_tape *tape, drift_tensor *scale)
{
    enum { HALF = 128 };
    float frequency[HALF];
    for (int i = 0; i < HALF; i++)
        frequency[i] = (float)drift_exp(-drift_log(10000) * i / HALF);
    drift_tensor *column = drift_reshape(tape, scale, 2, (const size_t[]){drift_tensor_elements(scale), 1});
    drift_tensor *row = drift_tape_input(tape, 2, (const size_t[]){1, HALF}, frequency, 0);
    drift_tensor *angle = drift_linear(tape, column, row, NULL);
    return drift_concat(tape, drift_unary(tape, DRIFT_COS, angle), drift_unary(tape, DRIFT_SIN, angle));
}

/* [B, C] = class + styles + 0.02 RMSNorm(MLP(guidance scale)) */
static drift_tensor *condition(const drift_dit *dit, drift_tape *tape, drift_tensor *label, drift_tensor *cfg_scale,
                               drift_tensor *style)
{
    drift_tensor *cond = drift_embedding(tape, NULL, &dit->classes->tensor, label, 0);
    for (size_t k = 0; has_style(&dit->config) && k < dit->config.noise_coords; k++)
        cond = drift_embedding(tape, cond, &dit->style[k]->tensor, style, k);
    drift_tensor *x = linear(dit, tape, &dit->cfg[0], sinusoids(tape, cfg_scale));
    x = linear(dit, tape, &dit->cfg[1], drift_unary(tape, DRIFT_SILU, x));
    x = drift_rms_norm(tape, EPSILON, x, &dit->cfg_norm->tensor);
    return drift_add(tape, cond, drift_scale(tape, 0.02, x));
}

/* ---- tokens ---- */

/* x [B, count, D] or [B count, D] plus embed [1, count, D], as rows [B, count D] */
static drift_tensor *add_places(drift_tape *tape, drift_tensor *x, drift_param *embed, size_t batch)
{
    const size_t row = drift_tensor_elements(&embed->tensor);
    drift_tensor *bias = drift_reshape(tape, &embed->tensor, 1, &row);
    return drift_add_bias(tape, drift_reshape(tape, x, 2, (const size_t[]){batch, row}), bias);
}

/* [B, n D]: n times linear(cond), each with its own embedding */
static drift_tensor *in_context_tokens(const drift_dit *dit, drift_tape *tape, drift_tensor *cond)
{
    const size_t batch = cond->size[0], n = dit->config.n_cls_tokens, count = batch * n;
    drift_tensor *token = linear(dit, tape, &dit->tokens, cond);
    int32_t *sample = drift_tape_failed(tape) ? NULL : malloc(count * sizeof *sample + 1);
    if (!sample)
        return drift_tape_fail(tape, DRIFT_NO_MEMORY, "dit: no memory for %zu tokens", count);
    for (size_t i = 0; i < count; i++)
        sample[i] = (int32_t)(i / n);
    drift_tensor *tokens = drift_embedding(tape, NULL, token, drift_tape_indices(tape, 1, &count, sample), 0);
    free(sample);
    return add_places(tape, tokens, dit->cls_embed, batch);
}

/* [B, n + T, D]: in-context tokens, then the patches */
static drift_tensor *tokens(const drift_dit *dit, drift_tape *tape, drift_tensor *noise, drift_tensor *cond)
{
    const drift_dit_config *c = &dit->config;
    const size_t batch = noise->size[0], all = c->n_cls_tokens + grid_of(c) * grid_of(c);
    drift_tensor *x = linear(dit, tape, &dit->patches, drift_patchify(tape, c->patch_size, noise));
    x = add_places(tape, x, dit->pos_embed, batch);
    if (c->n_cls_tokens)
        x = drift_concat(tape, in_context_tokens(dit, tape, cond), x);
    return drift_reshape(tape, x, 3, (const size_t[]){batch, all, c->hidden_size});
}

/* ---- blocks ---- */

static drift_tensor *attention(const drift_dit *dit, const drift_dit_block *block, drift_tape *tape, drift_tensor *x)
{
    const drift_dit_config *c = &dit->config;
    const int bf16_angles = c->use_bf16 && !c->attn_fp32;
    const drift_turn turn = !c->use_rope ? DRIFT_TURN_NONE : bf16_angles ? DRIFT_TURN_BF16 : DRIFT_TURN;
    x = linear(dit, tape, &block->qkv, x);
    if (c->use_qknorm)
        x = drift_head_norm(tape, EPSILON, c->use_rmsnorm, c->num_heads, turn, x, weight_of(block->q_weight),
                            weight_of(block->q_bias), weight_of(block->k_weight), weight_of(block->k_bias));
    else if (c->use_rope)
        x = drift_rope(tape, c->num_heads, bf16_angles, x);
    return linear(dit, tape, &block->projection, drift_attention(tape, c->num_heads, x));
}

static drift_tensor *mlp(const drift_dit *dit, const drift_dit_block *block, drift_tape *tape, drift_tensor *x)
{
    if (!dit->config.use_swiglu)
        return linear(dit, tape, &block->mlp[1], drift_unary(tape, DRIFT_GELU, linear(dit, tape, &block->mlp[0], x)));
    drift_tensor *gate = linear(dit, tape, &block->mlp[0], x);
    return linear(dit, tape, &block->mlp[2],
                  drift_swiglu(tape, dit->config.use_bf16, gate, linear(dit, tape, &block->mlp[1], x)));
}

/* x += g1 attention(norm(x) (1 + c1) + s1);  x += g2 mlp(norm(x) (1 + c2) + s2). silu_cond is silu(cond). */
static drift_tensor *run_block(const drift_dit *dit, const drift_dit_block *block, drift_tape *tape, drift_tensor *x,
                               drift_tensor *silu_cond)
{
    enum { SHIFT1, SCALE1, GATE1, SHIFT2, SCALE2, GATE2 };
    const int rms = dit->config.use_rmsnorm, bf16 = dit->config.use_bf16;
    drift_tensor *mod =
        drift_linear(tape, silu_cond, &block->modulation.kernel->tensor, &block->modulation.bias->tensor);
    drift_tensor *y = drift_norm_modulate(tape, EPSILON, rms, bf16, x, weight_of(block->norm1), mod, SHIFT1, SCALE1);
    x = drift_gated_add(tape, x, mod, GATE1, attention(dit, block, tape, y));
    y = drift_norm_modulate(tape, EPSILON, rms, bf16, x, weight_of(block->norm2), mod, SHIFT2, SCALE2);
    return drift_gated_add(tape, x, mod, GATE2, mlp(dit, block, tape, y));
}

struct group {
    const drift_dit *dit;
    size_t first, end; /* blocks */
};

static drift_tensor *run_group(const void *context, drift_tape *tape, drift_tensor *const x[DRIFT_NODE_INPUTS])
{
    const struct group *g = context;
    drift_tensor *y = x[0];
    for (size_t i = g->first; i < g->end; i++)
        y = run_block(g->dit, &g->dit->block[i], tape, y, x[1]);
    return y;
}

static drift_tensor *run_blocks(const drift_dit *dit, drift_tape *tape, drift_tensor *x, drift_tensor *silu_cond)
{
    const drift_dit_config *c = &dit->config;
    const size_t chosen = c->checkpoint_blocks ? c->checkpoint_blocks : c->use_remat ? 1 : 0;
    const size_t step = drift_tape_recording(tape) ? chosen : 1; /* without a backward nothing inside is kept */
    struct group g = {dit, 0, c->depth};
    if (!step)
        return run_group(&g, tape, (drift_tensor *[DRIFT_NODE_INPUTS]){x, silu_cond});
    for (; g.first < c->depth; g.first = g.end) {
        g.end = c->depth - g.first < step ? c->depth : g.first + step;
        x = drift_tape_recompute(tape, run_group, &g, sizeof g, (drift_tensor *[DRIFT_NODE_INPUTS]){x, silu_cond});
    }
    return x;
}

/* ---- the whole ---- */

/* Patches only: norm, modulation, linear to pixels, back to the image. */
static drift_tensor *final_layer(const drift_dit *dit, drift_tape *tape, drift_tensor *x, drift_tensor *silu_cond)
{
    enum { SHIFT, SCALE };
    const drift_dit_config *c = &dit->config;
    const size_t batch = x->size[0], patches = grid_of(c) * grid_of(c), before = c->n_cls_tokens * c->hidden_size;
    if (before) {
        const size_t after = patches * c->hidden_size;
        x = drift_slice(tape, before, after, drift_reshape(tape, x, 2, (const size_t[]){batch, before + after}));
        x = drift_reshape(tape, x, 3, (const size_t[]){batch, patches, c->hidden_size});
    }
    drift_tensor *mod =
        drift_linear(tape, silu_cond, &dit->final_modulation.kernel->tensor, &dit->final_modulation.bias->tensor);
    x = drift_norm_modulate(tape, EPSILON, c->use_rmsnorm, c->use_bf16, x, weight_of(dit->final_norm), mod, SHIFT,
                            SCALE);
    return drift_unpatchify(tape, c->patch_size, c->input_size, c->input_size, linear(dit, tape, &dit->final, x));
}

static int fits(const drift_dit_config *c, const drift_tensor *noise, const drift_tensor *label,
                const drift_tensor *cfg_scale, const drift_tensor *style)
{
    const size_t batch = drift_tensor_elements(label);
    if (noise->dims != 4 || noise->size[0] != batch || noise->size[1] != c->input_size ||
        noise->size[2] != c->input_size || noise->size[3] != c->in_channels)
        return 0;
    if (label->dims != 1 || cfg_scale->dims != 1 || cfg_scale->size[0] != batch)
        return 0;
    return !has_style(c) || (style && style->dims == 2 && style->size[0] == batch && style->size[1] == c->noise_coords);
}

drift_tensor *drift_dit_forward(const drift_dit *dit, drift_tape *tape, drift_tensor *noise, drift_tensor *label,
                                drift_tensor *cfg_scale, drift_tensor *style)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!fits(&dit->config, noise, label, cfg_scale, style))
        return drift_tape_fail(tape, DRIFT_INVALID, "dit: noise is %s, label %s, cfg_scale %s, style %s",
                               drift_tensor_shape(noise), drift_tensor_shape(label), drift_tensor_shape(cfg_scale),
                               style ? drift_tensor_shape(style) : "none");
    drift_tensor *cond = condition(dit, tape, label, cfg_scale, style);
    drift_tensor *x = tokens(dit, tape, noise, cond), *silu_cond = drift_unary(tape, DRIFT_SILU, cond);
    x = run_blocks(dit, tape, x, silu_cond);
    return final_layer(dit, tape, x, silu_cond);
}
