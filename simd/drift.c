/* The drifting field, step by step, for one generated sample against n columns: the formulas stand in ref/drift.c. Sums
 * over columns go lane by lane in ascending order, then down the one tree; infinite distances give exactly 0. */
#include "kernel.h"
#include "math.h"

#include "transpose.h"

/* exp(shift - rate d), d >= 0; the shift keeps it below 2^126 */
VEC_MATH vec kernel(vec rate, vec shift, vec distance) { return vec_exp_neg(vec_fnma(rate, distance, shift)); }

void K(field_sums)(size_t n, float rate, float shift, const float *distances, float *column, float *row)
{
    const vec r = vec_set1(rate), s = vec_set1(shift);
    vec sum = vec_zero();
    size_t j = 0;
    if (column)
        for (; j + LANES <= n; j += LANES) {
            vec k = kernel(r, s, vec_load(distances + j));
            sum = vec_add(sum, k);
            vec_store(column + j, vec_add(vec_load(column + j), k));
        }
    else
        for (; j + LANES <= n; j += LANES)
            sum = vec_add(sum, kernel(r, s, vec_load(distances + j)));
    ptrdiff_t left = (ptrdiff_t)(n - j);
    vec k = kernel(r, s, vec_load_n(distances + j, left, INFINITY));
    sum = vec_add(sum, k);
    if (column)
        vec_store_n(column + j, left, vec_add(vec_load_n(column + j, left, 0), k));
    *row = vec_reduce_add(sum);
}

VEC_MATH vec weighted(vec affinity, float least, const float *weight, ptrdiff_t left)
{
    affinity = vec_max(vec_set1(least), affinity);
    return weight ? vec_mul(affinity, vec_load_n(weight, left, 0)) : affinity;
}

/* Lanes past the end must add nothing although `least` lifts them. */
VEC_MATH vec first_lanes(vec a, ptrdiff_t left)
{
    return vec_select(veci_gt(veci_set1((int32_t)left), veci_iota()), a, vec_zero());
}

void K(field_weights)(size_t n, float rate, float shift, float a, float most, float least, const float *distances,
                      const float *c, const float *weight, float *w, float *row)
{
    const vec r = vec_set1(rate), s = vec_set1(shift), scale = vec_set1(a), limit = vec_set1(most);
    vec sum = vec_zero();
    size_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        vec k = kernel(r, s, vec_load(distances + j));
        k = vec_mul(k, vec_min(vec_mul(scale, vec_load(c + j)), limit));
        k = weighted(k, least, weight ? weight + j : NULL, LANES);
        sum = vec_add(sum, k);
        vec_store(w + j, k);
    }
    ptrdiff_t left = (ptrdiff_t)(n - j);
    if (left) {
        vec k = kernel(r, s, vec_load_n(distances + j, left, INFINITY));
        k = vec_mul(k, vec_min(vec_mul(scale, vec_load_n(c + j, left, 0)), limit));
        k = first_lanes(weighted(k, least, weight ? weight + j : NULL, left), left);
        sum = vec_add(sum, k);
        vec_store_n(w + j, left, k);
    }
    *row = vec_reduce_add(sum);
}

void K(field_nearest)(size_t n, const float *distances, float *column, float *row)
{
    vec nearest = vec_set1(INFINITY);
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec distance = vec_load_n(distances + j, left, INFINITY);
        nearest = vec_min(nearest, distance);
        if (column)
            vec_store_n(column + j, left, vec_min(vec_load_n(column + j, left, INFINITY), distance));
    }
    *row = vec_reduce_min(nearest);
}

/* exp(rate (nearest - d)), 0 where d is infinite */
VEC_MATH vec relative(vec rate, vec nearest, vec distance)
{
    vec k = vec_exp_neg(vec_mul(rate, vec_sub(nearest, distance)));
    return vec_select(vec_eq(distance, vec_set1(INFINITY)), vec_zero(), k);
}

void K(field_log_sums)(size_t n, float rate, float nearest, const float *distances, const float *column_nearest,
                       float *column, float *row)
{
    const vec r = vec_set1(rate), near_row = vec_set1(nearest);
    vec sum = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec distance = vec_load_n(distances + j, left, INFINITY);
        sum = vec_add(sum, relative(r, near_row, distance));
        if (column)
            vec_store_n(column + j, left,
                        vec_add(vec_load_n(column + j, left, 0),
                                relative(r, vec_load_n(column_nearest + j, left, 0), distance)));
    }
    *row = vec_reduce_add(sum);
}

void K(field_log_weights)(size_t n, float rate, float l, float least, const float *distances, const float *column,
                          const float *weight, float *w, float *row)
{
    const vec r = vec_set1(rate), infinity = vec_set1(INFINITY);
    vec sum = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec distance = vec_load_n(distances + j, left, INFINITY);
        vec sums = vec_add(vec_set1(l), vec_load_n(column + j, left, 0));
        vec k = vec_exp(vec_fnma(r, distance, vec_mul(vec_set1(-0.5f), sums)));
        k = vec_select(vec_eq(distance, infinity), vec_zero(), k);
        k = first_lanes(weighted(k, least, weight ? weight + j : NULL, left), left > LANES ? LANES : left);
        sum = vec_add(sum, k);
        vec_store_n(w + j, left, k);
    }
    *row = vec_reduce_add(sum);
}

void K(field_softmax)(size_t n, float rate, const float *distances, const float *log_weight, float *w, float *top,
                      float *row)
{
    const vec r = vec_set1(rate), none = vec_set1(-INFINITY);
    vec largest = none, bad = vec_zero(), sum = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec z = log_weight ? vec_load_n(log_weight + j, left, -INFINITY) : vec_zero();
        z = vec_fnma(r, vec_load_n(distances + j, left, INFINITY), z);
        largest = vec_max(z, largest); /* a NaN in z is dropped here and kept in bad */
        bad = vec_select(vec_eq(z, z), bad, z);
        vec_store_n(w + j, left, z);
    }
    *top = vec_reduce_max(largest) + vec_reduce_add(bad);
    const vec most = vec_set1(*top);
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec z = vec_load_n(w + j, left, -INFINITY);
        vec k = vec_select(vec_eq(z, none), vec_zero(), vec_exp_neg(vec_sub(z, most)));
        sum = vec_add(sum, k);
        vec_store_n(w + j, left, k);
    }
    *row = vec_reduce_add(sum);
}

/* Two coordinates at a time share the load of the weights; two vectors of columns hide the latency. */
void K(field_force)(size_t n, size_t dim, size_t stride, const float *x, const float *y, const float *w, float *force)
{
    for (size_t k = 0; k < dim; k += 2) {
        const size_t other = k + 1 < dim ? k + 1 : k;
        const float *ya = y + k * stride, *yb = y + other * stride;
        const vec xa = vec_set1(x[k]), xb = vec_set1(x[other]);
        vec a[2] = {vec_zero(), vec_zero()}, b[2] = {vec_zero(), vec_zero()};
        size_t j = 0;
        for (; j + 2 * LANES <= n; j += 2 * LANES)
            for (int g = 0; g < 2; g++) {
                const size_t at = j + (size_t)g * LANES;
                vec v = vec_load(w + at);
                a[g] = vec_fma(v, vec_sub(vec_load(ya + at), xa), a[g]);
                b[g] = vec_fma(v, vec_sub(vec_load(yb + at), xb), b[g]);
            }
        for (int g = 0; j < n; j += LANES, g = 1) {
            ptrdiff_t left = (ptrdiff_t)(n - j);
            vec v = vec_load_n(w + j, left, 0);
            a[g] = vec_fma(v, vec_sub(vec_load_n(ya + j, left, x[k]), xa), a[g]);
            b[g] = vec_fma(v, vec_sub(vec_load_n(yb + j, left, x[other]), xb), b[g]);
        }
        force[k] = vec_reduce_add(vec_add(a[0], a[1]));
        force[other] = vec_reduce_add(vec_add(b[0], b[1]));
    }
}

void K(field_coefficients)(size_t split, size_t n, float first, float second, float *w, float *row)
{
    vec sum = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j), before = (ptrdiff_t)split - (ptrdiff_t)j;
        before = before < 0 ? 0 : before > LANES ? LANES : before;
        vmask negative = veci_gt(veci_set1((int32_t)before), veci_iota());
        vec v = vec_mul(vec_load_n(w + j, left, 0), vec_select(negative, vec_set1(first), vec_set1(second)));
        v = first_lanes(v, left > LANES ? LANES : left);
        sum = vec_add(sum, v);
        vec_store_n(w + j, left, v);
    }
    *row = vec_reduce_add(sum);
}

void K(field_total)(size_t n, size_t taus, size_t stride, const float *factor, const float *f, float *v, float *square)
{
    vec all = vec_zero();
    for (size_t k = 0; k < n; k += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - k);
        vec sum = vec_zero();
        for (size_t t = 0; t < taus; t++)
            sum = vec_fma(vec_set1(factor[t]), vec_load_n(f + t * stride + k, left, 0), sum);
        sum = first_lanes(sum, left > LANES ? LANES : left);
        all = vec_fma(sum, sum, all);
        vec_store_n(v + k, left, sum);
    }
    *square = vec_reduce_add(all);
}

/* Sixteen samples at a time, and of these sixteen dimensions, transposed in registers. */
void K(field_centre_across)(size_t rows, size_t dim, size_t x_row, const float *x, const float *shift, size_t stride,
                            float *y, float *norm)
{
    for (size_t j = 0; j < rows; j += LANES) {
        const ptrdiff_t samples = (ptrdiff_t)(rows - j);
        vec sum = vec_load_n(norm + j, samples, 0);
        for (size_t k = 0; k < dim; k += LANES) {
            const ptrdiff_t left = (ptrdiff_t)(dim - k);
            const vec move = vec_load_n(shift + k, left, 0);
            vec block[LANES];
            for (ptrdiff_t i = 0; i < LANES; i++)
                block[i] = i < samples ? vec_add(vec_load_n(x + (j + (size_t)i) * x_row + k, left, 0), move) : move;
            vec_transpose(block);
            for (ptrdiff_t i = 0; i < LANES && i < left; i++) {
                sum = vec_fma(block[i], block[i], sum);
                vec_store_n(y + (k + (size_t)i) * stride + j, samples, block[i]);
            }
        }
        vec_store_n(norm + j, samples, sum);
    }
}

void K(field_centre_along)(size_t rows, size_t dim, size_t x_row, const float *x, const float *shift, size_t panel,
                           float *y)
{
    enum { WIDTH = DRIFT_GEMM_PANEL };
    for (size_t j = 0; j < rows; j++, x += x_row)
        for (size_t k = 0; k < dim; k += WIDTH)
            for (size_t v = k; v < k + WIDTH; v += LANES) {
                const ptrdiff_t left = (ptrdiff_t)dim - (ptrdiff_t)v;
                vec_store(y + k / WIDTH * panel + j * WIDTH + v % WIDTH,
                          vec_add(vec_load_n(x + v, left, 0), vec_load_n(shift + v, left, 0)));
            }
}

void K(field_expand)(size_t n, float norm, const float *norms, const float *products, float *distances,
                     float *cancelled)
{
    const vec x = vec_set1(norm), least = vec_set1(1e-8f), one = vec_set1(1);
    vec count = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec sum = vec_add(x, vec_load_n(norms + j, left, 0));
        vec square = vec_fnma(vec_set1(2), vec_load_n(products + j, left, 0), sum);
        vmask lost = vec_lt(square, vec_mul(sum, vec_set1(1.0f / 16)));
        count = vec_add(count, first_lanes(vec_select(lost, one, vec_zero()), left > LANES ? LANES : left));
        vec_store_n(distances + j, left, vec_sqrt(vec_select(vec_lt(square, least), least, square)));
    }
    *cancelled = vec_reduce_add(count);
}

void K(field_square)(size_t n, const float *x, const float *y, float *square)
{
    vec sum = vec_zero();
    for (size_t k = 0; k < n; k += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - k);
        vec step = vec_load_n(x + k, left, 0);
        if (y)
            step = vec_sub(step, vec_load_n(y + k, left, 0));
        sum = vec_fma(step, step, sum);
    }
    *square = vec_reduce_add(sum);
}

void K(field_dot)(size_t rows, size_t n, const float *a, size_t a_row, const float *b, size_t b_row, float *sum)
{
    vec all = vec_zero();
    for (size_t i = 0; i < rows; i++, a += a_row, b += b_row)
        for (size_t j = 0; j < n; j += LANES) {
            ptrdiff_t left = (ptrdiff_t)(n - j);
            all = vec_fma(vec_load_n(a + j, left, 0), vec_load_n(b + j, left, 0), all);
        }
    *sum = vec_reduce_add(all);
}
