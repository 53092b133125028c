/* drift bench field: the drifting field in the shapes that matter (normalized: its loss and gradient), beside what this
 * machine's peak allows. The limit counts products at two FLOP a multiply-add, the normalized form's one for distances
 * and one a temperature, and elementwise work at one vector operation an element: ten for an exponential, joint
 * distances and exponentials once for each unordered pair. Times are the least of many calls. */
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "bench/encoder.h"
#include "bench/peak.h"
#include "kernel/kernel.h"

static const struct shape {
    const char *name;
    drift_form form;
    drift_field_shape size;
} shapes[] = {
    {"joint, 2D", DRIFT_JOINT, {1, 2048, 2048, 0, 2}},
    {"exact, 2D", DRIFT_EXACT, {1, 2048, 2048, 0, 2}},
    {"normalized, feature", DRIFT_NORMALIZED, {64, 64, 64, 16, 256}},
    {"normalized, wide", DRIFT_NORMALIZED, {4, 64, 128, 32, 4096}},
    {"normalized, digits", DRIFT_NORMALIZED, {1, 768, 768, 0, 64}},
};
enum { FEATURE = 2, WIDE = 3 };
enum { SHAPES = sizeof shapes / sizeof *shapes, EXPONENTIAL = 10, FEWEST_CALLS = 10 };

/* FLOP that the limit counts, elementwise operations as a multiply-add each. */
static double work_of(const struct shape *shape, int taus)
{
    const double b = (double)shape->size.batches, g = (double)shape->size.generated, d = (double)shape->size.dim;
    const double columns = g + (double)shape->size.negatives + (double)shape->size.positives, pairs = b * g * columns;
    if (shape->form == DRIFT_NORMALIZED)
        return 2 * pairs * d * (1 + taus) + 2 * (pairs * taus * (2 * EXPONENTIAL + 10) + b * g * d * taus * 3);
    const double distances = shape->form == DRIFT_JOINT ? pairs - g * g / 2 : pairs;
    return 2 * ((2 * d + EXPONENTIAL) * distances + (3 + d) * pairs);
}

static float *normal(size_t n, uint32_t stream, float mean)
{
    float *x = drift_memory_take(4096, n * sizeof *x);
    if (!x)
        return NULL;
    drift_kernels()->random_normal(n, 1, 0, stream, DRIFT_RANDOM_NOISE, x);
    for (size_t i = 0; i < n; i++)
        x[i] += mean;
    return x;
}

/* V made into the gradient of the loss by the generated samples, a batch at a time. */
static void take_gradient(const drift_field_shape *s, double unit, float *v)
{
    const size_t entries = s->generated * s->dim;
    const float factor = (float)(-2 / ((double)(s->batches * entries) * unit));
#pragma omp parallel for schedule(static)
    for (size_t b = 0; b < s->batches; b++)
        drift_kernels()->scale(entries, factor, v + b * entries, v + b * entries);
}

/* Seconds of the fastest call. */
static drift_status time_shape(const struct shape *shape, double seconds, double *best)
{
    const drift_field_shape *s = &shape->size;
    const drift_field_config config = drift_field_defaults(shape->form);
    const size_t entries = s->batches * s->generated * s->dim;
    float *gen = normal(entries, 0, 0), *pos = normal(s->batches * s->positives * s->dim, 1, 0.3f);
    float *neg = normal(s->batches * s->negatives * s->dim, 2, -0.2f), *v = normal(entries, 3, 0);
    drift_field_report report;
    drift_status status = gen && pos && neg && v ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "bench field: no memory");
    const double begin = drift_bench_clock();
    *best = 1e30;
    for (size_t i = 0; !status && shape->form == DRIFT_JOINT && i < entries; i++)
        gen[i] *= 0.5f;
    for (int i = 0; !status && (i < FEWEST_CALLS || drift_bench_clock() - begin < seconds); i++) {
        const double start = drift_bench_clock();
        status = drift_field(&config, s, gen, pos, neg, NULL, NULL, NULL, v, &report);
        if (shape->form == DRIFT_NORMALIZED)
            take_gradient(s, report.unit, v);
        const double spent = drift_bench_clock() - start;
        *best = spent < *best ? spent : *best;
    }
    free(gen);
    free(pos);
    free(neg);
    free(v);
    return status;
}

drift_status drift_bench_feature_loss(int wide, double seconds, double *best, double *work)
{
    const struct shape *shape = &shapes[wide ? WIDE : FEATURE];
    *work = work_of(shape, drift_field_defaults(shape->form).taus);
    return time_shape(shape, seconds, best);
}

drift_status drift_bench_field(const struct drift_bench_options *options)
{
    const int threads = options->threads ? options->threads : omp_get_max_threads(), before = omp_get_max_threads();
    json_t *list = options->json ? json_array() : NULL;
    drift_status status = DRIFT_OK;
    omp_set_num_threads(threads);
    if (!list)
        printf("field, %d thread%s %32s %10s %9s\n", threads, threads > 1 ? "s" : " ", "B x G x (P+N) x D", "ms",
               "of limit");
    for (int i = 0; i < SHAPES && !status; i++) {
        const drift_field_shape *s = &shapes[i].size;
        double seconds;
        if (!drift_bench_wants(options, shapes[i].name))
            continue;
        status = time_shape(&shapes[i], options->seconds > 0 ? options->seconds : 0.5, &seconds);
        const double peak = drift_peak_flops(threads);
        const double limit = work_of(&shapes[i], drift_field_defaults(shapes[i].form).taus) / peak;
        if (status)
            break;
        if (list)
            json_array_append_new(list, json_pack("{s:s, s:i, s:f, s:f, s:f}", "shape", shapes[i].name, "threads",
                                                  threads, "peak_flops", peak, "seconds", seconds, "fraction_of_limit",
                                                  limit / seconds));
        else
            printf("%-22s %3zu x %4zu x (%4zu+%2zu) x %4zu %14.2f %9.2f\n", shapes[i].name, s->batches, s->generated,
                   s->positives, s->negatives, s->dim, 1e3 * seconds, limit / seconds);
    }
    if (list) {
        json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        printf("\n");
        json_decref(list);
    }
    omp_set_num_threads(before);
    return status;
}
