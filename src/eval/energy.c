/* Metrics that are means over pairs: energy distance and maximum mean discrepancy. */
#include "eval/eval.h"

#include <stdlib.h>

#include "eval/pairs.h"

static drift_status mean_within(size_t n, size_t dim, const float *x, double bandwidth, double *mean)
{
    drift_blocks blocks;
    drift_status status = drift_make_blocks(n, dim, x, &blocks);
    if (status)
        return status;
    status = drift_sum_pairs(n, x, &blocks, 1, bandwidth, mean);
    free(blocks.at);
    *mean /= 0.5 * (double)n * (double)(n - 1);
    return status;
}

static drift_status mean_between(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double bandwidth,
                                 double *mean)
{
    drift_blocks blocks;
    drift_status status = drift_make_blocks(ny, dim, y, &blocks);
    if (status)
        return status;
    status = drift_sum_pairs(nx, x, &blocks, 0, bandwidth, mean);
    free(blocks.at);
    *mean /= (double)nx * (double)ny;
    return status;
}

/* Means of |x-y|, or of the Laplace kernel where bandwidth > 0: between, within x, within y. */
static drift_status three_means(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double bandwidth,
                                double mean[3])
{
    drift_status status = drift_check_points("x", nx, 2, dim, x);
    if (!status)
        status = drift_check_points("y", ny, 2, dim, y);
    if (!status)
        status = mean_between(nx, ny, dim, x, y, bandwidth, &mean[0]);
    if (!status)
        status = mean_within(nx, dim, x, bandwidth, &mean[1]);
    if (!status)
        status = mean_within(ny, dim, y, bandwidth, &mean[2]);
    return status;
}

drift_status drift_mean_distance_within(size_t n, size_t dim, const float *x, double *mean)
{
    drift_status status = drift_check_points("x", n, 2, dim, x);
    return status ? status : mean_within(n, dim, x, 0, mean);
}

drift_status drift_mean_distance_between(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double *mean)
{
    drift_status status = drift_check_points("x", nx, 1, dim, x);
    if (!status)
        status = drift_check_points("y", ny, 1, dim, y);
    return status ? status : mean_between(nx, ny, dim, x, y, 0, mean);
}

drift_status drift_energy_distance2(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double *value)
{
    double mean[3];
    drift_status status = three_means(nx, ny, dim, x, y, 0, mean);
    if (!status)
        *value = 2 * mean[0] - mean[1] - mean[2];
    return status;
}

drift_status drift_mmd2_laplace(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double bandwidth,
                                double *value)
{
    double mean[3];
    if (!(bandwidth > 0))
        return drift_fail(DRIFT_INVALID, "bandwidth %g of the Laplace kernel: expected more than 0", bandwidth);
    drift_status status = three_means(nx, ny, dim, x, y, bandwidth, mean);
    if (!status)
        *value = mean[1] + mean[2] - 2 * mean[0];
    return status;
}

enum { MEDIAN_POINTS = 1000 };

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The distances of all pairs of n <= MEDIAN_POINTS points; n(n-1)/2 of them. */
static void all_distances(size_t n, const float *x, const drift_blocks *blocks, float *pair)
{
    for (size_t i = 0; i < n; i++)
        for (size_t b = i / DRIFT_PAIR_BLOCK; b < blocks->count; b++) {
            float d[DRIFT_PAIR_BLOCK];
            drift_block_distances(blocks, b, x + i * blocks->dim, d);
            for (size_t j = 0; j < drift_block_points(blocks, b); j++)
                if (b * DRIFT_PAIR_BLOCK + j > i)
                    *pair++ = d[j];
        }
}

drift_status drift_median_distance(size_t n, size_t dim, const float *x, double *median)
{
    drift_status status = drift_check_points("x", n, 2, dim, x);
    if (status)
        return status;
    size_t taken = n < MEDIAN_POINTS ? n : MEDIAN_POINTS, pairs = taken * (taken - 1) / 2;
    drift_blocks blocks = {0};
    float *some = malloc(taken * dim * sizeof *some), *pair = malloc(pairs * sizeof *pair);
    if (some && pair) {
        drift_take_rows(n, taken, dim, x, some);
        status = drift_make_blocks(taken, dim, some, &blocks);
    } else {
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for %zu distances", pairs);
    }
    if (!status) {
        all_distances(taken, some, &blocks, pair);
        qsort(pair, pairs, sizeof *pair, ascending);
        *median = pair[(pairs - 1) / 2];
    }
    free(blocks.at);
    free(pair);
    free(some);
    return status;
}
