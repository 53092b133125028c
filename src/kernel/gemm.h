/* Matrix products on raw arrays, and the two engines that compute them. DRIFT_GEMM=builtin|blis chooses.
 *
 *   builtin   the leaf kernel `gemm`, spread over threads by cpu/matmul.c: the same bits on every ISA and any threads
 *   blis      BLIS, for those who give that promise up; float only: double products are always the reference loops */
#ifndef DRIFT_KERNEL_GEMM_H
#define DRIFT_KERNEL_GEMM_H

#include <stddef.h>

#include "base/status.h"

/* For each e < batch: C_e[m,n] = A_e[m,k] B_e[k,n], + the old C_e where accumulate. Element (i, j) of a matrix is
 * i row + j col elements after its first; matrix e is e batch elements after the array's first. A transpose is a pair
 * of strides, a batch stride of 0 shares a factor. C has c_col = 1 and overlaps nothing. Sizes may be 0. */
struct drift_gemm {
    size_t batch, m, n, k;
    ptrdiff_t a_row, a_col, a_batch;
    ptrdiff_t b_row, b_col, b_batch;
    ptrdiff_t c_row, c_batch;
    int accumulate;
};

/* Contiguous matrices; where transposed, the factor is stored as its transpose: A as [k,m], B as [n,k]. */
struct drift_gemm drift_gemm_of(size_t batch, size_t m, size_t n, size_t k, int transpose_a, int transpose_b);

typedef enum drift_gemm_engine { DRIFT_GEMM_BUILTIN, DRIFT_GEMM_BLIS } drift_gemm_engine;

/* The engine in use, chosen once. Where DRIFT_GEMM names none it is builtin, and drift_gemm_status() says what was
 * wrong; a program checks that first. */
drift_gemm_engine drift_gemm_engine_used(void);
drift_status drift_gemm_status(void);
const char *drift_gemm_engine_name(drift_gemm_engine engine);

/* The product by BLIS, on OMP_NUM_THREADS threads; + bias[n] in every row unless bias is NULL. */
void drift_gemm_blis(const struct drift_gemm *g, const float *a, const float *b, const float *bias, float *c);

#endif
