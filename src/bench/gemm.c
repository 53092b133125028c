/* drift bench gemm: the builtin engine against BLIS, shape by shape, in turn, and both against the machine's peak.
 * Times are the least over many calls, so that other load on the machine matters little. */
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bench/bench.h"
#include "bench/peak.h"
#include "cpu/matmul.h"

/* C[m,n] = A B, row major; a factor whose letter in `form` is t is stored transposed. */
static const struct shape {
    size_t m, n, k, batch;
    const char *form;
} shapes[] = {
    {4096, 768, 768, 1, "nn"},  {1088, 2304, 768, 1, "nn"}, /* DiT-B/2, batch 4 */
    {1088, 768, 768, 1, "nn"},  {1088, 2048, 768, 1, "nn"},
    {1088, 768, 2048, 1, "nn"}, {1088, 768, 2304, 1, "nt"}, /* its backward: by input, by weight */
    {768, 2304, 1088, 1, "tn"}, {2176, 576, 192, 1, "nn"},  /* the small DiT */
    {2176, 192, 512, 1, "nn"},  {2048, 256, 256, 1, "nn"},  /* the toy's MLP */
    {2048, 256, 32, 1, "nn"},   {2048, 2, 256, 1, "nn"},
    {256, 256, 2048, 1, "tn"},  {64, 144, 256, 64, "nt"}, /* drifting in feature space: distances, force */
    {64, 256, 144, 64, "nn"},   {64, 224, 4096, 4, "nt"},
    {64, 4096, 224, 4, "nn"},   {272, 272, 64, 48, "nt"},  /* attention */
    {272, 64, 272, 48, "nn"},   {16384, 64, 576, 1, "nn"}, /* convolutions of the encoder as products */
    {256, 512, 4608, 1, "nn"},
};

enum { SHAPES = sizeof shapes / sizeof *shapes, ENGINES = 2, FEWEST_CALLS = 5, NAME = 64 };

/* "1088x768x768", "272x272x64_b48_nt" */
static const char *name_of(const struct shape *s, char name[NAME])
{
    int end = snprintf(name, NAME, "%zux%zux%zu", s->m, s->n, s->k);
    if (s->batch > 1)
        end += snprintf(name + end, NAME - (size_t)end, "_b%zu", s->batch);
    if (strcmp(s->form, "nn"))
        snprintf(name + end, NAME - (size_t)end, "_%s", s->form);
    return name;
}

struct arrays {
    float *memory, *a, *b, *c;
};

static drift_status make_arrays(const struct shape *s, struct arrays *x)
{
    const size_t page = 1024, a = s->batch * s->m * s->k, b = s->batch * s->k * s->n, c = s->batch * s->m * s->n;
    const size_t b_at = (a / page + 1) * page, c_at = b_at + (b / page + 1) * page;
    x->memory = drift_memory_take(4 * page, (c_at + c) * sizeof *x->memory);
    if (!x->memory)
        return drift_fail(DRIFT_NO_MEMORY, "bench gemm: no memory for %zu x %zu x %zu", s->m, s->n, s->k);
    x->a = x->memory;
    x->b = x->memory + b_at;
    x->c = x->memory + c_at;
    for (size_t i = 0; i < c_at + c; i++)
        x->memory[i] = (float)(i * 2654435761u % 1024) / 1024 - 0.5f;
    return DRIFT_OK;
}

/* Least seconds of one call of each engine. */
static drift_status time_shape(const struct shape *s, double seconds, double best[ENGINES])
{
    const struct drift_gemm g = drift_gemm_of(s->batch, s->m, s->n, s->k, s->form[0] == 't', s->form[1] == 't');
    struct arrays x = {0};
    drift_status status = make_arrays(s, &x);
    best[0] = best[1] = 1e30;
    const double begin = drift_bench_clock();
    for (int call = 0; !status && (call < FEWEST_CALLS || drift_bench_clock() - begin < ENGINES * seconds); call++) {
        for (int engine = 0; !status && engine < ENGINES; engine++) {
            const double start = drift_bench_clock();
            if (engine)
                drift_gemm_blis(&g, x.a, x.b, NULL, x.c);
            else
                status = drift_cpu_gemm_builtin_f32(&g, x.a, x.b, NULL, x.c);
            const double spent = drift_bench_clock() - start;
            best[engine] = spent < best[engine] ? spent : best[engine];
        }
    }
    free(x.memory);
    return status;
}

static void print_json(int threads, double peak, double best[SHAPES][ENGINES])
{
    json_t *rows = json_array();
    for (int i = 0; i < SHAPES; i++) {
        const struct shape *s = shapes + i;
        const double flop = 2.0 * (double)(s->m * s->n * s->k * s->batch);
        char name[NAME];
        if (best[i][0] > 0)
            json_array_append_new(
                rows, json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:f, s:f, s:f, s:f, s:f}", "name", name_of(s, name),
                                "m", (json_int_t)s->m, "n", (json_int_t)s->n, "k", (json_int_t)s->k, "batch",
                                (json_int_t)s->batch, "form", s->form, "builtin_seconds", best[i][0], "blis_seconds",
                                best[i][1], "builtin_of_peak", flop / best[i][0] / peak, "blis_of_peak",
                                flop / best[i][1] / peak, "speed_over_blis", best[i][1] / best[i][0]));
    }
    json_t *all =
        json_pack("{s:s, s:i, s:f, s:o}", "bench", "gemm", "threads", threads, "peak_flops", peak, "shapes", rows);
    json_dumpf(all, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(all);
}

static void print_table(int threads, double peak, double best[SHAPES][ENGINES])
{
    printf("matrix products, %d thread%s, peak %.1f GFLOP/s\n", threads, threads == 1 ? "" : "s", 1e-9 * peak);
    printf("    m     n     k batch form   builtin GFLOP/s  of peak   BLIS GFLOP/s  of peak   builtin / BLIS\n");
    for (int i = 0; i < SHAPES; i++) {
        const struct shape *s = shapes + i;
        const double flop = 2.0 * (double)(s->m * s->n * s->k * s->batch);
        if (best[i][0] > 0)
            printf("%5zu %5zu %5zu %5zu   %s   %15.1f %8.2f %14.1f %8.2f %16.2f\n", s->m, s->n, s->k, s->batch, s->form,
                   1e-9 * flop / best[i][0], flop / best[i][0] / peak, 1e-9 * flop / best[i][1],
                   flop / best[i][1] / peak, best[i][1] / best[i][0]);
    }
}

drift_status drift_bench_gemm(const struct drift_bench_options *options)
{
    const int before = omp_get_max_threads(), threads = options->threads ? options->threads : before;
    const double seconds = options->seconds > 0 ? options->seconds : 0.25;
    double best[SHAPES][ENGINES] = {{0}}, peak = 0;
    drift_status status = DRIFT_OK;
    omp_set_num_threads(threads);
    for (int i = 0; !status && i < SHAPES; i++) {
        char name[NAME];
        if (!drift_bench_wants(options, name_of(shapes + i, name)))
            continue;
        const double flops = drift_peak_flops(threads);
        peak = flops > peak ? flops : peak;
        status = time_shape(shapes + i, seconds, best[i]);
    }
    omp_set_num_threads(before);
    if (status)
        return status;
    (options->json ? print_json : print_table)(threads, peak, best);
    return DRIFT_OK;
}
