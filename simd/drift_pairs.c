/* The joint form in few dimensions, a block of pairs at a time: see ref/drift_pairs.c. Columns are taken sixteen at a
 * time, rows in groups that share the loads; every sum is one chain per lane over ascending columns (rows), so that the
 * size of a group does not show in the bits. */
#include "kernel.h"
#include "math.h"

#define INLINE VEC_MATH
enum { GROUP = PARTS == 1 ? 4 : 2 }; /* rows at a time; divides LANES */

/* K of rows i and columns j.. of this vector; step[k] = y_jk - x_ik. On the edge, lanes outside are 0. */
INLINE vec kernel_of(int dim, size_t x_stride, const float *x, const vec *y, float inv_tau, vec *step)
{
    vec square = vec_zero();
    for (int k = 0; k < dim; k++) {
        step[k] = vec_sub(y[k], vec_set1(x[(size_t)k * x_stride]));
        square = k ? vec_fma(step[k], step[k], square) : vec_mul(step[k], step[k]);
    }
    return vec_exp_neg(vec_mul(vec_sqrt(square), vec_set1(-inv_tau)));
}

/* Lanes l < left with j + l > i + below, as `after` = i + below - j. */
INLINE vmask edge_lanes(ptrdiff_t left, ptrdiff_t after)
{
    int32_t high = left > LANES ? LANES : (int32_t)left, low = after < -1 ? -1 : after > LANES ? LANES : (int32_t)after;
    return mask_and(veci_gt(veci_set1(high), veci_iota()), veci_gt(veci_iota(), veci_set1(low)));
}

struct pairs {
    size_t n, x_stride, stride;
    ptrdiff_t below;
    float inv_tau;
    const float *x, *y, *r, *row_cap, *c, *cap;
    float *row, *column;
};

INLINE void sums_vector(const struct pairs *p, int dim, int group, int edge, size_t i, size_t j, vec *row)
{
    ptrdiff_t left = edge ? (ptrdiff_t)(p->n - j) : LANES;
    vec y[DRIFT_FIELD_PLANE], step[DRIFT_FIELD_PLANE];
    for (int k = 0; k < dim; k++)
        y[k] =
            edge ? vec_load_n(p->y + (size_t)k * p->stride + j, left, 0) : vec_load(p->y + (size_t)k * p->stride + j);
    vec column = edge ? vec_load_n(p->column + j, left, 0) : vec_load(p->column + j);
    for (int g = 0; g < group; g++) {
        vec e = kernel_of(dim, p->x_stride, p->x + i + (size_t)g, y, p->inv_tau, step);
        if (edge)
            e = vec_select(edge_lanes(left, (ptrdiff_t)i + g + p->below - (ptrdiff_t)j), e, vec_zero());
        row[g] = vec_add(row[g], e);
        column = vec_add(column, e);
    }
    if (edge)
        vec_store_n(p->column + j, left, column);
    else
        vec_store(p->column + j, column);
}

/* The first vector that holds a pair of row i: the block is cut along the diagonal. */
INLINE size_t first_vector(const struct pairs *p, size_t i)
{
    ptrdiff_t at = (ptrdiff_t)i + p->below;
    return at < 0 ? 0 : (size_t)at / LANES * LANES;
}

INLINE void sums_rows(const struct pairs *p, int dim, int group, size_t i)
{
    vec row[GROUP];
    for (int g = 0; g < group; g++)
        row[g] = vec_zero();
    size_t j = first_vector(p, i);
    if (j >= p->n)
        return;
    sums_vector(p, dim, group, 1, i, j, row);
    for (j += LANES; j + LANES <= p->n; j += LANES)
        sums_vector(p, dim, group, 0, i, j, row);
    if (j < p->n)
        sums_vector(p, dim, group, 1, i, j, row);
    for (int g = 0; g < group; g++)
        p->row[i + (size_t)g] += vec_reduce_add(row[g]);
}

INLINE void sums(const struct pairs *p, int dim, size_t rows)
{
    size_t i = 0;
    for (; i + GROUP <= rows; i += GROUP)
        sums_rows(p, dim, GROUP, i);
    for (; i < rows; i++)
        sums_rows(p, dim, 1, i);
}

void K(pair_sums)(size_t rows, size_t n, size_t dim, size_t x_stride, size_t stride, ptrdiff_t below, float inv_tau,
                  const float *x, const float *y, float *row_sum, float *column_sum)
{
    const struct pairs p = {.n = n,
                            .x_stride = x_stride,
                            .stride = stride,
                            .below = below,
                            .inv_tau = inv_tau,
                            .x = x,
                            .y = y,
                            .row = row_sum,
                            .column = column_sum};
    switch (dim) {
    case 1: sums(&p, 1, rows); break;
    case 2: sums(&p, 2, rows); break;
    case 3: sums(&p, 3, rows); break;
    case 4: sums(&p, 4, rows); break;
    }
}

/* Loads the n sums of one column vector, or stores them. */
INLINE void column_sums(const struct pairs *p, int dim, int store, ptrdiff_t left, size_t j, vec *at)
{
    for (int k = 0; k <= dim; k++)
        if (store)
            vec_store_n(p->column + (size_t)k * p->stride + j, left, at[k]);
        else
            at[k] = vec_load_n(p->column + (size_t)k * p->stride + j, left, 0);
}

INLINE void moments_vector(const struct pairs *p, int dim, int group, int edge, int both, int capped, size_t i,
                           size_t j, vec row[][1 + DRIFT_FIELD_PLANE])
{
    ptrdiff_t left = edge ? (ptrdiff_t)(p->n - j) : LANES;
    vec y[DRIFT_FIELD_PLANE], step[DRIFT_FIELD_PLANE], column[1 + DRIFT_FIELD_PLANE];
    for (int k = 0; k < dim; k++)
        y[k] =
            edge ? vec_load_n(p->y + (size_t)k * p->stride + j, left, 0) : vec_load(p->y + (size_t)k * p->stride + j);
    vec c = edge ? vec_load_n(p->c + j, left, 0) : vec_load(p->c + j);
    vec cap = capped && both ? vec_load_n(p->cap + j, left, 0) : c;
    if (both)
        column_sums(p, dim, 0, left, j, column);
    for (int g = 0; g < group; g++) {
        vec e = kernel_of(dim, p->x_stride, p->x + i + (size_t)g, y, p->inv_tau, step);
        if (edge)
            e = vec_select(edge_lanes(left, (ptrdiff_t)i + g + p->below - (ptrdiff_t)j), e, vec_zero());
        vec t = vec_mul(e, capped ? vec_min(c, vec_set1(p->row_cap[i + (size_t)g])) : c);
        row[g][0] = vec_add(row[g][0], t);
        for (int k = 0; k < dim; k++)
            row[g][1 + k] = vec_fma(t, step[k], row[g][1 + k]);
        if (both) {
            vec r = vec_set1(p->r[i + (size_t)g]), u = vec_mul(e, capped ? vec_min(r, cap) : r);
            column[0] = vec_add(column[0], u);
            for (int k = 0; k < dim; k++)
                column[1 + k] = vec_fnma(u, step[k], column[1 + k]);
        }
    }
    if (both)
        column_sums(p, dim, 1, left, j, column);
}

INLINE void moments_rows(const struct pairs *p, int dim, int group, int both, int capped, size_t i)
{
    vec row[GROUP][1 + DRIFT_FIELD_PLANE];
    for (int g = 0; g < group; g++)
        for (int k = 0; k <= dim; k++)
            row[g][k] = vec_zero();
    size_t j = first_vector(p, i);
    if (j >= p->n)
        return;
    moments_vector(p, dim, group, 1, both, capped, i, j, row);
    for (j += LANES; j + LANES <= p->n; j += LANES)
        moments_vector(p, dim, group, 0, both, capped, i, j, row);
    if (j < p->n)
        moments_vector(p, dim, group, 1, both, capped, i, j, row);
    for (int g = 0; g < group; g++)
        for (int k = 0; k <= dim; k++)
            p->row[(size_t)k * p->x_stride + i + (size_t)g] += vec_reduce_add(row[g][k]);
}

INLINE void moments(const struct pairs *p, int dim, int both, int capped, size_t rows)
{
    size_t i = 0;
    for (; i + GROUP <= rows; i += GROUP)
        moments_rows(p, dim, GROUP, both, capped, i);
    for (; i < rows; i++)
        moments_rows(p, dim, 1, both, capped, i);
}

INLINE void moments_of(const struct pairs *p, int dim, size_t rows)
{
    if (p->column && p->row_cap)
        moments(p, dim, 1, 1, rows);
    else if (p->column)
        moments(p, dim, 1, 0, rows);
    else if (p->row_cap)
        moments(p, dim, 0, 1, rows);
    else
        moments(p, dim, 0, 0, rows);
}

void K(pair_moments)(size_t rows, size_t n, size_t dim, size_t x_stride, size_t stride, ptrdiff_t below, float inv_tau,
                     const float *x, const float *y, const float *r, const float *row_cap, const float *c,
                     const float *cap, float *row_moment, float *column_moment)
{
    const struct pairs p = {n, x_stride, stride, below, inv_tau, x, y, r, row_cap, c, cap, row_moment, column_moment};
    switch (dim) {
    case 1: moments_of(&p, 1, rows); break;
    case 2: moments_of(&p, 2, rows); break;
    case 3: moments_of(&p, 3, rows); break;
    case 4: moments_of(&p, 4, rows); break;
    }
}
