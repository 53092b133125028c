#include "report/axis.h"

#include <math.h> /* isfinite, floor, ceil, NAN */

#include "base/real.h"

static double log10_of(double x) { return drift_log(x) / 2.302585092994046; }

/* 10^k; k is small. */
static double power_of_ten(int k)
{
    double p = 1;
    for (int i = 0; i < (k < 0 ? -k : k); i++)
        p *= 10;
    return k < 0 ? 1 / p : p;
}

static void add_tick(struct drift_axis *axis, double value)
{
    double place = drift_axis_place(axis, value);
    if (axis->count < DRIFT_AXIS_TICKS && place >= -1e-9 && place <= 1 + 1e-9)
        axis->tick[axis->count++] = value;
}

/* Steps of 1, 2 or 5 times a power of ten, four to eight of them. */
static void linear_ticks(struct drift_axis *axis)
{
    double raw = (axis->high - axis->low) / 5, power = power_of_ten((int)floor(log10_of(raw)));
    double step = raw / power > 5 ? 10 * power : raw / power > 2 ? 5 * power : raw / power > 1 ? 2 * power : power;
    double first = ceil(axis->low / step - 1e-9);
    for (int i = 0; i < DRIFT_AXIS_TICKS; i++)
        add_tick(axis, (first + i) * step);
}

/* Powers of ten; with 2 and 5 times them where the axis spans less than two. */
static void log_ticks(struct drift_axis *axis)
{
    int first = (int)floor(axis->low), last = (int)ceil(axis->high), stride = 1 + (last - first) / 8;
    int between = axis->high - axis->low < 2;
    for (int k = first; k <= last; k += stride) {
        add_tick(axis, power_of_ten(k));
        if (between) {
            add_tick(axis, 2 * power_of_ten(k));
            add_tick(axis, 5 * power_of_ten(k));
        }
    }
}

struct drift_axis drift_axis_of(double low, double high, int log_scale)
{
    struct drift_axis axis = {.log_scale = log_scale};
    double least = log_scale ? 0.3 : 0; /* half a decade at least */
    axis.low = log_scale ? log10_of(low > 0 ? low : 1) : low;
    axis.high = log_scale ? log10_of(high > 0 ? high : 1) : high;
    if (!isfinite(axis.low) || !isfinite(axis.high) || axis.high < axis.low)
        axis.low = axis.high = 0;
    double span = axis.high - axis.low, size = fabs(axis.low) > fabs(axis.high) ? fabs(axis.low) : fabs(axis.high);
    if (!log_scale && !(span > 1e-9 * size))
        least = size > 0 ? 0.1 * size : 1;
    double margin = 0.04 * span > least ? 0.04 * span : least ? least : 0.04 * span;
    axis.low -= margin;
    axis.high += margin;
    if (log_scale)
        log_ticks(&axis);
    else
        linear_ticks(&axis);
    return axis;
}

double drift_axis_place(const struct drift_axis *axis, double value)
{
    if (!isfinite(value) || (axis->log_scale && !(value > 0)))
        return NAN;
    return ((axis->log_scale ? log10_of(value) : value) - axis->low) / (axis->high - axis->low);
}
