/* drift train --dry-run: what a run would need. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "bench/peak.h"
#include "cli/run.h"
#include "data/data.h"
#include "recipe/model.h"
#include "train/batch.h"
#include "train/plan.h"

/* Share of this machine's peak that a training step reaches about, for the estimate of the time. */
static const double SHARE = 0.45;

drift_status drift_run_look_at_data(struct drift_recipe *recipe, struct drift_sample_shape *shape, size_t *rows)
{
    static const enum drift_data_split whole = DRIFT_DATA_ALL;
    struct drift_data *data;
    *rows = 0;
    if (!*recipe->dataset.name && recipe->model.name == DRIFT_MODEL_DIT) {
        *shape = drift_generator_shape(recipe);
        if (!recipe->dataset.num_classes)
            return drift_fail(DRIFT_INVALID, "dataset.num_classes: without a data set it must be given");
        return DRIFT_OK;
    }
    drift_status status = drift_data_open(recipe->dataset.name, whole, &data);
    if (status)
        return status;
    *shape = (struct drift_sample_shape){data->dim, data->height, data->width, data->channels};
    *rows = data->size;
    if (recipe->model.name == DRIFT_MODEL_MAE && !recipe->dataset.num_classes)
        recipe->dataset.num_classes = data->classes ? data->classes : 1;
    status = drift_batch_classes(data, recipe);
    drift_data_close(data);
    return status;
}

static void print_memory(const struct drift_plan *plan)
{
    const struct {
        const char *what;
        double bytes;
    } parts[] = {
        {"parameters and gradients", plan->weights},
        {"optimiser", plan->optimizer},
        {"running means", plan->average},
        {"activations and field", plan->step},
        {"batch and queues", plan->batch},
        {"encoder", plan->encoder},
        {"data", plan->data},
    };
    char text[32];
    printf("memory       %s: ", drift_bytes_text(drift_plan_bytes(plan), text));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].bytes > 0)
            printf("%s%s %s", i ? ", " : "", parts[i].what, drift_bytes_text(parts[i].bytes, text));
    printf("\n");
}

/* The best of a few, since other work on the machine only ever takes away. */
static double measure_peak(int threads)
{
    double best = 0;
    for (int i = 0; i < 5; i++) {
        const double peak = drift_peak_flops(threads);
        best = peak > best ? peak : best;
    }
    return best;
}

static void print_time(const struct drift_recipe *recipe, const struct drift_plan *plan)
{
    const int threads = omp_get_max_threads();
    const double peak = measure_peak(threads), step = plan->flop / (SHARE * peak);
    const double all = step * (double)recipe->train.total_steps, day = 24 * 60 * 60;
    char text[32];
    if (all < 2 * day)
        drift_duration(all, text);
    else
        snprintf(text, sizeof text, "%.3g days", all / day);
    printf("FLOP         %.3g GFLOP a step\n", 1e-9 * plan->flop);
    printf("time         about %.3g s a step, %s for %ld steps, at %.0f %% of %.0f GFLOP/s (%d threads)\n", step, text,
           (long)recipe->train.total_steps, 100 * SHARE, 1e-9 * peak, threads);
}

/* What the version cannot do, a line each. */
static void print_missing(const struct drift_recipe *recipe)
{
    char *lines = drift_recipe_missing(recipe);
    for (char *line = lines; line && *line; line += strcspn(line, "\n") + 1)
        printf("missing      %.*s\n", (int)strcspn(line, "\n"), line);
    free(lines);
}

/* An encoder's recipe may leave the images to --data; without them its step cannot be counted. */
static drift_status print_parameters(const struct drift_recipe *recipe)
{
    size_t parameters;
    drift_status status = drift_recipe_parameters(recipe, &parameters);
    if (!status)
        printf("parameters   %zu\n", parameters);
    return status;
}

static drift_status print_plan(struct drift_recipe *recipe)
{
    struct drift_sample_shape shape;
    struct drift_plan plan;
    size_t rows;
    const int encoder = recipe->model.name == DRIFT_MODEL_MAE;
    if (encoder && !*recipe->dataset.name)
        return print_parameters(recipe);
    drift_status status = drift_run_look_at_data(recipe, &shape, &rows);
    if (!status)
        status = (encoder ? drift_plan_encoder : drift_plan_step)(recipe, &shape, rows, &plan);
    if (status)
        return status;
    printf("parameters   %zu\n", plan.parameters);
    print_memory(&plan);
    print_time(recipe, &plan);
    if (*plan.without)
        printf("without      %s\n", plan.without);
    return DRIFT_OK;
}

int drift_run_plan(const struct drift_recipe *given, const char *name)
{
    struct drift_recipe recipe = *given;
    const drift_status status = print_plan(&recipe);
    if (status) {
        if (name)
            drift_fail_context(status, "%s", name);
        return drift_error_kept();
    }
    print_missing(&recipe);
    return DRIFT_EXIT_YES;
}
