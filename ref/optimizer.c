/* Updates of the parameter block: Adam, the moving average, the norm. */
#include "kernel.h"

void K(adam)(size_t n, const struct drift_adam *o, const real *g, real *m, real *v, real *theta)
{
    for (size_t i = 0; i < n; i++) {
        real gi = g[i] * (real)o->grad_scale;
        m[i] = (real)o->beta1 * m[i] + (real)(1 - o->beta1) * gi;
        v[i] = (real)o->beta2 * v[i] + (real)(1 - o->beta2) * (gi * gi);
        real m_hat = m[i] * (real)o->m_correction, v_hat = v[i] * (real)o->v_correction;
        theta[i] -= (real)o->lr * (m_hat / ((real)sqrt(v_hat) + (real)o->eps) + (real)o->decay * theta[i]);
    }
}

void K(ema)(size_t n, double decay, const real *theta, real *e)
{
    for (size_t i = 0; i < n; i++)
        e[i] += (real)(1 - decay) * (theta[i] - e[i]);
}

void K(sum_squares)(size_t n, const real *x, double *sum)
{
    *sum = 0;
    for (size_t i = 0; i < n; i++)
        *sum += (double)x[i] * x[i];
}
