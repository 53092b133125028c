/* The table of leaf kernels: one struct of function pointers per implementation, and the choice among them.
 *
 *   drift_kernels()         what this process uses in float: the best ISA of the machine, or what DRIFT_ISA says
 *   drift_kernels_of(isa)   a given implementation, NULL where this build or machine lacks it
 *   drift_kernels_f64()     ref/ in double: the oracle */
#ifndef DRIFT_KERNEL_KERNEL_H
#define DRIFT_KERNEL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "kernel/types.h"

typedef enum drift_isa { DRIFT_REF, DRIFT_C, DRIFT_AVX2, DRIFT_AVX512, DRIFT_NEON, DRIFT_ISA_COUNT } drift_isa;

#define KERNEL(name, parameters, bound, flop, bytes) void(*name) parameters;
#define real float
struct drift_kernels {
#include "kernel/kernels.def"
};
#undef real
#define real double
struct drift_kernels_f64 {
#include "kernel/kernels.def"
};
#undef real
#undef KERNEL

/* The table in use. Chosen once, thread-safe. When DRIFT_ISA names none or a missing one, the table is that of `c`
 * and drift_kernels_status() says what was wrong; a program checks it first. */
const struct drift_kernels *drift_kernels(void);
drift_status drift_kernels_status(void);
drift_isa drift_kernels_isa(void);

const struct drift_kernels *drift_kernels_of(drift_isa isa);
const struct drift_kernels_f64 *drift_kernels_f64(void);

/* "ref", "c", "avx2", "avx512", "neon". */
const char *drift_isa_name(drift_isa isa);

/* What one call of a kernel costs, from its row in kernels.def: drift_cost_NAME(the same arguments). */
struct drift_cost {
    double bound, flop, bytes;
};
#define real float
#define KERNEL(name, parameters, bound, flop, bytes) struct drift_cost drift_cost_##name parameters;
#include "kernel/kernels.def"
#undef KERNEL
#undef real

#endif
