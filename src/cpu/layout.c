/* Ops that only move numbers. */
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 32768 }; /* elements from which threads pay */

static void move(size_t n, const real *x, int accumulate, real *y)
{
    if (accumulate)
        kernels()->add(n, y, x, y);
    else
        memcpy(y, x, n * sizeof *y);
}

drift_status CPU(copy_columns)(const drift_backend *backend, size_t n, size_t x_column, const drift_tensor *x,
                               int accumulate, size_t y_column, drift_tensor *y)
{
    (void)backend;
    const size_t x_row = drift_tensor_row_size(x), y_row = drift_tensor_row_size(y);
    const real *px = x->data;
    real *py = y->data;
    const struct blocks cut = blocks_of_rows(n ? drift_tensor_rows(x) : 0, n);
#pragma omp parallel for schedule(static) if (cut.n * n >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++)
        for (size_t r = block_start(cut, i), end = r + block_size(cut, i); r < end; r++)
            move(n, px + r * x_row + x_column, accumulate, py + r * y_row + y_column);
    return DRIFT_OK;
}

/* Each block is one [a, b, c] to [b, a, c]. */
drift_status CPU(swap)(const drift_backend *backend, const drift_tensor *x, int accumulate, drift_tensor *y)
{
    (void)backend;
    const size_t a = x->size[1], b = x->size[2], c = x->size[3], inner = a * b * c;
    const real *px = x->data;
    real *py = y->data;
#pragma omp parallel for schedule(static) if (x->size[0] * inner >= WORTH)
    for (ptrdiff_t n = 0; n < (ptrdiff_t)x->size[0]; n++)
        for (size_t i = 0; i < a; i++)
            for (size_t j = 0; j < b; j++)
                move(c, px + (size_t)n * inner + (i * b + j) * c, accumulate, py + (size_t)n * inner + (j * a + i) * c);
    return DRIFT_OK;
}
