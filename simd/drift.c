/* The drifting field, step by step, for one generated sample against n columns: the formulas stand in ref/drift.c. Sums
 * over columns go lane by lane in ascending order, then down the one tree; infinite squares give exactly 0. */
#include "kernel.h"
#include "math.h"

enum { GROUP = 4 };

VEC_MATH vec square_at(size_t dim, size_t stride, const float *x, const float *y, ptrdiff_t left)
{
    vec sum = vec_zero();
    for (size_t k = 0; k < dim; k++) {
        vec step = vec_sub(vec_load_n(y + k * stride, left, 0), vec_set1(x[k]));
        sum = vec_fma(step, step, sum);
    }
    return sum;
}

void K(field_squares)(size_t n, size_t dim, size_t stride, const float *x, const float *y, float *squares)
{
    size_t j = 0;
    for (; j + GROUP * LANES <= n; j += GROUP * LANES) {
        vec sum[GROUP] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
        for (size_t k = 0; k < dim; k++) {
            vec at = vec_set1(x[k]);
            for (int g = 0; g < GROUP; g++) {
                vec step = vec_sub(vec_load(y + k * stride + j + (size_t)g * LANES), at);
                sum[g] = vec_fma(step, step, sum[g]);
            }
        }
        for (int g = 0; g < GROUP; g++)
            vec_store(squares + j + (size_t)g * LANES, sum[g]);
    }
    for (; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec_store_n(squares + j, left, square_at(dim, stride, x, y + j, left));
    }
}

/* exp(shift - rate d) of squares d^2 >= 0; the shift keeps it below 2^126 */
VEC_MATH vec kernel(vec rate, vec shift, vec square)
{
    return vec_exp_neg(vec_fnma(rate, vec_sqrt(square), shift));
}

void K(field_sums)(size_t n, float rate, float shift, const float *squares, float *column, float *row)
{
    const vec r = vec_set1(rate), s = vec_set1(shift);
    vec sum = vec_zero();
    size_t j = 0;
    if (column)
        for (; j + LANES <= n; j += LANES) {
            vec k = kernel(r, s, vec_load(squares + j));
            sum = vec_add(sum, k);
            vec_store(column + j, vec_add(vec_load(column + j), k));
        }
    else
        for (; j + LANES <= n; j += LANES)
            sum = vec_add(sum, kernel(r, s, vec_load(squares + j)));
    ptrdiff_t left = (ptrdiff_t)(n - j);
    vec k = kernel(r, s, vec_load_n(squares + j, left, INFINITY));
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

void K(field_weights)(size_t n, float rate, float shift, float a, float most, float least, const float *squares,
                      const float *c, const float *weight, float *w, float *row)
{
    const vec r = vec_set1(rate), s = vec_set1(shift), scale = vec_set1(a), limit = vec_set1(most);
    vec sum = vec_zero();
    size_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        vec k = kernel(r, s, vec_load(squares + j));
        k = vec_mul(k, vec_min(vec_mul(scale, vec_load(c + j)), limit));
        k = weighted(k, least, weight ? weight + j : NULL, LANES);
        sum = vec_add(sum, k);
        vec_store(w + j, k);
    }
    ptrdiff_t left = (ptrdiff_t)(n - j);
    if (left) {
        vec k = kernel(r, s, vec_load_n(squares + j, left, INFINITY));
        k = vec_mul(k, vec_min(vec_mul(scale, vec_load_n(c + j, left, 0)), limit));
        k = first_lanes(weighted(k, least, weight ? weight + j : NULL, left), left);
        sum = vec_add(sum, k);
        vec_store_n(w + j, left, k);
    }
    *row = vec_reduce_add(sum);
}

void K(field_nearest)(size_t n, const float *squares, float *column, float *row)
{
    vec nearest = vec_set1(INFINITY);
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec square = vec_load_n(squares + j, left, INFINITY);
        nearest = vec_min(nearest, square);
        if (column)
            vec_store_n(column + j, left, vec_min(vec_load_n(column + j, left, INFINITY), square));
    }
    *row = vec_reduce_min(nearest);
}

/* exp(rate (sqrt(nearest) - d)), 0 where d is infinite */
VEC_MATH vec relative(vec rate, vec nearest, vec square)
{
    vec k = vec_exp_neg(vec_mul(rate, vec_sub(vec_sqrt(nearest), vec_sqrt(square))));
    return vec_select(vec_eq(square, vec_set1(INFINITY)), vec_zero(), k);
}

void K(field_log_sums)(size_t n, float rate, float nearest, const float *squares, const float *column_nearest,
                       float *column, float *row)
{
    const vec r = vec_set1(rate), near_row = vec_set1(nearest);
    vec sum = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec square = vec_load_n(squares + j, left, INFINITY);
        sum = vec_add(sum, relative(r, near_row, square));
        if (column)
            vec_store_n(
                column + j, left,
                vec_add(vec_load_n(column + j, left, 0), relative(r, vec_load_n(column_nearest + j, left, 0), square)));
    }
    *row = vec_reduce_add(sum);
}

void K(field_log_weights)(size_t n, float rate, float l, float log_floor, float least, const float *squares,
                          const float *column, const float *weight, float *w, float *row)
{
    const vec r = vec_set1(rate), infinity = vec_set1(INFINITY);
    vec sum = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec square = vec_load_n(squares + j, left, INFINITY);
        vec sums = vec_max(vec_set1(log_floor), vec_add(vec_set1(l), vec_load_n(column + j, left, 0)));
        vec k = vec_exp(vec_fnma(r, vec_sqrt(square), vec_mul(vec_set1(-0.5f), sums)));
        k = vec_select(vec_eq(square, infinity), vec_zero(), k);
        k = first_lanes(weighted(k, least, weight ? weight + j : NULL, left), left > LANES ? LANES : left);
        sum = vec_add(sum, k);
        vec_store_n(w + j, left, k);
    }
    *row = vec_reduce_add(sum);
}

void K(field_softmax)(size_t n, float rate, const float *squares, const float *log_weight, float *w, float *row)
{
    const vec r = vec_set1(rate), none = vec_set1(-INFINITY);
    vec top = none, bad = vec_zero(), sum = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec z = log_weight ? vec_load_n(log_weight + j, left, -INFINITY) : vec_zero();
        z = vec_fnma(r, vec_sqrt(vec_load_n(squares + j, left, INFINITY)), z);
        top = vec_max(z, top); /* a NaN in z is dropped here and kept in bad */
        bad = vec_select(vec_eq(z, z), bad, z);
        vec_store_n(w + j, left, z);
    }
    const vec most = vec_add(vec_set1(vec_reduce_max(top)), vec_set1(vec_reduce_add(bad)));
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

void K(field_centre)(size_t n, float alpha, const float *x, float *f, float *square)
{
    const vec a = vec_set1(alpha);
    vec sum = vec_zero();
    for (size_t k = 0; k < n; k += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - k);
        vec v = vec_fnma(a, vec_load_n(x + k, left, 0), vec_load_n(f + k, left, 0));
        v = first_lanes(v, left > LANES ? LANES : left);
        sum = vec_fma(v, v, sum);
        vec_store_n(f + k, left, v);
    }
    *square = vec_reduce_add(sum);
}

void K(field_total)(size_t n, size_t taus, size_t stride, const float *factor, const float *f, float *v)
{
    for (size_t k = 0; k < n; k += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - k);
        vec sum = vec_zero();
        for (size_t t = 0; t < taus; t++)
            sum = vec_fma(vec_set1(factor[t]), vec_load_n(f + t * stride + k, left, 0), sum);
        vec_store_n(v + k, left, sum);
    }
}

void K(field_expand)(size_t n, float norm, const float *norms, float *squares, float *cancelled)
{
    const vec x = vec_set1(norm), least = vec_set1(1e-8f), one = vec_set1(1);
    vec count = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        vec sum = vec_add(x, vec_load_n(norms + j, left, 0));
        vec square = vec_fnma(vec_set1(2), vec_load_n(squares + j, left, 0), sum);
        vmask lost = vec_lt(square, vec_mul(sum, vec_set1(1.0f / 16)));
        count = vec_add(count, first_lanes(vec_select(lost, one, vec_zero()), left > LANES ? LANES : left));
        vec_store_n(squares + j, left, vec_select(vec_lt(square, least), least, square));
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

void K(field_distances)(size_t n, const float *squares, const float *weight, float *row)
{
    vec sum = vec_zero();
    for (size_t j = 0; j < n; j += LANES) {
        ptrdiff_t left = (ptrdiff_t)(n - j);
        sum = vec_fma(vec_sqrt(vec_load_n(squares + j, left, 0)), vec_load_n(weight + j, left, 0), sum);
    }
    *row = vec_reduce_add(sum);
}
