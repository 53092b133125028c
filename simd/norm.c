/* RMSNorm and LayerNorm of rows: formulas and derivation in ref/norm.c. */
#include "kernel.h"

#include "row.h"

/* A weight or bias that may be NULL. */
static inline vec row_load_or(const float *p, size_t j, size_t left, float missing)
{
    return p ? row_load(p + j, left, missing) : vec_set1(missing);
}

static inline float inverse_root(float sum, size_t cols, float epsilon)
{
    return 1 / sqrtf(sum / (float)cols + epsilon);
}

void K(rms_norm)(size_t rows, size_t cols, float epsilon, const float *x, const float *weight, const float *bias,
                 float *y)
{
    for (; rows; rows--, x += cols, y += cols) {
        vec sum = vec_zero();
        for (size_t j = 0; j < cols; j += LANES) {
            const vec v = row_load(x + j, cols - j, 0);
            sum = vec_fma(v, v, sum);
        }
        const vec r = vec_set1(inverse_root(vec_reduce_add(sum), cols, epsilon));
        for (size_t j = 0; j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec h = vec_mul(row_load(x + j, left, 0), r);
            row_store(y + j, left, vec_fma(h, row_load_or(weight, j, left, 1), row_load_or(bias, j, left, 0)));
        }
    }
}

static void add_product(size_t cols, const float *x, float shift, float factor, const float *dy, float *dweight)
{
    for (size_t j = 0; j < cols; j += LANES) {
        const size_t left = cols - j;
        const vec h = vec_mul(vec_sub(row_load(x + j, left, 0), vec_set1(shift)), vec_set1(factor));
        row_store(dweight + j, left, vec_fma(row_load(dy + j, left, 0), h, row_load(dweight + j, left, 0)));
    }
}

void K(rms_norm_backward)(size_t rows, size_t cols, float epsilon, const float *x, const float *weight, const float *dy,
                          float *dx, float *dweight, float *dbias)
{
    for (size_t i = 0; i < rows; i++, x += cols, dy += cols) {
        vec squares = vec_zero(), gx = vec_zero();
        for (size_t j = 0; j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec v = row_load(x + j, left, 0),
                      g = vec_mul(row_load(dy + j, left, 0), row_load_or(weight, j, left, 1));
            squares = vec_fma(v, v, squares);
            gx = vec_fma(g, v, gx);
        }
        const float r = inverse_root(vec_reduce_add(squares), cols, epsilon);
        const vec scale = vec_set1(r), gh = vec_set1(vec_reduce_add(gx) * r / (float)cols);
        for (size_t j = 0; dx && j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec g = vec_mul(row_load(dy + j, left, 0), row_load_or(weight, j, left, 1));
            const vec change = vec_fnma(vec_mul(row_load(x + j, left, 0), scale), gh, g);
            float *to = dx + i * cols + j;
            row_store(to, left, vec_fma(scale, change, row_load(to, left, 0)));
        }
        if (dweight)
            add_product(cols, x, 0, r, dy, dweight);
        for (size_t j = 0; dbias && j < cols; j += LANES)
            row_add(dbias + j, cols - j, row_load(dy + j, cols - j, 0));
    }
}

/* mean x, and 1 / sqrt(mean (x - mean)^2 + epsilon) */
static void moments(size_t cols, float epsilon, const float *x, float *mean, float *r)
{
    vec sum = vec_zero(), squares = vec_zero();
    for (size_t j = 0; j < cols; j += LANES)
        sum = vec_add(sum, row_load(x + j, cols - j, 0));
    *mean = vec_reduce_add(sum) / (float)cols;
    for (size_t j = 0; j < cols; j += LANES) {
        const vec c = vec_sub(row_load(x + j, cols - j, *mean), vec_set1(*mean));
        squares = vec_fma(c, c, squares);
    }
    *r = inverse_root(vec_reduce_add(squares), cols, epsilon);
}

void K(layer_norm)(size_t rows, size_t cols, float epsilon, const float *x, const float *weight, const float *bias,
                   float *y)
{
    for (; rows; rows--, x += cols, y += cols) {
        float mean, r;
        moments(cols, epsilon, x, &mean, &r);
        for (size_t j = 0; j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec h = vec_mul(vec_sub(row_load(x + j, left, 0), vec_set1(mean)), vec_set1(r));
            row_store(y + j, left, vec_fma(h, row_load_or(weight, j, left, 1), row_load_or(bias, j, left, 0)));
        }
    }
}

/* dx += r (g - mean g - h mean(g h)) */
static void add_layer_gradient(size_t cols, const float *x, float mean, float r, const float *weight, const float *dy,
                               float *dx)
{
    const vec m = vec_set1(mean), scale = vec_set1(r);
    vec sum = vec_zero(), products = vec_zero();
    for (size_t j = 0; j < cols; j += LANES) {
        const size_t left = cols - j;
        const vec h = vec_mul(vec_sub(row_load(x + j, left, 0), m), scale);
        const vec g = vec_mul(row_load(dy + j, left, 0), row_load_or(weight, j, left, 1)); /* 0 beyond the end */
        sum = vec_add(sum, g);
        products = vec_fma(g, h, products);
    }
    const vec mean_g = vec_set1(vec_reduce_add(sum) / (float)cols);
    const vec mean_gh = vec_set1(vec_reduce_add(products) / (float)cols);
    for (size_t j = 0; j < cols; j += LANES) {
        const size_t left = cols - j;
        const vec h = vec_mul(vec_sub(row_load(x + j, left, 0), m), scale);
        const vec g = vec_mul(row_load(dy + j, left, 0), row_load_or(weight, j, left, 1));
        const vec change = vec_fnma(h, mean_gh, vec_sub(g, mean_g));
        row_store(dx + j, left, vec_fma(scale, change, row_load(dx + j, left, 0)));
    }
}

void K(layer_norm_backward)(size_t rows, size_t cols, float epsilon, const float *x, const float *weight,
                            const float *dy, float *dx, float *dweight, float *dbias)
{
    for (size_t i = 0; i < rows; i++, x += cols, dy += cols) {
        float mean, r;
        moments(cols, epsilon, x, &mean, &r);
        if (dx)
            add_layer_gradient(cols, x, mean, r, weight, dy, dx + i * cols);
        if (dweight)
            add_product(cols, x, mean, r, dy, dweight);
        for (size_t j = 0; dbias && j < cols; j += LANES)
            row_add(dbias + j, cols - j, row_load(dy + j, cols - j, 0));
    }
}
