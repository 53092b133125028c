/* All distances between two sets, a row of a block at a time: what every metric of pairs walks over. */
#ifndef DRIFT_EVAL_PAIRS_H
#define DRIFT_EVAL_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { DRIFT_PAIR_BLOCK = 128 }; /* points of a block: 2 KB of a coordinate pair, L1 in 2D, L2 in hundreds */

/* A set cut into blocks and transposed inside each, as point_distance wants it: coordinate k of point j of block b is
 * at[(b dim + k) DRIFT_PAIR_BLOCK + j]. The last block is padded with zeros. */
typedef struct drift_blocks {
    size_t n, dim, count;
    float *at; /* free() it */
} drift_blocks;

/* Refuses points that are not finite, naming the row; `name` says which set: "samples". */
drift_status drift_check_points(const char *name, size_t n, size_t least, size_t dim, const float *x);

drift_status drift_make_blocks(size_t n, size_t dim, const float *x, drift_blocks *blocks);

/* `taken` evenly spaced rows of the n of x: rows floor(i n / taken). */
void drift_take_rows(size_t n, size_t taken, size_t dim, const float *x, float *some);
/* And their labels. */
void drift_take_labels(size_t n, size_t taken, const int32_t *label, int32_t *some);

/* Points in block b: DRIFT_PAIR_BLOCK but for the last. */
size_t drift_block_points(const drift_blocks *blocks, size_t b);

/* d[j] = |x - point j of block b|, j < drift_block_points(b). */
void drift_block_distances(const drift_blocks *blocks, size_t b, const float *x, float d[DRIFT_PAIR_BLOCK]);

/* Sum over pairs of |x-y| (bandwidth 0) or exp(-|x-y| / bandwidth): all n * blocks->n pairs, or, with `within` (x and
 * blocks are one set), the n(n-1)/2 pairs i < j. Fixed order of summation in double, whatever the threads. */
drift_status drift_sum_pairs(size_t n, const float *x, const drift_blocks *blocks, int within, double bandwidth,
                             double *sum);

#endif
