/* Metrics: pure functions of samples. How far are n generated samples from data, as numbers that a person can judge?
 *
 * A set is n points of dim floats, row major. Every function is deterministic: distances come from the leaf kernels in
 * float, sums are taken in double over fixed blocks, so the figures do not depend on the threads or the ISA.
 * Coordinates must be finite (checked: DRIFT_NOT_FINITE names the set and row); sizes below what a formula needs are
 * DRIFT_INVALID. The order of the points does not matter but for rounding, and for those left out where a function says
 * so.
 *
 * A figure means something only beside its FLOOR: the same function of two sets that are both data, which is what a
 * perfect generator would score. drift_evaluate computes both. */
#ifndef DRIFT_EVAL_EVAL_H
#define DRIFT_EVAL_EVAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* E|x - x'| over the n(n-1)/2 pairs of different points of one set; n >= 2. */
drift_status drift_mean_distance_within(size_t n, size_t dim, const float *x, double *mean);

/* E|x - y| over all nx ny pairs; nx, ny >= 1. */
drift_status drift_mean_distance_between(size_t nx, size_t ny, size_t dim, const float *x, const float *y,
                                         double *mean);

/* Squared energy distance 2 E|x-y| - E|x-x'| - E|y-y'| as a U-statistic: unbiased, so it may fall a little below 0
 * where the two sets are alike. In units of the coordinates. nx, ny >= 2. (Szekely and Rizzo, 2013.) */
drift_status drift_energy_distance2(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double *value);

/* Squared maximum mean discrepancy with the Laplace kernel k = exp(-|x-y| / bandwidth):
 * E k(x,x') + E k(y,y') - 2 E k(x,y), as a U-statistic (unbiased, may be a little below 0). nx, ny >= 2, bandwidth > 0.
 * (Gretton et al., 2012, lemma 6.) */
drift_status drift_mmd2_laplace(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double bandwidth,
                                double *value);

/* The usual bandwidth: the median distance between different points of one set, the lower one of an even number of
 * pairs. Sets of more than 1,000 points are represented by 1,000 evenly spaced rows. n >= 2. 0 where more than half of
 * the pairs are copies; drift_mmd2_laplace then refuses it. */
drift_status drift_median_distance(size_t n, size_t dim, const float *x, double *median);

/* Sliced Wasserstein-2: sqrt(mean over unit directions u of W2(<u,x>, <u,y>)^2), each W2 exact between the two sorted
 * lists (of any two sizes: the quantile functions are steps). Directions are normal vectors of Philox key `seed`,
 * normalised; in one dimension a single projection says all. In units of the coordinates. nx, ny >= 1,
 * projections >= 1. (Rabin et al., 2011.) */
enum { DRIFT_SLICES = 128 };
drift_status drift_sliced_wasserstein(size_t nx, size_t ny, size_t dim, const float *x, const float *y,
                                      size_t projections, uint64_t seed, double *value);

/* Leave-one-out accuracy of the 1-nearest-neighbour classifier that tells x from y: 0.5 means it cannot (ideal), 1 that
 * the sets are apart, below 0.5 that samples are copies of data. (Lopez-Paz and Oquab, 2017.) Both sets need the same
 * size: of the larger one evenly spaced rows are taken. Where a point's nearest neighbours of both sets are equally far
 * the answer counts as half right. */
drift_status drift_one_nn_accuracy(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double *value);

/* For each of n queries its nearest among m points (of equals the first): index and distance; either array may be NULL.
 */
drift_status drift_nearest(size_t n, size_t m, size_t dim, const float *query, const float *points, size_t *index,
                           float *distance);

/* The mean of that distance over the n >= 1 queries. */
drift_status drift_mean_nearest(size_t n, size_t m, size_t dim, const float *query, const float *points, double *mean);

/* Memorisation: mean distance to the nearest training sample, of generated samples and of held-out data. ratio is
 * generated / held out: about 1 for new samples, towards 0 for copies of the training set. */
typedef struct drift_memorisation {
    double generated, held_out, ratio;
} drift_memorisation;
drift_status drift_memorise(size_t generated_n, size_t train_n, size_t test_n, size_t dim, const float *generated,
                            const float *train, const float *test, drift_memorisation *result);

/* Frechet distance |m - m'|^2 + tr(S + S' - 2 (S S')^1/2) of two sets of features with means m and covariances S: in
 * units of the features, squared; biased upwards for few samples, so compare it with a floor of the same sizes.
 * nx, ny >= 2. (Heusel et al., 2017.) */
drift_status drift_frechet_distance(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double *value);

/* Precision: the share of generated samples that lie in the support of the real ones; recall: the other way round. A
 * set's support is the union of balls around its points, each reaching to the k-th nearest other point (k = 3 is
 * usual, at most 16). Both sets need more than k points. (Kynkaanniemi et al., 2019.) */
enum { DRIFT_NEIGHBOURS = 3 };
drift_status drift_precision_recall(size_t generated_n, size_t real_n, size_t dim, const float *generated,
                                    const float *real, size_t k, double *precision, double *recall);

/* Share of test points whose class most of their k nearest training points have (k at most 64, and no more than there
 * are); of equally frequent classes that of the nearer point. */
drift_status drift_knn_accuracy(size_t train_n, size_t test_n, size_t dim, const float *train,
                                const int32_t *train_label, const float *test, const int32_t *test_label, size_t k,
                                double *accuracy);

/* ---- a figure over several seeds ---- */

/* Mean and its standard error s / sqrt(n), s being the deviation with n - 1 below. NaN: of no values; the error of one.
 */
typedef struct drift_spread {
    size_t n;
    double mean, error;
} drift_spread;
drift_spread drift_spread_of(size_t n, const double *values);

/* How many standard errors of the difference, sqrt(a.error^2 + b.error^2), lie between two means: (a.mean - b.mean) of
 * them. NaN where an error is unknown or both are 0. */
double drift_spread_difference(const drift_spread *a, const drift_spread *b);

/* ---- all of them at once, ready for a table ---- */

/* The class of the largest of logits[classes]; of equal ones the first. */
int drift_most_likely(size_t classes, const float *logits);

/* Share of n found classes that are the wanted ones; n >= 1. */
double drift_accuracy(size_t n, const int *found, const int32_t *wanted);

typedef struct drift_metric {
    const char *key;   /* "energy_distance2": for JSON; static text, as are the others */
    const char *label; /* "energy distance\xc2\xb2" (UTF-8) */
    const char *good;  /* what to hope for, in a few words */
    double value;
    size_t n;       /* generated samples that went into value */
    double floor;   /* NaN where there is none */
    size_t floor_n; /* points on either side of the floor; 0 where there is none */
} drift_metric;

typedef struct drift_evaluation {
    size_t dim;
    size_t n; /* generated samples */
    const float *samples;
    size_t data_n; /* what they are compared with: of more than n (and 2,000) rows, so many at even steps */
    const float *data;
    /* Two fresh draws of the data for the floors, floor_n each. NULL: the even and the odd rows of `data`. */
    size_t floor_n;
    const float *floor_x, *floor_y;
    /* For memorisation; it is left out where either is NULL. Of the test rows as many as of the data. */
    size_t train_n, test_n;
    const float *train, *test;
    double bandwidth; /* of the Laplace kernel; 0: median distance of `data` */
    uint64_t seed;    /* of the slices */
} drift_evaluation;

enum { DRIFT_METRICS = 5 };

/* Writes energy_distance2, mmd2_laplace, sliced_wasserstein, one_nn_accuracy and, where asked for, memorisation;
 * *count says how many. */
drift_status drift_evaluate(const drift_evaluation *evaluation, size_t *count, drift_metric metrics[DRIFT_METRICS]);

#endif
