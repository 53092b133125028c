/* The normalized form of the drifting field: the released ImageNet loss (spec: form 3; paper, appendix on feature
 * normalisation). With d_ij = sqrt(max(1e-8, |x_i - y_j|^2)), scale = mean(d w) / mean(w), rate = 1 / (tau scale):
 *
 *   A_ij = max(sqrt(floor), K_ij / sqrt(rowsum_i colsum_j)) w_j,  K = exp(-rate d), self pushed away by 100 scale
 *   F_i = attraction (sum_neg A) sum_pos A_ij (y_j - x_i) - repulsion (sum_pos A) sum_neg A_ij (y_j - x_i)
 *   V_i = sum over tau of F_i / s_in / sqrt(max(1e-8, mean F^2))
 *
 * Work is cut into items: a block of rows of one b. Phases over all items, because scale, column sums and mean F^2
 * belong to more than an item: distances; row and column sums of K; coefficients and F^2 of every tau; V. All that
 * multiplies samples stands in drift_products.c. */
#include "cpu/drift_normalized.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernel/gemm.h"

enum { KEPT_BYTES = 64 << 20 }; /* distances, and what the Gram matrix needs, are kept up to here */

/* ---- memory ---- */

/* A thread's memory, and the reals that it takes. */
static size_t lay_out_thread(const struct normalized *p, real *at, struct item *it)
{
    const struct drift_call *call = p->call;
    const size_t rows = (size_t)p->taus * call->block_rows, width = p->panels * DRIFT_GEMM_PANEL;
    const size_t distances = call->block_rows * p->stride, force = p->gram ? rows * p->chunk : 0;
    size_t used = 0;
    it->workspace = CPU(field_take)(&at, &used, DRIFT_GEMM_WORKSPACE);
    it->centred = CPU(field_take)(&at, &used, p->chunk * width);
    it->norm = CPU(field_take)(&at, &used, p->samples);
    it->product = CPU(field_take)(&at, &used, force > distances ? force : distances);
    it->total = CPU(field_take)(&at, &used, p->gram ? distances : 0);
    it->distances = CPU(field_take)(&at, &used, p->keep ? 0 : call->block_rows * call->stride);
    it->coefficients = CPU(field_take)(&at, &used, p->gram ? 0 : rows * p->stride);
    return used;
}

static size_t lay_out(struct normalized *p, real *at)
{
    const struct drift_call *call = p->call;
    const size_t b = call->shape.batches, g = call->shape.generated, dim = call->shape.dim, m = call->columns;
    const size_t taus = (size_t)p->taus, doubles = sizeof(double) / sizeof(real), rows = p->items * call->block_rows;
    size_t used = 0;
    struct item it;
    p->shift = CPU(field_take)(&at, &used, b * dim);
    p->transposed = CPU(field_take)(&at, &used, dim < DRIFT_DIFFERENCES ? b * dim * call->stride : 0);
    p->matrix = CPU(field_take)(&at, &used, p->gram ? b * p->samples * p->stride : 0);
    p->weight = CPU(field_take)(&at, &used, b * m);
    p->distances = CPU(field_take)(&at, &used, p->keep ? b * g * call->stride : 0);
    p->row = CPU(field_take)(&at, &used, taus * b * g);
    p->row_near = CPU(field_take)(&at, &used, b * g);
    p->column = CPU(field_take)(&at, &used, taus * b * m);
    p->column_near = CPU(field_take)(&at, &used, b * m);
    p->partial = CPU(field_take)(&at, &used, p->items * taus * m);
    p->least = CPU(field_take)(&at, &used, b);
    p->nearest = CPU(field_take)(&at, &used, p->items);
    p->sum = (double *)CPU(field_take)(&at, &used, p->items * taus * doubles);
    p->magnitude = (double *)CPU(field_take)(&at, &used, p->items * taus * doubles);
    p->square = (double *)CPU(field_take)(&at, &used, p->items * p->chunks * doubles);
    p->force = CPU(field_take)(&at, &used, p->gram ? 0 : taus * rows * p->force_row);
    p->coefficients = CPU(field_take)(&at, &used, p->gram ? taus * rows * p->stride : 0);
    p->thread_size = lay_out_thread(p, NULL, &it);
    p->threads = CPU(field_take)(&at, &used, (size_t)call->threads * p->thread_size);
    return used * sizeof(real);
}

struct item CPU(field_item)(const struct normalized *p, size_t number)
{
    const struct drift_call *call = p->call;
    struct item it = {.number = number, .b = number / call->blocks};
    it.from = number % call->blocks * call->block_rows;
    it.rows = call->shape.generated - it.from;
    it.rows = it.rows < call->block_rows ? it.rows : call->block_rows;
    lay_out_thread(p, p->threads + (size_t)omp_get_thread_num() * p->thread_size, &it);
    if (p->keep)
        it.distances = p->distances + (it.b * call->shape.generated + it.from) * call->stride;
    if (p->gram)
        it.coefficients = p->coefficients + number * (size_t)p->taus * call->block_rows * p->stride;
    return it;
}

typedef void item_job(struct normalized *p, const struct item *it);

static void for_items(struct normalized *p, item_job *job)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(p->call->threads) if (p->call->threads > 1)
    for (size_t number = 0; number < p->items; number++) {
        const struct item it = CPU(field_item)(p, number);
        job(p, &it);
    }
}

/* ---- distances ---- */

/* Weights, and small samples transposed. */
static void prepare(struct normalized *p)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim;
#pragma omp parallel for schedule(static) num_threads(call->threads) if (call->threads > 1)
    for (size_t b = 0; b < call->shape.batches; b++) {
        if (dim < DRIFT_DIFFERENCES)
            CPU(field_transpose)(call, b, p->transposed + b * dim * call->stride);
        for (size_t j = 0; j < call->columns; j++)
            p->weight[b * call->columns + j] = CPU(field_weight)(call, b, j);
    }
}

static void by_differences(const struct normalized *p, const struct item *it)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim;
    const real *y = p->transposed + it->b * dim * call->stride;
    for (size_t i = 0; i < it->rows; i++) {
        real *distances = it->distances + i * call->stride;
        kernels()->point_distance(call->columns, dim, call->stride,
                                  call->gen + (it->b * call->shape.generated + it->from + i) * dim, y, distances);
        for (size_t j = 0; j < call->columns; j++)
            distances[j] = distances[j] < (real)1e-4 ? (real)1e-4 : distances[j];
    }
}

static void compute_distances(const struct normalized *p, const struct item *it)
{
    if (p->call->shape.dim < DRIFT_DIFFERENCES)
        by_differences(p, it);
    else if (p->gram)
        CPU(field_by_gram)(p, it);
    else
        CPU(field_by_products)(p, it);
    for (size_t i = 0; p->call->self && i < it->rows; i++)
        it->distances[i * p->call->stride + it->from + i] = p->self_distance;
}

/* The item's distances: those kept, or again. */
static void get_distances(const struct normalized *p, const struct item *it)
{
    if (!p->keep)
        compute_distances(p, it);
}

/* Phase 1: distances, their weighted sum, and the nearest other column. */
static void measure(struct normalized *p, const struct item *it)
{
    const struct drift_call *call = p->call;
    const real *weight = p->weight + it->b * call->columns;
    double sum = 0;
    real nearest = (real)INFINITY;
    compute_distances(p, it);
    for (size_t i = 0; i < it->rows; i++) {
        real *distances = it->distances + i * call->stride, row;
        kernels()->field_dot(1, call->columns, distances, 0, weight, 0, &row);
        sum += (double)row;
        if (call->self)
            distances[it->from + i] = (real)INFINITY;
        kernels()->field_nearest(call->columns, distances, NULL, &row);
        if (call->self)
            distances[it->from + i] = p->self_distance;
        nearest = nearest < row ? nearest : row;
    }
    p->sum[it->number * (size_t)p->taus] = sum;
    p->nearest[it->number] = nearest;
}

static double sum_of_items(const struct normalized *p, const double *sum, int t)
{
    double all = 0;
    for (size_t number = 0; number < p->items; number++)
        all += sum[number * (size_t)p->taus + (size_t)t];
    return all;
}

/* The scale, the push of self, and the nearest distance of every b. */
static drift_status set_scale(struct normalized *p)
{
    const struct drift_call *call = p->call;
    const size_t columns = call->shape.batches * call->columns, entries = columns * call->shape.generated;
    double weight = 0;
    for (size_t j = 0; j < columns; j++)
        weight += (double)p->weight[j];
    if (weight == 0)
        return drift_fail(DRIFT_INVALID, "drift_field: the mean of the weights is 0");
    p->scale = sum_of_items(p, p->sum, 0) / (double)entries / (weight / (double)columns);
    p->clamped = 1;
    call->report->scale = p->scale;
    if (call->config->normalize_features) {
        const double in = p->scale / sqrt((double)call->shape.dim);
        p->clamped = p->scale > 1e-3 ? p->scale : 1e-3;
        call->report->unit = in > 1e-3 ? in : 1e-3;
    }
    if (call->config->self == DRIFT_SELF_MASKED)
        p->self_distance = (real)(1e-4 + 100 * p->clamped);
    for (size_t i = 0; p->keep && call->self && i < call->shape.batches * call->shape.generated; i++)
        p->distances[i * call->stride + i % call->shape.generated] = p->self_distance;
    for (size_t b = 0; b < call->shape.batches; b++) {
        real nearest = (real)INFINITY;
        for (size_t block = 0; block < call->blocks; block++) {
            const real other = p->nearest[b * call->blocks + block];
            nearest = nearest < other ? nearest : other;
        }
        p->least[b] = nearest < (real)INFINITY ? nearest : 0;
    }
    return DRIFT_OK;
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
static void sum_kernel(struct normalized *p, const struct item *it)
{
    const struct drift_call *call = p->call;
    get_distances(p, it);
    for (int t = 0; t < p->taus; t++) {
        const real rate = rate_of(p, t);
        real *part = part_of(p, it, t), *row = row_of(p, it, t);
        memset(part, 0, call->columns * sizeof *part);
        for (size_t i = 0; i < it->rows; i++)
            kernels()->field_sums(call->columns, rate, rate * p->least[it->b], it->distances + i * call->stride, part,
                                  row + i);
    }
}

/* The same in the log domain: nearest of every row and column, then sums relative to them. */
static void find_nearest(struct normalized *p, const struct item *it)
{
    const struct drift_call *call = p->call;
    real *part = part_of(p, it, 0);
    get_distances(p, it);
    for (size_t j = 0; j < call->columns; j++)
        part[j] = (real)INFINITY;
    for (size_t i = 0; i < it->rows; i++)
        kernels()->field_nearest(call->columns, it->distances + i * call->stride, part,
                                 p->row_near + it->b * call->shape.generated + it->from + i);
}

static void sum_logs(struct normalized *p, const struct item *it)
{
    const struct drift_call *call = p->call;
    const real *near = p->row_near + it->b * call->shape.generated + it->from;
    get_distances(p, it);
    for (int t = 0; t < p->taus; t++) {
        real *part = part_of(p, it, t), *row = row_of(p, it, t);
        memset(part, 0, call->columns * sizeof *part);
        for (size_t i = 0; i < it->rows; i++)
            kernels()->field_log_sums(call->columns, rate_of(p, t), near[i], it->distances + i * call->stride,
                                      p->column_near + it->b * call->columns, part, row + i);
    }
}

/* Combines the items' columns in order: their sums, or the least. */
static void combine(const struct normalized *p, int t, int least, real *column)
{
    const size_t m = p->call->columns, blocks = p->call->blocks, step = (size_t)p->taus * m;
    for (size_t b = 0; b < p->call->shape.batches; b++, column += m)
        CPU(field_combine)(blocks, m, step, p->partial + (b * blocks * (size_t)p->taus + (size_t)t) * m, least, column);
}

/* Row and column sums of every temperature as factors 1/sqrt, or, where one is below e^-60 of its b, all as logs. */
static void all_sums(struct normalized *p)
{
    const drift_field_shape *s = &p->call->shape;
    const size_t rows = s->batches * s->generated, columns = s->batches * p->call->columns, taus = (size_t)p->taus;
    for_items(p, sum_kernel);
    for (int t = 0; t < p->taus; t++)
        combine(p, t, 0, p->column + (size_t)t * columns);
    p->log_domain = !(CPU(field_roots)(taus * rows, p->row) & CPU(field_roots)(taus * columns, p->column));
    if (!p->log_domain)
        return;
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
    const real *distances = it->distances + i * call->stride + from, rate = rate_of(p, t);
    const real *column = p->column + ((size_t)t * call->shape.batches + it->b) * call->columns + from;
    const real *weight = p->weight + it->b * call->columns + from, row = row_of(p, it, t)[i];
    const real least = (real)sqrt(call->config->floor);
    real sum;
    if (p->log_domain)
        kernels()->field_log_weights(n, rate, row, least, distances, column, weight, w, &sum);
    else
        kernels()->field_weights(n, rate, rate * p->least[it->b], row, (real)INFINITY, least, distances, column, weight,
                                 w, &sum);
    return sum;
}

/* c_i over all of Y, with x_i's own coefficient such that F_i = sum_j c_ij (y_j - x_i) = sum_j c_ij y_j. */
static void coefficients_of(const struct normalized *p, const struct item *it, int t, size_t i, real *c)
{
    const struct drift_call *call = p->call;
    real *w = c + p->first, total;
    memset(c, 0, p->first * sizeof *c);
    memset(c + p->samples, 0, (p->stride - p->samples) * sizeof *c);
    const real negatives = affinities(p, it, t, i, 0, call->split, w);
    const real positives = affinities(p, it, t, i, call->split, call->columns - call->split, w + call->split);
    kernels()->field_coefficients(call->split, call->columns, (real)-call->config->repulsion * positives,
                                  (real)call->config->attraction * negatives, w, &total);
    c[it->from + i] -= total;
}

/* Phase 3: coefficients of all temperatures, and sums of F^2 in units of x. */
static void pull(struct normalized *p, const struct item *it)
{
    get_distances(p, it);
    for (int t = 0; t < p->taus; t++)
        for (size_t i = 0; i < it->rows; i++)
            coefficients_of(p, it, t, i, it->coefficients + ((size_t)t * it->rows + i) * p->stride);
    if (p->gram)
        CPU(field_gram_squares)(p, it);
    else
        CPU(field_force)(p, it);
}

static void force_again(struct normalized *p, const struct item *it) { CPU(field_force)(p, it); }

/* Whether sums of F^2 from the Gram matrix have kept their digits: see drift_products.c. */
static int cancelled(const struct normalized *p)
{
    int lost = 0;
    for (int t = 0; t < p->taus; t++)
        lost |= !(sum_of_items(p, p->magnitude, t) <= DRIFT_GRAM_MOST * sum_of_items(p, p->sum, t));
    return lost;
}

/* Phase 4: V and the loss. */
static void add_up(struct normalized *p)
{
    const struct drift_call *call = p->call;
    const double rows = (double)call->shape.batches * (double)call->shape.generated, unit = call->report->unit;
    const double entries = rows * (double)call->shape.dim;
    real factor[DRIFT_MAX_TAUS];
    double square = 0;
    for (int t = 0; t < p->taus; t++) {
        const double f = sum_of_items(p, p->sum, t) / entries / (unit * unit);
        call->report->raw[t] = f;
        factor[t] = (real)(1 / (call->config->normalize_drift ? unit * sqrt(f > 1e-8 ? f : 1e-8) : unit));
    }
    CPU(field_add_up)(p, factor);
    for (size_t i = 0; i < p->items * p->chunks; i++)
        square += p->square[i];
    call->report->loss = square / entries;
}

/* How samples are cut into chunks, and which way distances and forces go. */
static void plan(struct normalized *p)
{
    const drift_field_shape *s = &p->call->shape;
    const double reals = KEPT_BYTES / sizeof(real), rows = (double)p->items * (double)p->call->block_rows;
    const double distances = (double)s->batches * (double)s->generated * (double)p->call->stride;
    const size_t panel = DRIFT_GEMM_PANEL, most = DRIFT_CHUNK_REALS / (p->panels * panel);
    p->chunks = most > panel ? (s->dim + most - 1) / most : (s->dim + panel - 1) / panel;
    p->chunk = ((s->dim + p->chunks - 1) / p->chunks + panel - 1) / panel * panel;
    p->chunks = (s->dim + p->chunk - 1) / p->chunk;
    p->force_row = (s->dim + panel - 1) / panel * panel;
    p->keep = distances <= reals;
    p->gram = CPU(field_gram_pays)(p) &&
              distances + (double)p->stride * ((double)s->batches * (double)p->samples + p->taus * rows) <= reals;
}

static struct normalized start(const struct drift_call *call)
{
    const drift_field_shape *s = &call->shape;
    struct normalized p = {.call = call,
                           .samples = s->generated + s->negatives + s->positives,
                           .items = s->batches * call->blocks,
                           .first = s->generated - call->self,
                           .taus = call->config->taus,
                           .self_distance = (real)1e-4};
    p.panels = (p.samples + DRIFT_GEMM_PANEL - 1) / DRIFT_GEMM_PANEL;
    p.stride = p.panels * DRIFT_GEMM_PANEL + 16;
    plan(&p);
    return p;
}

size_t CPU(field_normalized_bytes)(const struct drift_call *call)
{
    struct normalized p = start(call);
    return lay_out(&p, NULL);
}

drift_status CPU(field_normalized)(struct drift_call *call)
{
    struct normalized p = start(call);
    real *memory = CPU(scratch)(lay_out(&p, NULL));
    if (!memory)
        return drift_fail(DRIFT_NO_MEMORY, "drift_field: no memory for %zu bytes", lay_out(&p, NULL));
    lay_out(&p, memory);
    prepare(&p);
    if (p.gram)
        CPU(field_gram)(&p);
    else
        CPU(field_means)(&p);
    for_items(&p, measure);
    drift_status status = set_scale(&p);
    if (status)
        return status;
    all_sums(&p);
    for_items(&p, pull);
    if (p.gram && cancelled(&p))
        for_items(&p, force_again);
    add_up(&p);
    return DRIFT_OK;
}
