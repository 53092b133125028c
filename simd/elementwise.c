/* y[i] = f(a[i], b[i]). */
#include "kernel.h"

void K(add)(size_t n, const float *a, const float *b, float *y)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_add(vec_load(a + i), vec_load(b + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    vec_store_n(y + i, left, vec_add(vec_load_n(a + i, left, 0), vec_load_n(b + i, left, 0)));
}
