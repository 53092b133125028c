/* One call of the normalized form: what drift_normalized.c (distances, sums, coefficients) and drift_products.c (all
 * that multiplies samples) share. */
#ifndef DRIFT_CPU_DRIFT_NORMALIZED_H
#define DRIFT_CPU_DRIFT_NORMALIZED_H

#include "cpu/drift.h"

enum {
    DRIFT_DIFFERENCES = 32,    /* below so many dimensions distances come from coordinate differences */
    DRIFT_CHUNK_REALS = 65536, /* centred samples at a time: what stays in the second cache */
    DRIFT_GRAM_MOST = 1024,    /* cancellation up to which sums of F^2 are taken from the Gram matrix */
};

/* Y stands for all samples of one b, [generated ; extra negatives ; positives], centred; the columns are Y, or where
 * self is `none` Y without the generated ones. An item is a block of generated samples (rows) of one b. */
struct normalized {
    const struct drift_call *call;
    size_t samples;       /* M = G + N + P */
    size_t panels;        /* of 32 samples */
    size_t stride;        /* M, rounded up to an odd number of vectors: rows then fall on all lines of a cache */
    size_t first;         /* samples before the columns: G or 0 */
    size_t items;         /* B blocks */
    size_t chunk, chunks; /* dimensions that are centred at a time, and how often: D <= chunk chunks */
    int taus;
    int keep; /* distances are kept from phase to phase, else computed again */
    int gram; /* mean F^2 comes from the Gram matrix */
    int log_domain;
    double scale, clamped;      /* before and after max(1e-3, .); distances are divided by `clamped` */
    real self_distance;         /* the push included */
    real *shift;                /* [B,D]: minus the mean of the columns */
    real *transposed;           /* [B,D,call->stride]: the columns, small D, not centred */
    real *matrix;               /* [B,M,stride]: y_j . y_k; the lower triangle only among generated samples */
    real *weight;               /* [B,columns] */
    real *distances;            /* [B,G,call->stride] where kept, else per thread */
    real *row, *row_near;       /* [T,B,G], [B,G] */
    real *column, *column_near; /* [T,B,columns], [B,columns] */
    real *partial;              /* [items,T,columns] */
    real *least;                /* [B]: nearest distance of b */
    real *nearest;              /* [items] */
    double *sum;                /* [items,T]: of weighted distances, then of F^2 */
    double *magnitude;          /* [items,T]: sum over rows of (sum_j |c_ij| |y_j|)^2 */
    double *square;             /* [items,chunks]: of V^2 */
    size_t force_row;           /* D, rounded up to whole panels */
    real *force;                /* [items,T,block_rows,force_row] unless gram */
    real *coefficients;         /* [items,T,block_rows,stride] where gram, else per thread */
    real *threads;              /* memory of each thread, see struct item */
    size_t thread_size;
};

/* One item, and the memory of the thread that does it. */
struct item {
    size_t number, b, from, rows; /* rows [from, from + rows) of problem b */
    real *distances;              /* [rows,call->stride] */
    real *coefficients;           /* [T,rows,stride] */
    real *workspace;              /* of products */
    real *centred;                /* panels of columns or rows, of one chunk */
    real *norm;                   /* [M] */
    real *product;                /* [rows,stride], or [T rows,chunk] */
    real *total;                  /* [rows,stride]: sum over tau of factor times coefficients, where gram */
};

struct item CPU(field_item)(const struct normalized *p, size_t number);

/* drift_products.c */

/* Whether forces are to go by the Gram matrix; p needs its sizes only. */
int CPU(field_gram_pays)(const struct normalized *p);
/* The mean of the columns, into shift. */
void CPU(field_means)(struct normalized *p);
/* The item's distances, at least 1e-4; those to self are left as they come. */
void CPU(field_by_products)(const struct normalized *p, const struct item *it);
void CPU(field_by_gram)(const struct normalized *p, const struct item *it);
/* The Gram matrices and the means, and an item's sums of F^2 from them. */
void CPU(field_gram)(struct normalized *p);
void CPU(field_gram_squares)(struct normalized *p, const struct item *it);
/* An item's F of all temperatures and its sums of F^2. F is kept for field_add_up unless `gram`. */
void CPU(field_force)(struct normalized *p, const struct item *it);
/* V = sum over tau of factor F, and its squares. */
void CPU(field_add_up)(struct normalized *p, const real *factor);

#endif
