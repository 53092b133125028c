/* The process as the system sees it. */
#define _DEFAULT_SOURCE /* madvise, which POSIX lacks */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

void *drift_memory_take(size_t alignment, size_t bytes)
{
    enum { LARGE_PAGE = 2 << 20 };
    void *memory;
    const size_t whole = bytes / LARGE_PAGE * LARGE_PAGE;
    if (posix_memalign(&memory, whole && alignment < LARGE_PAGE ? LARGE_PAGE : alignment, bytes ? bytes : 1))
        return NULL;
#ifdef MADV_HUGEPAGE
    if (whole)
        madvise(memory, whole, MADV_HUGEPAGE); /* a wish */
#endif
    return memory;
}

double drift_peak_memory(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
#ifdef __APPLE__
    return (double)usage.ru_maxrss;
#else
    return 1024.0 * (double)usage.ru_maxrss;
#endif
}

const char *drift_bytes_text(double bytes, char text[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;
    for (; bytes >= 1000 && unit < 4; unit++)
        bytes /= 1000;
    snprintf(text, 32, bytes < 10 ? "%.2f %s" : bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}
