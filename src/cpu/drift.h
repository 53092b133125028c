/* One call of the drifting field on the CPU. What the three forms share; included by src/cpu/drift*.c alone. */
#ifndef DRIFT_CPU_DRIFT_H
#define DRIFT_CPU_DRIFT_H

#include <stddef.h>

#include "cpu/cpu.h"

/* Columns are [generated ; extra negatives ; positives]; the first two are the negatives. Work is cut into blocks of
 * rows (generated samples) that depend on the shape alone; each thread takes whole blocks, and what blocks add up is
 * combined in their order, so results do not depend on threads. */
struct drift_call {
    const drift_field_config *config;
    drift_field_shape shape;
    const real *gen, *pos, *neg;       /* [B,G,D] [B,P,D] [B,N,D] */
    const real *w_gen, *w_pos, *w_neg; /* [B,G] [B,P] [B,N]; NULL: ones */
    real *v;                           /* [B,G,D] */
    drift_field_report *report;

    size_t self;    /* generated samples among the columns: G, or 0 where self is `none` */
    size_t split;   /* negatives: self + N */
    size_t columns; /* split + P */
    size_t stride;  /* columns, rounded up to whole vectors */
    size_t block_rows, blocks;
    int threads;
};

/* Rows are cut into 32 blocks at most, which bounds the memory of the blocks' column sums; the normalized form cuts
 * blocks of 64 rows at least, for the sake of its products. */
enum { DRIFT_MAX_BLOCKS = 32, DRIFT_BLOCK_ROWS = 16, DRIFT_PRODUCT_ROWS = 64 };

/* Takes n reals off a workspace, 64 bytes aligned; with *at NULL only counts. */
real *CPU(field_take)(real **at, size_t *used, size_t n);

/* y[k stride + j] = coordinate k of column j of problem b; zero beyond the columns. */
void CPU(field_transpose)(const struct drift_call *call, size_t b, real *y);

/* The weight of column j of problem b. */
real CPU(field_weight)(const struct drift_call *call, size_t b, size_t j);

/* What the joint form takes from a pass over K, which is 0 where it is below e^-87.68. */
struct drift_sums {
    real *negatives, *positives; /* [G]: row i's sum of K over each side */
    real *row, *column;          /* [G], [stride]: a and c, 1/sqrt of the sums over a whole row and over a column */
    real weak;                   /* see below */
};

/* From the sums over sides and, in `column`, over columns: a, c and `weak`. Returns 0 where a row's or a column's sum
 * is below e^-60 (or NaN): K is 0 somewhere that matters to all. */
int CPU(field_factors)(const struct drift_call *call, struct drift_sums *sums);

/* Whether a side of row i is so far away that it may lose 2^-24 of itself to K that are 0: n e^-87.68 max c is lost at
 * most, and min c times its sum is there. Such rows want the log domain. */
static inline int drift_weak(const struct drift_sums *sums, size_t i)
{
    return sums->negatives[i] < sums->weak || sums->positives[i] < sums->weak;
}

/* drift_pairs.c: reals of workspace; 0 where the form, self or dimensions are not for it. */
size_t CPU(field_pairs_size)(const struct drift_call *call);
/* One temperature, rate = 1/tau, of problem b: fills the sums, adds to V and sets |V_i|^2 [G] where i is not weak; y as
 * field_transpose makes it. Returns what field_factors does; where 0, nothing is added. */
int CPU(field_pairs)(const struct drift_call *call, size_t b, real rate, const real *y, real *memory,
                     struct drift_sums *sums, double *row_square);

/* Combines what blocks found for n columns, `step` reals apart, in their order: added up, or the least. */
void CPU(field_combine)(size_t blocks, size_t n, size_t step, const real *part, int least, real *column);
/* x[i] = 1/sqrt(x[i]); 0 where some x is below e^-60 (or NaN) and the log domain is needed. */
int CPU(field_roots)(size_t n, real *x);
/* x[i] = log x[i] - rate near[i]: logs of sums of K that were taken relative to the nearest distances. */
void CPU(field_logs)(size_t n, real rate, const real *near, real *x);

drift_status CPU(field_plain)(struct drift_call *call);
drift_status CPU(field_normalized)(struct drift_call *call);
/* Bytes of scratch memory of either. */
size_t CPU(field_plain_bytes)(const struct drift_call *call);
size_t CPU(field_normalized_bytes)(const struct drift_call *call);

#endif
