/* Pages that are opened at the start of each function of the table and closed at its end. */
#include "tests/support/fenced.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/cpu.h"

enum { REGIONS = 4096 };

static struct region {
    void *memory;
    size_t bytes;
} region[REGIONS];

static void protect(int protection)
{
    for (int i = 0; i < REGIONS; i++)
        if (region[i].memory && mprotect(region[i].memory, region[i].bytes, protection))
            abort();
}

static void enter(void) { protect(PROT_READ | PROT_WRITE); }

static drift_status leave(drift_status status)
{
    protect(PROT_NONE);
    return status;
}

static drift_status fenced_alloc(const drift_backend *backend, size_t bytes, void **memory)
{
    (void)backend;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int i = 0, zero = open("/dev/zero", O_RDWR);
    while (i < REGIONS && region[i].memory)
        i++;
    if (i == REGIONS || zero < 0)
        return drift_fail(DRIFT_NO_MEMORY, "fenced: no memory");
    region[i].bytes = (bytes / page + 1) * page;
    region[i].memory = mmap(NULL, region[i].bytes, PROT_NONE, MAP_PRIVATE, zero, 0);
    close(zero);
    if (region[i].memory == MAP_FAILED)
        abort();
    *memory = region[i].memory;
    return DRIFT_OK;
}

static void fenced_free(const drift_backend *backend, void *memory)
{
    (void)backend;
    for (int i = 0; i < REGIONS; i++)
        if (memory && region[i].memory == memory) {
            munmap(memory, region[i].bytes);
            region[i].memory = NULL;
        }
}

static const drift_backend *cpu(const drift_backend *fenced) { return drift_cpu_backend(fenced->real); }

static drift_status fenced_copy_in(const drift_backend *b, void *to, const void *host, size_t bytes)
{
    enter();
    return leave(cpu(b)->copy_in(cpu(b), to, host, bytes));
}

static drift_status fenced_copy_out(const drift_backend *b, void *host, const void *from, size_t bytes)
{
    enter();
    return leave(cpu(b)->copy_out(cpu(b), host, from, bytes));
}

static drift_status fenced_copy(const drift_backend *b, void *to, const void *from, size_t bytes)
{
    enter();
    return leave(cpu(b)->copy(cpu(b), to, from, bytes));
}

static drift_status fenced_zero(const drift_backend *b, void *memory, size_t bytes)
{
    enter();
    return leave(cpu(b)->zero(cpu(b), memory, bytes));
}

#define OP(name, parameters, arguments, flop, moved)                                                                   \
    static drift_status fenced_##name(const drift_backend *backend, DRIFT_UNWRAP parameters)                           \
    {                                                                                                                  \
        enter();                                                                                                       \
        return leave(cpu(backend)->name(cpu(backend), DRIFT_UNWRAP arguments));                                        \
    }
#include "tensor/backend.def"
#undef OP

drift_backend fenced_backend(drift_dtype real)
{
    return (drift_backend){
        .name = "fenced",
        .real = real,
        .alloc = fenced_alloc,
        .free = fenced_free,
        .copy_in = fenced_copy_in,
        .copy_out = fenced_copy_out,
        .copy = fenced_copy,
        .zero = fenced_zero,
#define OP(name, parameters, arguments, flop, moved) .name = fenced_##name,
#include "tensor/backend.def"
#undef OP
    };
}
