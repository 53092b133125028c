/* drift_cost_NAME: a row's bound, FLOP and bytes for given arguments. */
#include "kernel/kernel.h"

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* most formulas use few of their kernel's parameters */
#endif

#define real float
#define KERNEL(name, parameters, bound, flop, bytes)                                                                   \
    struct drift_cost drift_cost_##name parameters {                                                                   \
        struct drift_cost cost = {(double)(bound), (double)(flop), (double)(bytes)};                                   \
        return cost;                                                                                                   \
    }
#include "kernel/kernels.def"
