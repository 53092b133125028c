/* How much memory this process has used. */
#ifndef DRIFT_BASE_MEMORY_H
#define DRIFT_BASE_MEMORY_H

/* Most bytes that were resident at once so far; 0 where the system does not say. */
double drift_peak_memory(void);

/* "12.3 MB": in units of 1000, three digits. Returns `text`. */
const char *drift_bytes_text(double bytes, char text[32]);

#endif
