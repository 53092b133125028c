/* Attention on packed qkv [B, T, 3 D]: a row holds the heads of q, then those of k, then those of v, each d numbers.
 *
 * Norm and rotation take rows. Attention takes a head of a sample: its q, k and v lie 3 D apart from token to token,
 * which are strides of the products, so nothing is copied. Scores exist as tiles of at most TILE x TILE; how T is cut
 * follows from T alone. Forward is parallel over heads and tiles of queries; backward over heads, each of which adds to
 * the gradients of its own q, k and v, tile after tile. Threads take runs of neighbours (schedule static): heads lie
 * side by side in a row, and two threads in step on two of them would write to neighbouring lines of the caches. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"
#include "cpu/rope.h"

enum {
    WORTH = 16384, /* elements from which threads pay */
    TILE = 320,    /* a tile of scores, or two in backward, stays in the second cache */
    STRIDE = 336,  /* of a tile's rows */
    WORTH_FLOP = 1000000
};

/* ---- norm of the heads ---- */

/* Cosines and sines for rows of tokens, see cpu/rope.h; NULL and no failure where nothing turns. */
struct turning {
    const real *table;
    size_t tokens, heads, half;
};

static drift_status turning_of(size_t heads, drift_turn turn, const drift_tensor *x, struct turning *t)
{
    *t = (struct turning){NULL, x->size[1], heads, x->size[2] / 3 / heads / 2};
    if (!turn)
        return DRIFT_OK;
    t->table = CPU(rope_table)(t->tokens, t->half, turn == DRIFT_TURN_BF16);
    return t->table ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu angles", t->tokens * t->half);
}

/* q and k of row r turned, or turned back; y may be x. */
static void turn_row(const struct turning *t, size_t r, int back, int accumulate, const real *x, real *y)
{
    const real *cosine = t->table + r % t->tokens * 3 * t->half, *sine = cosine + (back ? 2 : 1) * t->half;
    kernels()->rope(2 * t->heads, t->half, accumulate, cosine, sine, x, y);
}

drift_status CPU(head_norm)(const drift_backend *backend, double epsilon, int rms, size_t heads, drift_turn turn,
                            const drift_tensor *x, const drift_tensor *q_weight, const drift_tensor *q_bias,
                            const drift_tensor *k_weight, const drift_tensor *k_bias, drift_tensor *y)
{
    (void)backend;
    const size_t width = drift_tensor_row_size(x), all = width / 3, dim = all / heads;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), width);
    const real *weight[2] = {q_weight->data, k_weight->data};
    const real *bias[2] = {rms ? NULL : q_bias->data, rms ? NULL : k_bias->data};
    struct turning t;
    drift_status status = turning_of(heads, turn, x, &t);
    if (status)
        return status;
#pragma omp parallel for schedule(static) if (cut.n * width >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++)
        for (size_t r = block_start(cut, i), end = r + block_size(cut, i); r < end; r++) {
            const real *px = (const real *)x->data + r * width;
            real *py = (real *)y->data + r * width;
            for (size_t k = 0; k < 2; k++)
                (rms ? kernels()->rms_norm : kernels()->layer_norm)(heads, dim, (real)epsilon, px + k * all, weight[k],
                                                                    bias[k], py + k * all);
            if (turn)
                turn_row(&t, r, 0, 0, py, py);
            memcpy(py + 2 * all, px + 2 * all, all * sizeof *py);
        }
    return DRIFT_OK;
}

/* A block of rows: dx, and this block's part of the gradients of weights and biases, of q and of k, [4, d]. `turned`
 * has room for the gradients of one row's q and k. */
struct heads_backward {
    real epsilon;
    int rms, accumulate;
    size_t heads, dim;
    struct turning turning;
    const real *weight[2], *x, *dy;
    real *dx;
    int wanted[4];
};

static void heads_backward(const struct heads_backward *h, size_t first, size_t end, real *turned, real *sum)
{
    const size_t all = h->heads * h->dim, width = 3 * all;
    memset(sum, 0, 4 * h->dim * sizeof *sum);
    for (size_t r = first; r < end; r++) {
        const real *px = h->x + r * width, *pdy = h->dy + r * width, *v = pdy + 2 * all;
        real *pdx = h->dx ? h->dx + r * width : NULL;
        if (pdx && !h->accumulate)
            memset(pdx, 0, width * sizeof *pdx);
        if (h->turning.table) {
            turn_row(&h->turning, r, 1, 0, pdy, turned);
            pdy = turned;
        }
        for (size_t k = 0; k < 2; k++) {
            const size_t at = k * all;
            (h->rms ? kernels()->rms_norm_backward : kernels()->layer_norm_backward)(
                h->heads, h->dim, h->epsilon, px + at, h->weight[k], pdy + at, pdx ? pdx + at : NULL,
                h->wanted[2 * k] ? sum + 2 * k * h->dim : NULL,
                h->wanted[2 * k + 1] ? sum + (2 * k + 1) * h->dim : NULL);
        }
        if (pdx)
            kernels()->add(all, pdx + 2 * all, v, pdx + 2 * all);
    }
}

/* The blocks' sums are [count, 4, d], added in their order; behind them lies a row for each thread. */
drift_status CPU(head_norm_backward)(const drift_backend *backend, double epsilon, int rms, size_t heads,
                                     drift_turn turn, const drift_tensor *x, const drift_tensor *q_weight,
                                     const drift_tensor *k_weight, const drift_tensor *dy, int accumulate,
                                     drift_tensor *dx, drift_tensor *dq_weight, drift_tensor *dq_bias,
                                     drift_tensor *dk_weight, drift_tensor *dk_bias)
{
    (void)backend;
    const size_t all = drift_tensor_row_size(x) / 3, dim = all / heads;
    const struct blocks cut = blocks_of_sum(drift_tensor_rows(x));
    drift_tensor *const gradient[4] = {dq_weight, dq_bias, dk_weight, dk_bias};
    struct heads_backward h = {(real)epsilon, rms, accumulate, heads, dim, .weight = {q_weight->data, k_weight->data}};
    h.x = x->data, h.dy = dy->data, h.dx = dx ? dx->data : NULL;
    for (int g = 0; g < 4; g++)
        h.wanted[g] = gradient[g] != NULL;
    const size_t sums = (size_t)cut.count * 4 * dim,
                 bytes = (sums + (size_t)omp_get_max_threads() * 2 * all) * sizeof(real);
    real *const part = CPU(scratch)(bytes);
    if (!part && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "head_norm: no memory for %zu bytes", bytes);
    drift_status status = turning_of(heads, turn, x, &h.turning);
    if (status)
        return status;
#pragma omp parallel for schedule(static) if (cut.n * all >= WORTH / 3)
    for (ptrdiff_t i = 0; i < cut.count; i++)
        heads_backward(&h, block_start(cut, i), block_start(cut, i) + block_size(cut, i),
                       part + sums + (size_t)omp_get_thread_num() * 2 * all, part + (size_t)i * 4 * dim);
    for (size_t g = 0; g < 4; g++)
        for (ptrdiff_t i = 0; gradient[g] && i < cut.count; i++)
            kernels()->add(dim, gradient[g]->data, part + ((size_t)i * 4 + g) * dim, gradient[g]->data);
    return DRIFT_OK;
}

/* ---- rotary embedding ---- */

drift_status CPU(rope)(const drift_backend *backend, size_t heads, int bf16_angles, int back, const drift_tensor *x,
                       int accumulate, drift_tensor *y)
{
    (void)backend;
    const size_t width = drift_tensor_row_size(x), all = width / 3;
    const struct blocks cut = blocks_of_rows(drift_tensor_rows(x), width);
    struct turning t;
    drift_status status = turning_of(heads, bf16_angles ? DRIFT_TURN_BF16 : DRIFT_TURN, x, &t);
    if (status)
        return status;
#pragma omp parallel for schedule(static) if (cut.n * width >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++)
        for (size_t r = block_start(cut, i), end = r + block_size(cut, i); r < end; r++) {
            const real *px = (const real *)x->data + r * width;
            real *py = (real *)y->data + r * width;
            turn_row(&t, r, back, accumulate, px, py);
            if (accumulate)
                kernels()->add(all, py + 2 * all, px + 2 * all, py + 2 * all);
            else if (py != px)
                memcpy(py + 2 * all, px + 2 * all, all * sizeof *py);
        }
    return DRIFT_OK;
}

/* ---- attention ---- */

struct attention {
    size_t batch, tokens, heads, dim;
    ptrdiff_t row, y_row; /* from token to token: in x and in y */
    size_t tiles;         /* into how many the tokens are cut */
    real scale;
    const real *x;
};

static struct attention attention_of(size_t heads, const drift_tensor *x)
{
    struct attention a = {.batch = x->size[0], .tokens = x->size[1], .heads = heads, .dim = x->size[2] / 3 / heads};
    a.row = (ptrdiff_t)x->size[2];
    a.y_row = a.row / 3;
    a.tiles = (a.tokens + TILE - 1) / TILE;
    a.scale = (real)(1 / sqrt((double)a.dim));
    a.x = x->data;
    return a;
}

/* Tokens [from, from + count) of the i-th tile: all nearly the same size. */
struct tile {
    size_t from, count;
};

static struct tile tile_of(const struct attention *a, size_t i)
{
    const size_t from = a->tokens * i / a->tiles;
    return (struct tile){from, a->tokens * (i + 1) / a->tiles - from};
}

/* Where q of head h of sample b begins; k and v are D and 2 D further. The same for y, log_sum. */
static size_t q_at(const struct attention *a, size_t b, size_t h, size_t token)
{
    return (b * a->tokens + token) * (size_t)a->row + h * a->dim;
}
static size_t y_at(const struct attention *a, size_t b, size_t h, size_t token)
{
    return (b * a->tokens + token) * (size_t)a->y_row + h * a->dim;
}
static size_t sum_at(const struct attention *a, size_t b, size_t h, size_t token)
{
    return (b * a->heads + h) * a->tokens + token;
}

/* A thread's memory. */
struct work {
    real *scores, *gradients; /* [TILE, STRIDE]: keys x queries */
    real *top, *sum, *factor; /* [TILE] */
    real *gemm;
};

enum { WORK = 2 * TILE * STRIDE + 3 * TILE + (DRIFT_GEMM_WORKSPACE + 15) / 16 * 16 };

static struct work work_of(real *memory)
{
    memory += (size_t)omp_get_thread_num() * WORK;
    struct work w = {.scores = memory, .gradients = memory + TILE * STRIDE};
    w.top = w.gradients + TILE * STRIDE;
    w.sum = w.top + TILE;
    w.factor = w.sum + TILE;
    w.gemm = w.factor + TILE;
    return w;
}

/* c [m, n] = a [m, k] b^T [n, k] */
static void product_across(const struct work *w, size_t m, size_t n, size_t k, const real *a, ptrdiff_t a_row,
                           const real *b, ptrdiff_t b_row, real *c, ptrdiff_t c_row)
{
    kernels()->gemm(m, n, k, a, a_row, 1, b, 1, b_row, NULL, 0, w->gemm, c, c_row);
}

/* y and log_sum of the queries of one tile of one head. */
static void attend(const struct attention *a, const struct work *w, size_t b, size_t h, struct tile queries,
                   real *log_sum, real *y)
{
    const size_t n = queries.count, dim = a->dim;
    for (size_t i = 0; i < n; i++) {
        w->top[i] = (real)-INFINITY;
        w->sum[i] = 0;
    }
    for (size_t t = 0; t < a->tiles; t++) {
        const struct tile keys = tile_of(a, t);
        const real *k = a->x + q_at(a, b, h, keys.from) + a->y_row, *v = k + a->y_row;
        product_across(w, keys.count, n, dim, k, a->row, a->x + q_at(a, b, h, queries.from), a->row, w->scores, STRIDE);
        kernels()->attention_weights(keys.count, n, STRIDE, a->scale, w->top, w->sum, w->factor, w->scores);
        for (size_t i = 0; t && i < n; i++)
            kernels()->scale(dim, w->factor[i], y + (ptrdiff_t)i * a->y_row, y + (ptrdiff_t)i * a->y_row);
        kernels()->gemm(n, dim, keys.count, w->scores, 1, STRIDE, v, a->row, 1, NULL, t > 0, w->gemm, y, a->y_row);
    }
    for (size_t i = 0; i < n; i++)
        kernels()->scale(dim, 1 / w->sum[i], y + (ptrdiff_t)i * a->y_row, y + (ptrdiff_t)i * a->y_row);
    kernels()->log(n, w->sum, log_sum);
    kernels()->add(n, log_sum, w->top, log_sum);
}

static int threads_for(const struct attention *a)
{
    const double flop = 4.0 * (double)(a->batch * a->heads * a->dim) * (double)a->tokens * (double)a->tokens;
    return flop < WORTH_FLOP ? 1 : omp_get_max_threads();
}

static drift_status memory_for(int threads, real **memory)
{
    const size_t bytes = (size_t)threads * WORK * sizeof(real);
    *memory = CPU(scratch)(bytes);
    return *memory ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "attention: no memory for %zu bytes", bytes);
}

drift_status CPU(attention)(const drift_backend *backend, size_t heads, const drift_tensor *x, drift_tensor *log_sum,
                            drift_tensor *y)
{
    (void)backend;
    const struct attention a = attention_of(heads, x);
    const int threads = threads_for(&a);
    const ptrdiff_t items = (ptrdiff_t)(a.batch * heads * a.tiles);
    real *memory;
    drift_status status = memory_for(threads, &memory);
    if (status)
        return status;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (ptrdiff_t i = 0; i < items; i++) {
        const struct work w = work_of(memory);
        const struct tile queries = tile_of(&a, (size_t)i % a.tiles);
        const size_t h = (size_t)i / a.tiles % heads, b = (size_t)i / a.tiles / heads;
        attend(&a, &w, b, h, queries, (real *)log_sum->data + sum_at(&a, b, h, queries.from),
               (real *)y->data + y_at(&a, b, h, queries.from));
    }
    return DRIFT_OK;
}

struct backward {
    struct attention a;
    const real *log_sum, *y, *dy;
    int accumulate;
    real *dx;
};

/* What a tile of queries and one of keys add to the gradients of both. */
static void pull_back(const struct backward *p, const struct work *w, size_t b, size_t h, struct tile queries,
                      struct tile keys)
{
    const struct attention *a = &p->a;
    const size_t n = queries.count, m = keys.count, dim = a->dim;
    const size_t q = q_at(a, b, h, queries.from), k = q_at(a, b, h, keys.from) + (size_t)a->y_row,
                 v = k + (size_t)a->y_row;
    const real *dy = p->dy + y_at(a, b, h, queries.from);
    const int queries_go_on = p->accumulate || keys.from > 0, keys_go_on = p->accumulate || queries.from > 0;
    product_across(w, m, n, dim, a->x + k, a->row, a->x + q, a->row, w->scores, STRIDE);
    product_across(w, m, n, dim, a->x + v, a->row, dy, a->y_row, w->gradients, STRIDE);
    kernels()->attention_score_gradient(m, n, STRIDE, a->scale, p->log_sum + sum_at(a, b, h, queries.from), w->sum,
                                        w->scores, w->gradients);
    kernels()->gemm(m, dim, n, w->scores, STRIDE, 1, dy, a->y_row, 1, NULL, keys_go_on, w->gemm, p->dx + v, a->row);
    kernels()->gemm(n, dim, m, w->gradients, 1, STRIDE, a->x + k, a->row, 1, NULL, queries_go_on, w->gemm, p->dx + q,
                    a->row);
    kernels()->gemm(m, dim, n, w->gradients, STRIDE, 1, a->x + q, a->row, 1, NULL, keys_go_on, w->gemm, p->dx + k,
                    a->row);
}

drift_status CPU(attention_backward)(const drift_backend *backend, size_t heads, const drift_tensor *x,
                                     const drift_tensor *log_sum, const drift_tensor *y, const drift_tensor *dy,
                                     int accumulate, drift_tensor *dx)
{
    (void)backend;
    const struct backward p = {attention_of(heads, x), log_sum->data, y->data, dy->data, accumulate, dx->data};
    const struct attention *a = &p.a;
    const int threads = threads_for(a);
    real *memory;
    drift_status status = memory_for(threads, &memory);
    if (status)
        return status;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)(a->batch * heads); i++) {
        const struct work w = work_of(memory);
        const size_t h = (size_t)i % heads, b = (size_t)i / heads;
        for (size_t t = 0; t < a->tiles; t++) {
            const struct tile queries = tile_of(a, t);
            const size_t at = y_at(a, b, h, queries.from);
            kernels()->row_dot(queries.count, a->dim, (size_t)a->y_row, p.dy + at, p.y + at, w.sum);
            for (size_t u = 0; u < a->tiles; u++)
                pull_back(&p, &w, b, h, queries, tile_of(a, u));
        }
    }
    return DRIFT_OK;
}
