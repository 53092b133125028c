/* The normalized form's products of samples: distances and forces, and the way by the Gram matrix.
 *
 * Samples are centred on their way into a product, a chunk of dimensions at a time, into panels that stay in the second
 * cache and that products read where they lie: columns panel[k][sample], 32 samples wide, for products over
 * dimensions, and rows panel[sample][k], 32 dimensions wide, for products over samples. Nothing in the form depends
 * on the origin, so the products lose no digits to a common offset. An element of a product over dimensions is one
 * chain over all of them, chunk after chunk.
 *
 * With c_ij the coefficients of F_i = sum_j c_ij y_j, K_jk = y_j . y_k and S = C^T C (of one tau and b):
 *
 *     sum_i |F_i|^2 = sum_i sum_jk c_ij K_jk c_ik = sum_jk S_jk K_jk
 *
 * so mean F^2 of every tau is known before any F is, and V = sum over tau of factor F takes one product with
 * sum_tau factor C in place of one for each tau. It pays where the rest of K, half a product of N + P samples with
 * themselves, costs less than the products saved. What it loses: K_jk is off by up to D eps |y_j| |y_k| (2e-6 of that
 * in practice at D = 4096), so mean F^2 is off by as much of m = sum_i (sum_j |c_ij| |y_j|)^2. Where m exceeds
 * DRIFT_GRAM_MOST times sum |F_i|^2 the sum cancels, and F^2 is taken from F. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cpu/drift_normalized.h"

enum { PANEL = DRIFT_GEMM_PANEL, LINE = 64 / sizeof(real) };

/* ---- centred samples ---- */

/* Dimensions of chunk c, from *start on. */
static size_t chunk_of(const struct normalized *p, size_t c, size_t *start)
{
    *start = c * p->chunk;
    const size_t left = p->call->shape.dim - *start;
    return left < p->chunk ? left : p->chunk;
}

/* Sample j of problem b as it was given: D reals. */
static const real *sample(const struct normalized *p, size_t b, size_t j)
{
    const struct drift_call *call = p->call;
    const drift_field_shape *s = &call->shape;
    if (j < s->generated)
        return call->gen + (b * s->generated + j) * s->dim;
    j -= s->generated;
    if (j < s->negatives)
        return call->neg + (b * s->negatives + j) * s->dim;
    return call->pos + (b * s->positives + j - s->negatives) * s->dim;
}

/* How many samples from j on, and before `end`, lie one after the other. */
static size_t run_of(const struct normalized *p, size_t j, size_t end)
{
    const drift_field_shape *s = &p->call->shape;
    const size_t negatives = s->generated + s->negatives;
    const size_t part = j < s->generated ? s->generated : j < negatives ? negatives : p->samples;
    return (part < end ? part : end) - j;
}

/* Minus the mean of the columns. */
static void mean_of_chunk(const struct normalized *p, size_t b, size_t start, size_t dims, real *shift)
{
    memset(shift, 0, dims * sizeof *shift);
    for (size_t j = p->first; j < p->samples; j++)
        kernels()->add(dims, shift, sample(p, b, j) + start, shift);
    kernels()->scale(dims, (real)-1 / (real)p->call->columns, shift, shift);
}

void CPU(field_means)(struct normalized *p)
{
    const struct drift_call *call = p->call;
    const size_t count = call->shape.batches * p->chunks;
#pragma omp parallel for schedule(static) num_threads(call->threads) if (call->threads > 1)
    for (size_t number = 0; number < count; number++) {
        size_t b = number / p->chunks, start, dims = chunk_of(p, number % p->chunks, &start);
        mean_of_chunk(p, b, start, dims, p->shift + b * call->shape.dim + start);
    }
}

/* Asks for the samples [M part / parts, M (part + 1) / parts) of what comes after chunk c of problem b, while the
 * products of that are computed: the next chunk, or the next problem. */
static void prefetch_next(const struct normalized *p, size_t b, size_t c, size_t part, size_t parts)
{
    size_t start, dims;
    if (++c == p->chunks)
        b++, c = 0;
    if (b == p->call->shape.batches)
        return;
    dims = chunk_of(p, c, &start);
    for (size_t j = p->samples * part / parts; j < p->samples * (part + 1) / parts; j++)
        for (size_t k = 0; k < dims; k += LINE)
            __builtin_prefetch(sample(p, b, j) + start + k, 0, 2);
}

/* Panels of columns from number `panel` on: to[(j / 32) dims + k][j % 32], zero beyond the samples; norm[j] goes on
 * with their squares. */
static void centre_columns(const struct normalized *p, size_t b, size_t panel, size_t start, size_t dims,
                           const real *shift, real *to, real *norm)
{
    const size_t dim = p->call->shape.dim;
    for (; panel < p->panels; panel++) {
        const size_t end = panel * PANEL + PANEL;
        real *at = to + panel * dims * PANEL;
        if (end > p->samples)
            memset(at, 0, dims * PANEL * sizeof *at);
        for (size_t j = panel * PANEL, n; j < end && j < p->samples; j += n) {
            n = run_of(p, j, end);
            kernels()->field_centre_across(n, dims, dim, sample(p, b, j) + start, shift, PANEL, at + j % PANEL,
                                           norm + j);
        }
    }
}

/* Panels of rows: to[(k / 32) M + j][k % 32], zero beyond the chunk's dimensions. */
static void centre_rows(const struct normalized *p, size_t b, size_t start, size_t dims, real *to)
{
    const size_t dim = p->call->shape.dim;
    for (size_t j = 0, n; j < p->samples; j += n) {
        n = run_of(p, j, p->samples);
        kernels()->field_centre_along(n, dims, dim, sample(p, b, j) + start, p->shift + b * dim + start,
                                      p->samples * PANEL, to + j * PANEL);
    }
}

/* Samples of a panel; its columns in whole vectors, zero beyond the samples. */
static size_t samples_of(const struct normalized *p, size_t panel)
{
    return p->samples - panel * PANEL < PANEL ? p->samples - panel * PANEL : PANEL;
}

static size_t width_of(const struct normalized *p, size_t panel) { return (samples_of(p, panel) + 15) / 16 * 16; }

/* ---- distances ---- */

/* Products of the item's rows with the columns made into distances; what cancelled is taken from differences. */
static void expand(const struct normalized *p, const struct item *it, const real *norm, const real *products,
                   size_t row)
{
    const struct drift_call *call = p->call;
    const size_t dim = call->shape.dim, m = call->columns;
    const real *norms = norm + p->first;
    for (size_t i = 0; i < it->rows; i++) {
        real *distances = it->distances + i * call->stride, cancelled;
        const real own = norm[it->from + i];
        kernels()->field_expand(m, own, norms, products + i * row, distances, &cancelled);
        for (size_t j = 0; cancelled > (call->self ? 1 : 0) && j < m; j++)
            if (distances[j] * distances[j] < (own + norms[j]) / 16) {
                real square;
                kernels()->field_square(dim, sample(p, it->b, it->from + i), sample(p, it->b, p->first + j), &square);
                distances[j] = (real)sqrt(square < (real)1e-8 ? (real)1e-8 : square);
            }
    }
}

/* c[i c_row + j] (+)= x_i . y_j over a chunk, for the first `rows` samples i of panel `row` and all j of `panel`. */
static void multiply_panel(const struct normalized *p, const struct item *it, size_t row, size_t rows, size_t panel,
                           size_t dims, int go_on, real *c, size_t c_row)
{
    const size_t size = dims * PANEL;
    kernels()->gemm(rows, width_of(p, panel), dims, it->centred + row * size, 1, PANEL, it->centred + panel * size,
                    PANEL, 1, NULL, go_on, it->workspace, c, (ptrdiff_t)c_row);
}

void CPU(field_by_products)(const struct normalized *p, const struct item *it)
{
    memset(it->norm, 0, p->samples * sizeof *it->norm);
    for (size_t c = 0; c < p->chunks; c++) {
        size_t start, dims = chunk_of(p, c, &start);
        centre_columns(p, it->b, 0, start, dims, p->shift + it->b * p->call->shape.dim + start, it->centred, it->norm);
        for (size_t i = 0; i < it->rows; i += PANEL) /* blocks of rows begin with a panel */
            for (size_t panel = p->first / PANEL; panel < p->panels; panel++)
                multiply_panel(p, it, (it->from + i) / PANEL, it->rows - i < PANEL ? it->rows - i : PANEL, panel, dims,
                               c > 0, it->product + i * p->stride + panel * PANEL, p->stride);
    }
    expand(p, it, it->norm, it->product + p->first, p->stride);
}

/* ---- the Gram matrix ---- */

int CPU(field_gram_pays)(const struct normalized *p)
{
    const drift_field_shape *s = &p->call->shape;
    const double product = (double)s->generated * (double)p->samples * (double)s->dim, taus = p->taus;
    const double half = PANEL * PANEL / 2.0 * (double)p->panels * (double)(p->panels + 1);
    return s->dim >= DRIFT_DIFFERENCES &&
           half * ((double)s->dim + taus * (double)s->generated) + product < (1 + taus) * product;
}

/* Rows number `slice`, + slices, ... of problem b's panels, from the diagonal on. */
static void gram_slice(struct normalized *p, size_t b, size_t slice, size_t slices)
{
    const struct item memory = CPU(field_item)(p, 0);
    const size_t parts = p->panels * (p->panels + 1) / 2;
    real *matrix = p->matrix + b * p->samples * p->stride, *shift = memory.product;
    memset(memory.norm, 0, p->samples * sizeof *memory.norm);
    for (size_t c = 0; c < p->chunks; c++) {
        size_t start, dims = chunk_of(p, c, &start), part = 0;
        mean_of_chunk(p, b, start, dims, shift);
        if (!slice)
            memcpy(p->shift + b * p->call->shape.dim + start, shift, dims * sizeof *shift);
        centre_columns(p, b, slice, start, dims, shift, memory.centred, memory.norm);
        for (size_t row = slice; row < p->panels; row += slices)
            for (size_t panel = row; panel < p->panels; panel++, part++) {
                prefetch_next(p, b, c, part, parts);
                multiply_panel(p, &memory, row, samples_of(p, row), panel, dims, c > 0,
                               matrix + (row * p->stride + panel) * PANEL, p->stride);
            }
    }
}

void CPU(field_gram)(struct normalized *p)
{
    const struct drift_call *call = p->call;
    const size_t threads = (size_t)call->threads, batches = call->shape.batches;
    size_t slices = 1;
    while (slices < p->panels && slices * batches % threads)
        slices++;
#pragma omp parallel for schedule(static) num_threads(call->threads) if (call->threads > 1)
    for (size_t number = 0; number < slices * batches; number++)
        gram_slice(p, number / slices, number % slices, slices);
}

/* norm[j] = |y_j|^2: the diagonal, whose chains are those of all products, so that copies come out at distance 0. */
static void take_norms(const struct normalized *p, const struct item *it, const real *matrix)
{
    for (size_t j = 0; j < p->samples; j++)
        it->norm[j] = matrix[j * p->stride + j];
}

void CPU(field_by_gram)(const struct normalized *p, const struct item *it)
{
    real *matrix = p->matrix + it->b * p->samples * p->stride;
    for (size_t i = it->from; i < it->from + it->rows; i++) /* the item's own rows of the lower triangle */
        for (size_t j = 0; j < i / PANEL * PANEL; j++)
            matrix[i * p->stride + j] = matrix[j * p->stride + i];
    take_norms(p, it, matrix);
    expand(p, it, it->norm, matrix + it->from * p->stride + p->first, p->stride);
}

/* sum[t] += sum_jk S_jk K_jk, S = C^T C of each tau, over one panel of rows j and one of columns k. */
static void add_traces(const struct normalized *p, const struct item *it, const real *matrix, size_t row, size_t panel,
                       double *sum)
{
    const size_t rows = samples_of(p, row), columns = width_of(p, panel);
    const ptrdiff_t stride = (ptrdiff_t)p->stride;
    matrix += row * PANEL * p->stride + panel * PANEL;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j += LINE)
            __builtin_prefetch(matrix + i * p->stride + j);
    for (int t = 0; t < p->taus; t++) {
        const real *c = it->coefficients + (size_t)t * it->rows * p->stride;
        real part;
        kernels()->gemm(rows, columns, it->rows, c + row * PANEL, 1, stride, c + panel * PANEL, stride, 1, NULL, 0,
                        it->workspace, it->product, PANEL);
        kernels()->field_dot(rows, columns, it->product, PANEL, matrix, p->stride, &part);
        sum[t] += (panel == row ? 1 : 2) * (double)part;
    }
}

/* Sum over rows of (sum_j |c_ij| |y_j|)^2, given |y_j|. Coefficients of each side are of one sign, self apart. */
static double magnitude(const struct normalized *p, const struct item *it, const real *c, const real *length)
{
    const size_t split = p->first + p->call->split;
    double sum = 0;
    for (size_t i = 0; i < it->rows; i++, c += p->stride) {
        real negatives, positives;
        kernels()->field_dot(1, split, c, 0, length, 0, &negatives);
        kernels()->field_dot(1, p->samples - split, c + split, 0, length + split, 0, &positives);
        const double all = fabs((double)negatives) + fabs((double)positives);
        sum += all * all;
    }
    return sum;
}

void CPU(field_gram_squares)(struct normalized *p, const struct item *it)
{
    const real *matrix = p->matrix + it->b * p->samples * p->stride;
    take_norms(p, it, matrix);
    kernels()->sqrt(p->samples, it->norm, it->norm);
    double *sum = p->sum + it->number * (size_t)p->taus;
    for (int t = 0; t < p->taus; t++) {
        const real *c = it->coefficients + (size_t)t * it->rows * p->stride;
        p->magnitude[it->number * (size_t)p->taus + (size_t)t] = magnitude(p, it, c, it->norm);
        sum[t] = 0;
    }
    for (size_t row = 0; row < p->panels; row++)
        for (size_t panel = row; panel < p->panels; panel++)
            add_traces(p, it, matrix, row, panel, sum);
}

/* ---- forces ---- */

static size_t round_up(size_t dims) { return (dims + PANEL - 1) / PANEL * PANEL; }

/* to[i][k] = sum_j c_ij y_j[k] for `rows` rows of coefficients c and the dimensions of a chunk, rounded up. */
static void force_of_chunk(const struct normalized *p, const struct item *it, size_t chunk, size_t rows, const real *c,
                           real *to, size_t to_row)
{
    size_t start, dims = chunk_of(p, chunk, &start), parts = (dims + PANEL - 1) / PANEL;
    centre_rows(p, it->b, start, dims, it->centred);
    for (size_t k = 0; k < parts; k++) {
        prefetch_next(p, it->b, chunk, k, parts);
        kernels()->gemm(rows, PANEL, p->samples, c, (ptrdiff_t)p->stride, 1, it->centred + k * p->samples * PANEL,
                        PANEL, 1, NULL, 0, it->workspace, to + k * PANEL, (ptrdiff_t)to_row);
    }
}

void CPU(field_force)(struct normalized *p, const struct item *it)
{
    const size_t taus = (size_t)p->taus, rows = taus * it->rows;
    double *sum = p->sum + it->number * taus;
    memset(sum, 0, taus * sizeof *sum);
    for (size_t c = 0; c < p->chunks; c++) {
        size_t start, dims = chunk_of(p, c, &start), row = p->gram ? round_up(dims) : p->force_row;
        real *to = p->gram ? it->product : p->force + it->number * taus * p->call->block_rows * row + start, square;
        force_of_chunk(p, it, c, rows, it->coefficients, to, row);
        for (size_t i = 0; i < rows; i++) {
            kernels()->field_square(dims, to + i * row, NULL, &square);
            sum[i / it->rows] += (double)square;
        }
    }
}

/* Rows of V and their squares' sum: sum over t of factor[t] times F's rows, `step` reals from one t to the next. */
static double add_rows(const struct normalized *p, const struct item *it, size_t c, size_t taus, const real *factor,
                       const real *force, size_t row, size_t step)
{
    const size_t dim = p->call->shape.dim;
    size_t start, dims = chunk_of(p, c, &start);
    real *v = p->call->v + (it->b * p->call->shape.generated + it->from) * dim + start, square;
    double sum = 0;
    for (size_t i = 0; i < it->rows; i++) {
        kernels()->field_total(dims, taus, step, factor, force + i * row, v + i * dim, &square);
        sum += (double)square;
    }
    return sum;
}

/* From the forces that were kept. */
static double add_forces(const struct normalized *p, const struct item *it, size_t c, const real *factor)
{
    const size_t taus = (size_t)p->taus, row = p->force_row;
    const real *force = p->force + it->number * taus * p->call->block_rows * row + c * p->chunk;
    return add_rows(p, it, c, taus, factor, force, row, it->rows * row);
}

/* From the coefficients in one product, first added up; `added` is the item of the thread's last call. */
static double add_coefficients(const struct normalized *p, const struct item *it, size_t c, const real *factor,
                               size_t *added)
{
    const size_t n = it->rows * p->stride, row = round_up(p->chunk);
    const real one = 1;
    real square;
    if (*added != it->number)
        kernels()->field_total(n, (size_t)p->taus, n, factor, it->coefficients, it->total, &square);
    *added = it->number;
    force_of_chunk(p, it, c, it->rows, it->total, it->product, row);
    return add_rows(p, it, c, 1, &one, it->product, row, 0);
}

void CPU(field_add_up)(struct normalized *p, const real *factor)
{
    const int threads = p->call->threads;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        size_t added = SIZE_MAX;
#pragma omp for schedule(static)
        for (size_t number = 0; number < p->items * p->chunks; number++) {
            const struct item it = CPU(field_item)(p, number / p->chunks);
            const size_t c = number % p->chunks;
            p->square[number] = p->gram ? add_coefficients(p, &it, c, factor, &added) : add_forces(p, &it, c, factor);
        }
    }
}
