/* The choice of the engine for matrix products. */
#include "kernel/gemm.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static drift_gemm_engine chosen = DRIFT_GEMM_BUILTIN;
static char unknown[32]; /* DRIFT_GEMM where it names no engine, else "" */

static void choose(void)
{
    const char *name = getenv("DRIFT_GEMM");
    if (!name || !*name || !strcmp(name, "builtin"))
        return;
    if (!strcmp(name, "blis"))
        chosen = DRIFT_GEMM_BLIS;
    else
        strncpy(unknown, name, sizeof unknown - 1);
}

drift_gemm_engine drift_gemm_engine_used(void)
{
    pthread_once(&chosen_once, choose);
    return chosen;
}

drift_status drift_gemm_status(void)
{
    pthread_once(&chosen_once, choose);
    return unknown[0] ? drift_fail(DRIFT_UNAVAILABLE, "DRIFT_GEMM=%s: expected builtin or blis", unknown) : DRIFT_OK;
}

const char *drift_gemm_engine_name(drift_gemm_engine engine) { return engine == DRIFT_GEMM_BLIS ? "blis" : "builtin"; }

struct drift_gemm drift_gemm_of(size_t batch, size_t m, size_t n, size_t k, int transpose_a, int transpose_b)
{
    struct drift_gemm g = {.batch = batch, .m = m, .n = n, .k = k};
    g.a_row = transpose_a ? 1 : (ptrdiff_t)k;
    g.a_col = transpose_a ? (ptrdiff_t)m : 1;
    g.b_row = transpose_b ? 1 : (ptrdiff_t)n;
    g.b_col = transpose_b ? (ptrdiff_t)k : 1;
    g.c_row = (ptrdiff_t)n;
    g.a_batch = (ptrdiff_t)(m * k);
    g.b_batch = (ptrdiff_t)(k * n);
    g.c_batch = (ptrdiff_t)(m * n);
    return g;
}
