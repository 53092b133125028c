/* The normalized form of the drifting field: the released ImageNet loss (spec: form 3; paper, appendix on feature
 * normalisation). With d_ij = sqrt(max(1e-8, |x_i - y_j|^2)), scale = mean(d w) / mean(w), rate = 1 / (tau scale):
 *
 *   A_ij = max(sqrt(floor), K_ij / sqrt(rowsum_i colsum_j)) w_j,  K = exp(-rate d), self pushed away by 100 scale
 *   F_i = attraction (sum_neg A) sum_pos A_ij (y_j - x_i) - repulsion (sum_pos A) sum_neg A_ij (y_j - x_i)
 *   V_i = sum over tau of F_i / s_in / sqrt(max(1e-8, mean F^2))
 *
 * Work is cut into items: a block of rows of one b. Phases over all items, because scale, column sums and mean F^2
 * belong to more than an item: distances; row and column sums of K; coefficients and F, all temperatures in one
 * product; V. Samples are centred per b, so the products lose nothing to a common offset. */
#include "cpu/drift.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernel/gemm.h"

enum {
    DIFFERENCES = 32,      /* below so many dimensions distances come from coordinate differences */
    KEPT_BYTES = 64 << 20, /* distances are kept from phase to phase up to here, else computed again */
};

struct normalized {
    const struct drift_call *call;
    size_t rows;  /* of y: G + N + P whatever self is */
    size_t items; /* B blocks */
    size_t first; /* rows of y before the columns: G where self is `none`, else 0 */
    int taus, keep, log_domain;
    double scale, clamped;      /* before and after max(1e-3, .); distances are divided by `clamped` */
    real self_square;           /* square of the self distance, push included */
    real *y;                    /* [B,rows,D] centred: [generated ; extra negatives ; positives] */
    real *transposed;           /* [B,D,stride]: small D, not centred */
    real *norm;                 /* [B,rows]: large D */
    real *weight;               /* [B,columns] */
    real *squares;              /* [B,G,stride] where kept, else per thread */
    real *row, *row_near;       /* [T,B,G], [B,G] */
    real *column, *column_near; /* [T,B,columns], [B,columns] */
    real *partial;              /* [items,T,columns] */
    real *shift;                /* [B]: nearest distance of b */
    real *nearest;              /* [items] */
    double *sum;                /* [items,T]: of weighted distances, then of F^2 */
    real *force;                /* [items,T,block_rows,D] */
    real *threads;              /* per thread: a tile of squares unless kept, coefficients, products' workspace */
    size_t thread_size;
};

static size_t lay_out(struct normalized *p, real *at)
{
    const struct drift_call *call = p->call;
    const size_t b = call->shape.batches, g = call->shape.generated, dim = call->shape.dim, m = call->columns;
    const size_t tile = call->block_rows * call->stride, taus = (size_t)p->taus,
                 doubles = sizeof(double) / sizeof(real);
    size_t used = 0;
    p->y = CPU(field_take)(&at, &used, b * p->rows * dim);
    p->transposed = CPU(field_take)(&at, &used, dim < DIFFERENCES ? b * dim * call->stride : 0);
    p->norm = CPU(field_take)(&at, &used, b * p->rows);
    p->weight = CPU(field_take)(&at, &used, b * m);
    p->squares = CPU(field_take)(&at, &used, p->keep ? b * g * call->stride : 0);
    p->row = CPU(field_take)(&at, &used, taus * b * g);
    p->row_near = CPU(field_take)(&at, &used, b * g);
    p->column = CPU(field_take)(&at, &used, taus * b * m);
    p->column_near = CPU(field_take)(&at, &used, b * m);
    p->partial = CPU(field_take)(&at, &used, p->items * taus * m);
    p->shift = CPU(field_take)(&at, &used, b);
    p->nearest = CPU(field_take)(&at, &used, p->items);
    p->sum = (double *)CPU(field_take)(&at, &used, p->items * taus * doubles);
    p->force = CPU(field_take)(&at, &used, p->items * taus * call->block_rows * dim);
    p->thread_size = (p->keep ? 0 : tile) + taus * call->block_rows * (m + 1) + DRIFT_GEMM_WORKSPACE + 64;
    p->thread_size = (p->thread_size + 15) / 16 * 16;
    p->threads = CPU(field_take)(&at, &used, (size_t)call->threads * p->thread_size);
    return used * sizeof(real);
}

/* One item and the memory of the thread that does it. */
struct item {
    size_t number, b, from, rows; /* rows [from, from + rows) of problem b */
    const real *x, *y;            /* centred: the item's rows; the columns */
    real *squares;                /* [rows,stride] */
    real *coefficients, *workspace;
    real *totals; /* [T,rows]: sums of the coefficients */
};

static struct item item_of(const struct normalized *p, size_t number)
{
    const struct drift_call *call = p->call;
    struct item it = {.number = number, .b = number / call->blocks};
    it.from = number % call->blocks * call->block_rows;
    it.rows = call->shape.generated - it.from;
    it.rows = it.rows < call->block_rows ? it.rows : call->block_rows;
    const real *y = p->y + it.b * p->rows * call->shape.dim;
    it.x = y + it.from * call->shape.dim;
    it.y = y + p->first * call->shape.dim;
    real *memory = p->threads + (size_t)omp_get_thread_num() * p->thread_size;
    it.workspace = memory;
    memory += (DRIFT_GEMM_WORKSPACE + 15) / 16 * 16;
    it.squares = p->keep ? p->squares + (it.b * call->shape.generated + it.from) * call->stride : memory;
    it.totals = memory + (p->keep ? 0 : call->block_rows * call->stride);
    it.coefficients = it.totals + (size_t)p->taus * call->block_rows;
    return it;
}

typedef void item_job(struct normalized *p, struct item *it);

static void for_items(struct normalized *p, item_job *job)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(p->call->threads) if (p->call->threads > 1)
    for (size_t number = 0; number < p->items; number++) {
        struct item it = item_of(p, number);
        job(p, &it);
    }
}

/* ---- samples: centred copies, norms, weights ---- */

/* Subtracts from all rows of problem b their mean over the columns. */
static void centre(struct normalized *p, size_t b)
{
    const struct drift_call *call = p->call;
    const drift_field_shape *s = &call->shape;
    const size_t dim = s->dim;
    const struct {
        const real *x;
        size_t rows;
    } part[] = {{call->gen + b * s->generated * dim, s->generated},
                {call->neg ? call->neg + b * s->negatives * dim : NULL, s->negatives},
                {call->pos + b * s->positives * dim, s->positives}};
    real *to = p->y + b * p->rows * dim;
    real *mean = p->force + b * call->blocks * (size_t)p->taus * call->block_rows * dim; /* not in use yet */
    memset(mean, 0, dim * sizeof *mean);
    for (int i = p->first ? 1 : 0; i < 3; i++)
        kernels()->column_sum(part[i].rows, dim, part[i].x, mean);
    kernels()->scale(dim, (real)-1 / (real)call->columns, mean, mean);
    for (int i = 0; i < 3; to += part[i].rows * dim, i++)
        kernels()->add_row(part[i].rows, dim, part[i].x, mean, to);
}

static void prepare(struct normalized *p, size_t b)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim;
    centre(p, b);
    if (dim < DIFFERENCES)
        CPU(field_transpose)(call, b, p->transposed + b * dim * call->stride);
    else
        for (size_t j = 0; j < p->rows; j++) {
            const real *y = p->y + (b * p->rows + j) * dim;
            kernels()->field_square(dim, y, NULL, &p->norm[b * p->rows + j]);
        }
    for (size_t j = 0; j < call->columns; j++)
        p->weight[b * call->columns + j] = CPU(field_weight)(call, b, j);
}

/* ---- distances ---- */

/* Products with the columns made into squares; those that cancelled are taken again from differences. */
static void squares_by_products(struct normalized *p, struct item *it)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim, m = call->columns;
    const real *norm = p->norm + it->b * p->rows, *norms = norm + p->first;
    kernels()->gemm(it->rows, m, dim, it->x, (ptrdiff_t)dim, 1, it->y, 1, (ptrdiff_t)dim, NULL, 0, it->workspace,
                    it->squares, (ptrdiff_t)call->stride);
    for (size_t i = 0; i < it->rows; i++) {
        real *squares = it->squares + i * call->stride, cancelled;
        const real own = norm[it->from + i];
        kernels()->field_expand(m, own, norms, squares, &cancelled);
        for (size_t j = 0; cancelled > (call->self ? 1 : 0) && j < m; j++)
            if (squares[j] < (own + norms[j]) / 16) {
                kernels()->field_square(dim, it->x + i * dim, it->y + j * dim, &squares[j]);
                squares[j] = squares[j] < (real)1e-8 ? (real)1e-8 : squares[j];
            }
    }
}

static void squares_by_differences(struct normalized *p, struct item *it)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim;
    const real *y = p->transposed + it->b * dim * call->stride;
    for (size_t i = 0; i < it->rows; i++) {
        real *squares = it->squares + i * call->stride;
        kernels()->field_squares(call->columns, dim, call->stride,
                                 call->gen + (it->b * call->shape.generated + it->from + i) * dim, y, squares);
        for (size_t j = 0; j < call->columns; j++)
            squares[j] = squares[j] < (real)1e-8 ? (real)1e-8 : squares[j];
    }
}

static void compute_squares(struct normalized *p, struct item *it)
{
    (p->call->shape.dim < DIFFERENCES ? squares_by_differences : squares_by_products)(p, it);
    for (size_t i = 0; p->call->self && i < it->rows; i++)
        it->squares[i * p->call->stride + it->from + i] = p->self_square;
}

/* The item's squares: those kept, or again. */
static void get_squares(struct normalized *p, struct item *it)
{
    if (!p->keep)
        compute_squares(p, it);
}

/* Phase 1: distances, their weighted sum, and the nearest other column. */
static void measure(struct normalized *p, struct item *it)
{
    const struct drift_call *call = p->call;
    const real *weight = p->weight + it->b * call->columns;
    double sum = 0;
    real nearest = (real)INFINITY;
    compute_squares(p, it);
    for (size_t i = 0; i < it->rows; i++) {
        real *squares = it->squares + i * call->stride, row;
        kernels()->field_distances(call->columns, squares, weight, &row);
        sum += (double)row;
        if (call->self)
            squares[it->from + i] = (real)INFINITY;
        kernels()->field_nearest(call->columns, squares, NULL, &row);
        if (call->self)
            squares[it->from + i] = p->self_square;
        nearest = nearest < row ? nearest : row;
    }
    p->sum[it->number * (size_t)p->taus] = sum;
    p->nearest[it->number] = nearest;
}

/* ---- sums of K ---- */

static real rate_of(const struct normalized *p, int t) { return (real)(1 / (p->call->config->tau[t] * p->clamped)); }

static real *part_of(const struct normalized *p, const struct item *it, int t)
{
    return p->partial + (it->number * (size_t)p->taus + (size_t)t) * p->call->columns;
}

static real *row_of(const struct normalized *p, const struct item *it, int t)
{
    return p->row + ((size_t)t * p->call->shape.batches + it->b) * p->call->shape.generated + it->from;
}

/* Phase 2: K relative to the nearest distance of b. */
static void sum_kernel(struct normalized *p, struct item *it)
{
    const struct drift_call *call = p->call;
    get_squares(p, it);
    for (int t = 0; t < p->taus; t++) {
        const real rate = rate_of(p, t);
        real *part = part_of(p, it, t), *row = row_of(p, it, t);
        memset(part, 0, call->columns * sizeof *part);
        for (size_t i = 0; i < it->rows; i++)
            kernels()->field_sums(call->columns, rate, rate * p->shift[it->b], it->squares + i * call->stride, part,
                                  row + i);
    }
}

/* The same in the log domain: nearest of every row and column, then sums relative to them. */
static void find_nearest(struct normalized *p, struct item *it)
{
    const struct drift_call *call = p->call;
    real *part = part_of(p, it, 0);
    get_squares(p, it);
    for (size_t j = 0; j < call->columns; j++)
        part[j] = (real)INFINITY;
    for (size_t i = 0; i < it->rows; i++)
        kernels()->field_nearest(call->columns, it->squares + i * call->stride, part,
                                 p->row_near + it->b * call->shape.generated + it->from + i);
}

static void sum_logs(struct normalized *p, struct item *it)
{
    const struct drift_call *call = p->call;
    const real *near = p->row_near + it->b * call->shape.generated + it->from;
    get_squares(p, it);
    for (int t = 0; t < p->taus; t++) {
        real *part = part_of(p, it, t), *row = row_of(p, it, t);
        memset(part, 0, call->columns * sizeof *part);
        for (size_t i = 0; i < it->rows; i++)
            kernels()->field_log_sums(call->columns, rate_of(p, t), near[i], it->squares + i * call->stride,
                                      p->column_near + it->b * call->columns, part, row + i);
    }
}

/* Combines the items' columns in order: their sums, or the least. */
static void combine(const struct normalized *p, int t, int least, real *column)
{
    const size_t m = p->call->columns, blocks = p->call->blocks, step = (size_t)p->taus * m;
    for (size_t b = 0; b < p->call->shape.batches; b++, column += m) {
        const real *part = p->partial + (b * blocks * (size_t)p->taus + (size_t)t) * m;
        memcpy(column, part, m * sizeof *column);
        for (size_t block = 1; block < blocks; block++)
            for (size_t j = 0; j < m; j++) {
                const real other = part[block * step + j];
                column[j] = !least ? column[j] + other : column[j] < other ? column[j] : other;
            }
    }
}

/* Row and column sums of every temperature as factors 1/sqrt, or, where one is below e^-60 of its b, all as logs. */
static void all_sums(struct normalized *p)
{
    const drift_field_shape *s = &p->call->shape;
    const size_t rows = s->batches * s->generated, columns = s->batches * p->call->columns, taus = (size_t)p->taus;
    const real least = (real)8.7e-27;
    for_items(p, sum_kernel);
    for (int t = 0; t < p->taus; t++)
        combine(p, t, 0, p->column + (size_t)t * columns);
    p->log_domain = 0;
    for (size_t i = 0; i < taus * rows; i++)
        p->log_domain |= !(p->row[i] >= least);
    for (size_t j = 0; j < taus * columns; j++)
        p->log_domain |= !(p->column[j] >= least);
    if (!p->log_domain) {
        for (size_t i = 0; i < taus * rows; i++)
            p->row[i] = 1 / (real)sqrt(p->row[i]);
        for (size_t j = 0; j < taus * columns; j++)
            p->column[j] = 1 / (real)sqrt(p->column[j]);
        return;
    }
    for_items(p, find_nearest);
    combine(p, 0, 1, p->column_near);
    for_items(p, sum_logs);
    for (int t = 0; t < p->taus; t++) {
        combine(p, t, 0, p->column + (size_t)t * columns);
        CPU(field_logs)(rows, rate_of(p, t), p->row_near, p->row + (size_t)t * rows);
        CPU(field_logs)(columns, rate_of(p, t), p->column_near, p->column + (size_t)t * columns);
    }
}

/* ---- coefficients and force ---- */

/* A_ij for the columns [from, from + n) into w; returns their sum. */
static real affinities(const struct normalized *p, const struct item *it, int t, size_t i, size_t from, size_t n,
                       real *w)
{
    const struct drift_call *call = p->call;
    const real *squares = it->squares + i * call->stride + from, rate = rate_of(p, t);
    const real *column = p->column + ((size_t)t * call->shape.batches + it->b) * call->columns + from;
    const real *weight = p->weight + it->b * call->columns + from, row = row_of(p, it, t)[i];
    const real least = (real)sqrt(call->config->floor);
    real sum;
    if (p->log_domain)
        kernels()->field_log_weights(n, rate, row, (real)-INFINITY, least, squares, column, weight, w + from, &sum);
    else
        kernels()->field_weights(n, rate, rate * p->shift[it->b], row, (real)INFINITY, least, squares, column, weight,
                                 w + from, &sum);
    return sum;
}

/* Phase 3: F of all temperatures in one product, in units of x, and its squares. */
static void pull(struct normalized *p, struct item *it)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim, m = call->columns, taus = (size_t)p->taus;
    real *force = p->force + it->number * taus * call->block_rows * dim;
    real *total = it->totals;
    get_squares(p, it);
    for (int t = 0; t < p->taus; t++)
        for (size_t i = 0; i < it->rows; i++) {
            const size_t at = (size_t)t * it->rows + i;
            real *w = it->coefficients + at * m;
            const real negatives = affinities(p, it, t, i, 0, call->split, w);
            const real positives = affinities(p, it, t, i, call->split, m - call->split, w);
            kernels()->field_coefficients(call->split, m, (real)-call->config->repulsion * positives,
                                          (real)call->config->attraction * negatives, w, &total[at]);
        }
    kernels()->gemm(taus * it->rows, dim, m, it->coefficients, (ptrdiff_t)m, 1, it->y, (ptrdiff_t)dim, 1, NULL, 0,
                    it->workspace, force, (ptrdiff_t)dim);
    for (int t = 0; t < p->taus; t++) {
        double sum = 0;
        for (size_t i = 0; i < it->rows; i++) {
            const size_t at = (size_t)t * it->rows + i;
            real square;
            kernels()->field_centre(dim, total[at], it->x + i * dim, force + at * dim, &square);
            sum += (double)square;
        }
        p->sum[it->number * taus + (size_t)t] = sum;
    }
}

/* Phase 4: V = sum over tau of factor F. */
struct factors {
    real tau[DRIFT_MAX_TAUS];
};

static void add_up(struct normalized *p, const struct factors *factors)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim, taus = (size_t)p->taus;
#pragma omp parallel for schedule(static) num_threads(call->threads) if (call->threads > 1)
    for (size_t number = 0; number < p->items; number++) {
        const struct item it = item_of(p, number);
        kernels()->field_total(it.rows * dim, taus, it.rows * dim, factors->tau,
                               p->force + number * taus * call->block_rows * dim,
                               call->v + (it.b * call->shape.generated + it.from) * dim);
    }
}

static double sum_of_items(const struct normalized *p, int t)
{
    double sum = 0;
    for (size_t number = 0; number < p->items; number++)
        sum += p->sum[number * (size_t)p->taus + (size_t)t];
    return sum;
}

static drift_status set_scale(struct normalized *p)
{
    const struct drift_call *call = p->call;
    const size_t columns = call->shape.batches * call->columns, entries = columns * call->shape.generated;
    double weight = 0;
    for (size_t j = 0; j < columns; j++)
        weight += (double)p->weight[j];
    if (weight == 0)
        return drift_fail(DRIFT_INVALID, "drift_field: the mean of the weights is 0");
    p->scale = sum_of_items(p, 0) / (double)entries / (weight / (double)columns);
    p->clamped = 1;
    call->report->scale = p->scale;
    if (call->config->normalize_features) {
        const double in = p->scale / sqrt((double)call->shape.dim);
        p->clamped = p->scale > 1e-3 ? p->scale : 1e-3;
        call->report->unit = in > 1e-3 ? in : 1e-3;
    }
    if (call->config->self == DRIFT_SELF_MASKED)
        p->self_square = (real)((1e-4 + 100 * p->clamped) * (1e-4 + 100 * p->clamped));
    for (size_t i = 0; p->keep && call->self && i < call->shape.batches * call->shape.generated; i++)
        p->squares[i * call->stride + i % call->shape.generated] = p->self_square;
    for (size_t b = 0; b < call->shape.batches; b++) {
        real nearest = (real)INFINITY;
        for (size_t block = 0; block < call->blocks; block++) {
            const real other = p->nearest[b * call->blocks + block];
            nearest = nearest < other ? nearest : other;
        }
        p->shift[b] = nearest < (real)INFINITY ? (real)sqrt(nearest) : 0;
    }
    return DRIFT_OK;
}

drift_status CPU(field_normalized)(struct drift_call *call)
{
    const drift_field_shape *s = &call->shape;
    struct normalized p = {.call = call,
                           .rows = s->generated + s->negatives + s->positives,
                           .items = s->batches * call->blocks,
                           .first = s->generated - call->self,
                           .taus = call->config->taus,
                           .self_square = (real)1e-8};
    p.keep = (double)s->batches * (double)s->generated * (double)call->stride * sizeof(real) <= KEPT_BYTES;
    real *memory = CPU(scratch)(lay_out(&p, NULL));
    if (!memory)
        return drift_fail(DRIFT_NO_MEMORY, "drift_field: no memory for %zu bytes", lay_out(&p, NULL));
    lay_out(&p, memory);
#pragma omp parallel for schedule(static) num_threads(call->threads) if (call->threads > 1)
    for (size_t b = 0; b < s->batches; b++)
        prepare(&p, b);

    for_items(&p, measure);
    drift_status status = set_scale(&p);
    if (status)
        return status;
    all_sums(&p);
    for_items(&p, pull);

    struct factors factors;
    const double entries = (double)s->batches * (double)s->generated * (double)s->dim, unit = call->report->unit;
    for (int t = 0; t < p.taus; t++) {
        const double f = sum_of_items(&p, t) / entries / (unit * unit);
        call->report->raw[t] = f;
        factors.tau[t] = (real)(1 / (call->config->normalize_drift ? unit * sqrt(f > 1e-8 ? f : 1e-8) : unit));
    }
    add_up(&p, &factors);
    return DRIFT_OK;
}
