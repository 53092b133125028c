/* The drifting field: what the forms share, and the exact and the joint form. spec: the definition (paper, section 3)
 * and Algorithm 2. Distances are taken from coordinate differences; memory is O((G+P+N) (D + blocks)).
 *
 * exact   V_i = attraction sum_j w+_ij (p_j - x_i) / sum_j w+_ij  -  repulsion (the same over the negatives)
 * joint   A_ij = K_ij / sqrt(max(floor, rowsum_i colsum_j))
 *         V_i = attraction (sum_neg A) sum_pos A_ij (p_j - x_i) - repulsion (sum_pos A) sum_neg A_ij (y_j - x_i)
 * joint in two passes (drift_pairs.c: the same in few dimensions, each pair once): sums of K = exp(-d/tau) over rows
 * and columns, then the force. Where K under-flows and it matters, the same in the log domain: for all, sums relative
 * to the nearest neighbours, if some row's or column's whole sum is below e^-60; for single rows if a side of theirs is
 * too small. The weights of a row's side are then relative to their largest, and the logs of the two largest meet in
 * one factor of V_i: nothing under-flows unless V does. */
#include "cpu/drift.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "cpu/field.h"

real *CPU(field_take)(real **at, size_t *used, size_t n)
{
    const size_t line = 64 / sizeof(real);
    real *taken = *at ? *at + *used : NULL;
    *used += (n + line - 1) / line * line;
    return taken;
}

/* Column j of problem b: dim reals. */
static const real *column(const struct drift_call *call, size_t b, size_t j)
{
    const size_t dim = call->shape.dim;
    if (j < call->self)
        return call->gen + (b * call->shape.generated + j) * dim;
    if (j < call->split)
        return call->neg + (b * call->shape.negatives + j - call->self) * dim;
    return call->pos + (b * call->shape.positives + j - call->split) * dim;
}

void CPU(field_transpose)(const struct drift_call *call, size_t b, real *y)
{
    for (size_t j = 0; j < call->columns; j++) {
        const real *from = column(call, b, j);
        for (size_t k = 0; k < call->shape.dim; k++)
            y[k * call->stride + j] = from[k];
    }
    for (size_t k = 0; k < call->shape.dim; k++)
        for (size_t j = call->columns; j < call->stride; j++)
            y[k * call->stride + j] = 0;
}

real CPU(field_weight)(const struct drift_call *call, size_t b, size_t j)
{
    if (j < call->self)
        return call->w_gen ? call->w_gen[b * call->shape.generated + j] : 1;
    if (j < call->split)
        return call->w_neg ? call->w_neg[b * call->shape.negatives + j - call->self] : 1;
    return call->w_pos ? call->w_pos[b * call->shape.positives + j - call->split] : 1;
}

/* ---- exact and joint ---- */

/* The workspace of one problem, and the temperature at work. */
struct plain {
    const struct drift_call *call;
    size_t b;
    real rate, log_most; /* log 1/sqrt(floor) */
    real *y;             /* [dim,stride] */
    real *log_weight;    /* [columns]: exact form with weights, else NULL */
    struct drift_sums sums;
    real *row_near, *column_near; /* [G], [columns]: the nearest distances, in the log domain */
    real *log_row, *log_column;   /* logs of a and c, in the log domain and where a row is weak */
    real *partial;                /* [blocks,columns] */
    double *row_square;           /* [G]: |V_i|^2 of this temperature */
    real *threads;                /* [threads, 2 stride + 3 dim] */
    real *pairs;                  /* workspace of drift_pairs.c, NULL where it is not for it */
    int log_domain;
};

static size_t thread_size(const struct drift_call *call) { return 2 * call->stride + 3 * call->shape.dim + 64; }

static size_t lay_out(struct plain *p, real *at)
{
    const struct drift_call *call = p->call;
    const size_t g = call->shape.generated, m = call->columns;
    size_t used = 0;
    p->y = CPU(field_take)(&at, &used, call->shape.dim * call->stride);
    p->log_weight = CPU(field_take)(&at, &used, m);
    p->sums.negatives = CPU(field_take)(&at, &used, g);
    p->sums.positives = CPU(field_take)(&at, &used, g);
    p->sums.row = CPU(field_take)(&at, &used, g);
    p->sums.column = CPU(field_take)(&at, &used, call->stride);
    p->row_near = CPU(field_take)(&at, &used, g);
    p->column_near = CPU(field_take)(&at, &used, m);
    p->log_row = CPU(field_take)(&at, &used, g);
    p->log_column = CPU(field_take)(&at, &used, m);
    p->partial = CPU(field_take)(&at, &used, call->blocks * m);
    p->row_square = (double *)CPU(field_take)(&at, &used, g * sizeof(double) / sizeof(real));
    p->threads = CPU(field_take)(&at, &used, (size_t)call->threads * thread_size(call));
    p->pairs = CPU(field_pairs_size)(call) ? CPU(field_take)(&at, &used, CPU(field_pairs_size)(call)) : NULL;
    return used * sizeof(real);
}

static real *thread_memory(const struct plain *p)
{
    return p->threads + (size_t)omp_get_thread_num() * thread_size(p->call);
}

static const real *row_of(const struct plain *p, size_t i)
{
    return p->call->gen + (p->b * p->call->shape.generated + i) * p->call->shape.dim;
}

/* |x_i - y_j| over all columns; infinity where x_i does not see itself. */
static void distances_of(const struct plain *p, size_t i, real *distances)
{
    const struct drift_call *call = p->call;
    kernels()->point_distance(call->columns, call->shape.dim, call->stride, row_of(p, i), p->y, distances);
    if (call->self && call->config->self == DRIFT_SELF_MASKED)
        distances[i] = (real)INFINITY;
}

typedef void row_job(struct plain *p, size_t block, size_t i, real *memory);

/* job(i) for every row, block by block. */
static void for_rows(struct plain *p, row_job *job)
{
    const struct drift_call *call = p->call;
#pragma omp parallel for schedule(dynamic, 1) num_threads(call->threads) if (call->threads > 1)
    for (size_t block = 0; block < call->blocks; block++) {
        size_t end = (block + 1) * call->block_rows;
        end = end < call->shape.generated ? end : call->shape.generated;
        real *memory = thread_memory(p);
        for (size_t i = block * call->block_rows; i < end; i++)
            job(p, block, i, memory);
    }
}

static void sum_row(struct plain *p, size_t block, size_t i, real *distances)
{
    const size_t split = p->call->split, columns = p->call->columns;
    real *partial = p->partial + block * columns;
    distances_of(p, i, distances);
    kernels()->field_sums(split, p->rate, 0, distances, partial, &p->sums.negatives[i]);
    kernels()->field_sums(columns - split, p->rate, 0, distances + split, partial + split, &p->sums.positives[i]);
}

static void nearest_row(struct plain *p, size_t block, size_t i, real *distances)
{
    distances_of(p, i, distances);
    kernels()->field_nearest(p->call->columns, distances, p->partial + block * p->call->columns, &p->row_near[i]);
}

static void log_sum_row(struct plain *p, size_t block, size_t i, real *distances)
{
    distances_of(p, i, distances);
    kernels()->field_log_sums(p->call->columns, p->rate, p->row_near[i], distances, p->column_near,
                              p->partial + block * p->call->columns, &p->log_row[i]);
}

/* Fills the blocks' column results with `value`, runs the job, and combines them in order: added up, or the least. */
static void columns_over_rows(struct plain *p, row_job *job, real value, real *column)
{
    const size_t m = p->call->columns, blocks = p->call->blocks;
    for (size_t i = 0; i < blocks * m; i++)
        p->partial[i] = value;
    for_rows(p, job);
    CPU(field_combine)(blocks, m, m, p->partial, value != 0, column);
}

void CPU(field_combine)(size_t blocks, size_t n, size_t step, const real *part, int least, real *column)
{
    memcpy(column, part, n * sizeof *column);
    for (size_t block = 1; block < blocks; block++)
        for (size_t j = 0; j < n; j++) {
            const real other = part[block * step + j];
            column[j] = !least ? column[j] + other : column[j] < other ? column[j] : other;
        }
}

int CPU(field_roots)(size_t n, real *x)
{
    const real least = (real)8.7e-27;
    int good = 1;
    for (size_t i = 0; i < n; i++) {
        good &= x[i] >= least;
        x[i] = 1 / (real)sqrt(x[i]);
    }
    return good;
}

void CPU(field_logs)(size_t n, real rate, const real *near, real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)(drift_log((double)x[i]) - (double)rate * (double)near[i]);
}

int CPU(field_factors)(const struct drift_call *call, struct drift_sums *sums)
{
    const size_t g = call->shape.generated, m = call->columns;
    kernels()->add(g, sums->negatives, sums->positives, sums->row);
    if (!(CPU(field_roots)(g, sums->row) & CPU(field_roots)(m, sums->column)))
        return 0;
    real least = sums->column[0], most = least;
    for (size_t j = 0; j < m; j++) {
        least = sums->column[j] < least ? sums->column[j] : least;
        most = sums->column[j] > most ? sums->column[j] : most;
    }
    sums->weak = (real)(0x1p24 * 8.4e-39 * (double)m * (double)most / (double)least);
    return 1;
}

/* Row and column sums of K, as factors a and c or, in the log domain, as their logs. */
static void joint_sums(struct plain *p)
{
    const size_t g = p->call->shape.generated, m = p->call->columns;
    columns_over_rows(p, sum_row, 0, p->sums.column);
    p->log_domain = !CPU(field_factors)(p->call, &p->sums);
    if (!p->log_domain)
        return;
    columns_over_rows(p, nearest_row, (real)INFINITY, p->column_near);
    columns_over_rows(p, log_sum_row, 0, p->log_column);
    CPU(field_logs)(g, p->rate, p->row_near, p->log_row);
    CPU(field_logs)(m, p->rate, p->column_near, p->log_column);
    kernels()->scale(g, (real)-0.5, p->log_row, p->log_row);
    kernels()->scale(m, (real)-0.5, p->log_column, p->log_column);
}

/* How many rows are weak; if there are any, the logs that they need. */
static size_t weak_rows(struct plain *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->call->shape.generated; i++)
        count += (size_t)drift_weak(&p->sums, i);
    if (count) {
        kernels()->log(p->call->shape.generated, p->sums.row, p->log_row);
        kernels()->log(p->call->columns, p->sums.column, p->log_column);
    }
    return count;
}

/* log A_ij without its distance: the log of min(a_i c_j, 1/sqrt(floor)); 0 for a column that nobody sees. */
static void log_factors(const struct plain *p, size_t i, real *log_weight)
{
    for (size_t j = 0; j < p->call->columns; j++) {
        const real both = p->log_row[i] + p->log_column[j];
        log_weight[j] = both == (real)INFINITY ? 0 : p->log_most < both ? p->log_most : both;
    }
}

/* Weights of the columns in [from, from + n) in place of the distances; returns their sum. With `top` they are
 * softmax's, over the largest of them, e^*top. */
static real weights_of(const struct plain *p, size_t i, size_t from, size_t n, const real *log_weight, real *distances,
                       real *top)
{
    const double floor = p->call->config->floor;
    const real most = floor > 0 ? (real)(1 / sqrt(floor)) : (real)INFINITY;
    real sum;
    if (top)
        kernels()->field_softmax(n, p->rate, distances + from, log_weight ? log_weight + from : NULL, distances + from,
                                 top, &sum);
    else
        kernels()->field_weights(n, p->rate, 0, p->sums.row[i], most, 0, distances + from, p->sums.column + from, NULL,
                                 distances + from, &sum);
    return sum;
}

/* V_i = factor (a pull - b push), added to what other temperatures gave. */
static void add_force(struct plain *p, size_t i, double factor, real a, const real *pull, real b, const real *push)
{
    const size_t dim = p->call->shape.dim;
    real *v = p->call->v + (p->b * p->call->shape.generated + i) * dim;
    double square = 0;
    for (size_t k = 0; k < dim; k++) {
        const double step = factor * (double)(a * pull[k] - b * push[k]);
        v[k] += (real)step;
        square += step * step;
    }
    p->row_square[i] = square;
}

/* Both sides' weights and forces of one temperature. */
static void force_row(struct plain *p, size_t block, size_t i, real *distances)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim, split = call->split, others = call->columns - split;
    const int exact = call->config->form == DRIFT_EXACT, logs = !exact && (p->log_domain || drift_weak(&p->sums, i));
    real *factors = distances + call->stride, *pull = factors + call->stride, *push = pull + dim, top[2] = {0, 0};
    const real *log_weight = exact ? p->log_weight : factors;
    (void)block;

    distances_of(p, i, distances);
    if (logs)
        log_factors(p, i, factors);
    const real negatives = weights_of(p, i, 0, split, log_weight, distances, exact || logs ? &top[0] : NULL);
    const real positives = weights_of(p, i, split, others, log_weight, distances, exact || logs ? &top[1] : NULL);
    kernels()->field_force(split, dim, call->stride, row_of(p, i), p->y, distances, push);
    kernels()->field_force(others, dim, call->stride, row_of(p, i), p->y + split, distances + split, pull);

    const real a = (real)call->config->attraction, b = (real)call->config->repulsion;
    if (exact) /* a side without weight pulls nowhere */
        add_force(p, i, 1, positives == 0 ? 0 : a / positives, pull, negatives == 0 ? 0 : b / negatives, push);
    else
        add_force(p, i, logs ? drift_exp((double)top[0] + (double)top[1]) : 1, a * negatives, pull, b * positives,
                  push);
}

static void weak_row(struct plain *p, size_t block, size_t i, real *distances)
{
    if (drift_weak(&p->sums, i))
        force_row(p, block, i, distances);
}

/* Every row's V of one temperature. */
static void add_temperature(struct plain *p)
{
    p->log_domain = 0;
    if (p->call->config->form == DRIFT_EXACT) {
        for_rows(p, force_row);
    } else if (p->pairs && CPU(field_pairs)(p->call, p->b, p->rate, p->y, p->pairs, &p->sums, p->row_square)) {
        if (weak_rows(p))
            for_rows(p, weak_row);
    } else {
        joint_sums(p);
        if (!p->log_domain)
            weak_rows(p);
        for_rows(p, force_row);
    }
}

static int has_weights(const struct drift_call *call) { return call->w_gen || call->w_pos || call->w_neg; }

static double mean_square(size_t n, const real *v)
{
    double total = 0;
    for (size_t i = 0; i < n; i += 4096) {
        double sum = 0;
        for (size_t k = i; k < n && k < i + 4096; k++)
            sum += (double)v[k] * (double)v[k];
        total += sum;
    }
    return total / (double)n;
}

size_t CPU(field_plain_bytes)(const struct drift_call *call)
{
    struct plain p = {.call = call};
    return lay_out(&p, NULL);
}

drift_status CPU(field_plain)(struct drift_call *call)
{
    const size_t g = call->shape.generated, entries = call->shape.batches * g * call->shape.dim;
    struct plain p = {.call = call};
    real *memory = CPU(scratch)(lay_out(&p, NULL));
    if (!memory)
        return drift_fail(DRIFT_NO_MEMORY, "drift_field: no memory for %zu bytes", lay_out(&p, NULL));
    lay_out(&p, memory);
    real *log_weight = p.log_weight;
    if (!has_weights(call))
        p.log_weight = NULL;
    p.log_most = call->config->floor > 0 ? (real)(-0.5 * drift_log(call->config->floor)) : (real)INFINITY;

    memset(call->v, 0, entries * sizeof *call->v);
    for (p.b = 0; p.b < call->shape.batches; p.b++) {
        CPU(field_transpose)(call, p.b, p.y);
        for (size_t j = 0; p.log_weight && j < call->columns; j++)
            log_weight[j] = (real)drift_log((double)CPU(field_weight)(call, p.b, j));
        for (int t = 0; t < call->config->taus; t++) {
            p.rate = (real)(1 / call->config->tau[t]);
            add_temperature(&p);
            for (size_t i = 0; i < g; i++)
                call->report->raw[t] += p.row_square[i] / (double)entries;
        }
    }
    call->report->loss = mean_square(entries, call->v);
    return DRIFT_OK;
}

/* ---- the call ---- */

static void cut(struct drift_call *call)
{
    const size_t g = call->shape.generated;
    const size_t least = call->config->form == DRIFT_NORMALIZED ? DRIFT_PRODUCT_ROWS : DRIFT_BLOCK_ROWS;
    call->self = call->config->self == DRIFT_SELF_NONE ? 0 : g;
    call->split = call->self + call->shape.negatives;
    call->columns = call->split + call->shape.positives;
    call->stride = (call->columns + 15) / 16 * 16;
    call->block_rows = (g + DRIFT_MAX_BLOCKS - 1) / DRIFT_MAX_BLOCKS;
    call->block_rows = (call->block_rows + least - 1) / least * least;
    call->blocks = (g + call->block_rows - 1) / call->block_rows;
    /* below some 50 us of work a second thread costs more than it gives */
    const double work =
        (double)call->shape.batches * (double)g * (double)call->columns * (double)(call->shape.dim + 20);
    call->threads = work < 2e5 ? 1 : omp_get_max_threads();
}

drift_status CPU(field)(const drift_field_config *config, const drift_field_shape *shape, const real *gen,
                        const real *pos, const real *neg, const real *w_gen, const real *w_pos, const real *w_neg,
                        real *v, drift_field_report *report)
{
    struct drift_call call = {.config = config,
                              .shape = *shape,
                              .gen = gen,
                              .pos = pos,
                              .neg = neg,
                              .v = v,
                              .w_gen = w_gen,
                              .w_pos = w_pos,
                              .w_neg = w_neg,
                              .report = report};
    memset(report, 0, sizeof *report);
    report->scale = report->unit = 1;
    cut(&call);
    return config->form == DRIFT_NORMALIZED ? CPU(field_normalized)(&call) : CPU(field_plain)(&call);
}

size_t CPU(field_bytes)(const drift_field_config *config, const drift_field_shape *shape)
{
    struct drift_call call = {.config = config, .shape = *shape};
    cut(&call);
    return config->form == DRIFT_NORMALIZED ? CPU(field_normalized_bytes)(&call) : CPU(field_plain_bytes)(&call);
}
