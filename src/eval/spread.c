/* Mean and standard error of a figure over several seeds. */
#include "eval/eval.h"

#include <math.h>

drift_spread drift_spread_of(size_t n, const double *values)
{
    drift_spread spread = {n, NAN, NAN};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    if (n)
        spread.mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - spread.mean) * (values[i] - spread.mean);
    if (n > 1)
        spread.error = sqrt(squares / (double)(n - 1) / (double)n);
    return spread;
}

double drift_spread_difference(const drift_spread *a, const drift_spread *b)
{
    const double error = sqrt(a->error * a->error + b->error * b->error);
    return error > 0 ? (a->mean - b->mean) / error : NAN;
}
