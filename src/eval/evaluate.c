/* All metrics of one set of samples, each beside its floor. */
#include "eval/eval.h"

#include <math.h> /* NAN */
#include <stdlib.h>
#include <string.h>

#include "eval/pairs.h"

/* Two sets to compare, and what the figures need beside them. */
struct comparison {
    size_t n, m, dim;
    const float *x, *y;
    double bandwidth;
    uint64_t seed;
};

static drift_status energy(const struct comparison *c, double *value)
{
    return drift_energy_distance2(c->n, c->m, c->dim, c->x, c->y, value);
}

static drift_status mmd(const struct comparison *c, double *value)
{
    if (!(c->bandwidth > 0)) {
        *value = NAN; /* data that are mostly copies have no scale of their own */
        return DRIFT_OK;
    }
    return drift_mmd2_laplace(c->n, c->m, c->dim, c->x, c->y, c->bandwidth, value);
}

static drift_status sliced(const struct comparison *c, double *value)
{
    return drift_sliced_wasserstein(c->n, c->m, c->dim, c->x, c->y, DRIFT_SLICES, c->seed, value);
}

static drift_status one_nn(const struct comparison *c, double *value)
{
    return drift_one_nn_accuracy(c->n, c->m, c->dim, c->x, c->y, value);
}

static const struct {
    const char *key, *label, *good;
    drift_status (*of)(const struct comparison *, double *);
} figures[] = {
    {"energy_distance2", "energy distance\xc2\xb2", "near 0: as small as the floor", energy},
    {"mmd2_laplace", "MMD\xc2\xb2, Laplace kernel", "near 0: as small as the floor", mmd},
    {"sliced_wasserstein", "sliced Wasserstein-2", "near 0: as small as the floor", sliced},
    {"one_nn_accuracy", "1-NN accuracy", "0.5: samples and data cannot be told apart; 1: they can", one_nn},
};
enum { PAIRWISE = sizeof figures / sizeof *figures };

static drift_status compare(const struct comparison *found, const struct comparison *ideal, drift_metric *metrics)
{
    drift_status status = DRIFT_OK;
    for (size_t k = 0; k < PAIRWISE && !status; k++) {
        metrics[k] = (drift_metric){figures[k].key, figures[k].label, figures[k].good, NAN, found->n, NAN, 0};
        status = figures[k].of(found, &metrics[k].value);
        if (!status && ideal->n >= 2) {
            metrics[k].floor_n = ideal->n;
            status = figures[k].of(ideal, &metrics[k].floor);
        }
    }
    return status;
}

/* The even rows of data, then as many odd ones. */
static float *halves(size_t n, size_t dim, const float *data)
{
    size_t half = n / 2;
    float *x = malloc(2 * half * dim * sizeof *x + 1);
    for (size_t i = 0; x && i < half; i++) {
        memcpy(x + i * dim, data + 2 * i * dim, dim * sizeof *x);
        memcpy(x + (half + i) * dim, data + (2 * i + 1) * dim, dim * sizeof *x);
    }
    return x;
}

static drift_status memorisation(const drift_evaluation *e, drift_metric *metric)
{
    drift_memorisation found;
    drift_status status = drift_memorise(e->n, e->train_n, e->test_n, e->dim, e->samples, e->train, e->test, &found);
    if (!status)
        *metric = (drift_metric){"memorisation",
                                 "distance to training set, relative to held-out data",
                                 "about 1; towards 0: copies of the training set",
                                 found.ratio,
                                 e->n,
                                 NAN,
                                 0};
    return status;
}

drift_status drift_evaluate(const drift_evaluation *e, size_t *count, drift_metric metrics[DRIFT_METRICS])
{
    struct comparison found = {e->n, e->data_n, e->dim, e->samples, e->data, e->bandwidth, e->seed};
    struct comparison ideal = found;
    float *split = NULL;
    drift_status status = drift_check_points("samples", e->n, 2, e->dim, e->samples);
    if (!status)
        status = drift_check_points("data", e->data_n, 2, e->dim, e->data);
    if (!status && !(found.bandwidth > 0))
        status = drift_median_distance(e->data_n, e->dim, e->data, &found.bandwidth);
    if (status)
        return status;
    ideal.bandwidth = found.bandwidth;
    if (e->floor_x && e->floor_y) {
        ideal.n = ideal.m = e->floor_n;
        ideal.x = e->floor_x;
        ideal.y = e->floor_y;
    } else {
        split = halves(e->data_n, e->dim, e->data);
        if (!split)
            return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu points", e->data_n);
        ideal.n = ideal.m = e->data_n / 2;
        ideal.x = split;
        ideal.y = split + ideal.n * e->dim;
    }
    status = compare(&found, &ideal, metrics);
    free(split);
    *count = PAIRWISE;
    if (!status && e->train && e->test)
        status = memorisation(e, &metrics[(*count)++]);
    return status;
}
