/* Rows brought to unit size. weight and bias are [cols], NULL for 1 and 0.
 *
 *   rms_norm     y_j = x_j r w_j + b_j           r = 1 / sqrt(mean x^2 + epsilon)
 *   layer_norm   y_j = (x_j - m) r w_j + b_j     m = mean x, r = 1 / sqrt(mean (x - m)^2 + epsilon)
 *
 *   standardize  y_j = (x_j - m) / (s + epsilon)     s = sqrt(mean (x - m)^2)
 *
 * Backward, with h_j the normalised value (x_j r, or (x_j - m) r) and g_j = dy_j w_j, the gradient that reaches it:
 *
 *   dw_j = sum over rows of dy_j h_j,  db_j = sum over rows of dy_j.
 *
 *   rms_norm: dr / dx_j = -r^3 x_j / cols = -r^2 h_j / cols, so
 *     dx_j = g_j r + sum_k g_k x_k dr/dx_j = r (g_j - h_j mean(g h)).
 *   layer_norm: with c = x - m, dr / dc_j = -r^2 h_j / cols as above, so the gradient of c is r (g_j - h_j mean(g h));
 * that of x takes its mean away, since m moves every c, and mean h = 0: dx_j = r (g_j - mean g - h_j mean(g h)).
 *   standardize: with f = 1 / (s + epsilon) and ds / dc_j = c_j / (cols s), dx_j = f (g_j - mean g) - f^2 c_j mean(g c)
 * / s; where s is 0 that has no limit, and is 0 by definition. Numbers are taken relative to the row's first, so that a
 * row of equal ones has s = 0 exactly. */
#include "kernel.h"

static real mean_of(size_t n, const real *x)
{
    real sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += x[j];
    return sum / (real)n;
}

/* 1 / sqrt(mean (x - m)^2 + epsilon) */
static real inverse_size(size_t n, const real *x, real m, real epsilon)
{
    real sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += (x[j] - m) * (x[j] - m);
    return 1 / (real)sqrt(sum / (real)n + epsilon);
}

void K(rms_norm)(size_t rows, size_t cols, real epsilon, const real *x, const real *weight, const real *bias, real *y)
{
    for (; rows; rows--, x += cols, y += cols) {
        const real r = inverse_size(cols, x, 0, epsilon);
        for (size_t j = 0; j < cols; j++)
            y[j] = x[j] * r * (weight ? weight[j] : 1) + (bias ? bias[j] : 0);
    }
}

void K(rms_norm_backward)(size_t rows, size_t cols, real epsilon, const real *x, const real *weight, const real *dy,
                          real *dx, real *dweight, real *dbias)
{
    for (size_t i = 0; i < rows; i++, x += cols, dy += cols) {
        const real r = inverse_size(cols, x, 0, epsilon);
        real gh = 0;
        for (size_t j = 0; j < cols; j++)
            gh += dy[j] * (weight ? weight[j] : 1) * x[j] * r;
        gh /= (real)cols;
        for (size_t j = 0; dx && j < cols; j++)
            dx[i * cols + j] += r * (dy[j] * (weight ? weight[j] : 1) - x[j] * r * gh);
        for (size_t j = 0; dweight && j < cols; j++)
            dweight[j] += dy[j] * x[j] * r;
        for (size_t j = 0; dbias && j < cols; j++)
            dbias[j] += dy[j];
    }
}

void K(layer_norm)(size_t rows, size_t cols, real epsilon, const real *x, const real *weight, const real *bias, real *y)
{
    for (; rows; rows--, x += cols, y += cols) {
        const real m = mean_of(cols, x), r = inverse_size(cols, x, m, epsilon);
        for (size_t j = 0; j < cols; j++)
            y[j] = (x[j] - m) * r * (weight ? weight[j] : 1) + (bias ? bias[j] : 0);
    }
}

void K(layer_norm_backward)(size_t rows, size_t cols, real epsilon, const real *x, const real *weight, const real *dy,
                            real *dx, real *dweight, real *dbias)
{
    for (size_t i = 0; i < rows; i++, x += cols, dy += cols) {
        const real m = mean_of(cols, x), r = inverse_size(cols, x, m, epsilon);
        real g = 0, gh = 0;
        for (size_t j = 0; j < cols; j++) {
            const real gj = dy[j] * (weight ? weight[j] : 1);
            g += gj;
            gh += gj * (x[j] - m) * r;
        }
        g /= (real)cols;
        gh /= (real)cols;
        for (size_t j = 0; dx && j < cols; j++)
            dx[i * cols + j] += r * (dy[j] * (weight ? weight[j] : 1) - g - (x[j] - m) * r * gh);
        for (size_t j = 0; dweight && j < cols; j++)
            dweight[j] += dy[j] * (x[j] - m) * r;
        for (size_t j = 0; dbias && j < cols; j++)
            dbias[j] += dy[j];
    }
}

/* The mean of x - x_0, and s. */
static void spread(size_t n, const real *x, real *mean, real *s)
{
    real sum = 0, squares = 0;
    for (size_t j = 0; j < n; j++)
        sum += x[j] - x[0];
    *mean = sum / (real)n;
    for (size_t j = 0; j < n; j++)
        squares += (x[j] - x[0] - *mean) * (x[j] - x[0] - *mean);
    *s = (real)sqrt(squares / (real)n);
}

void K(standardize)(size_t rows, size_t cols, real epsilon, const real *x, real *y)
{
    for (; rows && cols; rows--, x += cols, y += cols) {
        real mean, s;
        spread(cols, x, &mean, &s);
        for (size_t j = 0; j < cols; j++)
            y[j] = (x[j] - x[0] - mean) / (s + epsilon);
    }
}

void K(standardize_backward)(size_t rows, size_t cols, real epsilon, const real *x, const real *dy, real *dx)
{
    for (; rows && cols; rows--, x += cols, dy += cols, dx += cols) {
        real mean, s, g = 0, gc = 0;
        spread(cols, x, &mean, &s);
        if (s == 0)
            continue;
        const real f = 1 / (s + epsilon);
        for (size_t j = 0; j < cols; j++) {
            g += dy[j];
            gc += dy[j] * (x[j] - x[0] - mean);
        }
        for (size_t j = 0; j < cols; j++)
            dx[j] += f * (dy[j] - g / (real)cols) - f * f * (x[j] - x[0] - mean) * (gc / (real)cols / s);
    }
}
