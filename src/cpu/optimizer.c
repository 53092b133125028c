/* Loops over a whole block of parameters: Adam, moving average, sum of squares, random values. */
#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { BLOCK = 8192, WORTH = 4 * BLOCK };

drift_status CPU(adam)(const drift_backend *backend, const drift_adam_step *step, const drift_tensor *gradient,
                       drift_tensor *m, drift_tensor *v, drift_tensor *value)
{
    (void)backend;
    const struct drift_adam o = {step->learning_rate,   step->beta1,          step->beta2,
                                 step->epsilon,         step->weight_decay,   step->gradient_scale,
                                 1 / step->correction1, 1 / step->correction2};
    const real *g = gradient->data;
    real *pm = m->data, *pv = v->data, *p = value->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(value), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i);
        kernels()->adam(block_size(cut, i), &o, g + at, pm + at, pv + at, p + at);
    }
    return DRIFT_OK;
}

drift_status CPU(ema)(const drift_backend *backend, double decay, const drift_tensor *value, drift_tensor *average)
{
    (void)backend;
    const real *p = value->data;
    real *e = average->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(value), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i);
        kernels()->ema(block_size(cut, i), decay, p + at, e + at);
    }
    return DRIFT_OK;
}

drift_status CPU(sum_squares)(const drift_backend *backend, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    enum { PARTS = 256 };
    double part[PARTS], sum = 0;
    const real *px = x->data;
    const size_t n = drift_tensor_elements(x), each = (n + PARTS - 1) / PARTS;
    const struct blocks cut = blocks_of(n, each > BLOCK ? each : BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++)
        kernels()->sum_squares(block_size(cut, i), px + block_start(cut, i), &part[i]);
    for (ptrdiff_t i = 0; i < cut.count; i++)
        sum += part[i];
    *(real *)y->data = (real)sum;
    return DRIFT_OK;
}

/* y = low + (high - low) u, one fma each */
drift_status CPU(random_uniform)(const drift_backend *backend, const drift_stream *stream, double low, double high,
                                 drift_tensor *y)
{
    (void)backend;
    enum { PIECE = 1024 };
    real *py = y->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(y), PIECE);
#pragma omp parallel for schedule(static) if (cut.n >= BLOCK)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        real u[PIECE];
        size_t at = block_start(cut, i), n = block_size(cut, i);
        kernels()->random_uniform(n, stream->seed, stream->first + at, stream->step, stream->purpose, u);
        for (size_t j = 0; j < n; j++)
            py[at + j] = (real)low;
        kernels()->axpy(n, (real)(high - low), u, py + at);
    }
    return DRIFT_OK;
}

drift_status CPU(random_normal)(const drift_backend *backend, const drift_stream *stream, double deviation,
                                drift_tensor *y)
{
    (void)backend;
    real *py = y->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(y), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= BLOCK)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i), n = block_size(cut, i);
        kernels()->random_normal(n, stream->seed, stream->first + at, stream->step, stream->purpose, py + at);
        if (deviation != 1)
            kernels()->scale(n, (real)deviation, py + at, py + at);
    }
    return DRIFT_OK;
}

/* Draws block `at` of y, then again what lies beyond 2. */
static void draw_truncated(const drift_stream *stream, size_t total, size_t at, size_t n, real *y)
{
    real again[BLOCK];
    size_t beyond = n;
    for (size_t attempt = 0; beyond; attempt++) {
        kernels()->random_normal(n, stream->seed, stream->first + attempt * total + at, stream->step, stream->purpose,
                                 attempt ? again : y);
        beyond = 0;
        for (size_t i = 0; i < n; i++) {
            if (attempt && !(y[i] >= -2 && y[i] <= 2))
                y[i] = again[i];
            beyond += !(y[i] >= -2 && y[i] <= 2);
        }
    }
}

drift_status CPU(random_truncated)(const drift_backend *backend, const drift_stream *stream, double deviation,
                                   drift_tensor *y)
{
    (void)backend;
    real *py = y->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(y), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= BLOCK)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i), n = block_size(cut, i);
        draw_truncated(stream, cut.n, at, n, py + at);
        kernels()->scale(n, (real)deviation, py + at, py + at);
    }
    return DRIFT_OK;
}
