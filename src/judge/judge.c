/* Samples judged by a classifier of real images. */
#include "judge/judge.h"

#include <math.h> /* NAN */
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"
#include "eval/pairs.h"

enum { MEMORISED = 1000 };

/* Mean distance to the nearest training image, of so many of the judge's n images as are looked at. */
static drift_status to_training(const struct drift_judge *judge, const float *x, double *mean)
{
    const size_t rows = judge->n < MEMORISED ? judge->n : MEMORISED, dim = judge->train->dim;
    float *some = malloc(rows * dim * sizeof *some + 1);
    if (!some)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu images", rows);
    drift_take_rows(judge->n, rows, dim, x, some);
    drift_status status = drift_mean_nearest(rows, judge->train->size, dim, some, judge->train->rows, mean);
    free(some);
    return status;
}

/* Features of n images beside those of the test rows. */
static drift_status compare(const struct drift_judge *judge, const float *features, struct drift_judgement *judgement)
{
    const size_t dim = DRIFT_CLASSIFIER_FEATURES, n = judge->n;
    drift_status status = drift_frechet_distance(n, n, dim, features, judge->features, &judgement->frechet_distance);
    return status ? status
                  : drift_precision_recall(n, n, dim, features, judge->features, DRIFT_NEIGHBOURS,
                                           &judgement->precision, &judgement->recall);
}

drift_status drift_judge_samples(struct drift_judge *judge, const float *x, const int32_t *labels,
                                 struct drift_judgement *judgement)
{
    const size_t n = judge->n;
    double distance = NAN;
    float *features = malloc(n * DRIFT_CLASSIFIER_FEATURES * sizeof *features);
    int *found = malloc(n * sizeof *found);
    drift_status status = features && found ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", n);
    if (!status)
        status = drift_check_points("samples", n, 1, judge->train->dim, x);
    if (!status)
        status = drift_classifier_apply(&judge->classifier, n, x, features, found);
    if (!status)
        status = compare(judge, features, judgement);
    if (!status)
        status = to_training(judge, x, &distance);
    judgement->memorisation = distance / judge->held_out;
    judgement->class_accuracy = labels && !status ? drift_accuracy(n, found, labels) : NAN;
    free(features);
    free(found);
    return status;
}

/* The test rows: their labels, what the classifier sees in them and how often it is right. `images` and `found` have
 * room for them. */
static drift_status look_at_test(struct drift_judge *judge, float *images, int *found)
{
    const struct drift_data *test = judge->test;
    const size_t n = judge->n;
    drift_take_rows(test->size, n, test->dim, test->rows, images);
    drift_take_labels(test->size, n, test->labels, judge->labels);
    drift_status status = drift_classifier_apply(&judge->classifier, n, images, judge->features, found);
    if (!status)
        judge->floor.class_accuracy = drift_accuracy(n, found, judge->labels);
    return status ? status : to_training(judge, images, &judge->held_out);
}

/* Training rows in the place of samples; `images` has room for them, `features` for what the classifier sees. */
static drift_status look_at_training(struct drift_judge *judge, float *images, float *features)
{
    const struct drift_data *train = judge->train;
    drift_take_rows(train->size, judge->n, train->dim, train->rows, images);
    drift_status status = drift_classifier_apply(&judge->classifier, judge->n, images, features, NULL);
    judge->floor.memorisation = 1; /* by definition: that of the test rows themselves */
    return status ? status : compare(judge, features, &judge->floor);
}

static drift_status look_at_floor(struct drift_judge *judge)
{
    const size_t n = judge->n, features = n * DRIFT_CLASSIFIER_FEATURES;
    int *found = malloc(n * sizeof *found);
    float *images = malloc((n * judge->train->dim + features) * sizeof *images);
    judge->features = malloc(features * sizeof *judge->features);
    judge->labels = malloc(n * sizeof *judge->labels);
    drift_status status = DRIFT_OK;
    if (!found || !images || !judge->features || !judge->labels)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for %zu test images", n);
    if (!status)
        status = look_at_test(judge, images, found);
    if (!status)
        status = look_at_training(judge, images, images + n * judge->train->dim);
    free(images);
    free(found);
    return status;
}

drift_status drift_judge_new(struct drift_judge *judge, const struct drift_data *train, const struct drift_data *test,
                             size_t most, uint64_t seed, drift_classifier_progress *progress, void *context)
{
    memset(judge, 0, sizeof *judge);
    judge->train = train;
    judge->test = test;
    if (!test->size || !test->labels)
        return drift_fail(DRIFT_INVALID, "%s: has no labelled test rows to judge with", test->name);
    drift_status status = drift_classifier_train(&judge->classifier, train, seed, progress, context);
    if (status)
        return status;
    judge->n = test->size < train->size ? test->size : train->size;
    judge->n = most && most < judge->n ? most : judge->n;
    status = look_at_floor(judge);
    if (status)
        drift_judge_free(judge);
    return status;
}

void drift_judge_free(struct drift_judge *judge)
{
    if (judge->classifier.tape)
        drift_classifier_free(&judge->classifier);
    free(judge->labels);
    free(judge->features);
    memset(judge, 0, sizeof *judge);
}
