/* Matrix product: c[i][j] = sum over p of a[i][p] b[p][j] (+ c[i][j]) (+ bias[j]). Transposes are strides. */
#include "kernel.h"

void K(gemm)(size_t m, size_t n, size_t k, const real *a, ptrdiff_t a_row, ptrdiff_t a_col, const real *b,
             ptrdiff_t b_row, ptrdiff_t b_col, const real *bias, int accumulate, real *workspace, real *c,
             ptrdiff_t c_row)
{
    (void)workspace;
    for (ptrdiff_t i = 0; i < (ptrdiff_t)m; i++) {
        real *row = c + i * c_row;
        for (ptrdiff_t j = 0; j < (ptrdiff_t)n; j++)
            row[j] = accumulate ? row[j] : 0;
        for (ptrdiff_t p = 0; p < (ptrdiff_t)k; p++) {
            const real x = a[i * a_row + p * a_col], *y = b + p * b_row;
            for (ptrdiff_t j = 0; j < (ptrdiff_t)n; j++)
                row[j] += x * y[j * b_col];
        }
        for (ptrdiff_t j = 0; bias && j < (ptrdiff_t)n; j++)
            row[j] += bias[j];
    }
}
