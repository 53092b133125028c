/* Every op is its row's formulas (tensor/backend.def). */
#include "count/count.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What an address stands for: enough to know how much is given back. Nothing lies behind it. */
struct held {
    size_t bytes;
};

static drift_status count_alloc(const drift_backend *backend, size_t bytes, void **memory)
{
    drift_count *count = backend->state;
    struct held *held = malloc(sizeof *held);
    if (!held)
        return drift_fail(DRIFT_NO_MEMORY, "count: no memory");
    held->bytes = bytes;
    count->bytes += bytes;
    count->total_bytes += bytes;
    if (count->bytes > count->peak_bytes)
        count->peak_bytes = count->bytes;
    *memory = held;
    return DRIFT_OK;
}

static void count_free(const drift_backend *backend, void *memory)
{
    drift_count *count = backend->state;
    if (memory)
        count->bytes -= ((struct held *)memory)->bytes;
    free(memory);
}

static drift_status count_copy_in(const drift_backend *backend, void *to, const void *host, size_t bytes)
{
    drift_count *count = backend->state;
    (void)to, (void)host;
    count->moved += (double)bytes;
    return DRIFT_OK;
}

static drift_status count_copy_out(const drift_backend *backend, void *host, const void *from, size_t bytes)
{
    drift_count *count = backend->state;
    (void)from;
    count->moved += (double)bytes;
    memset(host, 0, bytes);
    return DRIFT_OK;
}

static drift_status count_copy(const drift_backend *backend, void *to, const void *from, size_t bytes)
{
    drift_count *count = backend->state;
    (void)to, (void)from;
    count->moved += 2.0 * (double)bytes;
    return DRIFT_OK;
}

static drift_status count_zero(const drift_backend *backend, void *memory, size_t bytes)
{
    drift_count *count = backend->state;
    (void)memory;
    count->moved += (double)bytes;
    return DRIFT_OK;
}

static drift_status add_op(const drift_backend *backend, double flop, double moved)
{
    drift_count *count = backend->state;
    count->ops++;
    count->flop += flop;
    count->moved += moved * (double)drift_dtype_size(backend->real);
    return DRIFT_OK;
}

/* Elements, rows and row size, 0 for a tensor that is absent; what the formulas are written in. */
static double elements(const drift_tensor *x) { return x ? (double)drift_tensor_elements(x) : 0; }

static double row_size(const drift_tensor *x) { return x ? (double)drift_tensor_row_size(x) : 0; }

#define N elements
#define ROW row_size
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* a formula does not use every argument of its op */
#endif
#define OP(name, parameters, arguments, flop, moved)                                                                   \
    static drift_status count_##name(const drift_backend *backend, DRIFT_UNWRAP parameters)                            \
    {                                                                                                                  \
        return add_op(backend, flop, moved);                                                                           \
    }
#include "tensor/backend.def"
#undef OP

drift_backend drift_count_backend(drift_dtype real, drift_count *count)
{
    *count = (drift_count){0};
    return (drift_backend){
        .name = "count",
        .real = real,
        .state = count,
        .alloc = count_alloc,
        .free = count_free,
        .copy_in = count_copy_in,
        .copy_out = count_copy_out,
        .copy = count_copy,
        .zero = count_zero,
#define OP(name, parameters, arguments, flop, moved) .name = count_##name,
#include "tensor/backend.def"
#undef OP
    };
}
