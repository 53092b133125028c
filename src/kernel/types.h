/* Small types that kernels' parameters need. */
#ifndef DRIFT_KERNEL_TYPES_H
#define DRIFT_KERNEL_TYPES_H

#include <stddef.h>
#include <stdint.h>

enum {
    DRIFT_GEMM_WORKSPACE = 160000, /* reals that one call of gemm needs: 640 kB in float */
    DRIFT_PEAK_LANES = 192         /* independent chains of peak_fma: enough to hide the latency of an fma */
};

#endif
