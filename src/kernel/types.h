/* Small types that kernels' parameters need. */
#ifndef DRIFT_KERNEL_TYPES_H
#define DRIFT_KERNEL_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* One update of Adam or AdamW:  g' = grad_scale g,  m = beta1 m + (1 - beta1) g',  v = beta2 v + (1 - beta2) g'^2,
 * theta -= lr (m m_correction / (sqrt(v v_correction) + eps) + decay theta).
 * In update t = 1, 2, ... m_correction = 1 / (1 - beta1^t), v_correction = 1 / (1 - beta2^t). grad_scale is that of
 * clipping, else 1; decay is 0 for Adam. */
struct drift_adam {
    double lr, beta1, beta2, eps, decay, grad_scale, m_correction, v_correction;
};

/* A piece of the sums of a convolution: `length` terms, the first at x elements into the source and w rows into the
 * panel of the kernel. */
struct drift_conv_piece {
    ptrdiff_t x;
    size_t w, length;
};

/* All terms. */
static inline size_t drift_conv_depth(size_t pieces, const struct drift_conv_piece *piece)
{
    size_t sum = 0;
    for (size_t i = 0; i < pieces; i++)
        sum += piece[i].length;
    return sum;
}

enum {
    DRIFT_CONV_PANEL = 32,         /* columns of a panel of conv_rows */
    DRIFT_GEMM_WORKSPACE = 160000, /* reals that one call of gemm needs: 640 kB in float */
    DRIFT_GEMM_PANEL = 32,         /* columns of B that gemm reads where they lie if rows follow each other: b_row 32 */
    DRIFT_FIELD_PLANE = 4,         /* pair_sums and pair_moments: the most coordinates */
    DRIFT_PEAK_LANES = 192         /* independent chains of peak_fma: enough to hide the latency of an fma */
};

#endif
