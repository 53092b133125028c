/* Precision and recall: each set's support is the union of balls around its points, whose radius is the distance to the
 * k-th nearest other point of the set. (Kynkaanniemi et al., 2019.) */
#include "eval/eval.h"

#include <math.h> /* INFINITY */
#include <stdlib.h>

#include "eval/pairs.h"

enum { MOST_NEIGHBOURS = 16 };

/* Distance from point `self` of a set to its k-th nearest other point. */
static float radius(const drift_blocks *blocks, const float *x, size_t self, size_t k)
{
    float nearest[MOST_NEIGHBOURS + 1];
    for (size_t i = 0; i <= k; i++)
        nearest[i] = INFINITY;
    for (size_t b = 0; b < blocks->count; b++) {
        float d[DRIFT_PAIR_BLOCK];
        drift_block_distances(blocks, b, x, d);
        for (size_t j = 0; j < drift_block_points(blocks, b); j++) {
            if (b * DRIFT_PAIR_BLOCK + j == self)
                continue;
            size_t place = k;
            for (; place && d[j] < nearest[place - 1]; place--)
                nearest[place] = nearest[place - 1];
            nearest[place] = d[j];
        }
    }
    return nearest[k - 1];
}

/* Whether x lies in a ball of the set. */
static int inside(const drift_blocks *blocks, const float *radii, const float *x)
{
    for (size_t b = 0; b < blocks->count; b++) {
        float d[DRIFT_PAIR_BLOCK];
        drift_block_distances(blocks, b, x, d);
        for (size_t j = 0; j < drift_block_points(blocks, b); j++)
            if (d[j] <= radii[b * DRIFT_PAIR_BLOCK + j])
                return 1;
    }
    return 0;
}

/* The share of n queries that lie in the support of `points` [m, dim]. */
static drift_status share_inside(size_t n, size_t m, size_t dim, const float *query, const float *points, size_t k,
                                 double *share)
{
    drift_blocks blocks;
    drift_status status = drift_make_blocks(m, dim, points, &blocks);
    if (status)
        return status;
    float *radii = malloc(m * sizeof *radii);
    if (!radii) {
        free(blocks.at);
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu radii", m);
    }
    size_t count = 0;
#pragma omp parallel for schedule(static)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)m; i++)
        radii[i] = radius(&blocks, points + (size_t)i * dim, (size_t)i, k);
#pragma omp parallel for schedule(static) reduction(+ : count)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++)
        count += (size_t)inside(&blocks, radii, query + (size_t)i * dim);
    *share = (double)count / (double)n;
    free(radii);
    free(blocks.at);
    return DRIFT_OK;
}

drift_status drift_precision_recall(size_t generated_n, size_t real_n, size_t dim, const float *generated,
                                    const float *real, size_t k, double *precision, double *recall)
{
    if (!k || k > MOST_NEIGHBOURS)
        return drift_fail(DRIFT_INVALID, "precision and recall: %zu neighbours, expected 1 to %d", k, MOST_NEIGHBOURS);
    drift_status status = drift_check_points("generated", generated_n, k + 1, dim, generated);
    if (!status)
        status = drift_check_points("real", real_n, k + 1, dim, real);
    if (!status)
        status = share_inside(generated_n, real_n, dim, generated, real, k, precision);
    if (!status)
        status = share_inside(real_n, generated_n, dim, real, generated, k, recall);
    return status;
}
