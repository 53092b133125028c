/* Progress of something long on stderr: one line that is rewritten on a terminal, a plain line now and then elsewhere.
 * For programs; the library itself never prints. */
#ifndef DRIFT_BASE_LOG_H
#define DRIFT_BASE_LOG_H

#include "base/status.h"

struct drift_log_line {
    int terminal; /* stderr is one */
    int open;     /* a line without its end stands there */
    double last;  /* seconds (monotonic) of the last line */
};

void drift_log_start(struct drift_log_line *line);

/* Shows the text: on a terminal at most ten times a second in place of the last one, elsewhere at most every ten
 * seconds on a line of its own. `must` shows it in any case. */
void drift_log_show(struct drift_log_line *line, int must, const char *format, ...) DRIFT_PRINTF(3, 4);

/* Ends the line that stands there, so that others can print. */
void drift_log_end(struct drift_log_line *line);

/* Seconds on a clock that only goes forward. */
double drift_seconds(void);

/* "45 s", "3:20 min", "2:05 h". Returns `text`. */
const char *drift_duration(double seconds, char text[32]);

#endif
