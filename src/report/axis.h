/* One axis: from values to a place in [0, 1], with ticks at round numbers. */
#ifndef DRIFT_REPORT_AXIS_H
#define DRIFT_REPORT_AXIS_H

#include <stddef.h>

enum { DRIFT_AXIS_TICKS = 12 };

struct drift_axis {
    int log_scale;
    double low, high; /* of what is shown; logarithms (base 10) where log_scale */
    size_t count;
    double tick[DRIFT_AXIS_TICKS]; /* values */
};

/* An axis that shows low..high and a little more. Not a range (equal, empty or not finite): something around it. */
struct drift_axis drift_axis_of(double low, double high, int log_scale);

/* Where a value lies: 0 at the low end, 1 at the high one; NaN for what has no place (log of 0, not finite). */
double drift_axis_place(const struct drift_axis *axis, double value);

#endif
