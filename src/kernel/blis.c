/* The engine `blis`. One product gets all threads from BLIS; the products of a batch are spread over threads here. */
#include <blis.h>
#include <omp.h>

#include "kernel/gemm.h"

static void multiply(const struct drift_gemm *g, ptrdiff_t entry, int threads, const float *a, const float *b, float *c)
{
    float one = 1, beta = g->accumulate ? 1 : 0;
    rntm_t settings;
    bli_rntm_init(&settings);
    bli_rntm_set_num_threads(threads, &settings);
    bli_sgemm_ex(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, (dim_t)g->m, (dim_t)g->n, (dim_t)g->k, &one,
                 (float *)a + entry * g->a_batch, g->a_row, g->a_col, (float *)b + entry * g->b_batch, g->b_row,
                 g->b_col, &beta, c + entry * g->c_batch, g->c_row, 1, NULL, &settings);
}

static void add_bias(const struct drift_gemm *g, const float *bias, float *c)
{
    for (size_t i = 0; i < g->m; i++)
        for (size_t j = 0; j < g->n; j++)
            c[(ptrdiff_t)i * g->c_row + (ptrdiff_t)j] += bias[j];
}

void drift_gemm_blis(const struct drift_gemm *g, const float *a, const float *b, const float *bias, float *c)
{
    const int threads = omp_get_max_threads();
    if (g->batch == 1)
        multiply(g, 0, threads, a, b, c);
    else {
#pragma omp parallel for num_threads(threads)
        for (ptrdiff_t e = 0; e < (ptrdiff_t)g->batch; e++)
            multiply(g, e, 1, a, b, c);
    }
    for (size_t e = 0; bias && e < g->batch; e++)
        add_bias(g, bias, c + (ptrdiff_t)e * g->c_batch);
}
