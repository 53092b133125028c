/* Metrics of nearest neighbours: two-sample accuracy and memorisation. */
#include "eval/eval.h"

#include <math.h> /* INFINITY */
#include <stdlib.h>

#include "eval/pairs.h"

enum { NOBODY = -1 };

/* The nearest point of `blocks` to x, leaving out point `self` (or NOBODY); of equals the first. */
static void find_nearest(const drift_blocks *blocks, const float *x, ptrdiff_t self, size_t *index, float *distance)
{
    float best = INFINITY;
    size_t at = 0;
    for (size_t b = 0; b < blocks->count; b++) {
        float d[DRIFT_PAIR_BLOCK];
        ptrdiff_t first = (ptrdiff_t)(b * DRIFT_PAIR_BLOCK), points = (ptrdiff_t)drift_block_points(blocks, b);
        drift_block_distances(blocks, b, x, d);
        if (self >= first && self < first + points)
            d[self - first] = INFINITY;
        for (ptrdiff_t j = 0; j < points; j++)
            if (d[j] < best) {
                best = d[j];
                at = (size_t)(first + j);
            }
    }
    *index = at;
    *distance = best;
}

/* For each of n queries its nearest point of `blocks`; with `within` the queries are those points themselves, and each
 * looks for another. */
static void nearest_of_all(size_t n, const float *query, const drift_blocks *blocks, int within, size_t *index,
                           float *distance)
{
#pragma omp parallel for schedule(static)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++) {
        size_t at;
        float d;
        find_nearest(blocks, query + (size_t)i * blocks->dim, within ? i : NOBODY, &at, &d);
        if (index)
            index[i] = at;
        if (distance)
            distance[i] = d;
    }
}

drift_status drift_nearest(size_t n, size_t m, size_t dim, const float *query, const float *points, size_t *index,
                           float *distance)
{
    drift_blocks blocks;
    drift_status status = drift_check_points("query", n, 0, dim, query);
    if (!status)
        status = drift_check_points("points", m, 1, dim, points);
    if (!status)
        status = drift_make_blocks(m, dim, points, &blocks);
    if (status)
        return status;
    nearest_of_all(n, query, &blocks, 0, index, distance);
    free(blocks.at);
    return DRIFT_OK;
}

/* How many of n points have their nearest neighbour in their own set; equally far counts a half. */
static double count_right(size_t n, const float *own, const float *other)
{
    double right = 0;
    for (size_t i = 0; i < n; i++)
        right += own[i] < other[i] ? 1 : own[i] == other[i] ? 0.5 : 0;
    return right;
}

/* Both sets of n points. own and other are workspaces of n. */
static drift_status accuracy(size_t n, size_t dim, const float *x, const float *y, float *own, float *other,
                             double *value)
{
    drift_blocks bx = {0}, by = {0};
    drift_status status = drift_make_blocks(n, dim, x, &bx);
    if (!status)
        status = drift_make_blocks(n, dim, y, &by);
    if (!status) {
        nearest_of_all(n, x, &bx, 1, NULL, own);
        nearest_of_all(n, x, &by, 0, NULL, other);
        *value = count_right(n, own, other);
        nearest_of_all(n, y, &by, 1, NULL, own);
        nearest_of_all(n, y, &bx, 0, NULL, other);
        *value = (*value + count_right(n, own, other)) / (2 * (double)n);
    }
    free(bx.at);
    free(by.at);
    return status;
}

drift_status drift_one_nn_accuracy(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double *value)
{
    drift_status status = drift_check_points("x", nx, 2, dim, x);
    if (!status)
        status = drift_check_points("y", ny, 2, dim, y);
    if (status)
        return status;
    size_t n = nx < ny ? nx : ny;
    float *work = malloc(2 * n * (dim + 1) * sizeof *work);
    if (!work)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu points", n);
    float *some_x = work, *some_y = some_x + n * dim, *own = some_y + n * dim, *other = own + n;
    drift_take_rows(nx, n, dim, x, some_x);
    drift_take_rows(ny, n, dim, y, some_y);
    status = accuracy(n, dim, some_x, some_y, own, other, value);
    free(work);
    return status;
}

drift_status drift_mean_nearest(size_t n, size_t m, size_t dim, const float *query, const float *points, double *mean)
{
    if (!n)
        return drift_fail(DRIFT_INVALID, "nearest points: expected queries");
    float *distance = malloc(n * sizeof *distance);
    if (!distance)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu distances", n);
    drift_status status = drift_nearest(n, m, dim, query, points, NULL, distance);
    *mean = 0;
    if (!status)
        for (size_t i = 0; i < n; i++)
            *mean += distance[i] / (double)n;
    free(distance);
    return status;
}

drift_status drift_memorise(size_t generated_n, size_t train_n, size_t test_n, size_t dim, const float *generated,
                            const float *train, const float *test, drift_memorisation *result)
{
    drift_status status = drift_mean_nearest(generated_n, train_n, dim, generated, train, &result->generated);
    if (!status)
        status = drift_mean_nearest(test_n, train_n, dim, test, train, &result->held_out);
    if (!status)
        result->ratio = result->generated / result->held_out;
    return status;
}
