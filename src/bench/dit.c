/* drift bench dit: a forward pass of DiT-B/2 for latents, batch 4, and a training step of a small DiT (hidden 192,
 * depth 6, 3 heads, 64 patches and 4 tokens, batch 32; squared error, AdamW), on one thread and on all, or on as many
 * as are asked for, beside the peak measured between the calls. Times are the least over several calls, so that other
 * load matters little. */
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "bench/bench.h"
#include "bench/peak.h"
#include "cpu/cpu.h"
#include "nn/dit.h"

static const struct task {
    const char *name;
    size_t batch;
    int train;
    drift_dit_config config;
} tasks[] = {
    {"DiT-B/2 forward",
     4,
     0,
     {.cond_dim = 768,
      .num_classes = 1000,
      .noise_classes = 64,
      .noise_coords = 32,
      .input_size = 32,
      .in_channels = 4,
      .n_cls_tokens = 16,
      .patch_size = 2,
      .hidden_size = 768,
      .depth = 12,
      .num_heads = 12,
      .out_channels = 4,
      .mlp_ratio = 4,
      .use_qknorm = 1,
      .use_swiglu = 1,
      .use_rope = 1,
      .use_rmsnorm = 1,
      .attn_fp32 = 1}},
    {"small DiT training step",
     32,
     1,
     {.cond_dim = 192,
      .num_classes = 1000,
      .noise_classes = 64,
      .noise_coords = 32,
      .input_size = 16,
      .in_channels = 4,
      .n_cls_tokens = 4,
      .patch_size = 2,
      .hidden_size = 192,
      .depth = 6,
      .num_heads = 3,
      .out_channels = 4,
      .mlp_ratio = 4,
      .use_qknorm = 1,
      .use_swiglu = 1,
      .use_rope = 1,
      .use_rmsnorm = 1,
      .attn_fp32 = 1}},
};
enum { TASKS = sizeof tasks / sizeof *tasks, FEWEST = 3 };

/* FLOP of the products of a forward pass; backward has twice as many. */
static double product_flop(const drift_dit_config *c, size_t batch)
{
    const double patches = (double)(c->input_size / c->patch_size) * (double)(c->input_size / c->patch_size);
    const double tokens = patches + (double)c->n_cls_tokens, b = (double)batch, h = (double)c->hidden_size;
    const double inner = (double)drift_dit_mlp_width(c),
                 pixels = (double)(c->patch_size * c->patch_size * c->in_channels);
    const double block = b * tokens * 2 * h * (4 * h + 3 * inner) + 4 * b * tokens * tokens * h + 12 * b * h * h;
    return (double)c->depth * block + 4 * b * patches * pixels * h + 2 * b * h * (256 + 4 * h);
}

/* A model with its inputs and, for training, target and moments. */
struct run {
    const struct task *task;
    drift_dit dit;
    drift_params params;
    drift_tape *tape;
    drift_tensor m, v;
    float *noise, *target, *scale;
    int32_t *label, *style;
    size_t image; /* numbers of the batch's images */
};

static void run_free(struct run *r)
{
    drift_tape_free(r->tape);
    drift_params_block_free(&r->params, &r->m);
    drift_params_block_free(&r->params, &r->v);
    drift_params_free(&r->params);
    free(r->noise);
    free(r->target);
    free(r->scale);
    free(r->label);
    free(r->style);
    free(r);
}

static double uniform(uint32_t step, size_t i) { return drift_random_uniform_at(1, DRIFT_RANDOM_TEST, step, i); }

static drift_status draw_inputs(struct run *r)
{
    const drift_dit_config *c = &r->dit.config;
    const size_t batch = r->task->batch, styles = batch * c->noise_coords;
    r->image = batch * c->input_size * c->input_size * c->in_channels;
    r->noise = malloc(r->image * sizeof *r->noise);
    r->target = malloc(r->image * sizeof *r->target);
    r->scale = malloc(batch * sizeof *r->scale);
    r->label = malloc(batch * sizeof *r->label);
    r->style = malloc(styles * sizeof *r->style);
    if (!r->noise || !r->target || !r->scale || !r->label || !r->style)
        return drift_fail(DRIFT_NO_MEMORY, "bench dit: no memory");
    for (size_t i = 0; i < r->image; i++) {
        r->noise[i] = (float)(4 * uniform(1, i) - 2);
        r->target[i] = (float)(4 * uniform(2, i) - 2);
    }
    for (size_t i = 0; i < batch; i++) {
        r->scale[i] = (float)(1 + 3 * uniform(3, i));
        r->label[i] = (int32_t)(uniform(4, i) * (double)c->num_classes);
    }
    for (size_t i = 0; i < styles; i++)
        r->style[i] = (int32_t)(uniform(5, i) * (double)c->noise_classes);
    return DRIFT_OK;
}

/* Every parameter random: what starts as zero would make the work easier. */
static drift_status run_new(const struct task *task, struct run **run)
{
    const drift_stream stream = {.seed = 1, .purpose = DRIFT_RANDOM_INIT};
    struct run *r = *run = calloc(1, sizeof *r);
    if (!r)
        return drift_fail(DRIFT_NO_MEMORY, "bench dit: no memory");
    r->task = task;
    drift_params_new(&r->params, drift_cpu_backend(DRIFT_F32));
    drift_status status = drift_dit_new(&r->dit, &task->config, &r->params);
    if (!status)
        status = drift_params_allocate(&r->params);
    if (!status)
        status = r->params.backend->random_normal(r->params.backend, &stream, 0.04, &r->params.values);
    if (!status)
        status = drift_tape_new(r->params.backend, &r->tape);
    if (!status && task->train)
        status = drift_params_block(&r->params, &r->m);
    if (!status && task->train)
        status = drift_params_block(&r->params, &r->v);
    return status ? status : draw_inputs(r);
}

static drift_status update(struct run *r)
{
    const drift_adam_step adam = {1e-4, 0.9, 0.95, 1e-8, 0.01, 0.1, 0.05, 1};
    const drift_backend *b = r->params.backend;
    const drift_tensor gradient = drift_tensor_grad(&r->params.values);
    drift_status status = b->adam(b, &adam, &gradient, &r->m, &r->v, &r->params.values);
    return status ? status : drift_params_zero_grad(&r->params);
}

/* One call: what is timed. */
static drift_status call(struct run *r)
{
    const drift_dit_config *c = &r->dit.config;
    const size_t batch = r->task->batch, shape[] = {batch, c->input_size, c->input_size, c->in_channels};
    drift_tape_clear(r->tape);
    if (!r->task->train)
        drift_tape_pause(r->tape);
    drift_tensor *noise = drift_tape_input(r->tape, 4, shape, r->noise, 0);
    drift_tensor *y =
        drift_dit_forward(&r->dit, r->tape, noise, drift_tape_indices(r->tape, 1, &batch, r->label),
                          drift_tape_input(r->tape, 1, &batch, r->scale, 0),
                          drift_tape_indices(r->tape, 2, (const size_t[]){batch, c->noise_coords}, r->style));
    if (!r->task->train)
        return drift_tape_status(r->tape);
    drift_tape_backward(r->tape, drift_mean_square(r->tape, y, drift_tape_input(r->tape, 4, shape, r->target, 0)),
                        NULL);
    drift_status status = drift_tape_status(r->tape);
    return status ? status : update(r);
}

struct figures {
    const char *task;
    int threads;
    double peak, seconds, flop;
    size_t memory; /* of the tape */
};

static drift_status measure(const struct task *task, int threads, double seconds, struct figures *f)
{
    struct run *r;
    *f = (struct figures){
        task->name, threads, 0, 1e30, (task->train ? 3 : 1) * product_flop(&task->config, task->batch), 0};
    omp_set_num_threads(threads);
    drift_status status = run_new(task, &r);
    if (!status)
        status = call(r); /* memory is taken, tables are made */
    const double begin = drift_bench_clock();
    for (int i = 0; !status && (i < FEWEST || drift_bench_clock() - begin < seconds); i++) {
        const double start = drift_bench_clock();
        status = call(r);
        const double spent = drift_bench_clock() - start, peak = drift_peak_flops(threads);
        f->seconds = spent < f->seconds ? spent : f->seconds;
        f->peak = peak > f->peak ? peak : f->peak;
    }
    if (r) {
        f->memory = r->tape ? drift_tape_peak(r->tape) : 0;
        run_free(r);
    }
    return status;
}

static void print_json(const struct figures *f, int rows)
{
    json_t *list = json_array();
    for (int i = 0; i < rows; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:I}", "task", f[i].task, "threads",
                                        f[i].threads, "peak_flops", f[i].peak, "seconds", f[i].seconds, "product_flop",
                                        f[i].flop, "products_of_peak", f[i].flop / f[i].seconds / f[i].peak,
                                        "tape_bytes", (json_int_t)f[i].memory));
    json_t *all = json_pack("{s:s, s:o}", "bench", "dit", "rows", list);
    json_dumpf(all, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(all);
}

static void print_table(const struct figures *f, int rows)
{
    printf("the generator: DiT-B/2 for latents, batch 4; hidden 192, depth 6, 68 tokens, batch 32\n"
           "task                      threads   peak GFLOP/s   seconds   products of peak   tape MB\n");
    for (int i = 0; i < rows; i++)
        printf("%-25s %7d %14.1f %9.3f %18.2f %9.0f\n", f[i].task, f[i].threads, 1e-9 * f[i].peak, f[i].seconds,
               f[i].flop / f[i].seconds / f[i].peak, 1e-6 * (double)f[i].memory);
}

drift_status drift_bench_dit(const struct drift_bench_options *options)
{
    const int before = omp_get_max_threads(), most = options->threads ? options->threads : before;
    const double seconds = 8 * (options->seconds > 0 ? options->seconds : 0.25);
    struct figures figures[2 * TASKS];
    int rows = 0;
    drift_status status = DRIFT_OK;
    for (int i = 0; i < TASKS && !status; i++) {
        if (!drift_bench_wants(options, tasks[i].name))
            continue;
        if (!options->threads || most == 1)
            status = measure(&tasks[i], 1, seconds, &figures[rows++]);
        if (!status && most > 1)
            status = measure(&tasks[i], most, seconds, &figures[rows++]);
    }
    omp_set_num_threads(before);
    if (status)
        return status;
    (options->json ? print_json : print_table)(figures, rows);
    return DRIFT_OK;
}
