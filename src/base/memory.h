/* How much memory this process has used, and large arrays. */
#ifndef DRIFT_BASE_MEMORY_H
#define DRIFT_BASE_MEMORY_H

#include <stddef.h>

/* Aligned to `alignment`, a power of two; freed by free(). NULL: no memory. Whole runs of 2 MB in it begin at a
 * multiple of that, and lie in pages of that size where the system has them: products walk over many rows at once, and
 * each row of a wide matrix is on a page of its own. */
void *drift_memory_take(size_t alignment, size_t bytes);

/* Most bytes that were resident at once so far; 0 where the system does not say. */
double drift_peak_memory(void);

/* "12.3 MB": in units of 1000, three digits. Returns `text`. */
const char *drift_bytes_text(double bytes, char text[32]);

#endif
