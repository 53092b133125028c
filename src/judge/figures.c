/* Measuring a run's model. */
#include "judge/figures.h"

#include <math.h> /* NAN */
#include <stdlib.h>
#include <string.h>

const struct drift_figure_text drift_figure_texts[DRIFT_FIGURES] = {
    {"energy_distance2", "energy distance\xc2\xb2", "lower"},
    {"mmd2_laplace", "MMD\xc2\xb2, Laplace kernel", "lower"},
    {"sliced_wasserstein", "sliced Wasserstein-2", "lower"},
    {"one_nn_accuracy", "1-NN accuracy", "0.5"},
    {"memorisation", "memorisation", "about 1"},
    {"class_accuracy", "class accuracy", "higher"},
    {"frechet_distance",
     "Fr\xc3\xa9"
     "chet distance",
     "lower"},
    {"precision", "precision", "higher"},
    {"recall", "recall", "higher"},
};

void drift_figures_forget(struct drift_figure_values *values)
{
    for (int k = 0; k < DRIFT_FIGURES; k++)
        values->value[k] = values->floor[k] = NAN;
}

drift_status drift_measure_new(struct drift_measure *measure, const char *data, size_t n, int with_judge,
                               drift_classifier_progress *progress, void *context)
{
    memset(measure, 0, sizeof *measure);
    drift_status status = drift_reference_open(&measure->reference, data, n, &measure->evaluation);
    if (status)
        return status;
    const size_t size = measure->reference.data->size, dim = measure->evaluation.dim;
    measure->n = size && size < n ? size : n;
    const struct drift_reference *r = &measure->reference;
    const struct drift_data *train = r->train ? r->train : r->data, *test = r->test ? r->test : r->data;
    if (with_judge && !(status = drift_judge_new(&measure->judge, train, test, measure->n, 0, progress, context)))
        measure->with_judge = 1;
    if (status)
        return status;
    measure->samples = malloc(measure->n * dim * sizeof(float) + 1);
    measure->judged = malloc(measure->judge.n * dim * sizeof(float) + 1);
    if (!measure->samples || !measure->judged)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory to evaluate %zu samples", measure->n);
    return status;
}

void drift_measure_free(struct drift_measure *measure)
{
    if (measure->with_judge)
        drift_judge_free(&measure->judge);
    drift_reference_close(&measure->reference);
    free(measure->samples);
    free(measure->judged);
}

static drift_status evaluate(struct drift_measure *measure, struct drift_figure_values *values)
{
    drift_metric metrics[DRIFT_METRICS];
    drift_evaluation evaluation = measure->evaluation;
    size_t count;
    evaluation.n = measure->n;
    evaluation.samples = measure->samples;
    drift_status status = drift_evaluate(&evaluation, &count, metrics);
    for (size_t i = 0; i < count && !status; i++)
        for (int k = 0; k < DRIFT_FIGURES; k++)
            if (!strcmp(metrics[i].key, drift_figure_texts[k].key)) {
                values->value[k] = metrics[i].value;
                values->floor[k] = metrics[i].floor;
            }
    return status;
}

static void keep(const struct drift_judgement *judgement, double *values)
{
    values[DRIFT_FIGURE_ACCURACY] = judgement->class_accuracy;
    values[DRIFT_FIGURE_FRECHET] = judgement->frechet_distance;
    values[DRIFT_FIGURE_PRECISION] = judgement->precision;
    values[DRIFT_FIGURE_RECALL] = judgement->recall;
}

static drift_status judge(struct drift_measure *measure, struct drift_generator *generator,
                          const struct drift_sampling *sampling, struct drift_figure_values *values)
{
    struct drift_judge *judge = &measure->judge;
    struct drift_judgement judgement;
    struct drift_sampling how = *sampling;
    how.label = generator->classes ? judge->labels : NULL;
    drift_status status = drift_generator_sample(generator, &how, judge->n, measure->judged);
    if (!status)
        status = drift_judge_samples(judge, measure->judged, how.label, &judgement);
    if (status)
        return status;
    keep(&judgement, values->value);
    keep(&judge->floor, values->floor);
    return DRIFT_OK;
}

drift_status drift_measure_model(struct drift_measure *measure, const char *model, uint64_t seed, double cfg_scale,
                                 struct drift_figure_values *values)
{
    struct drift_generator generator;
    struct drift_recipe recipe;
    const struct drift_sampling how = {.seed = seed, .temperature = 1, .cfg_scale = cfg_scale};
    drift_figures_forget(values);
    drift_status status = drift_generator_load(model, NULL, &generator, &recipe);
    if (status)
        return status;
    if (generator.shape.dim != measure->evaluation.dim)
        status = drift_fail(DRIFT_INVALID, "%s: samples of %zu numbers, but the data have %zu", model,
                            generator.shape.dim, measure->evaluation.dim);
    if (!status)
        status = drift_generator_sample(&generator, &how, measure->n, measure->samples);
    if (!status)
        status = evaluate(measure, values);
    if (!status && measure->with_judge)
        status = judge(measure, &generator, &how, values);
    drift_generator_free(&generator);
    return status;
}
