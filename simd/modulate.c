/* A residual branch with a gate: formulas in ref/modulate.c. */
#include "kernel.h"

#include "row.h"

void K(gated_add)(size_t rows, size_t cols, const float *x, const float *gate, const float *y, float *z)
{
    for (; rows; rows--, x += cols, y += cols, z += cols)
        for (size_t j = 0; j < cols; j += LANES) {
            const size_t left = cols - j;
            row_store(z + j, left,
                      vec_fma(row_load(gate + j, left, 0), row_load(y + j, left, 0), row_load(x + j, left, 0)));
        }
}

/* to += a b */
static void add_product(size_t cols, const float *a, const float *b, float *to)
{
    for (size_t j = 0; j < cols; j += LANES) {
        const size_t left = cols - j;
        row_store(to + j, left, vec_fma(row_load(a + j, left, 0), row_load(b + j, left, 0), row_load(to + j, left, 0)));
    }
}

void K(gated_add_backward)(size_t rows, size_t cols, const float *gate, const float *y, const float *dz, float *dy,
                           float *dgate)
{
    for (size_t i = 0; i < rows; i++) {
        if (dy)
            add_product(cols, gate, dz + i * cols, dy + i * cols);
        if (dgate)
            add_product(cols, dz + i * cols, y + i * cols, dgate);
    }
}
