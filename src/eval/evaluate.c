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

/* The pairwise figures cost n * m distances: of a set much larger than the samples, rows at even steps stand for all.
 */
enum { FEWEST = 2000 };

/* How many rows of `all` are looked at beside n samples, and those rows. */
static size_t looked_at(size_t n, size_t all)
{
    const size_t most = n > FEWEST ? n : FEWEST;
    return all < most ? all : most;
}

static float *take(size_t rows, size_t all, size_t dim, const float *data)
{
    float *x = malloc(rows * dim * sizeof *x + 1);
    if (x)
        drift_take_rows(all, rows, dim, data, x);
    return x;
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
    const size_t test_n = looked_at(e->n, e->test_n);
    float *test = take(test_n, e->test_n, e->dim, e->test);
    if (!test)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu points", test_n);
    drift_status status = drift_memorise(e->n, e->train_n, test_n, e->dim, e->samples, e->train, test, &found);
    free(test);
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
    drift_status status = drift_check_points("samples", e->n, 2, e->dim, e->samples);
    if (!status)
        status = drift_check_points("data", e->data_n, 2, e->dim, e->data);
    if (status)
        return status;
    const size_t rows = looked_at(e->n, e->data_n);
    float *data = take(rows, e->data_n, e->dim, e->data), *split = data ? halves(rows, e->dim, data) : NULL;
    if (!split) {
        free(data);
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu points", rows);
    }
    struct comparison found = {e->n, rows, e->dim, e->samples, data, e->bandwidth, e->seed};
    if (!(found.bandwidth > 0))
        status = drift_median_distance(rows, e->dim, data, &found.bandwidth);
    struct comparison ideal = found;
    const int drawn = e->floor_x && e->floor_y;
    ideal.n = ideal.m = drawn ? e->floor_n : rows / 2;
    ideal.x = drawn ? e->floor_x : split;
    ideal.y = drawn ? e->floor_y : split + ideal.n * e->dim;
    if (!status)
        status = compare(&found, &ideal, metrics);
    free(data);
    free(split);
    *count = PAIRWISE;
    if (!status && e->train && e->test)
        status = memorisation(e, &metrics[(*count)++]);
    return status;
}
