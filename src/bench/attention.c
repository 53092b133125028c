/* drift bench attention: attention forward and backward in the shapes of the generators, its products alone counted as
 * work, beside the norm of the heads and the rotary embedding that come before it. Times are the least of many calls.
 */
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "bench/bench.h"
#include "bench/peak.h"
#include "cpu/cpu.h"

static const struct shape {
    const char *name;
    size_t batch, tokens, heads, dim;
} shapes[] = {
    {"DiT-B, 4 images", 4, 272, 12, 64},
    {"small DiT, 32 images", 32, 68, 3, 64},
    {"small DiT, wide", 32, 68, 6, 64},
    {"long", 1, 1040, 12, 64},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, FEWEST_CALLS = 10 };

enum operation { ATTENTION, ATTENTION_BACKWARD, BEFORE, BEFORE_BACKWARD, OPERATIONS };

/* What the ops read and write. */
struct tensors {
    float *memory;
    drift_tensor qkv, dqkv, y, dy, log_sum, weight, dweight, other;
};

static drift_status tensors_new(const struct shape *s, struct tensors *t)
{
    const drift_backend *b = drift_cpu_backend(DRIFT_F32);
    const size_t width = s->heads * s->dim, packed[] = {s->batch, s->tokens, 3 * width};
    const size_t plain[] = {s->batch, s->tokens, width}, sums[] = {s->batch, s->heads, s->tokens};
    t->qkv = t->dqkv = t->other = drift_tensor_of(b, 3, packed);
    t->y = t->dy = drift_tensor_of(b, 3, plain);
    t->log_sum = drift_tensor_of(b, 3, sums);
    t->weight = t->dweight = drift_tensor_of(b, 1, &s->dim);
    drift_tensor *const all[] = {&t->qkv, &t->dqkv, &t->other, &t->y, &t->dy, &t->log_sum, &t->weight, &t->dweight};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        n += (drift_tensor_elements(all[i]) + 15) / 16 * 16;
    t->memory = drift_memory_take(64, n * sizeof *t->memory);
    if (!t->memory)
        return drift_fail(DRIFT_NO_MEMORY, "bench attention: no memory for %zu numbers", n);
    drift_kernels()->random_normal(n, 1, 0, 0, DRIFT_RANDOM_NOISE, t->memory);
    float *at = t->memory;
    for (size_t i = 0; i < sizeof all / sizeof *all; at += (drift_tensor_elements(all[i]) + 15) / 16 * 16, i++)
        all[i]->data = at;
    return DRIFT_OK;
}

static drift_status run(enum operation operation, size_t heads, struct tensors *t)
{
    const drift_backend *b = t->qkv.backend;
    switch (operation) {
    case ATTENTION: return b->attention(b, heads, &t->qkv, &t->log_sum, &t->y);
    case ATTENTION_BACKWARD: return b->attention_backward(b, heads, &t->qkv, &t->log_sum, &t->y, &t->dy, 0, &t->dqkv);
    case BEFORE:
        return b->head_norm(b, 1e-6, 1, heads, DRIFT_TURN, &t->qkv, &t->weight, NULL, &t->weight, NULL, &t->other);
    default:
        return b->head_norm_backward(b, 1e-6, 1, heads, DRIFT_TURN, &t->qkv, &t->weight, &t->weight, &t->dqkv, 0,
                                     &t->other, &t->dweight, NULL, &t->dweight, NULL);
    }
}

static drift_status time_shape(const struct shape *s, double seconds, double best[OPERATIONS])
{
    struct tensors t = {0};
    drift_status status = tensors_new(s, &t);
    for (int operation = 0; operation < OPERATIONS && !status; operation++) {
        const double begin = drift_bench_clock();
        best[operation] = 1e30;
        for (int i = 0; !status && (i < FEWEST_CALLS || drift_bench_clock() - begin < seconds); i++) {
            const double start = drift_bench_clock();
            status = run((enum operation)operation, s->heads, &t);
            const double spent = drift_bench_clock() - start;
            best[operation] = spent < best[operation] ? spent : best[operation];
        }
    }
    free(t.memory);
    return status;
}

/* Products alone: q k^T and p v forward, five of them backward. */
static double flop_of(const struct shape *s)
{
    return 4.0 * (double)(s->batch * s->heads * s->dim) * (double)s->tokens * (double)s->tokens;
}

static void print_json(int threads, double peak, double best[SHAPES][OPERATIONS])
{
    json_t *rows = json_array();
    for (int i = 0; i < SHAPES; i++) {
        const double *b = best[i], flop = flop_of(&shapes[i]);
        if (b[ATTENTION] > 0)
            json_array_append_new(
                rows, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "shape", shapes[i].name, "forward_seconds",
                                b[ATTENTION], "forward_of_peak", flop / b[ATTENTION] / peak, "backward_seconds",
                                b[ATTENTION_BACKWARD], "backward_of_peak", 2.5 * flop / b[ATTENTION_BACKWARD] / peak,
                                "norm_rope_seconds", b[BEFORE], "norm_rope_backward_seconds", b[BEFORE_BACKWARD]));
    }
    json_t *all =
        json_pack("{s:s, s:i, s:f, s:o}", "bench", "attention", "threads", threads, "peak_flops", peak, "shapes", rows);
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
}

static void print_table(int threads, double peak, double best[SHAPES][OPERATIONS])
{
    printf("attention, %d thread%s, peak %.1f GFLOP/s\n", threads, threads == 1 ? "" : "s", 1e-9 * peak);
    printf("%20s  B x    T x  h x  d  forward ms  of peak  backward ms  of peak  norm, rope ms   backward\n", "");
    for (int i = 0; i < SHAPES; i++) {
        const struct shape *s = &shapes[i];
        const double *b = best[i], flop = flop_of(s);
        if (b[ATTENTION] > 0)
            printf("%-20s %2zu x %4zu x %2zu x %2zu %11.2f %8.2f %12.2f %8.2f %14.2f %10.2f\n", s->name, s->batch,
                   s->tokens, s->heads, s->dim, 1e3 * b[ATTENTION], flop / b[ATTENTION] / peak,
                   1e3 * b[ATTENTION_BACKWARD], 2.5 * flop / b[ATTENTION_BACKWARD] / peak, 1e3 * b[BEFORE],
                   1e3 * b[BEFORE_BACKWARD]);
    }
}

drift_status drift_bench_attention(const struct drift_bench_options *options)
{
    const int before = omp_get_max_threads(), threads = options->threads ? options->threads : before;
    const double seconds = options->seconds > 0 ? options->seconds : 0.25;
    double best[SHAPES][OPERATIONS] = {{0}}, peak = 0;
    drift_status status = DRIFT_OK;
    omp_set_num_threads(threads);
    for (int i = 0; !status && i < SHAPES; i++) {
        if (!drift_bench_wants(options, shapes[i].name))
            continue;
        const double flops = drift_peak_flops(threads);
        peak = flops > peak ? flops : peak;
        status = time_shape(&shapes[i], seconds, best[i]);
    }
    omp_set_num_threads(before);
    if (!status)
        (options->json ? print_json : print_table)(threads, peak, best);
    return status;
}
