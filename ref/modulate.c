/* A residual branch with a gate: z = x + g y, one row of gates g [cols] for all rows.
 *
 *   dx += dz (the caller's own sum)      dy_j += g_j dz_j      dg_j += sum over rows of dz_j y_j */
#include "kernel.h"

void K(gated_add)(size_t rows, size_t cols, const real *x, const real *gate, const real *y, real *z)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            z[i * cols + j] = x[i * cols + j] + gate[j] * y[i * cols + j];
}

void K(gated_add_backward)(size_t rows, size_t cols, const real *gate, const real *y, const real *dz, real *dy,
                           real *dgate)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            if (dy)
                dy[i * cols + j] += gate[j] * dz[i * cols + j];
            if (dgate)
                dgate[j] += dz[i * cols + j] * y[i * cols + j];
        }
}
