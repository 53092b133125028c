/* A generator's images judged along the guidance scale. */
#include <math.h> /* NAN */
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"
#include "io/json.h"
#include "report/sweep.h"

int drift_sweep_concerns(const struct drift_trainer *trainer)
{
    const struct drift_data *data = trainer->data, *test = trainer->test;
    return trainer->generator.classes > 1 && data->height && data->classes > 1 && data->size > DRIFT_NEIGHBOURS &&
           test && test->labels && test->size > DRIFT_NEIGHBOURS && trainer->recipe.train.cfg_list.count > 1;
}

void drift_sweep_free(struct drift_sweep *sweep)
{
    free(sweep->grids);
    free(sweep->one);
    memset(sweep, 0, sizeof *sweep);
}

/* Keeps the scales sorted, each once. */
static void add_scale(struct drift_sweep *sweep, double scale)
{
    size_t at = sweep->scales;
    for (size_t i = 0; i < sweep->scales; i++)
        if (sweep->scale[i] == scale)
            return;
    for (; at && sweep->scale[at - 1] > scale; at--)
        sweep->scale[at] = sweep->scale[at - 1];
    sweep->scale[at] = scale;
    sweep->scales++;
}

static void choose(const struct drift_recipe *recipe, struct drift_sweep *sweep)
{
    static const double usual[] = {1, 1.5, 2, 3, 4};
    for (int i = 0; i < recipe->train.cfg_list.count; i++)
        add_scale(sweep, recipe->train.cfg_list.items[i]);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i] >= recipe->train.forward_dict.cfg_min && usual[i] <= recipe->train.forward_dict.cfg_max)
            add_scale(sweep, usual[i]);
    sweep->means = recipe->train.ema_decay.count ? (size_t)recipe->train.ema_decay.count : 1;
    for (size_t i = 0; i < sweep->means; i++)
        sweep->decay[i] = recipe->train.ema_decay.count ? recipe->train.ema_decay.items[i] : NAN;
}

/* `x` has room for the judge's n images. */
static drift_status judge_all(struct drift_trainer *trainer, struct drift_judge *judge, drift_sweep_progress *progress,
                              void *context, struct drift_sweep *sweep, float *x)
{
    const size_t count = sweep->means * sweep->scales;
    drift_status status = DRIFT_OK;
    for (size_t k = 0; k < count && !status; k++) {
        status = drift_trainer_sample_of(trainer, (int)(k / sweep->scales), sweep->scale[k % sweep->scales],
                                         judge->labels, judge->n, x);
        if (!status)
            status = drift_judge_samples(judge, x, judge->labels, &sweep->found[k]);
        if (!status && progress)
            progress(context, "judged", (int64_t)k + 1, (int64_t)count);
    }
    sweep->n = judge->n;
    sweep->floor = judge->floor;
    return status;
}

static drift_status draw_pictures(struct drift_trainer *trainer, struct drift_sweep *sweep)
{
    const size_t classes = trainer->generator.classes, dim = trainer->data->dim;
    sweep->columns = classes < DRIFT_SWEEP_COLUMNS ? classes : DRIFT_SWEEP_COLUMNS;
    const size_t grid = DRIFT_SWEEP_ROWS * sweep->columns;
    int32_t label[DRIFT_SWEEP_ROWS * DRIFT_SWEEP_COLUMNS];
    sweep->grids = malloc(sweep->scales * grid * dim * sizeof *sweep->grids);
    sweep->one = malloc(sweep->scales * sweep->columns * dim * sizeof *sweep->one);
    if (!sweep->grids || !sweep->one)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for pictures of %zu guidance scales", sweep->scales);
    for (size_t i = 0; i < grid; i++)
        label[i] = (int32_t)(i % sweep->columns);
    drift_status status = DRIFT_OK;
    for (size_t k = 0; k < sweep->scales && !status; k++) {
        status = drift_trainer_sample_of(trainer, 0, sweep->scale[k], label, grid, sweep->grids + k * grid * dim);
        for (size_t j = 0; j < sweep->columns && !status; j++) /* each by itself is sample 0: of the same noise */
            status = drift_trainer_sample_of(trainer, 0, sweep->scale[k], &label[j], 1,
                                             sweep->one + (k * sweep->columns + j) * dim);
    }
    return status;
}

struct listener {
    drift_sweep_progress *progress;
    void *context;
};

static void classifier_step(void *context, int64_t step, int64_t steps)
{
    const struct listener *listener = context;
    if (listener->progress)
        listener->progress(listener->context, "classifier", step, steps);
}

drift_status drift_sweep_run(struct drift_trainer *trainer, drift_sweep_progress *progress, void *context,
                             struct drift_sweep *sweep)
{
    struct drift_judge judge;
    struct listener listener = {progress, context};
    choose(&trainer->recipe, sweep);
    drift_status status = drift_judge_new(&judge, trainer->data, trainer->test,
                                          (size_t)trainer->recipe.train.eval_samples, 0, classifier_step, &listener);
    if (status)
        return status;
    float *x = malloc(judge.n * trainer->data->dim * sizeof *x);
    status = x ? judge_all(trainer, &judge, progress, context, sweep, x)
               : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", judge.n);
    free(x);
    drift_judge_free(&judge);
    return status ? status : draw_pictures(trainer, sweep);
}

json_t *drift_judgement_json(const struct drift_judgement *j)
{
    json_t *one = json_pack("{s:f, s:f, s:f, s:f}", "frechet_distance", j->frechet_distance, "precision", j->precision,
                            "recall", j->recall, "memorisation", j->memorisation);
    json_object_set_new(one, "class_accuracy", drift_json_number(j->class_accuracy));
    return one;
}

json_t *drift_sweep_json(const struct drift_sweep *sweep)
{
    json_t *rows = json_array();
    for (size_t k = 0; k < sweep->means * sweep->scales; k++) {
        const double decay = sweep->decay[k / sweep->scales];
        json_t *row = drift_judgement_json(&sweep->found[k]);
        json_object_set_new(row, "cfg", json_real(sweep->scale[k % sweep->scales]));
        json_object_set_new(row, "ema", drift_json_number(decay));
        json_array_append_new(rows, row);
    }
    return json_pack("{s:I, s:o, s:o}", "n", (json_int_t)sweep->n, "floor", drift_judgement_json(&sweep->floor), "rows",
                     rows);
}
