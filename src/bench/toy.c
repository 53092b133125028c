/* drift bench toy: one training step of the demo, on one thread and on all, beside the peak measured between the steps;
 * and 1,000 samples. Times are the least over many steps, so that other load on the machine matters little. */
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/peak.h"
#include "train/trainer.h"

enum { SAMPLES = 1000, FEWEST_STEPS = 5 };

struct figures {
    int threads;
    double peak, step, sample; /* FLOP/s; seconds */
};

/* FLOP of the products of a step: forward, and backward by weights and, the first layer apart, by inputs. */
static double product_flop(const struct drift_trainer *trainer)
{
    const drift_mlp_config *mlp = &trainer->generator.mlp.config;
    double flop = 0;
    for (int i = 0; i < mlp->layers; i++)
        flop += (i ? 6.0 : 4.0) * (double)mlp->size[i] * (double)mlp->size[i + 1];
    return flop * (double)trainer->recipe.train.forward_dict.gen_per_label;
}

static drift_status time_steps(struct drift_trainer *trainer, double seconds, struct figures *f)
{
    float *x = malloc(SAMPLES * trainer->data->dim * sizeof *x);
    drift_status status = x ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "bench toy: no memory");
    const double begin = drift_bench_clock();
    f->step = f->sample = 1e30;
    f->peak = 0;
    for (int i = 0; !status && (i < FEWEST_STEPS || drift_bench_clock() - begin < seconds); i++) {
        double start = drift_bench_clock();
        status = drift_trainer_step(trainer);
        double spent = drift_bench_clock() - start;
        f->step = spent < f->step ? spent : f->step;
        start = drift_bench_clock();
        if (!status)
            status = drift_trainer_sample(trainer, SAMPLES, x);
        spent = drift_bench_clock() - start;
        f->sample = spent < f->sample ? spent : f->sample;
        if (i % 8 == 0) {
            double peak = drift_peak_flops(f->threads);
            f->peak = peak > f->peak ? peak : f->peak;
        }
    }
    free(x);
    return status;
}

static drift_status time_threads(int threads, double seconds, struct figures *f, double *flop)
{
    struct drift_recipe recipe;
    struct drift_trainer *trainer;
    drift_recipe_defaults(&recipe);
    f->threads = threads;
    omp_set_num_threads(threads);
    drift_status status = drift_trainer_new(&recipe, &trainer);
    if (status)
        return status;
    *flop = product_flop(trainer);
    status = time_steps(trainer, seconds, f);
    drift_trainer_free(trainer);
    return status;
}

/* What the threads gain on the step, as a part of what they gain on the peak. */
static double gain(const struct figures *f, int rows)
{
    const struct figures *most = f + rows - 1;
    return f->step / most->step / (most->peak / f->peak);
}

static void print_json(const struct figures *f, int rows, double flop)
{
    json_t *list = json_array();
    for (int i = 0; i < rows; i++)
        json_array_append_new(list, json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "threads", f[i].threads, "peak_flops",
                                              f[i].peak, "step_seconds", f[i].step, "steps_2000_seconds",
                                              2000 * f[i].step, "products_of_peak", flop / f[i].step / f[i].peak,
                                              "sample_1000_seconds", f[i].sample));
    json_t *all = json_pack("{s:s, s:f, s:o}", "bench", "toy", "product_flop", flop, "rows", list);
    if (rows > 1)
        json_object_set_new(all, "gain_over_peak_gain", json_real(gain(f, rows)));
    json_dumpf(all, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(all);
}

static void print_table(const struct figures *f, int rows, double flop)
{
    printf("the demo's training step: joint field, 2,048 + 2,048 points, MLP 32-256-256-256-2, Adam\n"
           "threads   peak GFLOP/s   step ms   2,000 steps s   products of peak   1,000 samples ms\n");
    for (int i = 0; i < rows; i++)
        printf("%7d %14.1f %9.2f %15.1f %18.2f %18.2f\n", f[i].threads, 1e-9 * f[i].peak, 1e3 * f[i].step,
               2000 * f[i].step, flop / f[i].step / f[i].peak, 1e3 * f[i].sample);
    if (rows > 1)
        printf("%d threads gain %.2f of what they gain on the peak\n", f[rows - 1].threads, gain(f, rows));
}

drift_status drift_bench_toy(const struct drift_bench_options *options)
{
    const int before = omp_get_max_threads(), most = options->threads ? options->threads : before;
    const double seconds = 8 * (options->seconds > 0 ? options->seconds : 0.25);
    struct figures figures[2];
    double flop = 0;
    int rows = 0;
    drift_status status = time_threads(1, seconds, &figures[rows++], &flop);
    if (!status && most > 1)
        status = time_threads(most, seconds, &figures[rows++], &flop);
    omp_set_num_threads(before);
    if (status)
        return status;
    (options->json ? print_json : print_table)(figures, rows, flop);
    return DRIFT_OK;
}
