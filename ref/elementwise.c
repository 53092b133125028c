/* y[i] = f(a[i], b[i]). */
#include "kernel.h"

void K(add)(size_t n, const real *a, const real *b, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}
