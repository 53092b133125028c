/* Norms done wrong: LayerNorm for RMSNorm, their place before or after the rotary embedding, shift and scale exchanged,
 * sample variances. Each is the double backend's own op with other arguments. */
#include <math.h>

#include "cpu/cpu.h"
#include "golden/mistakes.h"

static const drift_backend *right(void) { return drift_cpu_backend(DRIFT_F64); }

static const struct drift_golden_wrong *wrong_of(const drift_backend *backend) { return backend->state; }
#define MAKES(backend, bit) (wrong_of(backend)->mistakes & DRIFT_MISTAKE(bit))

/* A tensor like x, zeroed. */
static drift_status zeros_like(const drift_tensor *x, drift_tensor *y)
{
    *y = drift_tensor_of(right(), x->dims, x->size);
    drift_status status = right()->alloc(right(), drift_tensor_bytes(y), &y->data);
    return status ? status : right()->zero(right(), y->data, drift_tensor_bytes(y));
}

static void give_back(drift_tensor *x) { right()->free(right(), x->data); }

/* ---- modulation ---- */

/* Whether shift and scale change places: a block's modulation has six rows, the final layer's two. */
static int exchanges(const drift_backend *b, const drift_tensor *x, const drift_tensor *mod)
{
    const size_t rows = mod->size[1] / x->size[2];
    return MAKES(b, SHIFT_SCALE) || (MAKES(b, SHIFT_SCALE_BLOCKS) && rows > 2);
}

static drift_status norm_modulate(const drift_backend *b, double epsilon, int rms, const drift_tensor *x,
                                  const drift_tensor *weight, const drift_tensor *mod, size_t shift, size_t scale,
                                  drift_tensor *y)
{
    const int swap = exchanges(b, x, mod);
    return right()->norm_modulate(right(), epsilon, rms && !MAKES(b, LAYERNORM), x, weight, mod, swap ? scale : shift,
                                  swap ? shift : scale, y);
}

static drift_status norm_modulate_backward(const drift_backend *b, double epsilon, int rms, const drift_tensor *x,
                                           const drift_tensor *weight, const drift_tensor *mod, size_t shift,
                                           size_t scale, const drift_tensor *dy, drift_tensor *dx,
                                           drift_tensor *dweight, drift_tensor *dmod)
{
    const int swap = exchanges(b, x, mod);
    return right()->norm_modulate_backward(right(), epsilon, rms && !MAKES(b, LAYERNORM), x, weight, mod,
                                           swap ? scale : shift, swap ? shift : scale, dy, dx, dweight, dmod);
}

/* ---- the guidance embedding's norm ---- */

static drift_status rms_norm(const drift_backend *b, double epsilon, const drift_tensor *x, const drift_tensor *weight,
                             drift_tensor *y)
{
    drift_tensor bias;
    (void)b;
    drift_status status = zeros_like(weight, &bias);
    if (!status)
        status = right()->layer_norm(right(), epsilon, x, weight, &bias, y);
    give_back(&bias);
    return status;
}

static drift_status rms_norm_backward(const drift_backend *b, double epsilon, const drift_tensor *x,
                                      const drift_tensor *weight, const drift_tensor *dy, drift_tensor *dx,
                                      drift_tensor *dweight)
{
    (void)b;
    return right()->layer_norm_backward(right(), epsilon, x, weight, dy, dx, dweight, NULL);
}

/* ---- norms of q and k, with the rotary embedding after them (or, wrong, before) ---- */

static drift_status bare_norm(const drift_backend *b, double epsilon, int rms, size_t heads, const drift_tensor *x,
                              const drift_tensor *q_weight, const drift_tensor *q_bias, const drift_tensor *k_weight,
                              const drift_tensor *k_bias, drift_tensor *y)
{
    drift_tensor none;
    if (!rms || !MAKES(b, LAYERNORM))
        return right()->head_norm(right(), epsilon, rms, heads, DRIFT_TURN_NONE, x, q_weight, q_bias, k_weight, k_bias,
                                  y);
    drift_status status = zeros_like(q_weight, &none);
    if (!status)
        status =
            right()->head_norm(right(), epsilon, 0, heads, DRIFT_TURN_NONE, x, q_weight, &none, k_weight, &none, y);
    give_back(&none);
    return status;
}

/* y (+)= x turned, or turned back, as the backend does it. */
static drift_status turn(const drift_backend *b, size_t heads, drift_turn kind, int back, const drift_tensor *x,
                         int accumulate, drift_tensor *y)
{
    return b->rope(b, heads, kind == DRIFT_TURN_BF16, back, x, accumulate, y);
}

static drift_status head_norm(const drift_backend *b, double epsilon, int rms, size_t heads, drift_turn kind,
                              const drift_tensor *x, const drift_tensor *q_weight, const drift_tensor *q_bias,
                              const drift_tensor *k_weight, const drift_tensor *k_bias, drift_tensor *y)
{
    const int late = kind && MAKES(b, QKNORM_LATE);
    drift_tensor turned = {.data = NULL};
    drift_status status = zeros_like(x, &turned);
    if (!status && late)
        status = turn(b, heads, kind, 0, x, 0, &turned);
    if (!status)
        status = bare_norm(b, epsilon, rms, heads, late ? &turned : x, q_weight, q_bias, k_weight, k_bias, y);
    if (!status && kind && !late)
        status = turn(b, heads, kind, 0, y, 0, y);
    give_back(&turned);
    return status;
}

static drift_status head_norm_backward(const drift_backend *b, double epsilon, int rms, size_t heads, drift_turn kind,
                                       const drift_tensor *x, const drift_tensor *q_weight,
                                       const drift_tensor *k_weight, const drift_tensor *dy, int accumulate,
                                       drift_tensor *dx, drift_tensor *dq_weight, drift_tensor *dq_bias,
                                       drift_tensor *dk_weight, drift_tensor *dk_bias)
{
    const int late = kind && MAKES(b, QKNORM_LATE);
    drift_tensor turned = {.data = NULL}, gradient = {.data = NULL};
    drift_status status = zeros_like(x, &turned);
    if (!status)
        status = zeros_like(x, &gradient);
    if (!status && late)
        status = turn(b, heads, kind, 0, x, 0, &turned);
    else if (!status && kind)
        status = turn(b, heads, kind, 1, dy, 0, &turned);
    if (!status)
        status = right()->head_norm_backward(right(), epsilon, rms && !MAKES(b, LAYERNORM), heads, DRIFT_TURN_NONE,
                                             late ? &turned : x, q_weight, k_weight, kind && !late ? &turned : dy, 0,
                                             &gradient, dq_weight, dq_bias, dk_weight, dk_bias);
    if (!status && dx && late)
        status = turn(b, heads, kind, 1, &gradient, accumulate, dx);
    else if (!status && dx && accumulate)
        status = right()->axpy(right(), 1, NULL, &gradient, dx);
    else if (!status && dx)
        status = right()->copy(right(), dx->data, gradient.data, drift_tensor_bytes(dx));
    give_back(&turned);
    give_back(&gradient);
    return status;
}

/* ---- sample variance ---- */

/* (x - mean) / sqrt(v n/(n-1) + e) = sqrt((n-1)/n) (x - mean) / sqrt(v + e (n-1)/n): the right norm with another
 * epsilon and a smaller scale. */
static double shrink_of(const drift_tensor *x, size_t groups)
{
    const double n = (double)(x->size[1] * x->size[2] * (x->size[3] / groups));
    return n > 1 ? (n - 1) / n : 1;
}

static drift_status group_norm(const drift_backend *b, double epsilon, size_t groups, int relu, const drift_tensor *x,
                               const drift_tensor *scale, const drift_tensor *bias, drift_tensor *y,
                               drift_tensor *statistics)
{
    const double shrink = shrink_of(x, groups);
    drift_tensor smaller;
    (void)b;
    drift_status status = zeros_like(scale, &smaller);
    if (!status)
        status = right()->scale(right(), sqrt(shrink), scale, &smaller);
    if (!status)
        status = right()->group_norm(right(), epsilon * shrink, groups, relu, x, &smaller, bias, y, statistics);
    give_back(&smaller);
    return status;
}

static drift_status group_norm_backward(const drift_backend *b, size_t groups, int relu, const drift_tensor *x,
                                        const drift_tensor *scale, const drift_tensor *bias,
                                        const drift_tensor *statistics, const drift_tensor *dy, drift_tensor *dx,
                                        drift_tensor *dscale, drift_tensor *dbias)
{
    const double shrink = shrink_of(x, groups);
    drift_tensor smaller = {.data = NULL}, gradient = {.data = NULL};
    (void)b;
    drift_status status = zeros_like(scale, &smaller);
    if (!status)
        status = zeros_like(scale, &gradient);
    if (!status)
        status = right()->scale(right(), sqrt(shrink), scale, &smaller);
    if (!status)
        status = right()->group_norm_backward(right(), groups, relu, x, &smaller, bias, statistics, dy, dx,
                                              dscale ? &gradient : NULL, dbias);
    if (!status && dscale)
        status = right()->axpy(right(), sqrt(shrink), NULL, &gradient, dscale);
    give_back(&smaller);
    give_back(&gradient);
    return status;
}

/* The same of a deviation: r sqrt(v + e / r^2) with r = sqrt(n/(n-1)). */
static drift_status pool(const drift_backend *b, drift_pool_kind kind, double epsilon, size_t height, size_t width,
                         const drift_tensor *x, drift_tensor *mean, drift_tensor *y)
{
    const double n = (double)(height * width), r = n > 1 ? sqrt(n / (n - 1)) : 1;
    (void)b;
    if (kind != DRIFT_POOL_STD)
        return right()->pool(right(), kind, epsilon, height, width, x, mean, y);
    drift_status status = right()->pool(right(), kind, epsilon / (r * r), height, width, x, mean, y);
    return status ? status : right()->scale(right(), r, y, y);
}

static drift_status pool_backward(const drift_backend *b, drift_pool_kind kind, size_t height, size_t width,
                                  const drift_tensor *x, const drift_tensor *mean, const drift_tensor *y,
                                  const drift_tensor *dy, drift_tensor *dx)
{
    const double n = (double)(height * width), r = n > 1 ? sqrt(n / (n - 1)) : 1;
    drift_tensor value = {.data = NULL}, gradient = {.data = NULL};
    (void)b;
    if (kind != DRIFT_POOL_STD)
        return right()->pool_backward(right(), kind, height, width, x, mean, y, dy, dx);
    drift_status status = zeros_like(y, &value);
    if (!status)
        status = zeros_like(dy, &gradient);
    if (!status)
        status = right()->scale(right(), 1 / r, y, &value);
    if (!status)
        status = right()->scale(right(), r, dy, &gradient);
    if (!status)
        status = right()->pool_backward(right(), kind, height, width, x, mean, &value, &gradient, dx);
    give_back(&value);
    give_back(&gradient);
    return status;
}

void drift_golden_wrong_norms(struct drift_golden_wrong *wrong)
{
    drift_backend *b = &wrong->backend;
    if (MAKES(b, SHIFT_SCALE) || MAKES(b, SHIFT_SCALE_BLOCKS) || MAKES(b, LAYERNORM)) {
        b->norm_modulate = norm_modulate;
        b->norm_modulate_backward = norm_modulate_backward;
    }
    if (MAKES(b, LAYERNORM_CFG)) {
        b->rms_norm = rms_norm;
        b->rms_norm_backward = rms_norm_backward;
    }
    if (MAKES(b, QKNORM_LATE) || MAKES(b, LAYERNORM) || MAKES(b, ROPE_INTERLEAVED)) {
        b->head_norm = head_norm;
        b->head_norm_backward = head_norm_backward;
    }
    if (MAKES(b, VARIANCE_NORM)) {
        b->group_norm = group_norm;
        b->group_norm_backward = group_norm_backward;
    }
    if (MAKES(b, VARIANCE_STD)) {
        b->pool = pool;
        b->pool_backward = pool_backward;
    }
}
