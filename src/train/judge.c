/* Samples judged by a classifier of real images. */
#include "train/judge.h"

#include <math.h> /* NAN */
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"
#include "eval/pairs.h"

static double share_right(size_t n, const int *found, const int32_t *wanted)
{
    size_t right = 0;
    for (size_t i = 0; i < n; i++)
        right += found[i] == wanted[i];
    return (double)right / (double)n;
}

static drift_status compare(struct drift_judge *judge, size_t n, const float *x, const float *features,
                            struct drift_judgement *judgement)
{
    const size_t dim = DRIFT_CLASSIFIER_FEATURES;
    drift_memorisation memory;
    drift_status status =
        drift_frechet_distance(n, judge->n, dim, features, judge->features, &judgement->frechet_distance);
    if (!status)
        status = drift_precision_recall(n, judge->n, dim, features, judge->features, DRIFT_NEIGHBOURS,
                                        &judgement->precision, &judgement->recall);
    if (!status)
        status = drift_memorise(n, judge->train->size, judge->n, judge->train->dim, x, judge->train->rows,
                                judge->images, &memory);
    if (!status)
        judgement->memorisation = memory.ratio;
    return status;
}

drift_status drift_judge_samples(struct drift_judge *judge, size_t n, const float *x, const int32_t *labels,
                                 struct drift_judgement *judgement)
{
    float *features = malloc(n * DRIFT_CLASSIFIER_FEATURES * sizeof *features + 1);
    int *found = malloc(n * sizeof *found + 1);
    drift_status status = features && found ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", n);
    if (!status)
        status = drift_check_points("samples", n, 1, judge->train->dim, x);
    if (!status)
        status = drift_classifier_apply(&judge->classifier, n, x, features, found);
    if (!status)
        status = compare(judge, n, x, features, judgement);
    if (!status)
        judgement->class_accuracy = labels ? share_right(n, found, labels) : NAN;
    free(features);
    free(found);
    return status;
}

/* The test rows, and what the classifier sees in them. */
static drift_status look_at_test(struct drift_judge *judge, double *accuracy)
{
    const size_t n = judge->n, dim = judge->test->dim;
    int *found = malloc(n * sizeof *found + 1);
    judge->images = malloc(n * dim * sizeof *judge->images + 1);
    judge->features = malloc(n * DRIFT_CLASSIFIER_FEATURES * sizeof *judge->features + 1);
    judge->labels = malloc(n * sizeof *judge->labels + 1);
    drift_status status = DRIFT_OK;
    if (!found || !judge->images || !judge->features || !judge->labels)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for %zu test images", n);
    if (!status) {
        drift_take_rows(judge->test->size, n, dim, judge->test->rows, judge->images);
        for (size_t i = 0; i < n; i++)
            judge->labels[i] = judge->test->labels[i * judge->test->size / n];
        status = drift_classifier_apply(&judge->classifier, n, judge->images, judge->features, found);
    }
    if (!status)
        *accuracy = share_right(n, found, judge->labels);
    free(found);
    return status;
}

static drift_status look_at_floor(struct drift_judge *judge)
{
    const size_t dim = judge->train->dim;
    double accuracy = NAN;
    float *real = malloc(judge->n * dim * sizeof *real);
    if (!real)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu images", judge->n);
    drift_take_rows(judge->train->size, judge->n, dim, judge->train->rows, real);
    drift_status status = look_at_test(judge, &accuracy);
    if (!status)
        status = drift_judge_samples(judge, judge->n, real, NULL, &judge->floor);
    judge->floor.class_accuracy = accuracy;
    judge->floor.memorisation = 1; /* by definition: that of the test rows themselves */
    free(real);
    return status;
}

drift_status drift_judge_new(struct drift_judge *judge, const char *data, uint64_t seed,
                             drift_classifier_progress *progress, void *context)
{
    memset(judge, 0, sizeof *judge);
    drift_status status = drift_data_open(data, DRIFT_DATA_TRAIN, &judge->train);
    if (!status)
        status = drift_data_open(data, DRIFT_DATA_TEST, &judge->test);
    if (!status && (!judge->test->size || !judge->test->labels))
        status = drift_fail(DRIFT_INVALID, "%s: has no labelled test rows to judge with", data);
    if (!status)
        status = drift_classifier_train(&judge->classifier, judge->train, seed, progress, context);
    if (!status) {
        judge->n = judge->test->size < judge->train->size ? judge->test->size : judge->train->size;
        status = look_at_floor(judge);
    }
    if (status)
        drift_judge_free(judge);
    return status;
}

void drift_judge_free(struct drift_judge *judge)
{
    if (judge->classifier.tape)
        drift_classifier_free(&judge->classifier);
    if (judge->train)
        drift_data_close(judge->train);
    if (judge->test)
        drift_data_close(judge->test);
    free(judge->labels);
    free(judge->features);
    free(judge->images);
    memset(judge, 0, sizeof *judge);
}
