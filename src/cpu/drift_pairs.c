/* The joint form in few dimensions with masked self, from pairs: K_ij of two generated samples is computed once, for
 * the sums of both. With R_i and C_j the sums of K over row i and column j, a_i = 1/sqrt(R_i), c_j = 1/sqrt(C_j):
 *
 *   A_ij = a_i t_ij,  t_ij = K_ij min(c_j, 1/(a_i sqrt(floor)))
 *   V_i  = a_i^2 (attraction (sum_neg t) sum_pos t (p_j - x_i) - repulsion (sum_pos t) sum_neg t (y_j - x_i))
 *
 * A block of rows takes the pairs to its right, in tiles of columns that stay in the first cache. What it adds to later
 * rows goes to its own part; parts are combined in the blocks' order. */
#include "cpu/drift.h"

#include <math.h>
#include <string.h>

enum { TILE = 1024, EVERY_PAIR = -(1 << 30) };

struct pairs {
    const struct drift_call *call;
    size_t b;
    real rate;
    const real *y; /* [dim,stride]: the columns, of which the generated samples are the first */
    struct drift_sums *sums;
    real *row_gen, *row_neg;     /* [G]: sums of K over generated samples after i, and over extra negatives */
    real *row_cap;               /* [G] */
    real *negatives, *positives; /* [1 + dim,stride]: sums of t and of t (y_j - x_i) */
    real *parts;                 /* [blocks,1 + dim,stride] */
    double *row_square;          /* [G]: |V_i|^2 */
};

static size_t lay_out(struct pairs *p, const struct drift_call *call, real *at)
{
    const size_t g = call->shape.generated, plane = (1 + call->shape.dim) * call->stride;
    size_t used = 0;
    p->row_gen = CPU(field_take)(&at, &used, g);
    p->row_neg = CPU(field_take)(&at, &used, g);
    p->row_cap = CPU(field_take)(&at, &used, g);
    p->negatives = CPU(field_take)(&at, &used, plane);
    p->positives = CPU(field_take)(&at, &used, plane);
    p->parts = CPU(field_take)(&at, &used, call->blocks * plane);
    return used;
}

size_t CPU(field_pairs_size)(const struct drift_call *call)
{
    struct pairs p;
    const int usable = call->config->form == DRIFT_JOINT && call->config->self == DRIFT_SELF_MASKED &&
                       call->shape.dim <= DRIFT_FIELD_PLANE;
    return usable ? lay_out(&p, call, NULL) : 0;
}

static real *part_of(const struct pairs *p, size_t block)
{
    return p->parts + block * (1 + p->call->shape.dim) * p->call->stride;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

typedef void block_job(struct pairs *p, size_t block, size_t from, size_t rows);

/* Blocks have less to do the later they come: whoever is free takes the next. */
static void for_blocks(struct pairs *p, block_job *job)
{
    const struct drift_call *call = p->call;
#pragma omp parallel for schedule(dynamic, 1) num_threads(call->threads) if (call->threads > 1)
    for (size_t block = 0; block < call->blocks; block++) {
        const size_t from = block * call->block_rows;
        job(p, block, from, least(call->block_rows, call->shape.generated - from));
    }
}

/* The columns [j, end) of a block: the upper triangle if they begin with the block's own, else every pair. */
static void sum_columns(const struct pairs *p, size_t from, size_t rows, size_t j, size_t end, real *row, real *part)
{
    const struct drift_call *call = p->call;
    const ptrdiff_t start = j == from ? (ptrdiff_t)from : EVERY_PAIR;
    for (; j < end; j += TILE)
        kernels()->pair_sums(rows, least(TILE, end - j), call->shape.dim, call->stride, call->stride,
                             start - (start < 0 ? 0 : (ptrdiff_t)j), p->rate, p->y + from, p->y + j, row + from,
                             part + j);
}

static void sum_block(struct pairs *p, size_t block, size_t from, size_t rows)
{
    const struct drift_call *call = p->call;
    real *part = part_of(p, block);
    memset(p->row_gen + from, 0, rows * sizeof(real));
    memset(p->row_neg + from, 0, rows * sizeof(real));
    memset(p->sums->positives + from, 0, rows * sizeof(real));
    memset(part + from, 0, (call->columns - from) * sizeof(real));
    sum_columns(p, from, rows, from, call->self, p->row_gen, part);
    sum_columns(p, from, rows, call->self, call->split, p->row_neg, part);
    sum_columns(p, from, rows, call->split, call->columns, p->sums->positives, part);
}

static void force_columns(const struct pairs *p, size_t from, size_t rows, size_t j, size_t end, real *row, real *part)
{
    const struct drift_call *call = p->call;
    const real *row_cap = call->config->floor > 0 ? p->row_cap : NULL;
    const ptrdiff_t start = part ? (ptrdiff_t)from : EVERY_PAIR;
    for (; j < end; j += TILE)
        kernels()->pair_moments(rows, least(TILE, end - j), call->shape.dim, call->stride, call->stride,
                                start - (start < 0 ? 0 : (ptrdiff_t)j), p->rate, p->y + from, p->y + j,
                                p->sums->column + from, row_cap ? row_cap + from : NULL, p->sums->column + j,
                                row_cap && part ? row_cap + j : NULL, row + from, part ? part + j : NULL);
}

static void force_block(struct pairs *p, size_t block, size_t from, size_t rows)
{
    const struct drift_call *call = p->call;
    real *part = part_of(p, block);
    for (size_t k = 0; k <= call->shape.dim; k++) {
        memset(p->negatives + k * call->stride + from, 0, rows * sizeof(real));
        memset(p->positives + k * call->stride + from, 0, rows * sizeof(real));
        memset(part + k * call->stride + from, 0, (call->self - from) * sizeof(real));
    }
    force_columns(p, from, rows, from, call->self, p->negatives, part);
    force_columns(p, from, rows, call->self, call->split, p->negatives, NULL);
    force_columns(p, from, rows, call->split, call->columns, p->positives, NULL);
}

/* Adds the blocks' parts, of which each begins with the block's own rows, to the columns up to `end`. */
static void combine(const struct pairs *p, size_t k, size_t end, real *column)
{
    const size_t offset = k * p->call->stride;
    for (size_t block = 0; block < p->call->blocks; block++) {
        const size_t from = block * p->call->block_rows;
        kernels()->add(end - from, column + from, part_of(p, block) + offset + from, column + from);
    }
}

/* a, c and the caps of the rows; 0 as field_factors. */
static int take_factors(struct pairs *p)
{
    const struct drift_call *call = p->call;
    const struct drift_sums *sums = p->sums;
    const real cap = (real)(1 / sqrt(call->config->floor));
    memcpy(sums->column, p->row_gen, call->self * sizeof(real));
    memset(sums->column + call->self, 0, (call->stride - call->self) * sizeof(real));
    combine(p, 0, call->columns, sums->column);
    kernels()->add(call->self, sums->column, p->row_neg, sums->negatives);
    if (!CPU(field_factors)(call, p->sums))
        return 0;
    for (size_t i = 0; i < call->self; i++)
        p->row_cap[i] = cap * (real)sqrt(sums->negatives[i] + sums->positives[i]);
    return 1;
}

static void add_force(struct pairs *p, size_t block, size_t from, size_t rows)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim;
    (void)block;
    for (size_t i = from; i < from + rows; i++) {
        if (drift_weak(p->sums, i))
            continue;
        const real scale = p->sums->row[i] * p->sums->row[i];
        const real pull = (real)call->config->attraction * p->negatives[i] * scale;
        const real push = (real)call->config->repulsion * p->positives[i] * scale;
        real *v = call->v + (p->b * call->shape.generated + i) * dim;
        double square = 0;
        for (size_t k = 0; k < dim; k++) {
            const size_t at = (1 + k) * call->stride + i;
            const real step = pull * p->positives[at] - push * p->negatives[at];
            v[k] += step;
            square += (double)step * (double)step;
        }
        p->row_square[i] = square;
    }
}

int CPU(field_pairs)(const struct drift_call *call, size_t b, real rate, const real *y, real *memory,
                     struct drift_sums *sums, double *row_square)
{
    struct pairs p = {.call = call, .b = b, .rate = rate, .y = y, .sums = sums, .row_square = row_square};
    lay_out(&p, call, memory);
    for_blocks(&p, sum_block);
    if (!take_factors(&p))
        return 0;
    for_blocks(&p, force_block);
    for (size_t k = 0; k <= call->shape.dim; k++)
        combine(&p, k, call->self, p.negatives + k * call->stride);
    for_blocks(&p, add_force);
    return 1;
}
