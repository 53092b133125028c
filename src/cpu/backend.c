/* The table of the CPU backend, and its memory. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cpu/cpu.h"

static drift_status memory_alloc(const drift_backend *backend, size_t bytes, void **memory)
{
    (void)backend;
    *memory = drift_memory_take(64, bytes);
    return *memory ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu bytes", bytes);
}

static void memory_free(const drift_backend *backend, void *memory)
{
    (void)backend;
    free(memory);
}

static drift_status memory_copy(const drift_backend *backend, void *to, const void *from, size_t bytes)
{
    (void)backend;
    if (bytes)
        memcpy(to, from, bytes);
    return DRIFT_OK;
}

static drift_status memory_zero(const drift_backend *backend, void *memory, size_t bytes)
{
    (void)backend;
    if (bytes)
        memset(memory, 0, bytes);
    return DRIFT_OK;
}

#ifdef DRIFT_CPU_F64
#define NAME "cpu, double"
#define REAL DRIFT_F64
#else
#define NAME "cpu"
#define REAL DRIFT_F32
#endif

const drift_backend CPU(backend) = {
    .name = NAME,
    .real = REAL,
    .alloc = memory_alloc,
    .free = memory_free,
    .copy_in = memory_copy,
    .copy_out = memory_copy,
    .copy = memory_copy,
    .zero = memory_zero,
#define OP(name, parameters, arguments, flop, moved) .name = CPU(name),
#include "tensor/backend.def"
#undef OP
};

#ifndef DRIFT_CPU_F64
const drift_backend *drift_cpu_backend(drift_dtype real)
{
    return real == DRIFT_F64 ? &drift_cpu_backend_f64 : &drift_cpu_backend_f32;
}
#endif
