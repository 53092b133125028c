/* Cross-entropy: blocks of whole rows. */
#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 16384 }; /* elements from which threads pay */

drift_status CPU(cross_entropy)(const drift_backend *backend, const drift_tensor *x, const drift_tensor *labels,
                                drift_tensor *y)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data;
    const int32_t *label = labels->data;
    real *py = y->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        const size_t at = block_start(cut, i);
        kernels()->cross_entropy(block_size(cut, i), cols, px + at * cols, label + at, py + at);
    }
    return DRIFT_OK;
}

drift_status CPU(cross_entropy_backward)(const drift_backend *backend, const drift_tensor *x,
                                         const drift_tensor *labels, const drift_tensor *dy, drift_tensor *dx)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data, *pdy = dy->data;
    const int32_t *label = labels->data;
    real *pdx = dx->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        const size_t at = block_start(cut, i);
        kernels()->cross_entropy_backward(block_size(cut, i), cols, px + at * cols, label + at, pdy + at,
                                          pdx + at * cols);
    }
    return DRIFT_OK;
}
