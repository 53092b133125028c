/* Metrics against plain loops in double, closed cases, floors and wrong input. */
#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "eval/eval.h"
#include "judge/probe.h"

enum { MOST = 700 * 5 };

/* Uniform in [shift, shift + 1). */
static void fill(size_t n, uint64_t seed, double shift, float *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(shift + drift_random_uniform_at(seed, DRIFT_RANDOM_TEST, 0, i));
}

static double distance(size_t dim, const float *x, const float *y)
{
    double square = 0;
    for (size_t k = 0; k < dim; k++)
        square += ((double)x[k] - y[k]) * ((double)x[k] - y[k]);
    return sqrt(square);
}

/* Mean of |x-y|, or of exp(-|x-y|/h), over all pairs, or over different points where y is x. */
static double plain_mean(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double h)
{
    double sum = 0, pairs = 0;
    for (size_t i = 0; i < nx; i++)
        for (size_t j = 0; j < ny; j++)
            if (x != y || i != j) {
                double d = distance(dim, x + i * dim, y + j * dim);
                sum += h > 0 ? exp(-d / h) : d;
                pairs++;
            }
    return sum / pairs;
}

#define IS_NEAR(value, wanted, bound)                                                                                  \
    ck_assert_msg(fabs((value) - (wanted)) <= (bound), "%s = %.9g, expected %.9g", #value, (double)(value),            \
                  (double)(wanted))

START_TEST(pairs_like_plain_loops)
{
    static const size_t shape[][3] = {{2, 2, 1}, {3, 700, 2}, {129, 128, 5}, {600, 257, 2}};
    static float x[MOST], y[MOST];
    for (size_t c = 0; c < sizeof shape / sizeof *shape; c++) {
        size_t nx = shape[c][0], ny = shape[c][1], dim = shape[c][2];
        double value, mean, h = 0.7;
        fill(nx * dim, 1, 0, x);
        fill(ny * dim, 2, 0.3, y);
        /* a distance is a float: relative error (2 + dim/2) 2^-24, of values below 4 */
        double bound = 4 * 4 * (2 + 0.5 * (double)dim) * 0x1p-24;
        ck_assert(!drift_mean_distance_within(nx, dim, x, &mean));
        IS_NEAR(mean, plain_mean(nx, nx, dim, x, x, 0), bound);
        ck_assert(!drift_mean_distance_between(nx, ny, dim, x, y, &mean));
        IS_NEAR(mean, plain_mean(nx, ny, dim, x, y, 0), bound);
        ck_assert(!drift_energy_distance2(nx, ny, dim, x, y, &value));
        IS_NEAR(value,
                2 * plain_mean(nx, ny, dim, x, y, 0) - plain_mean(nx, nx, dim, x, x, 0) -
                    plain_mean(ny, ny, dim, y, y, 0),
                bound);
        ck_assert(!drift_mmd2_laplace(nx, ny, dim, x, y, h, &value));
        IS_NEAR(value,
                plain_mean(nx, nx, dim, x, x, h) + plain_mean(ny, ny, dim, y, y, h) -
                    2 * plain_mean(nx, ny, dim, x, y, h),
                bound / h);
    }
}
END_TEST

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

START_TEST(median_like_a_sort)
{
    static float x[2 * 100];
    static double all[4950];
    size_t pairs = 0;
    double median;
    fill(200, 3, 0, x);
    for (size_t i = 0; i < 100; i++)
        for (size_t j = 0; j < i; j++)
            all[pairs++] = distance(2, x + 2 * i, x + 2 * j);
    qsort(all, pairs, sizeof *all, by_value);
    ck_assert(!drift_median_distance(100, 2, x, &median));
    IS_NEAR(median, all[(pairs - 1) / 2], 6 * 0x1p-24);
}
END_TEST

/* A shift by s along one axis moves each projection by s u, and the mean of u^2 over directions is 1 / dim. */
START_TEST(sliced_wasserstein_of_a_shift)
{
    static float x[MOST], y[MOST];
    double value;
    fill(700, 4, 0, x);
    fill(700, 4, 2, y); /* the same numbers, 2 further */
    ck_assert(!drift_sliced_wasserstein(700, 700, 1, x, y, DRIFT_SLICES, 0, &value));
    IS_NEAR(value, 2, 1e-6);
    memcpy(y, x, sizeof x);
    for (size_t i = 0; i < 350; i++)
        y[2 * i] += 3;
    ck_assert(!drift_sliced_wasserstein(350, 350, 2, x, y, 4000, 7, &value));
    IS_NEAR(value, 3 / sqrt(2), 0.06); /* 5 standard deviations of a mean over 4,000 slices */
    ck_assert(!drift_sliced_wasserstein(350, 350, 2, x, x, DRIFT_SLICES, 7, &value));
    IS_NEAR(value, 0, 0);
}
END_TEST

START_TEST(sliced_wasserstein_of_unequal_sizes)
{
    /* X is 0 on [0, 1/2), 3 on [1/2, 1); Y is 0, 1, 3 on thirds: they differ by 1 on [1/3, 1/2) and by 2 on [1/2, 2/3).
     */
    const float x[] = {3, 0}, y[] = {1, 3, 0};
    double value, back;
    ck_assert(!drift_sliced_wasserstein(2, 3, 1, x, y, 1, 0, &value));
    IS_NEAR(value, sqrt(1 / 6.0 + 4 / 6.0), 1e-12);
    ck_assert(!drift_sliced_wasserstein(3, 2, 1, y, x, 1, 0, &back));
    IS_NEAR(back, value, 1e-15);
}
END_TEST

START_TEST(one_nn_of_closed_cases)
{
    static float x[600], y[600];
    double value;
    fill(600, 5, 0, x);
    fill(600, 6, 100, y);
    ck_assert(!drift_one_nn_accuracy(300, 300, 2, x, y, &value));
    IS_NEAR(value, 1, 0);
    fill(600, 6, 0, y);
    ck_assert(!drift_one_nn_accuracy(300, 300, 2, x, y, &value));
    IS_NEAR(value, 0.5, 0.12); /* 600 answers: standard deviation 0.02, more as neighbours share them */
    ck_assert(!drift_one_nn_accuracy(300, 300, 2, x, x, &value));
    IS_NEAR(value, 0, 0); /* each point's copy in the other set is nearer than any of its own */
    const float tie_x[] = {0, 2}, tie_y[] = {2, 0, 0.5f, 7};
    ck_assert(!drift_one_nn_accuracy(2, 4, 1, tie_x, tie_y, &value)); /* rows 0 and 2 of y: 2 and 0.5 */
    /* x: 0 is nearer 0.5: wrong; 2 has its copy in y: wrong. y: 2 its copy: wrong; 0.5 is 0.5 from x's 0: wrong */
    IS_NEAR(value, 0, 0);
    const float left[] = {0, 1}, middle[] = {-1, 2};
    ck_assert(!drift_one_nn_accuracy(2, 2, 1, left, middle, &value)); /* x: equally far, half each; y: wrong */
    IS_NEAR(value, 0.25, 0);
}
END_TEST

START_TEST(nearest_and_memorisation)
{
    static float x[400 * 3], y[300 * 3], d[300];
    static size_t at[300];
    drift_memorisation found;
    fill(1200, 8, 0, x);
    fill(900, 9, 0, y);
    ck_assert(!drift_nearest(300, 400, 3, y, x, at, d));
    for (size_t i = 0; i < 300; i++) {
        size_t best = 0;
        for (size_t j = 1; j < 400; j++)
            if (distance(3, y + 3 * i, x + 3 * j) < distance(3, y + 3 * i, x + 3 * best))
                best = j;
        ck_assert_uint_eq(at[i], best);
        IS_NEAR(d[i], distance(3, y + 3 * i, x + 3 * best), 4 * 0x1p-24);
    }
    ck_assert(!drift_memorise(200, 400, 300, 3, x, x, y, &found)); /* copies of the training set */
    IS_NEAR(found.generated, 0, 0);
    IS_NEAR(found.ratio, 0, 0);
    ck_assert(found.held_out > 0);
    ck_assert(!drift_memorise(300, 400, 300, 3, y, x, y, &found));
    IS_NEAR(found.ratio, 1, 0);
}
END_TEST

/* Rows in another order: the sums are taken in another order too, no more. */
START_TEST(order_of_points_does_not_matter)
{
    static float x[1000], y[1000], turned[1000];
    drift_evaluation e = {.dim = 2,
                          .n = 500,
                          .samples = x,
                          .data_n = 500,
                          .data = y,
                          .floor_n = 250,
                          .floor_x = y,
                          .floor_y = y + 500,
                          .bandwidth = 0.4,
                          .seed = 3};
    drift_metric one[DRIFT_METRICS], two[DRIFT_METRICS];
    size_t count;
    fill(1000, 10, 0, x);
    fill(1000, 11, 0.1, y);
    for (size_t i = 0; i < 500; i++)
        memcpy(turned + 2 * i, x + 2 * (499 - i), 2 * sizeof *x);
    ck_assert(!drift_evaluate(&e, &count, one));
    e.samples = turned;
    ck_assert(!drift_evaluate(&e, &count, two));
    ck_assert_uint_eq(count, 4);
    for (size_t k = 0; k < count; k++) {
        IS_NEAR(two[k].value, one[k].value, 1e-12);
        ck_assert_str_eq(two[k].key, one[k].key);
    }
}
END_TEST

START_TEST(floors)
{
    static float x[2000], fresh[2000];
    drift_metric metrics[DRIFT_METRICS];
    drift_memorisation memory;
    size_t count;
    fill(2000, 12, 3, x); /* "generated", far away */
    fill(2000, 13, 0, fresh);
    drift_evaluation e = {.dim = 2,
                          .n = 1000,
                          .samples = x,
                          .data_n = 1000,
                          .data = fresh,
                          .train_n = 600,
                          .train = fresh,
                          .test_n = 400,
                          .test = fresh + 1200};
    ck_assert(!drift_evaluate(&e, &count, metrics));
    ck_assert_uint_eq(count, 5);
    for (size_t k = 0; k < 4; k++) {
        ck_assert_uint_eq(metrics[k].n, 1000);
        ck_assert_uint_eq(metrics[k].floor_n, 500);
        ck_assert(metrics[k].value > metrics[k].floor + 0.3);
    }
    IS_NEAR(metrics[0].floor, 0, 0.01);
    IS_NEAR(metrics[3].floor, 0.5, 0.1);
    /* the floor is the same function of the even and the odd rows */
    static float even[1000], odd[1000];
    double value;
    for (size_t i = 0; i < 1000; i++)
        memcpy((i % 2 ? odd : even) + i / 2 * 2, fresh + 2 * i, 2 * sizeof *x);
    ck_assert(!drift_energy_distance2(500, 500, 2, even, odd, &value));
    IS_NEAR(metrics[0].floor, value, 0);
    ck_assert(!drift_memorise(1000, 600, 400, 2, x, fresh, fresh + 1200, &memory));
    IS_NEAR(metrics[4].value, memory.ratio, 0);
    ck_assert(isnan(metrics[4].floor));
}
END_TEST

START_TEST(wrong_input)
{
    float x[] = {0, 1, 2, 3}, bad[] = {0, 1, NAN, 3};
    double value;
    drift_memorisation memory;
    ck_assert_int_eq(drift_energy_distance2(1, 4, 1, x, x, &value), DRIFT_INVALID);
    ck_assert_int_eq(drift_energy_distance2(2, 2, 2, x, bad, &value), DRIFT_NOT_FINITE);
    ck_assert_str_eq(drift_message(), "y: row 1 is not finite");
    ck_assert_int_eq(drift_mmd2_laplace(4, 4, 1, x, x, 0, &value), DRIFT_INVALID);
    ck_assert_int_eq(drift_mmd2_laplace(4, 4, 1, x, x, NAN, &value), DRIFT_INVALID);
    ck_assert_int_eq(drift_sliced_wasserstein(4, 4, 1, x, x, 0, 0, &value), DRIFT_INVALID);
    ck_assert_int_eq(drift_sliced_wasserstein(0, 4, 1, x, x, 1, 0, &value), DRIFT_INVALID);
    ck_assert_int_eq(drift_one_nn_accuracy(4, 1, 1, x, x, &value), DRIFT_INVALID);
    ck_assert_int_eq(drift_nearest(4, 0, 1, x, x, NULL, NULL), DRIFT_INVALID);
    ck_assert_int_eq(drift_median_distance(2, 0, x, &value), DRIFT_INVALID);
    ck_assert_int_eq(drift_memorise(4, 4, 0, 1, x, x, x, &memory), DRIFT_INVALID);
}
END_TEST

/* Points with exact moments: +-a along each axis of a turned frame have mean m and a known covariance. */
static void cross(double a, double b, double angle, double shift, float x[4][2])
{
    const double c = cos(angle), s = sin(angle);
    const double along[4][2] = {{a * c, a * s}, {-a * c, -a * s}, {-b * s, b * c}, {b * s, -b * c}};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++)
            x[i][k] = (float)(along[i][k] + shift);
}

/* Covariances 2/3 diag(a^2, b^2), turned alike, commute: tr of the root is 2/3 (a a' + b b'). */
START_TEST(frechet_of_known_moments)
{
    float x[4][2], y[4][2];
    double d;
    cross(2, 1, 0.3, 0, x);
    cross(3, 0, 0.3, 5, y);
    ck_assert(!drift_frechet_distance(4, 4, 2, *x, *y, &d));
    const double wanted = 50 + 2.0 / 3 * ((2 - 3) * (2 - 3) + 1);
    ck_assert_msg(fabs(d - wanted) <= 1e-5 * wanted, "%.9g, expected %.9g", d, wanted);
    /* across: S = 2/3 diag(4, 1), S' = 2/3 diag(0, 9) */
    cross(2, 1, 0, 0, x);
    cross(0, 3, 0, 0, y);
    ck_assert(!drift_frechet_distance(4, 4, 2, *x, *y, &d));
    const double across = 2.0 / 3 * (4 + (1 - 3) * (1 - 3));
    ck_assert_msg(fabs(d - across) <= 1e-5 * across, "%.9g, expected %.9g", d, across);
    ck_assert(!drift_frechet_distance(4, 4, 2, *x, *x, &d));
    ck_assert_msg(fabs(d) <= 1e-6, "%.9g of equal sets", d);
}
END_TEST

/* Real points on a line at 0 1 2 ... 9: radii of the 1st neighbour are 1. Generated: 0.4 (inside), 30 and 31. */
START_TEST(precision_and_recall_on_a_line)
{
    float real[10], generated[3] = {0.4f, 30, 31};
    double precision, recall;
    for (int i = 0; i < 10; i++)
        real[i] = (float)i;
    ck_assert(!drift_precision_recall(3, 10, 1, generated, real, 1, &precision, &recall));
    ck_assert(fabs(precision - 1.0 / 3) <= 1e-12);
    ck_assert(fabs(recall - 1) <= 1e-12); /* the radius of 0.4 reaches to 30 */
    generated[1] = 0.5f;
    ck_assert(!drift_precision_recall(3, 10, 1, generated, real, 1, &precision, &recall));
    ck_assert(fabs(precision - 2.0 / 3) <= 1e-12);
    ck_assert(fabs(recall - 0.9) <= 1e-12); /* 0.4 and 0.5 reach 0.1; 31 reaches down to 0.5: not the point at 0 */
    ck_assert(drift_precision_recall(3, 10, 1, generated, real, 3, &precision, &recall) == DRIFT_INVALID);
}
END_TEST

/* Training points at 0 1 2 (class 0), 3 4 (class 1), 10 (class 2). */
START_TEST(classes_of_neighbours)
{
    const float train[] = {0, 1, 2, 3, 4, 10}, test[] = {0.1f, 3.4f, 9};
    const int32_t of_train[] = {0, 0, 0, 1, 1, 2}, right[] = {0, 1, 2}, by_three[] = {0, 1, 1};
    double accuracy;
    ck_assert(!drift_knn_accuracy(6, 3, 1, train, of_train, test, right, 1, &accuracy));
    ck_assert(fabs(accuracy - 1) <= 1e-12);
    ck_assert(!drift_knn_accuracy(6, 3, 1, train, of_train, test, right, 3, &accuracy)); /* 9: 10 4 3 */
    ck_assert(fabs(accuracy - 2.0 / 3) <= 1e-12);
    ck_assert(!drift_knn_accuracy(6, 3, 1, train, of_train, test, by_three, 3, &accuracy));
    ck_assert(fabs(accuracy - 1) <= 1e-12);
    const float between[] = {2.6f}; /* 3 2: as many of either class, and 3 is nearer */
    ck_assert(!drift_knn_accuracy(6, 1, 1, train, of_train, between, right + 1, 2, &accuracy));
    ck_assert(fabs(accuracy - 1) <= 1e-12);
    ck_assert(drift_knn_accuracy(6, 3, 1, train, of_train, test, right, 7, &accuracy) == DRIFT_INVALID);
    ck_assert(drift_knn_accuracy(6, 3, 1, train, of_train, test, right, 0, &accuracy) == DRIFT_INVALID);
}
END_TEST

static void stripes(size_t n, uint32_t part, float *x, int32_t *label)
{
    for (size_t i = 0; i < n; i++) {
        label[i] = (int32_t)(i % 3);
        for (uint32_t k = 0; k < 2; k++)
            x[2 * i + k] = 1000 + 5 * (float)drift_random_uniform_at(1, DRIFT_RANDOM_TEST, part, 2 * i + k);
        x[2 * i] += 6 * (float)(i % 3); /* gaps of 1 between the classes, far from the origin */
    }
}

/* Classes in stripes are told apart by a linear classifier once centred; labels that say nothing are not. */
START_TEST(linear_probe)
{
    enum { N = 300 };
    float x[2 * N], y[2 * N];
    int32_t of_x[N], of_y[N];
    double accuracy, again;
    stripes(N, 0, x, of_x);
    stripes(N, 1, y, of_y);
    struct drift_probe_set train = {N, 2, 3, x, of_x}, test = {N, 2, 3, y, of_y};
    drift_probe_scale(&train, &test);
    double mean = 0, square = 0;
    for (size_t i = 0; i < 2 * N; i++) {
        mean += (double)x[i] / (2 * N);
        square += (double)x[i] * (double)x[i] / (2 * N);
    }
    ck_assert_msg(fabs(mean) <= 1e-6 && fabs(square - 1) <= 1e-5, "mean %g, square %g", mean, square);
    ck_assert(!drift_probe_linear(&train, &test, 0, &accuracy));
    ck_assert_msg(accuracy >= 0.97, "%g", accuracy);
    omp_set_num_threads(3);
    ck_assert(!drift_probe_linear(&train, &test, 0, &again));
    ck_assert(again == accuracy);
    for (size_t i = 0; i < N; i++)
        of_x[i] = (int32_t)drift_random_below(2, DRIFT_RANDOM_TEST, 0, i, 3);
    ck_assert(!drift_probe_linear(&train, &test, 0, &accuracy));
    ck_assert_msg(accuracy <= 0.6, "%g of labels by chance", accuracy);
}
END_TEST

/* 1, 2, 4: mean 7/3, squares of the deviations 42/9, so s^2 = 7/3 and the error sqrt(7/9). */
START_TEST(spread)
{
    const double values[] = {1, 2, 4}, others[] = {5, 9};
    const drift_spread a = drift_spread_of(3, values), b = drift_spread_of(2, others);
    ck_assert(a.n == 3 && fabs(a.mean - 7.0 / 3) <= 1e-15 && fabs(a.error - sqrt(7.0) / 3) <= 1e-15);
    ck_assert(b.n == 2 && fabs(b.mean - 7) <= 1e-15 && fabs(b.error - 2) <= 1e-15);
    ck_assert(fabs(drift_spread_difference(&b, &a) - (14.0 / 3) / sqrt(4 + 7.0 / 9)) <= 1e-14);
    ck_assert(fabs(drift_spread_difference(&a, &b) + drift_spread_difference(&b, &a)) <= 1e-14);
    const drift_spread none = drift_spread_of(0, values), one = drift_spread_of(1, values);
    ck_assert(none.n == 0 && isnan(none.mean) && isnan(none.error));
    ck_assert(one.n == 1 && fabs(one.mean - 1) <= 0 && isnan(one.error));
    ck_assert(isnan(drift_spread_difference(&a, &one)) && isnan(drift_spread_difference(&none, &a)));
    const double same[] = {3, 3};
    const drift_spread exact = drift_spread_of(2, same);
    ck_assert(fabs(exact.error) <= 0 && isnan(drift_spread_difference(&exact, &exact)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eval");
    TCase *all = tcase_create("metrics");
    tcase_add_test(all, spread);
    tcase_add_test(all, pairs_like_plain_loops);
    tcase_add_test(all, median_like_a_sort);
    tcase_add_test(all, sliced_wasserstein_of_a_shift);
    tcase_add_test(all, sliced_wasserstein_of_unequal_sizes);
    tcase_add_test(all, one_nn_of_closed_cases);
    tcase_add_test(all, nearest_and_memorisation);
    tcase_add_test(all, order_of_points_does_not_matter);
    tcase_add_test(all, floors);
    tcase_add_test(all, wrong_input);
    tcase_add_test(all, frechet_of_known_moments);
    tcase_add_test(all, precision_and_recall_on_a_line);
    tcase_add_test(all, classes_of_neighbours);
    tcase_add_test(all, linear_probe);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
