/* Updates of the parameter block: Adam, the moving average, the norm. */
#include "kernel.h"

typedef struct adam_lanes {
    vec beta1, rest1, beta2, rest2, eps, decay, minus_lr, grad_scale, m_correction, v_correction;
} adam_lanes;

static inline __attribute__((always_inline)) void adam_step(const adam_lanes *o, vec g, vec *m, vec *v, vec *theta)
{
    g = vec_mul(g, o->grad_scale);
    *m = vec_fma(o->beta1, *m, vec_mul(o->rest1, g));
    *v = vec_fma(o->beta2, *v, vec_mul(o->rest2, vec_mul(g, g)));
    vec root = vec_add(vec_sqrt(vec_mul(*v, o->v_correction)), o->eps);
    vec change = vec_fma(o->decay, *theta, vec_div(vec_mul(*m, o->m_correction), root));
    *theta = vec_fma(o->minus_lr, change, *theta);
}

void K(adam)(size_t n, const struct drift_adam *o, const float *g, float *m, float *v, float *theta)
{
    adam_lanes lanes = {vec_set1((float)o->beta1),        vec_set1((float)(1 - o->beta1)),
                        vec_set1((float)o->beta2),        vec_set1((float)(1 - o->beta2)),
                        vec_set1((float)o->eps),          vec_set1((float)o->decay),
                        vec_set1((float)-o->lr),          vec_set1((float)o->grad_scale),
                        vec_set1((float)o->m_correction), vec_set1((float)o->v_correction)};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec mi = vec_load(m + i), vi = vec_load(v + i), ti = vec_load(theta + i);
        adam_step(&lanes, vec_load(g + i), &mi, &vi, &ti);
        vec_store(m + i, mi);
        vec_store(v + i, vi);
        vec_store(theta + i, ti);
    }
    ptrdiff_t left = (ptrdiff_t)(n - i);
    vec mi = vec_load_n(m + i, left, 0), vi = vec_load_n(v + i, left, 0), ti = vec_load_n(theta + i, left, 0);
    adam_step(&lanes, vec_load_n(g + i, left, 0), &mi, &vi, &ti);
    vec_store_n(m + i, left, mi);
    vec_store_n(v + i, left, vi);
    vec_store_n(theta + i, left, ti);
}

static inline __attribute__((always_inline)) vec ema_step(vec rest, vec theta, vec e)
{
    return vec_fma(rest, vec_sub(theta, e), e);
}

void K(ema)(size_t n, double decay, const float *theta, float *e)
{
    vec rest = vec_set1((float)(1 - decay));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(e + i, ema_step(rest, vec_load(theta + i), vec_load(e + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    vec_store_n(e + i, left, ema_step(rest, vec_load_n(theta + i, left, 0), vec_load_n(e + i, left, 0)));
}

/* In double, where the square of a float is exact: sixteen sums, element i in sum i % 16, then the tree. */
void K(sum_squares)(size_t n, const float *x, double *sum)
{
    double lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += (double)x[i + (size_t)j] * x[i + (size_t)j];
    for (int j = 0; i < n; i++, j++)
        lane[j] += (double)x[i] * x[i];
    for (int half = LANES / 2; half; half /= 2)
        for (int j = 0; j < half; j++)
            lane[j] += lane[j + half];
    *sum = lane[0];
}
