/* The generator's settings checked, and its parameters declared under the names of the authors' tree. */
#include <stdarg.h>
#include <stdio.h>

#include "nn/dit.h"

/* ---- settings ---- */

enum { MOST = 1 << 20 }; /* of any size: products of three of them do not overflow */

static drift_status check_sizes(const drift_dit_config *c)
{
    const struct {
        const char *key;
        size_t value, most;
    } sizes[] = {{"cond_dim", c->cond_dim, MOST},           {"num_classes", c->num_classes, MOST},
                 {"input_size", c->input_size, 1 << 14},    {"in_channels", c->in_channels, 1 << 10},
                 {"patch_size", c->patch_size, 1 << 14},    {"hidden_size", c->hidden_size, MOST},
                 {"depth", c->depth, DRIFT_DIT_MAX_DEPTH},  {"num_heads", c->num_heads, MOST},
                 {"out_channels", c->out_channels, 1 << 10}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < 1 || sizes[i].value > sizes[i].most)
            return drift_fail(DRIFT_INVALID, "%s %zu: expected 1 to %zu", sizes[i].key, sizes[i].value, sizes[i].most);
    if (c->noise_classes > MOST)
        return drift_fail(DRIFT_INVALID, "noise_classes %zu: expected at most %d", c->noise_classes, MOST);
    if (c->noise_coords > DRIFT_DIT_MAX_STYLES)
        return drift_fail(DRIFT_INVALID, "noise_coords %zu: expected at most %d", c->noise_coords,
                          DRIFT_DIT_MAX_STYLES);
    if (c->n_cls_tokens > 1 << 16)
        return drift_fail(DRIFT_INVALID, "n_cls_tokens %zu: expected at most %d", c->n_cls_tokens, 1 << 16);
    return DRIFT_OK;
}

drift_status drift_dit_check(const drift_dit_config *c)
{
    drift_status status = check_sizes(c);
    if (status)
        return status;
    if (c->input_size % c->patch_size)
        return drift_fail(DRIFT_INVALID, "patch_size %zu does not divide input_size %zu", c->patch_size, c->input_size);
    if (c->hidden_size % c->num_heads)
        return drift_fail(DRIFT_INVALID, "num_heads %zu does not divide hidden_size %zu", c->num_heads, c->hidden_size);
    if (c->hidden_size % 4)
        return drift_fail(DRIFT_INVALID, "hidden_size %zu: expected a multiple of 4, for the position embedding",
                          c->hidden_size);
    if (c->use_rope && c->hidden_size / c->num_heads % 2)
        return drift_fail(DRIFT_INVALID,
                          "hidden_size %zu and num_heads %zu: use_rope needs an even width of a head, not %zu",
                          c->hidden_size, c->num_heads, c->hidden_size / c->num_heads);
    if (!(c->mlp_ratio > 0 && c->mlp_ratio <= 64) || !drift_dit_mlp_width(c))
        return drift_fail(DRIFT_INVALID, "mlp_ratio %g: expected a number above 0, at most 64, that leaves a width",
                          c->mlp_ratio);
    return DRIFT_OK;
}

size_t drift_dit_mlp_width(const drift_dit_config *c)
{
    const size_t width = (size_t)((double)c->hidden_size * c->mlp_ratio);
    return c->use_swiglu ? ((size_t)(2.0 / 3.0 * (double)width) + 31) / 32 * 32 : width;
}

/* ---- parameters ---- */

/* What is being declared: names are the path, then what add() is given. */
struct tree {
    drift_params *params;
    char path[DRIFT_PARAM_NAME];
};

static drift_param *add(const struct tree *t, const char *name, int dims, const size_t *size, drift_init init,
                        double scale)
{
    char full[2 * DRIFT_PARAM_NAME];
    snprintf(full, sizeof full, "%s%s", t->path, name);
    return drift_params_add(t->params, full, dims, size, init, scale);
}

static drift_param *add_weight(const struct tree *t, const char *name, size_t width)
{
    return add(t, name, 1, &width, DRIFT_INIT_ONES, 1);
}

static drift_dit_linear add_linear(const struct tree *t, int number, size_t in, size_t out, drift_init init,
                                   double scale)
{
    char name[64];
    drift_dit_linear l;
    snprintf(name, sizeof name, "TorchLinear_%d/Dense_0/kernel", number);
    l.kernel = add(t, name, 2, (const size_t[]){in, out}, init, scale);
    snprintf(name, sizeof name, "TorchLinear_%d/Dense_0/bias", number);
    l.bias = add(t, name, 1, &out, DRIFT_INIT_ZEROS, 1);
    return l;
}

static struct tree below(drift_params *params, const char *format, ...) DRIFT_PRINTF(2, 3);
static struct tree below(drift_params *params, const char *format, ...)
{
    struct tree t = {.params = params};
    va_list args;
    va_start(args, format);
    vsnprintf(t.path, sizeof t.path, format, args);
    va_end(args);
    return t;
}

static const double DEVIATION = 0.02; /* of embeddings and of the guidance scale's MLP */

static void add_condition(drift_dit *dit, drift_params *params)
{
    const drift_dit_config *c = &dit->config;
    const size_t width = c->cond_dim;
    struct tree t = below(params, "Embed_0/");
    dit->classes = add(&t, "embedding", 2, (const size_t[]){c->num_classes, width}, DRIFT_INIT_NORMAL, DEVIATION);
    for (size_t k = 0; c->noise_classes && k < c->noise_coords; k++) {
        t = below(params, "noise_embeds_%zu/", k);
        dit->style[k] =
            add(&t, "embedding", 2, (const size_t[]){c->noise_classes, width}, DRIFT_INIT_NORMAL, DEVIATION);
    }
    t = below(params, "TimestepEmbedder_0/");
    dit->cfg[0] = add_linear(&t, 0, 256, width, DRIFT_INIT_NORMAL, DEVIATION);
    dit->cfg[1] = add_linear(&t, 1, width, width, DRIFT_INIT_NORMAL, DEVIATION);
    t = below(params, "RMSNorm_0/");
    dit->cfg_norm = add_weight(&t, "weight", width);
}

static void add_tokens(drift_dit *dit, drift_params *params)
{
    const drift_dit_config *c = &dit->config;
    const size_t grid = c->input_size / c->patch_size, pixels = c->patch_size * c->patch_size * c->in_channels;
    const struct tree t = below(params, "LightningDiT_0/");
    dit->pos_embed = add(&t, "pos_embed", 3, (const size_t[]){1, grid * grid, c->hidden_size}, DRIFT_INIT_POSITION, 1);
    dit->patches = add_linear(&t, 0, pixels, c->hidden_size, DRIFT_INIT_XAVIER, 1);
    if (!c->n_cls_tokens)
        return;
    dit->tokens = add_linear(&t, 1, c->cond_dim, c->hidden_size, DRIFT_INIT_XAVIER, 1);
    dit->cls_embed =
        add(&t, "cls_embed", 3, (const size_t[]){1, c->n_cls_tokens, c->hidden_size}, DRIFT_INIT_NORMAL, DEVIATION);
}

static void add_attention(drift_dit_block *b, const drift_dit_config *c, drift_params *params, size_t i)
{
    const size_t width = c->hidden_size, head = width / c->num_heads;
    const struct tree t = below(params, "LightningDiT_0/blocks_%zu/Attention_0/", i);
    b->qkv = add_linear(&t, 0, width, 3 * width, DRIFT_INIT_XAVIER, 1);
    b->projection = add_linear(&t, 1, width, width, DRIFT_INIT_XAVIER, 1);
    if (!c->use_qknorm)
        return;
    const char *const weight = c->use_rmsnorm ? "weight" : "scale";
    const struct tree q = below(params, "LightningDiT_0/blocks_%zu/Attention_0/q_norm/", i);
    const struct tree k = below(params, "LightningDiT_0/blocks_%zu/Attention_0/k_norm/", i);
    b->q_weight = add_weight(&q, weight, head);
    b->k_weight = add_weight(&k, weight, head);
    if (!c->use_rmsnorm) {
        b->q_bias = add(&q, "bias", 1, &head, DRIFT_INIT_ZEROS, 1);
        b->k_bias = add(&k, "bias", 1, &head, DRIFT_INIT_ZEROS, 1);
    }
}

static void add_block(drift_dit_block *b, const drift_dit_config *c, drift_params *params, size_t i)
{
    const size_t width = c->hidden_size, inner = drift_dit_mlp_width(c);
    struct tree t = below(params, "LightningDiT_0/blocks_%zu/", i);
    b->modulation = add_linear(&t, 0, c->cond_dim, 6 * width, DRIFT_INIT_ZEROS, 1);
    if (c->use_rmsnorm) {
        b->norm1 = add_weight(&t, "RMSNorm_0/weight", width);
        b->norm2 = add_weight(&t, "RMSNorm_1/weight", width);
    }
    add_attention(b, c, params, i);
    t = below(params, "LightningDiT_0/blocks_%zu/%s/", i, c->use_swiglu ? "SwiGLUFFN_0" : "StandardMLP_0");
    const int last = c->use_swiglu ? 2 : 1;
    for (int k = 0; k < last; k++)
        b->mlp[k] = add_linear(&t, k, width, inner, DRIFT_INIT_XAVIER, 1);
    b->mlp[last] = add_linear(&t, last, inner, width, DRIFT_INIT_XAVIER, 1);
}

static void add_final(drift_dit *dit, drift_params *params)
{
    const drift_dit_config *c = &dit->config;
    const struct tree t = below(params, "LightningDiT_0/FinalLayer_0/");
    if (c->use_rmsnorm)
        dit->final_norm = add_weight(&t, "RMSNorm_0/weight", c->hidden_size);
    dit->final_modulation = add_linear(&t, 0, c->cond_dim, 2 * c->hidden_size, DRIFT_INIT_ZEROS, 1);
    dit->final =
        add_linear(&t, 1, c->hidden_size, c->patch_size * c->patch_size * c->out_channels, DRIFT_INIT_ZEROS, 1);
}

drift_status drift_dit_new(drift_dit *dit, const drift_dit_config *config, drift_params *params)
{
    drift_status status = drift_dit_check(config);
    if (status)
        return status;
    *dit = (drift_dit){.config = *config};
    add_condition(dit, params);
    add_tokens(dit, params);
    for (size_t i = 0; i < config->depth; i++)
        add_block(&dit->block[i], config, params, i);
    add_final(dit, params);
    return params->status;
}
