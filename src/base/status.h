/* How a library function says that it failed: a status, and one line kept for the caller's thread.
 * Nothing in the library prints or exits. */
#ifndef DRIFT_BASE_STATUS_H
#define DRIFT_BASE_STATUS_H

#include "drift.h"

#if defined(__GNUC__)
#define DRIFT_PRINTF(line, first) __attribute__((format(printf, line, first)))
#else
#define DRIFT_PRINTF(line, first)
#endif

/* Keeps the formatted line (no newline, 1,023 bytes at most) for this thread and returns `status`, so that a caller
 * can write `return drift_fail(DRIFT_INVALID, "%s: byte %ld: expected ...", path, at);`. */
drift_status drift_fail(drift_status status, const char *format, ...) DRIFT_PRINTF(2, 3);

/* Puts "context: " before the line kept, for a caller that knows a file or key that the callee did not. Returns
 * `status`. */
drift_status drift_fail_context(drift_status status, const char *format, ...) DRIFT_PRINTF(2, 3);

#endif
