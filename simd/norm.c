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

/* With h = (x - mean) r and g = dy w:  dx += r (g - mean_g - h mean_gh),  dw += dy h,  dbias += dy. */
static inline void add_gradients(size_t cols, const float *x, float mean, float r, float mean_g, float mean_gh,
                                 const float *weight, const float *dy, float *dx, float *dweight, float *dbias)
{
    const vec m = vec_set1(mean), scale = vec_set1(r), all_g = vec_set1(mean_g), all_gh = vec_set1(mean_gh);
    for (size_t j = 0; j < cols; j += LANES) {
        const size_t left = cols - j;
        const vec d = row_load(dy + j, left, 0), h = vec_mul(vec_sub(row_load(x + j, left, 0), m), scale);
        if (dx) {
            const vec g = vec_mul(d, row_load_or(weight, j, left, 1));
            const vec change = vec_fnma(h, all_gh, vec_sub(g, all_g));
            row_store(dx + j, left, vec_fma(scale, change, row_load(dx + j, left, 0)));
        }
        if (dweight)
            row_store(dweight + j, left, vec_fma(d, h, row_load(dweight + j, left, 0)));
        if (dbias)
            row_add(dbias + j, left, d);
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
        const float gh = vec_reduce_add(gx) * r / (float)cols;
        add_gradients(cols, x, 0, r, 0, gh, weight, dy, dx ? dx + i * cols : NULL, dweight, dbias);
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

void K(layer_norm_backward)(size_t rows, size_t cols, float epsilon, const float *x, const float *weight,
                            const float *dy, float *dx, float *dweight, float *dbias)
{
    for (size_t i = 0; i < rows; i++, x += cols, dy += cols) {
        float mean, r;
        vec sum = vec_zero(), products = vec_zero();
        moments(cols, epsilon, x, &mean, &r);
        for (size_t j = 0; dx && j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec h = vec_mul(vec_sub(row_load(x + j, left, 0), vec_set1(mean)), vec_set1(r));
            const vec g = vec_mul(row_load(dy + j, left, 0), row_load_or(weight, j, left, 1)); /* 0 beyond the end */
            sum = vec_add(sum, g);
            products = vec_fma(g, h, products);
        }
        const float g = vec_reduce_add(sum) / (float)cols, gh = vec_reduce_add(products) / (float)cols;
        add_gradients(cols, x, mean, r, g, gh, weight, dy, dx ? dx + i * cols : NULL, dweight, dbias);
    }
}

/* Sixteen numbers relative to the row's first and to `mean`; beyond the end 0. */
static inline vec centred(const float *x, size_t j, size_t cols, vec first, vec mean)
{
    const vec d = vec_sub(vec_sub(row_load(x + j, cols - j, 0), first), mean);
    const vec beyond = vec_from_int(veci_sub(veci_iota(), veci_set1(cols - j < LANES ? (int32_t)(cols - j) : LANES)));
    return vec_select(vec_lt(beyond, vec_zero()), d, vec_zero());
}

/* The mean of x - x_0, and the deviation. */
static void spread(size_t cols, const float *x, vec *mean, float *s)
{
    const vec first = vec_set1(x[0]);
    vec sum = vec_zero(), squares = vec_zero();
    for (size_t j = 0; j < cols; j += LANES)
        sum = vec_add(sum, centred(x, j, cols, first, vec_zero()));
    *mean = vec_set1(vec_reduce_add(sum) / (float)cols);
    for (size_t j = 0; j < cols; j += LANES) {
        const vec c = centred(x, j, cols, first, *mean);
        squares = vec_fma(c, c, squares);
    }
    *s = sqrtf(vec_reduce_add(squares) / (float)cols);
}

void K(standardize)(size_t rows, size_t cols, float epsilon, const float *x, float *y)
{
    for (; rows && cols; rows--, x += cols, y += cols) {
        vec mean;
        float s;
        spread(cols, x, &mean, &s);
        const vec first = vec_set1(x[0]), factor = vec_set1(1 / (s + epsilon));
        for (size_t j = 0; j < cols; j += LANES)
            row_store(y + j, cols - j, vec_mul(centred(x, j, cols, first, mean), factor));
    }
}

void K(standardize_backward)(size_t rows, size_t cols, float epsilon, const float *x, const float *dy, float *dx)
{
    for (; rows && cols; rows--, x += cols, dy += cols, dx += cols) {
        vec mean, sum = vec_zero(), products = vec_zero();
        float s;
        spread(cols, x, &mean, &s);
        if (s == 0)
            continue;
        const vec first = vec_set1(x[0]);
        for (size_t j = 0; j < cols; j += LANES) {
            const vec g = row_load(dy + j, cols - j, 0);
            sum = vec_add(sum, g);
            products = vec_fma(g, centred(x, j, cols, first, mean), products);
        }
        const float f = 1 / (s + epsilon);
        const vec mean_g = vec_set1(vec_reduce_add(sum) / (float)cols), factor = vec_set1(f);
        const vec slope = vec_set1(f * (f * (vec_reduce_add(products) / (float)cols / s)));
        for (size_t j = 0; j < cols; j += LANES) {
            const vec g = vec_mul(factor, vec_sub(row_load(dy + j, cols - j, 0), mean_g));
            row_add(dx + j, cols - j, vec_fnma(centred(x, j, cols, first, mean), slope, g));
        }
    }
}
