/* Matrix products: the output is cut into pieces, and threads take pieces to the leaf kernel `gemm`.
 *
 * A piece is a part of the rows or of the columns of one matrix of the batch, with the whole of k. How it is cut
 * follows the number of threads, for an even load; bits do not depend on it, since an element is one chain in one leaf.
 */
#include "cpu/matmul.h"

#include <omp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cpu/cpu.h"

enum {
    COLUMN_STEP = 32,        /* pieces of columns are whole panels */
    WORTH_THREADS = 1000000, /* FLOP: below that, starting threads takes longer */
    ALIGNMENT = 4096,
    WORKSPACE = (DRIFT_GEMM_WORKSPACE * sizeof(real) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT
};

/* ---- a workspace for each thread that calls, for all threads of its team ---- */

struct workspace {
    void *memory;
    int threads;
};

static pthread_once_t workspace_once = PTHREAD_ONCE_INIT;
static pthread_key_t workspace_key;
static int workspace_failed;

static void workspace_free(void *p)
{
    struct workspace *w = p;
    free(w->memory);
    free(w);
}

static void workspace_begin(void) { workspace_failed = pthread_key_create(&workspace_key, workspace_free) != 0; }

/* NULL: no memory. */
static char *workspace_of(int threads)
{
    pthread_once(&workspace_once, workspace_begin);
    if (workspace_failed)
        return NULL;
    struct workspace *w = pthread_getspecific(workspace_key);
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w || pthread_setspecific(workspace_key, w)) {
            free(w);
            return NULL;
        }
    }
    if (w->threads < threads) {
        void *memory = drift_memory_take(ALIGNMENT, (size_t)threads * WORKSPACE);
        if (!memory)
            return NULL;
        free(w->memory);
        w->memory = memory;
        w->threads = threads;
    }
    return w->memory;
}

/* ---- pieces ---- */

struct pieces {
    size_t rows, columns; /* into how many parts a matrix is cut; one of them is 1 */
};

static struct pieces cut(const struct drift_gemm *g, size_t threads)
{
    struct pieces p = {1, 1};
    const size_t by_rows = g->m, by_columns = g->n;
    size_t parts = 1;
    while (threads > 1 && parts * g->batch % threads) /* as many pieces as make each thread's share the same */
        parts++;
    if (by_rows >= by_columns)
        p.rows = parts < g->m ? parts : g->m;
    else {
        const size_t panels = (g->n + COLUMN_STEP - 1) / COLUMN_STEP;
        p.columns = parts < panels ? parts : panels;
    }
    return p;
}

static void piece(const struct drift_gemm *g, struct pieces p, size_t number, const real *a, const real *b,
                  const real *bias, real *workspace, real *c)
{
    const size_t row = number % p.rows, column = number / p.rows % p.columns;
    const ptrdiff_t entry = (ptrdiff_t)(number / p.rows / p.columns);
    const size_t i = g->m * row / p.rows, rows = g->m * (row + 1) / p.rows - i;
    const size_t panels = (g->n + COLUMN_STEP - 1) / COLUMN_STEP;
    const size_t j = panels * column / p.columns * COLUMN_STEP, end = panels * (column + 1) / p.columns * COLUMN_STEP;
    const size_t columns = (end < g->n ? end : g->n) - j;
    kernels()->gemm(rows, columns, g->k, a + entry * g->a_batch + (ptrdiff_t)i * g->a_row, g->a_row, g->a_col,
                    b + entry * g->b_batch + (ptrdiff_t)j * g->b_col, g->b_row, g->b_col, bias ? bias + j : NULL,
                    g->accumulate, workspace, c + entry * g->c_batch + (ptrdiff_t)i * g->c_row + (ptrdiff_t)j,
                    g->c_row);
}

static drift_status builtin(const struct drift_gemm *g, const real *a, const real *b, const real *bias, real *c)
{
    if (!g->batch || !g->m || !g->n)
        return DRIFT_OK;
    const double flop = 2.0 * (double)g->batch * (double)g->m * (double)g->n * (double)g->k;
    const int threads = flop < WORTH_THREADS ? 1 : omp_get_max_threads();
    char *const workspace = workspace_of(threads);
    if (!workspace)
        return drift_fail(DRIFT_NO_MEMORY, "matrix product: no memory for a workspace of %d x %zu bytes", threads,
                          (size_t)WORKSPACE);
    const struct pieces p = cut(g, (size_t)threads);
    const ptrdiff_t count = (ptrdiff_t)(g->batch * p.rows * p.columns);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t i = 0; i < count; i++)
        piece(g, p, (size_t)i, a, b, bias, (real *)(void *)(workspace + (size_t)omp_get_thread_num() * WORKSPACE), c);
    return DRIFT_OK;
}

drift_status CPU(gemm)(const struct drift_gemm *g, const real *a, const real *b, const real *bias, real *c)
{
#ifndef DRIFT_CPU_F64
    if (drift_gemm_engine_used() == DRIFT_GEMM_BLIS) {
        drift_gemm_blis(g, a, b, bias, c);
        return DRIFT_OK;
    }
#endif
    return builtin(g, a, b, bias, c);
}

#ifndef DRIFT_CPU_F64
drift_status drift_cpu_gemm_builtin_f32(const struct drift_gemm *g, const float *a, const float *b, const float *bias,
                                        float *c)
{
    return builtin(g, a, b, bias, c);
}
#endif

/* ---- the backend's op ---- */

static size_t rows_of(const drift_tensor *x, int batched)
{
    return batched ? x->size[x->dims - 2] : drift_tensor_rows(x);
}

/* Batched where all three have more than two dimensions; else each is the matrix [all but the last, last]. */
drift_status CPU(matmul)(const drift_backend *backend, int transpose_a, int transpose_b, const drift_tensor *a,
                         const drift_tensor *b, const drift_tensor *bias, int accumulate, drift_tensor *c)
{
    (void)backend;
    const int batched = a->dims > 2 && b->dims > 2 && c->dims > 2;
    const size_t m = rows_of(c, batched), n = drift_tensor_row_size(c);
    const size_t k = transpose_a ? rows_of(a, batched) : drift_tensor_row_size(a);
    const size_t batch = batched && m ? drift_tensor_rows(c) / m : 1;
    struct drift_gemm g = drift_gemm_of(batch, m, n, k, transpose_a, transpose_b);
    g.accumulate = accumulate;
    return CPU(gemm)(&g, a->data, b->data, bias ? bias->data : NULL, c->data);
}
