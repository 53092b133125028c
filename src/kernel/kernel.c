/* The filled tables and the choice of ISA. */
#include "kernel/kernel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"

/* Prototypes and a table per implementation. */
#define real float
#define KERNEL(name, parameters, bound, flop, bytes) void drift_##name##_ref parameters;
#include "kernel/kernels.def"
#undef KERNEL
#define KERNEL(name, parameters, bound, flop, bytes) void drift_##name##_c parameters;
#include "kernel/kernels.def"
#undef KERNEL
#if defined(__x86_64__)
#define KERNEL(name, parameters, bound, flop, bytes) void drift_##name##_avx2 parameters;
#include "kernel/kernels.def"
#undef KERNEL
#define KERNEL(name, parameters, bound, flop, bytes) void drift_##name##_avx512 parameters;
#include "kernel/kernels.def"
#undef KERNEL
#elif defined(__aarch64__)
#define KERNEL(name, parameters, bound, flop, bytes) void drift_##name##_neon parameters;
#include "kernel/kernels.def"
#undef KERNEL
#endif
#undef real
#define real double
#define KERNEL(name, parameters, bound, flop, bytes) void drift_##name##_f64 parameters;
#include "kernel/kernels.def"
#undef KERNEL
#undef real

#define KERNEL(name, parameters, bound, flop, bytes) drift_##name##_ref,
static const struct drift_kernels table_ref = {
#include "kernel/kernels.def"
};
#undef KERNEL
#define KERNEL(name, parameters, bound, flop, bytes) drift_##name##_c,
static const struct drift_kernels table_c = {
#include "kernel/kernels.def"
};
#undef KERNEL
#if defined(__x86_64__)
#define KERNEL(name, parameters, bound, flop, bytes) drift_##name##_avx2,
static const struct drift_kernels table_avx2 = {
#include "kernel/kernels.def"
};
#undef KERNEL
#define KERNEL(name, parameters, bound, flop, bytes) drift_##name##_avx512,
static const struct drift_kernels table_avx512 = {
#include "kernel/kernels.def"
};
#undef KERNEL
#elif defined(__aarch64__)
#define KERNEL(name, parameters, bound, flop, bytes) drift_##name##_neon,
static const struct drift_kernels table_neon = {
#include "kernel/kernels.def"
};
#undef KERNEL
#endif
#define KERNEL(name, parameters, bound, flop, bytes) drift_##name##_f64,
static const struct drift_kernels_f64 table_f64 = {
#include "kernel/kernels.def"
};
#undef KERNEL

static const char *const isa_names[DRIFT_ISA_COUNT] = {"ref", "c", "avx2", "avx512", "neon"};

const char *drift_isa_name(drift_isa isa) { return isa_names[isa]; }

const struct drift_kernels *drift_kernels_of(drift_isa isa)
{
    switch (isa) {
    case DRIFT_REF: return &table_ref;
    case DRIFT_C: return &table_c;
#if defined(__x86_64__)
    case DRIFT_AVX2: return drift_cpu_has_avx2() ? &table_avx2 : NULL;
    case DRIFT_AVX512: return drift_cpu_has_avx512() ? &table_avx512 : NULL;
#elif defined(__aarch64__)
    case DRIFT_NEON: return &table_neon;
#endif
    default: return NULL;
    }
}

const struct drift_kernels_f64 *drift_kernels_f64(void) { return &table_f64; }

static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static drift_isa chosen;
static const struct drift_kernels *table; /* of `chosen`, once it is; kept, since cpuid is slow in virtual machines */
static char wanted[32];                   /* DRIFT_ISA where it could not be had, else "" */

static drift_isa choice(void)
{
    const char *name = getenv("DRIFT_ISA");
    if (!name || !*name) {
        static const drift_isa best[] = {DRIFT_AVX512, DRIFT_AVX2, DRIFT_NEON, DRIFT_C};
        size_t i = 0;
        while (!drift_kernels_of(best[i]))
            i++;
        return best[i];
    }
    for (int isa = 0; isa < DRIFT_ISA_COUNT; isa++)
        if (!strcmp(name, isa_names[isa]) && drift_kernels_of((drift_isa)isa))
            return (drift_isa)isa;
    strncpy(wanted, name, sizeof wanted - 1);
    return DRIFT_C;
}

static void choose(void)
{
    chosen = choice();
    __atomic_store_n(&table, drift_kernels_of(chosen), __ATOMIC_RELEASE);
}

/* Called for every row of some ops: once chosen it is one load. */
const struct drift_kernels *drift_kernels(void)
{
    const struct drift_kernels *ready = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
    if (!ready)
        pthread_once(&chosen_once, choose);
    return ready ? ready : table;
}

drift_isa drift_kernels_isa(void)
{
    pthread_once(&chosen_once, choose);
    return chosen;
}

drift_status drift_kernels_status(void)
{
    pthread_once(&chosen_once, choose);
    if (!wanted[0])
        return DRIFT_OK;
    for (int isa = 0; isa < DRIFT_ISA_COUNT; isa++)
        if (!strcmp(wanted, isa_names[isa]))
            return drift_fail(DRIFT_UNAVAILABLE, "DRIFT_ISA=%s: this machine or build lacks it", wanted);
    return drift_fail(DRIFT_UNAVAILABLE, "DRIFT_ISA=%s: expected ref, c, avx2, avx512 or neon", wanted);
}
