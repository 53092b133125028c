/* The last failure's line, one per thread. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __thread char message[1024];

/* Keeps a line, and one line it is: names out of hostile files may hold anything. */
static void keep(const char *line)
{
    size_t i = 0;
    for (; line[i] && i + 1 < sizeof message; i++)
        message[i] = (unsigned char)line[i] < ' ' || line[i] == 127 ? '?' : line[i];
    message[i] = 0;
}

drift_status drift_fail(drift_status status, const char *format, ...)
{
    char line[sizeof message]; /* an argument may be the line kept so far */
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    keep(line);
    return status;
}

drift_status drift_fail_context(drift_status status, const char *format, ...)
{
    char line[2 * sizeof message];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof message, format, args);
    va_end(args);
    size_t used = strlen(line);
    snprintf(line + used, sizeof line - used, ": %s", message);
    keep(line);
    return status;
}

const char *drift_message(void) { return message; }
