/* Rounding to bfloat16, and linear layers in it: factors rounded into scratch memory, products of floats, results
 * rounded. */
#include <stdint.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"
#include "cpu/matmul.h"

enum { BLOCK = 8192, WORTH = 32768 };

/* to = r(x), x real or BF16 */
static void round_to(const drift_tensor *x, real *to)
{
    const struct blocks cut = blocks_of(drift_tensor_elements(x), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        const size_t at = block_start(cut, i), n = block_size(cut, i);
        if (x->dtype == DRIFT_BF16)
            kernels()->bf16_unpack(n, (const uint16_t *)x->data + at, to + at);
        else
            kernels()->bf16_round(n, (const real *)x->data + at, to + at);
    }
}

drift_status CPU(round_bf16)(const drift_backend *backend, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    round_to(x, y->data);
    return DRIFT_OK;
}

/* y = r(r(y) + r(bias)) */
static void finish(const drift_tensor *bias, drift_tensor *y)
{
    const size_t cols = drift_tensor_row_size(y);
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(y), cols);
    real *py = y->data;
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        const size_t at = block_start(cut, i) * cols, rows = block_size(cut, i);
        if (bias)
            kernels()->bf16_add_row(rows, cols, py + at, bias->data, py + at);
        else
            kernels()->bf16_round(rows * cols, py + at, py + at);
    }
}

/* r(x) and r(w), one after the other in scratch memory; those not wanted are left out. */
static drift_status round_factors(const drift_tensor *x, int want_x, const drift_tensor *w, int want_w, real **rx,
                                  real **rw)
{
    const size_t nx = want_x ? drift_tensor_elements(x) : 0, nw = want_w ? drift_tensor_elements(w) : 0;
    const size_t bytes = (nx + nw) * sizeof(real);
    *rx = CPU(scratch)(bytes);
    if (!*rx && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu bytes", bytes);
    *rw = *rx + nx;
    if (want_x)
        round_to(x, *rx);
    if (want_w)
        round_to(w, *rw);
    return DRIFT_OK;
}

drift_status CPU(linear_bf16)(const drift_backend *backend, const drift_tensor *x, const drift_tensor *w,
                              const drift_tensor *bias, drift_tensor *y)
{
    (void)backend;
    real *rx, *rw;
    drift_status status = round_factors(x, 1, w, 1, &rx, &rw);
    if (status)
        return status;
    const struct drift_gemm g = drift_gemm_of(1, drift_tensor_rows(x), w->size[1], w->size[0], 0, 0);
    status = CPU(gemm)(&g, rx, rw, NULL, y->data);
    if (!status)
        finish(bias, y);
    return status;
}

drift_status CPU(linear_bf16_backward)(const drift_backend *backend, const drift_tensor *x, const drift_tensor *w,
                                       const drift_tensor *dy, int accumulate_x, drift_tensor *dx, int accumulate_w,
                                       drift_tensor *dw)
{
    (void)backend;
    const size_t rows = drift_tensor_rows(x), in = w->size[0], out = w->size[1];
    real *rx, *rw;
    drift_status status = round_factors(x, dw != NULL, w, dx != NULL, &rx, &rw);
    if (dw && !status) {
        struct drift_gemm g = drift_gemm_of(1, in, out, rows, 1, 0);
        g.accumulate = accumulate_w;
        status = CPU(gemm)(&g, rx, dy->data, NULL, dw->data);
    }
    if (dx && !status) {
        struct drift_gemm g = drift_gemm_of(1, rows, in, out, 0, 1);
        g.accumulate = accumulate_x;
        status = CPU(gemm)(&g, dy->data, rw, NULL, dx->data);
    }
    return status;
}
