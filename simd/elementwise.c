/* y[i] = f(a[i], b[i]), and sums of rows and columns. */
#include "kernel.h"

void K(add)(size_t n, const float *a, const float *b, float *y)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_add(vec_load(a + i), vec_load(b + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    vec_store_n(y + i, left, vec_add(vec_load_n(a + i, left, 0), vec_load_n(b + i, left, 0)));
}

void K(mul)(size_t n, const float *a, const float *b, float *y)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_mul(vec_load(a + i), vec_load(b + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    vec_store_n(y + i, left, vec_mul(vec_load_n(a + i, left, 0), vec_load_n(b + i, left, 0)));
}

void K(scale)(size_t n, float a, const float *x, float *y)
{
    vec factor = vec_set1(a);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_mul(factor, vec_load(x + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    vec_store_n(y + i, left, vec_mul(factor, vec_load_n(x + i, left, 0)));
}

void K(axpy)(size_t n, float a, const float *x, float *y)
{
    vec factor = vec_set1(a);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_fma(factor, vec_load(x + i), vec_load(y + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    vec_store_n(y + i, left, vec_fma(factor, vec_load_n(x + i, left, 0), vec_load_n(y + i, left, 0)));
}

void K(mul_add)(size_t n, const float *a, const float *b, float *y)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_fma(vec_load(a + i), vec_load(b + i), vec_load(y + i)));
    ptrdiff_t left = (ptrdiff_t)(n - i);
    vec_store_n(y + i, left,
                vec_fma(vec_load_n(a + i, left, 0), vec_load_n(b + i, left, 0), vec_load_n(y + i, left, 0)));
}

void K(add_row)(size_t rows, size_t cols, const float *x, const float *b, float *y)
{
    for (size_t r = 0; r < rows; r++)
        K(add)(cols, x + r * cols, b, y + r * cols);
}

/* Four vectors of columns at a time: whole cache lines of a row, and as many chains to hide the latency. */
void K(column_sum)(size_t rows, size_t cols, const float *x, float *y)
{
    enum { GROUP = 4 };
    size_t c = 0;
    for (; c + GROUP * LANES <= cols; c += GROUP * LANES) {
        vec sum[GROUP] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
        for (size_t r = 0; r < rows; r++)
            for (int g = 0; g < GROUP; g++)
                sum[g] = vec_add(sum[g], vec_load(x + r * cols + c + g * LANES));
        for (int g = 0; g < GROUP; g++)
            vec_store(y + c + g * LANES, vec_add(vec_load(y + c + g * LANES), sum[g]));
    }
    for (; c < cols; c += LANES) {
        ptrdiff_t left = (ptrdiff_t)(cols - c);
        vec sum = vec_zero();
        for (size_t r = 0; r < rows; r++)
            sum = vec_add(sum, vec_load_n(x + r * cols + c, left, 0));
        vec_store_n(y + c, left, vec_add(vec_load_n(y + c, left, 0), sum));
    }
}
