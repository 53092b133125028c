#include "eval/pairs.h"

#include <math.h> /* isfinite */
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

drift_status drift_check_points(const char *name, size_t n, size_t least, size_t dim, const float *x)
{
    if (n < least)
        return drift_fail(DRIFT_INVALID, "%s: %zu points, expected at least %zu", name, n, least);
    if (dim < 1)
        return drift_fail(DRIFT_INVALID, "%s: points of no dimension", name);
    for (size_t i = 0; i < n * dim; i++)
        if (!isfinite(x[i]))
            return drift_fail(DRIFT_NOT_FINITE, "%s: row %zu is not finite", name, i / dim);
    return DRIFT_OK;
}

drift_status drift_make_blocks(size_t n, size_t dim, const float *x, drift_blocks *blocks)
{
    size_t count = (n + DRIFT_PAIR_BLOCK - 1) / DRIFT_PAIR_BLOCK;
    float *at = calloc(count * DRIFT_PAIR_BLOCK, dim * sizeof *at);
    if (!at)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu points of %zu coordinates", n, dim);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < dim; k++)
            at[(i / DRIFT_PAIR_BLOCK * dim + k) * DRIFT_PAIR_BLOCK + i % DRIFT_PAIR_BLOCK] = x[i * dim + k];
    *blocks = (drift_blocks){n, dim, count, at};
    return DRIFT_OK;
}

void drift_take_rows(size_t n, size_t taken, size_t dim, const float *x, float *some)
{
    for (size_t i = 0; i < taken; i++)
        memcpy(some + i * dim, x + i * n / taken * dim, dim * sizeof *some);
}

void drift_take_labels(size_t n, size_t taken, const int32_t *label, int32_t *some)
{
    for (size_t i = 0; i < taken; i++)
        some[i] = label[i * n / taken];
}

size_t drift_block_points(const drift_blocks *blocks, size_t b)
{
    size_t first = b * DRIFT_PAIR_BLOCK;
    return blocks->n - first < DRIFT_PAIR_BLOCK ? blocks->n - first : DRIFT_PAIR_BLOCK;
}

void drift_block_distances(const drift_blocks *blocks, size_t b, const float *x, float d[DRIFT_PAIR_BLOCK])
{
    drift_kernels()->point_distance(drift_block_points(blocks, b), blocks->dim, DRIFT_PAIR_BLOCK, x,
                                    blocks->at + b * blocks->dim * DRIFT_PAIR_BLOCK, d);
}

/* Four running sums, so that the additions need not wait for each other; always combined in this order. */
static double sum_row(size_t n, const float *d)
{
    double s[4] = {0};
    size_t j = 0;
    for (; j + 4 <= n; j += 4)
        for (size_t k = 0; k < 4; k++)
            s[k] += d[j + k];
    for (; j < n; j++)
        s[j % 4] += d[j];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static void laplace_row(size_t n, float scale, float d[DRIFT_PAIR_BLOCK])
{
    for (size_t j = 0; j < n; j++)
        d[j] *= scale;
    drift_kernels()->exp(n, d, d);
}

/* The pairs of x's block `bx` with every block (from its own on, above the diagonal, where `within`). */
static double sum_block(size_t n, const float *x, const drift_blocks *blocks, int within, double bandwidth, size_t bx)
{
    size_t first = bx * DRIFT_PAIR_BLOCK;
    size_t rows = n - first < DRIFT_PAIR_BLOCK ? n - first : DRIFT_PAIR_BLOCK;
    double total = 0;
    for (size_t by = within ? bx : 0; by < blocks->count; by++) {
        size_t columns = drift_block_points(blocks, by);
        for (size_t i = 0; i < rows; i++) {
            float d[DRIFT_PAIR_BLOCK];
            size_t from = within && by == bx ? i + 1 : 0;
            drift_block_distances(blocks, by, x + (first + i) * blocks->dim, d);
            if (bandwidth > 0)
                laplace_row(columns, (float)(-1 / bandwidth), d);
            total += sum_row(columns - from, d + from);
        }
    }
    return total;
}

drift_status drift_sum_pairs(size_t n, const float *x, const drift_blocks *blocks, int within, double bandwidth,
                             double *sum)
{
    ptrdiff_t count = (ptrdiff_t)((n + DRIFT_PAIR_BLOCK - 1) / DRIFT_PAIR_BLOCK);
    double *part = malloc((size_t)count * sizeof *part);
    if (!part)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %td partial sums", count);
#pragma omp parallel for schedule(dynamic)
    for (ptrdiff_t b = 0; b < count; b++)
        part[b] = sum_block(n, x, blocks, within, bandwidth, (size_t)b);
    *sum = 0;
    for (ptrdiff_t b = 0; b < count; b++)
        *sum += part[b];
    free(part);
    return DRIFT_OK;
}
