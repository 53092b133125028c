/* The figures that runs are compared by in a table, each by its name. */
#ifndef DRIFT_JUDGE_FIGURES_H
#define DRIFT_JUDGE_FIGURES_H

#include "judge/judge.h"
#include "judge/reference.h"
#include "train/generator.h"

enum drift_figure {
    DRIFT_FIGURE_ENERGY,
    DRIFT_FIGURE_MMD,
    DRIFT_FIGURE_SLICED,
    DRIFT_FIGURE_ONE_NN,
    DRIFT_FIGURE_MEMORISATION,
    DRIFT_FIGURE_ACCURACY, /* from here on by a classifier of real images */
    DRIFT_FIGURE_FRECHET,
    DRIFT_FIGURE_PRECISION,
    DRIFT_FIGURE_RECALL,
    DRIFT_FIGURES
};

struct drift_figure_text {
    const char *key, *label; /* "energy_distance2", "energy distance\xc2\xb2" */
    const char *good;        /* "lower" */
};
extern const struct drift_figure_text drift_figure_texts[DRIFT_FIGURES];

/* A value of each figure and what real data score in the samples' place; NaN where there is none. */
struct drift_figure_values {
    double value[DRIFT_FIGURES], floor[DRIFT_FIGURES];
};

/* NaN for all of them. */
void drift_figures_forget(struct drift_figure_values *values);

/* What samples are measured against; made once for all runs of a table. */
struct drift_measure {
    size_t n; /* samples of an evaluation */
    drift_evaluation evaluation;
    struct drift_reference reference;
    struct drift_judge judge;
    int with_judge;
    float *samples; /* [n, dim]: the last ones, classes in turn */
    float *judged;  /* [judge.n, dim] */
};

/* Opens the data for evaluations of n samples (of a finite set no more than it has) and, where asked for, trains the
 * classifier. To be freed even on failure. */
drift_status drift_measure_new(struct drift_measure *measure, const char *data, size_t n, int with_judge,
                               drift_classifier_progress *progress, void *context);
void drift_measure_free(struct drift_measure *measure);

/* Makes samples of a model file from this seed at a guidance scale and measures them. */
drift_status drift_measure_model(struct drift_measure *measure, const char *model, uint64_t seed, double cfg_scale,
                                 struct drift_figure_values *values);

#endif
