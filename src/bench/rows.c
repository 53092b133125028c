/* drift bench rows: whole-tensor ops of the generator's layers that move memory rather than multiply, in the shapes of
 * DiT-B/2 with four images. */
#include <omp.h>
#include <stdio.h>

#include "base/random.h"
#include "bench/bench.h"
#include "bench/figure.h"
#include "cpu/cpu.h"

enum op { SOFTMAX, RMS_NORM, SWIGLU, OPS };
enum { TENSORS = 3, FEWEST_CALLS = 10 };

static const struct shape {
    const char *name;
    size_t rows, cols;
    int moved; /* tensors read and written */
} shapes[OPS] = {
    {"softmax, 13056 rows of 272", 13056, 272, 2},
    {"RMSNorm, 4352 rows of 768", 4352, 768, 2},
    {"SwiGLU, 4352 rows of 2048", 4352, 2048, 3},
};

struct run {
    enum op op;
    drift_tensor x[TENSORS], weight;
};

static drift_status call(void *context)
{
    struct run *r = context;
    const drift_backend *b = r->weight.backend;
    switch (r->op) {
    case SOFTMAX: return b->softmax(b, &r->x[0], &r->x[1]);
    case RMS_NORM: return b->rms_norm(b, 1e-6, &r->x[0], &r->weight, &r->x[1]);
    default: return b->swiglu(b, &r->x[0], &r->x[1], &r->x[2]);
    }
}

static drift_status measure(enum op op, double seconds, double *best)
{
    const drift_backend *b = drift_cpu_backend(DRIFT_F32);
    const size_t size[] = {shapes[op].rows, shapes[op].cols};
    struct run r = {.op = op, .weight = drift_tensor_of(b, 1, &size[1])};
    drift_tensor *const all[] = {&r.weight, &r.x[0], &r.x[1], &r.x[2]};
    drift_status status = DRIFT_OK;
    for (int i = 0; i <= TENSORS && !status; i++) {
        const drift_stream stream = {.seed = 1, .purpose = DRIFT_RANDOM_TEST, .step = (uint32_t)i};
        if (i)
            *all[i] = drift_tensor_of(b, 2, size);
        status = b->alloc(b, drift_tensor_bytes(all[i]), &all[i]->data);
        if (!status)
            status = b->random_normal(b, &stream, 1, all[i]);
    }
    if (!status)
        status = drift_bench_time(call, &r, FEWEST_CALLS, seconds, best);
    for (int i = 0; i <= TENSORS; i++)
        b->free(b, all[i]->data);
    return status;
}

drift_status drift_bench_rows(const struct drift_bench_options *options)
{
    const int before = omp_get_max_threads(), threads = options->threads ? options->threads : before;
    struct drift_bench_figure figures[OPS] = {{0}};
    drift_status status = DRIFT_OK;
    omp_set_num_threads(threads);
    const struct drift_bench_peaks peaks = drift_bench_peaks_of(threads);
    for (int op = 0; op < OPS && !status; op++) {
        const struct shape *s = &shapes[op];
        figures[op].name = s->name;
        figures[op].bytes = 4.0 * s->moved * (double)(s->rows * s->cols);
        if (drift_bench_wants(options, s->name))
            status = measure((enum op)op, options->seconds > 0 ? options->seconds : 0.25, &figures[op].seconds);
    }
    omp_set_num_threads(before);
    if (status)
        return status;
    if (!options->json) {
        drift_bench_figures_print(&peaks, OPS, figures);
        return DRIFT_OK;
    }
    json_t *all = json_pack("{s:s, s:i, s:f, s:f, s:o}", "bench", "rows", "threads", threads, "peak_flops", peaks.flops,
                            "peak_bandwidth", peaks.bandwidth, "rows", drift_bench_figures_json(&peaks, OPS, figures));
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
    return DRIFT_OK;
}
