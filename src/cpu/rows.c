/* Ops on rows: biases, reductions, softmax, norms. Blocks of whole rows. */
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 16384 }; /* elements from which threads pay */

drift_status CPU(add_row)(const drift_backend *backend, const drift_tensor *x, const drift_tensor *row, drift_tensor *y)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data, *prow = row->data;
    real *py = y->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i) * cols;
        kernels()->add_row(block_size(cut, i), cols, px + at, prow, py + at);
    }
    return DRIFT_OK;
}

/* Adds the blocks' partial sums [count, cols] to y, in the blocks' order. */
static void add_parts(ptrdiff_t count, size_t cols, const real *part, real *y)
{
    if (y)
        kernels()->column_sum((size_t)count, cols, part, y);
}

drift_status CPU(column_sum)(const drift_backend *backend, const drift_tensor *x, drift_tensor *row)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const struct blocks cut = blocks_of_sum(drift_tensor_rows(x));
    const size_t bytes = (size_t)cut.count * cols * sizeof(real);
    const real *px = x->data;
    real *part = CPU(scratch)(bytes);
    if (!part && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "column_sum: no memory for %zu bytes", bytes);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        real *sum = part + (size_t)i * cols;
        memset(sum, 0, cols * sizeof *sum);
        kernels()->column_sum(block_size(cut, i), cols, px + block_start(cut, i) * cols, sum);
    }
    add_parts(cut.count, cols, part, row->data);
    return DRIFT_OK;
}

static void reduce_rows(drift_reduce_kind kind, size_t rows, size_t cols, const real *x, real *y)
{
    switch (kind) {
    case DRIFT_SUM: kernels()->row_sum(rows, cols, x, y); break;
    case DRIFT_MEAN: kernels()->row_mean(rows, cols, x, y); break;
    case DRIFT_MAX: kernels()->row_max(rows, cols, x, y); break;
    case DRIFT_LOG_SUM_EXP: kernels()->row_log_sum_exp(rows, cols, x, y); break;
    }
}

drift_status CPU(reduce)(const drift_backend *backend, drift_reduce_kind kind, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data;
    real *py = y->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i);
        reduce_rows(kind, block_size(cut, i), cols, px + at * cols, py + at);
    }
    return DRIFT_OK;
}

static void reduce_rows_backward(drift_reduce_kind kind, size_t rows, size_t cols, const real *x, const real *y,
                                 const real *dy, real *dx)
{
    switch (kind) {
    case DRIFT_SUM: kernels()->row_sum_backward(rows, cols, dy, dx); break;
    case DRIFT_MEAN: kernels()->row_mean_backward(rows, cols, dy, dx); break;
    case DRIFT_MAX: kernels()->row_max_backward(rows, cols, x, y, dy, dx); break;
    case DRIFT_LOG_SUM_EXP: kernels()->row_log_sum_exp_backward(rows, cols, x, y, dy, dx); break;
    }
}

drift_status CPU(reduce_backward)(const drift_backend *backend, drift_reduce_kind kind, const drift_tensor *x,
                                  const drift_tensor *y, const drift_tensor *dy, drift_tensor *dx)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data, *py = y->data, *pdy = dy->data;
    real *pdx = dx->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i);
        reduce_rows_backward(kind, block_size(cut, i), cols, px + at * cols, py + at, pdy + at, pdx + at * cols);
    }
    return DRIFT_OK;
}

drift_status CPU(softmax)(const drift_backend *backend, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data;
    real *py = y->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i) * cols;
        kernels()->softmax(block_size(cut, i), cols, px + at, py + at);
    }
    return DRIFT_OK;
}

drift_status CPU(softmax_backward)(const drift_backend *backend, const drift_tensor *y, const drift_tensor *dy,
                                   drift_tensor *dx)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(y);
    const real *py = y->data, *pdy = dy->data;
    real *pdx = dx->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(y), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i) * cols;
        kernels()->softmax_backward(block_size(cut, i), cols, py + at, pdy + at, pdx + at);
    }
    return DRIFT_OK;
}

typedef void norm_kernel(size_t rows, size_t cols, real epsilon, const real *x, const real *weight, const real *bias,
                         real *y);
typedef void norm_backward_kernel(size_t rows, size_t cols, real epsilon, const real *x, const real *weight,
                                  const real *dy, real *dx, real *dweight, real *dbias);

static const real *data_of(const drift_tensor *x) { return x ? x->data : NULL; }

static drift_status norm(norm_kernel *f, double epsilon, const drift_tensor *x, const drift_tensor *weight,
                         const drift_tensor *bias, drift_tensor *y)
{
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data, *w = weight->data, *b = data_of(bias);
    real *py = y->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i) * cols;
        f(block_size(cut, i), cols, (real)epsilon, px + at, w, b, py + at);
    }
    return DRIFT_OK;
}

/* A gradient that is not wanted is NULL; the weights' are summed by block. */
static drift_status norm_backward(const char *op, norm_backward_kernel *f, double epsilon, const drift_tensor *x,
                                  const drift_tensor *weight, const drift_tensor *dy, drift_tensor *dx,
                                  drift_tensor *dweight, drift_tensor *dbias)
{
    const size_t cols = drift_tensor_row_size(x);
    const struct blocks cut = blocks_of_sum(drift_tensor_rows(x));
    const size_t part = (size_t)cut.count * cols, bytes = (dbias ? 2 : 1) * part * sizeof(real);
    const real *px = x->data, *w = weight->data, *pdy = dy->data;
    real *pdx = dx ? dx->data : NULL, *parts = CPU(scratch)(bytes);
    if (!parts && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "%s: no memory for %zu bytes", op, bytes);
    if (bytes)
        memset(parts, 0, bytes);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i) * cols, sum = (size_t)i * cols;
        f(block_size(cut, i), cols, (real)epsilon, px + at, w, pdy + at, pdx ? pdx + at : NULL,
          dweight ? parts + sum : NULL, dbias ? parts + part + sum : NULL);
    }
    add_parts(cut.count, cols, parts, dweight ? dweight->data : NULL);
    if (dbias)
        add_parts(cut.count, cols, parts + part, dbias->data);
    return DRIFT_OK;
}

drift_status CPU(rms_norm)(const drift_backend *backend, double epsilon, const drift_tensor *x,
                           const drift_tensor *weight, drift_tensor *y)
{
    (void)backend;
    return norm(kernels()->rms_norm, epsilon, x, weight, NULL, y);
}

drift_status CPU(layer_norm)(const drift_backend *backend, double epsilon, const drift_tensor *x,
                             const drift_tensor *weight, const drift_tensor *bias, drift_tensor *y)
{
    (void)backend;
    return norm(kernels()->layer_norm, epsilon, x, weight, bias, y);
}

drift_status CPU(rms_norm_backward)(const drift_backend *backend, double epsilon, const drift_tensor *x,
                                    const drift_tensor *weight, const drift_tensor *dy, drift_tensor *dx,
                                    drift_tensor *dweight)
{
    (void)backend;
    return norm_backward("rms_norm", kernels()->rms_norm_backward, epsilon, x, weight, dy, dx, dweight, NULL);
}

drift_status CPU(layer_norm_backward)(const drift_backend *backend, double epsilon, const drift_tensor *x,
                                      const drift_tensor *weight, const drift_tensor *dy, drift_tensor *dx,
                                      drift_tensor *dweight, drift_tensor *dbias)
{
    (void)backend;
    return norm_backward("layer_norm", kernels()->layer_norm_backward, epsilon, x, weight, dy, dx, dweight, dbias);
}

drift_status CPU(standardize)(const drift_backend *backend, double epsilon, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data;
    real *py = y->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i) * cols;
        kernels()->standardize(block_size(cut, i), cols, (real)epsilon, px + at, py + at);
    }
    return DRIFT_OK;
}

drift_status CPU(standardize_backward)(const drift_backend *backend, double epsilon, const drift_tensor *x,
                                       const drift_tensor *dy, drift_tensor *dx)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data, *pdy = dy->data;
    real *pdx = dx->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i) * cols;
        kernels()->standardize_backward(block_size(cut, i), cols, (real)epsilon, px + at, pdy + at, pdx + at);
    }
    return DRIFT_OK;
}
