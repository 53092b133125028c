/* The formulas of schedule.h, in double with the library's own cosine. */
#include "train/schedule.h"

#include <string.h>

#include "base/real.h"

drift_status drift_schedule_kind(const char *name, int *kind)
{
    *kind = strcmp(name, "const") ? DRIFT_SCHEDULE_COSINE : DRIFT_SCHEDULE_CONST;
    if (*kind == DRIFT_SCHEDULE_CONST || !strcmp(name, "cosine") || !strcmp(name, "cos"))
        return DRIFT_OK;
    return drift_fail(DRIFT_INVALID, "schedule \"%s\": expected const, cosine or cos", name);
}

double drift_schedule_rate(const struct drift_schedule *schedule, int64_t step)
{
    const double least = 1e-6, pi = 3.14159265358979323846;
    double lr = schedule->learning_rate;
    if (step < schedule->warmup_steps)
        return least + (lr - least) * (double)step / (double)schedule->warmup_steps;
    if (schedule->kind == DRIFT_SCHEDULE_CONST)
        return lr;
    int64_t after = schedule->total_steps - schedule->warmup_steps;
    double t = (double)(step - schedule->warmup_steps) / (double)(after > 1 ? after : 1);
    return lr * ((1 - least) * (1 + drift_cos(pi * (t < 1 ? t : 1))) / 2 + least);
}
