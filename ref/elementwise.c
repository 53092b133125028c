/* y[i] = f(a[i], b[i]), and sums of rows and columns. */
#include "kernel.h"

void K(add)(size_t n, const real *a, const real *b, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

void K(mul)(size_t n, const real *a, const real *b, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] * b[i];
}

void K(scale)(size_t n, real a, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a * x[i];
}

void K(axpy)(size_t n, real a, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

void K(mul_add)(size_t n, const real *a, const real *b, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a[i] * b[i];
}

void K(add_row)(size_t rows, size_t cols, const real *x, const real *b, real *y)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            y[r * cols + c] = x[r * cols + c] + b[c];
}

void K(column_sum)(size_t rows, size_t cols, const real *x, real *y)
{
    for (size_t c = 0; c < cols; c++) {
        real sum = 0;
        for (size_t r = 0; r < rows; r++)
            sum += x[r * cols + c];
        y[c] += sum;
    }
}
