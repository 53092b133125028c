/* drift bench encoder: the feature encoder's parts beside this machine's peak. Convolutions are counted as direct ones,
 * products with the zeros of the padding included: fractions above 1 come of products that are not computed. Times are
 * the least of many calls. */
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/encoder.h"
#include "bench/peak.h"
#include "cpu/cpu.h"

/* The masked autoencoder of width 64 on 32 x 32 x 4, batch 16: its stages, and where they begin; and ConvNeXt's. */
static const struct shape {
    const char *name;
    size_t batch, side, in, out, kernel;
    drift_conv conv;
} shapes[] = {
    {"3x3, stage 1", 16, 32, 64, 64, 3, {1, 1, 1}},
    {"3x3, stage 2", 16, 16, 128, 128, 3, {1, 1, 1}},
    {"3x3, stage 3", 16, 8, 256, 256, 3, {1, 1, 1}},
    {"3x3, stage 4", 16, 4, 512, 512, 3, {1, 1, 1}},
    {"3x3, first", 16, 32, 4, 64, 3, {1, 1, 1}},
    {"3x3 / 2, to stage 2", 16, 32, 64, 128, 3, {2, 1, 1}},
    {"3x3 / 2, to stage 4", 16, 8, 256, 512, 3, {2, 1, 1}},
    {"1x1 / 2, to stage 2", 16, 32, 64, 128, 1, {2, 0, 1}},
    {"2x2 / 2 patches", 4, 56, 128, 256, 2, {2, 0, 1}},
    {"4x4 / 4 patches", 4, 224, 3, 128, 4, {4, 0, 1}},
    {"depthwise 7x7, 56", 4, 56, 128, 128, 7, {1, 3, 128}},
    {"depthwise 7x7, 14", 4, 14, 512, 512, 7, {1, 3, 512}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, WAYS = 3, TENSORS = 6, FEWEST_CALLS = 5 };
static const char *const ways[WAYS] = {"forward", "to x", "to kernel"};

struct tensors {
    drift_tensor x, kernel, y, dx, dkernel, dy;
};

static drift_status make(const struct shape *s, struct tensors *t)
{
    const drift_backend *b = drift_cpu_backend(DRIFT_F32);
    const size_t side = (s->side + 2 * s->conv.padding - s->kernel) / s->conv.stride + 1;
    const size_t x[] = {s->batch, s->side, s->side, s->in}, y[] = {s->batch, side, side, s->out};
    const size_t kernel[] = {s->kernel, s->kernel, s->in / s->conv.groups, s->out};
    *t = (struct tensors){.x = drift_tensor_of(b, 4, x), .kernel = drift_tensor_of(b, 4, kernel)};
    t->y = drift_tensor_of(b, 4, y);
    t->dx = t->x, t->dkernel = t->kernel, t->dy = t->y;
    drift_tensor *all[TENSORS] = {&t->x, &t->kernel, &t->y, &t->dx, &t->dkernel, &t->dy};
    drift_status status = DRIFT_OK;
    for (int i = 0; i < TENSORS && !status; i++) {
        const drift_stream stream = {.seed = 1, .step = (uint32_t)i};
        status = b->alloc(b, drift_tensor_bytes(all[i]), &all[i]->data);
        if (!status)
            status = b->random_normal(b, &stream, 1, all[i]);
    }
    return status;
}

static void release(struct tensors *t)
{
    const drift_backend *b = t->x.backend;
    void *all[TENSORS] = {t->x.data, t->kernel.data, t->y.data, t->dx.data, t->dkernel.data, t->dy.data};
    for (int i = 0; i < TENSORS; i++)
        b->free(b, all[i]);
}

static drift_status run(const struct shape *s, struct tensors *t, int way)
{
    const drift_backend *b = t->x.backend;
    switch (way) {
    case 0: return b->conv2d(b, &s->conv, &t->x, &t->kernel, NULL, &t->y);
    case 1: return b->conv2d_backward_x(b, &s->conv, &t->kernel, &t->dy, 0, &t->dx);
    default: return b->conv2d_backward_kernel(b, &s->conv, &t->x, &t->dy, 0, &t->dkernel);
    }
}

/* Least seconds of each way. */
static drift_status time_shape(const struct shape *s, double seconds, double best[WAYS])
{
    struct tensors t;
    drift_status status = make(s, &t);
    for (int way = 0; way < WAYS; way++) {
        const double begin = drift_bench_clock();
        best[way] = 1e30;
        for (int i = 0; !status && (i < FEWEST_CALLS || drift_bench_clock() - begin < seconds); i++) {
            const double start = drift_bench_clock();
            status = run(s, &t, way);
            const double spent = drift_bench_clock() - start;
            best[way] = spent < best[way] ? spent : best[way];
        }
    }
    release(&t);
    return status;
}

static double flop_of(const struct shape *s)
{
    const size_t side = (s->side + 2 * s->conv.padding - s->kernel) / s->conv.stride + 1;
    return 2.0 * (double)(s->batch * side * side * s->out) * (double)(s->kernel * s->kernel * s->in / s->conv.groups);
}

static json_t *conv_json(double peak, double best[SHAPES][WAYS])
{
    json_t *rows = json_array();
    for (int i = 0; i < SHAPES; i++)
        for (int way = 0; way < WAYS && best[i][way] > 0; way++)
            json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:f}", "shape", shapes[i].name, "way", ways[way],
                                                  "seconds", best[i][way], "of_peak",
                                                  flop_of(shapes + i) / best[i][way] / peak));
    return rows;
}

static void print_conv(double best[SHAPES][WAYS], double peak)
{
    printf("%-43s", "convolution");
    for (int way = 0; way < WAYS; way++)
        printf("%12s ms  of peak", ways[way]);
    printf("\n");
    for (int i = 0; i < SHAPES; i++) {
        const struct shape *s = shapes + i;
        if (!(best[i][0] > 0))
            continue;
        printf("%-20s %4zu x %3zu^2 x %3zu to %3zu", s->name, s->batch, s->side, s->in, s->out);
        for (int way = 0; way < WAYS; way++)
            printf(" %14.3f %8.2f", 1e3 * best[i][way], flop_of(s) / best[i][way] / peak);
        printf("\n");
    }
}

static void print_json(const struct drift_bench_peaks *peaks, double best[SHAPES][WAYS],
                       const struct drift_bench_figure *figures)
{
    json_t *all =
        json_pack("{s:s, s:i, s:f, s:f, s:o, s:o}", "bench", "encoder", "threads", peaks->threads, "peak_flops",
                  peaks->flops, "peak_bandwidth", peaks->bandwidth, "conv", conv_json(peaks->flops, best), "rows",
                  drift_bench_figures_json(peaks, DRIFT_BENCH_ENCODER_FIGURES, figures));
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
}

static void print_table(const struct drift_bench_peaks *peaks, double best[SHAPES][WAYS],
                        const struct drift_bench_figure *figures)
{
    printf("encoder, ");
    drift_bench_figures_print(peaks, DRIFT_BENCH_ENCODER_FIGURES, figures);
    print_conv(best, peaks->flops);
}

drift_status drift_bench_encoder(const struct drift_bench_options *options)
{
    const int before = omp_get_max_threads(), threads = options->threads ? options->threads : before;
    const double seconds = options->seconds > 0 ? options->seconds : 0.25;
    double best[SHAPES][WAYS] = {{0}};
    struct drift_bench_figure figures[DRIFT_BENCH_ENCODER_FIGURES];
    omp_set_num_threads(threads);
    struct drift_bench_peaks peaks = drift_bench_peaks_of(threads);
    drift_status status = drift_bench_encoder_model(options, figures);
    for (int i = 0; !status && i < SHAPES; i++) {
        if (!drift_bench_wants(options, shapes[i].name))
            continue;
        const double flops = drift_peak_flops(threads);
        peaks.flops = flops > peaks.flops ? flops : peaks.flops;
        status = time_shape(shapes + i, seconds, best[i]);
    }
    omp_set_num_threads(before);
    if (!status)
        (options->json ? print_json : print_table)(&peaks, best, figures);
    return status;
}
