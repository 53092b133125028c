/* The progress line. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

double drift_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

const char *drift_duration(double seconds, char text[32])
{
    long s = seconds < 1e9 ? (long)(seconds + 0.5) : 1000000000;
    if (s < 100)
        snprintf(text, 32, "%ld s", s);
    else if (s < 3600)
        snprintf(text, 32, "%ld:%02ld min", s / 60, s % 60);
    else
        snprintf(text, 32, "%ld:%02ld h", s / 3600, s / 60 % 60);
    return text;
}

void drift_log_start(struct drift_log_line *line)
{
    line->terminal = isatty(STDERR_FILENO);
    line->open = 0;
    line->last = -1e9;
}

void drift_log_show(struct drift_log_line *line, int must, const char *format, ...)
{
    double now = drift_seconds();
    va_list args;
    if (!must && now - line->last < (line->terminal ? 0.1 : 10))
        return;
    line->last = now;
    va_start(args, format);
    if (line->terminal)
        fputs("\r\033[K", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    if (!line->terminal)
        fputc('\n', stderr);
    fflush(stderr);
    line->open = line->terminal;
}

void drift_log_end(struct drift_log_line *line)
{
    if (line->open)
        fputc('\n', stderr);
    line->open = 0;
}
