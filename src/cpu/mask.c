/* A mask over locations: what it hides, and the error where it hid. */
#include <omp.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 16384 };

drift_status CPU(hide)(const drift_backend *backend, const drift_tensor *x, const drift_tensor *mask, int accumulate,
                       drift_tensor *y)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(x);
    const real *px = x->data, *pm = mask->data;
    real *py = y->data;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), cols);
#pragma omp parallel for schedule(static) if (cut.n * cols >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++)
        for (size_t row = block_start(cut, i); row < block_start(cut, i) + block_size(cut, i); row++)
            if (accumulate)
                kernels()->axpy(cols, 1 - pm[row], px + row * cols, py + row * cols);
            else
                kernels()->scale(cols, 1 - pm[row], px + row * cols, py + row * cols);
    return DRIFT_OK;
}

/* sum mask + epsilon of an image */
static double weight(double epsilon, size_t rows, const real *mask)
{
    double sum = 0;
    for (size_t row = 0; row < rows; row++)
        sum += (double)mask[row];
    return sum + epsilon;
}

drift_status CPU(masked_error)(const drift_backend *backend, double epsilon, const drift_tensor *a,
                               const drift_tensor *b, const drift_tensor *mask, drift_tensor *y)
{
    (void)backend;
    const size_t images = drift_tensor_elements(y), cols = drift_tensor_row_size(a);
    const size_t rows = images ? drift_tensor_rows(a) / images : 0;
    const real *pa = a->data, *pb = b->data, *pm = mask->data;
    real *py = y->data;
#pragma omp parallel for schedule(static) if (images * rows * cols >= WORTH)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)images; i++) {
        double sum = 0;
        for (size_t row = (size_t)i * rows; row < ((size_t)i + 1) * rows; row++) {
            real square;
            kernels()->field_square(cols, pa + row * cols, pb + row * cols, &square);
            sum += (double)pm[row] * (double)square;
        }
        py[i] = (real)(sum / weight(epsilon, rows, pm + (size_t)i * rows));
    }
    return DRIFT_OK;
}

/* da += factor (a - b), db -= the same, for one location; either may be absent. */
static void add_difference(size_t cols, real factor, const real *a, const real *b, real *difference, real *da, real *db)
{
    kernels()->scale(cols, -1, b, difference);
    kernels()->add(cols, a, difference, difference);
    if (da)
        kernels()->axpy(cols, factor, difference, da);
    if (db)
        kernels()->axpy(cols, -factor, difference, db);
}

drift_status CPU(masked_error_backward)(const drift_backend *backend, double epsilon, const drift_tensor *a,
                                        const drift_tensor *b, const drift_tensor *mask, const drift_tensor *dy,
                                        drift_tensor *da, drift_tensor *db)
{
    (void)backend;
    const size_t images = drift_tensor_elements(dy), cols = drift_tensor_row_size(a);
    const size_t rows = images ? drift_tensor_rows(a) / images : 0;
    const real *pa = a->data, *pb = b->data, *pm = mask->data, *pdy = dy->data;
    real *pda = da ? da->data : NULL, *pdb = db ? db->data : NULL;
    const size_t bytes = (size_t)omp_get_max_threads() * cols * sizeof(real);
    real *lines = CPU(scratch)(bytes);
    if (!lines && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "masked_error: no memory for %zu bytes", bytes);
#pragma omp parallel for schedule(static) if (images * rows * cols >= WORTH)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)images; i++) {
        const double scale = 2 * (double)pdy[i] / weight(epsilon, rows, pm + (size_t)i * rows);
        real *line = lines + (size_t)omp_get_thread_num() * cols;
        for (size_t row = (size_t)i * rows; row < ((size_t)i + 1) * rows; row++)
            add_difference(cols, (real)(scale * (double)pm[row]), pa + row * cols, pb + row * cols, line,
                           pda ? pda + row * cols : NULL, pdb ? pdb + row * cols : NULL);
    }
    return DRIFT_OK;
}
