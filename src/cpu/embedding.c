/* Rows of a table by their numbers. */
#include <stdint.h>
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

drift_status CPU(embedding)(const drift_backend *backend, const drift_tensor *table, const drift_tensor *indices,
                            size_t column, int accumulate, drift_tensor *y)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(table), step = indices->dims > 1 ? drift_tensor_row_size(indices) : 1;
    const real *rows = table->data;
    const int32_t *index = (const int32_t *)indices->data + column;
    real *py = y->data;
    for (size_t b = 0; b < drift_tensor_rows(y); b++, index += step, py += cols) {
        if (*index < 0 || (size_t)*index >= table->size[0])
            return drift_fail(DRIFT_INVALID, "index %d, but the table has rows 0 to %zu", (int)*index,
                              table->size[0] - 1);
        const real *row = rows + (size_t)*index * cols;
        if (accumulate)
            kernels()->add(cols, py, row, py);
        else
            memcpy(py, row, cols * sizeof *py);
    }
    return DRIFT_OK;
}

drift_status CPU(embedding_backward)(const drift_backend *backend, const drift_tensor *indices, size_t column,
                                     const drift_tensor *dy, drift_tensor *dtable)
{
    (void)backend;
    const size_t cols = drift_tensor_row_size(dy), step = indices->dims > 1 ? drift_tensor_row_size(indices) : 1;
    const int32_t *index = (const int32_t *)indices->data + column;
    const real *pdy = dy->data;
    real *rows = dtable->data;
    for (size_t b = 0; b < drift_tensor_rows(dy); b++, index += step, pdy += cols) {
        real *row = rows + (size_t)*index * cols;
        kernels()->add(cols, row, pdy, row);
    }
    return DRIFT_OK;
}
