/* A row of numbers to one number: see ref/reduce.c for what each is. */
#include "kernel.h"

#include "math.h"
#include "row.h"

static float sum_of(size_t cols, const float *x)
{
    vec sum = vec_zero();
    for (size_t j = 0; j < cols; j += LANES)
        sum = vec_add(sum, row_load(x + j, cols - j, 0));
    return vec_reduce_add(sum);
}

void K(row_sum)(size_t rows, size_t cols, const float *x, float *y)
{
    for (size_t i = 0; i < rows; i++)
        y[i] = sum_of(cols, x + i * cols);
}

static void add_to_row(size_t cols, float value, float *dx)
{
    const vec v = vec_set1(value);
    for (size_t j = 0; j < cols; j += LANES)
        row_add(dx + j, cols - j, v);
}

void K(row_sum_backward)(size_t rows, size_t cols, const float *dy, float *dx)
{
    for (size_t i = 0; i < rows; i++)
        add_to_row(cols, dy[i], dx + i * cols);
}

void K(row_mean)(size_t rows, size_t cols, const float *x, float *y)
{
    for (size_t i = 0; i < rows; i++)
        y[i] = sum_of(cols, x + i * cols) / (float)cols;
}

void K(row_mean_backward)(size_t rows, size_t cols, const float *dy, float *dx)
{
    for (size_t i = 0; i < rows; i++)
        add_to_row(cols, dy[i] / (float)cols, dx + i * cols);
}

/* vec_max(x, top) passes over a NaN in x, so NaNs are kept beside it, in the lanes of `nan`. */
static float max_of(size_t cols, const float *x)
{
    vec top = vec_set1(-INFINITY), nan = vec_zero();
    for (size_t j = 0; j < cols; j += LANES) {
        const vec v = row_load(x + j, cols - j, -INFINITY);
        top = vec_max(v, top);
        nan = vec_select(vec_eq(v, v), nan, v);
    }
    const float any = vec_reduce_add(nan);
    return any != any ? any : vec_reduce_max(top);
}

void K(row_max)(size_t rows, size_t cols, const float *x, float *y)
{
    for (size_t i = 0; i < rows; i++)
        y[i] = max_of(cols, x + i * cols);
}

void K(row_max_backward)(size_t rows, size_t cols, const float *x, const float *y, const float *dy, float *dx)
{
    for (size_t i = 0; i < rows; i++, x += cols, dx += cols) {
        size_t j = 0;
        while (j < cols && !(x[j] == y[i]))
            j++;
        if (j < cols)
            dx[j] += dy[i];
    }
}

void K(row_log_sum_exp)(size_t rows, size_t cols, const float *x, float *y)
{
    for (size_t i = 0; i < rows; i++, x += cols) {
        const float most = max_of(cols, x), top = most - most == 0 ? most : 0; /* 0 where not finite */
        vec sum = vec_zero();
        for (size_t j = 0; j < cols; j += LANES)
            sum = vec_add(sum, vec_exp(vec_sub(row_load(x + j, cols - j, -INFINITY), vec_set1(top))));
        float log_sum[LANES];
        vec_store(log_sum, vec_log(vec_set1(vec_reduce_add(sum))));
        y[i] = top + log_sum[0];
    }
}

void K(row_log_sum_exp_backward)(size_t rows, size_t cols, const float *x, const float *y, const float *dy, float *dx)
{
    for (size_t i = 0; i < rows; i++, x += cols, dx += cols) {
        const vec all = vec_set1(y[i]), d = vec_set1(dy[i]);
        for (size_t j = 0; j < cols; j += LANES)
            row_add(dx + j, cols - j, vec_mul(d, vec_exp(vec_sub(row_load(x + j, cols - j, 0), all))));
    }
}
