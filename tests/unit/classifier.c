/* The classifier of images and the judge that it makes: does it know real digits, tell good samples from bad ones, and
 * say why it refuses a data set? */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"

#define OK(call) ck_assert_msg((call) == DRIFT_OK, "%s", drift_message())

static struct drift_data *train, *test;
static struct drift_judge judge;

static void open_digits(void)
{
    OK(drift_data_open("digits", DRIFT_DATA_TRAIN, &train));
    OK(drift_data_open("digits", DRIFT_DATA_TEST, &test));
    OK(drift_judge_new(&judge, train, test, 0, 0, NULL, NULL));
}

static void close_digits(void)
{
    drift_judge_free(&judge);
    drift_data_close(test);
    drift_data_close(train);
}

START_TEST(knows_real_digits)
{
    ck_assert_uint_eq(judge.n, 360);
    ck_assert_double_ge(judge.floor.class_accuracy, 0.97);
    ck_assert_double_gt(judge.floor.recall, 0.5);
    ck_assert_double_gt(judge.floor.precision, 0.5);
}
END_TEST

START_TEST(judges_the_test_rows_themselves)
{
    struct drift_judgement found;
    OK(drift_judge_samples(&judge, test->rows, judge.labels, &found));
    ck_assert_double_eq(found.class_accuracy, judge.floor.class_accuracy);
    ck_assert_double_le(fabs(found.frechet_distance), 1e-3 * judge.floor.frechet_distance);
    ck_assert_double_eq(found.precision, 1);
    ck_assert_double_eq(found.recall, 1);
    ck_assert_double_eq(found.memorisation, 1);
}
END_TEST

START_TEST(tells_copies_and_wrong_classes)
{
    struct drift_judgement found;
    int32_t wrong[360];
    for (size_t i = 0; i < judge.n; i++)
        wrong[i] = (train->labels[i] + 1) % 10;
    OK(drift_judge_samples(&judge, train->rows, wrong, &found));
    ck_assert_double_le(found.class_accuracy, 0.02);
    ck_assert_double_eq(found.memorisation, 0);
    OK(drift_judge_samples(&judge, train->rows, NULL, &found));
    ck_assert(isnan(found.class_accuracy));
}
END_TEST

START_TEST(sees_missing_classes)
{
    /* ones and nothing else: as real as can be, but most of the test set is out of reach */
    struct drift_judgement found;
    float *ones = malloc(judge.n * train->dim * sizeof *ones);
    size_t n = 0;
    ck_assert_ptr_nonnull(ones);
    for (size_t i = 0; n < judge.n; i = (i + 1) % train->size)
        if (train->labels[i] == 1)
            memcpy(ones + n++ * train->dim, train->rows + i * train->dim, train->dim * sizeof *ones);
    OK(drift_judge_samples(&judge, ones, NULL, &found));
    ck_assert_double_le(found.recall, 0.2);
    ck_assert_double_ge(found.frechet_distance, 10 * judge.floor.frechet_distance);
    free(ones);
}
END_TEST

START_TEST(sample_that_is_not_finite)
{
    struct drift_judgement found;
    float *x = malloc(judge.n * test->dim * sizeof *x);
    ck_assert_ptr_nonnull(x);
    memcpy(x, test->rows, judge.n * test->dim * sizeof *x);
    x[7 * test->dim] = NAN;
    ck_assert_int_eq(drift_judge_samples(&judge, x, NULL, &found), DRIFT_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(drift_message(), "samples"));
    free(x);
}
END_TEST

static void refused(const struct drift_data *data, const char *word)
{
    struct drift_classifier classifier;
    ck_assert_int_eq(drift_classifier_train(&classifier, data, 0, NULL, NULL), DRIFT_INVALID);
    ck_assert_msg(strstr(drift_message(), word) != NULL, "%s", drift_message());
}

START_TEST(refusals)
{
    struct drift_data points, set;
    OK(drift_data_open("digits", DRIFT_DATA_TRAIN, &train));
    set = points = *train;
    set.labels = NULL;
    refused(&set, "no labels");
    points.height = points.width = points.channels = 0;
    refused(&points, "points");
    set = *train;
    set.classes = 1;
    refused(&set, "one class");
    drift_data_close(train);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classifier");
    TCase *digits = tcase_create("digits"), *others = tcase_create("refusals");
    tcase_add_unchecked_fixture(digits, open_digits, close_digits);
    tcase_add_test(digits, knows_real_digits);
    tcase_add_test(digits, judges_the_test_rows_themselves);
    tcase_add_test(digits, tells_copies_and_wrong_classes);
    tcase_add_test(digits, sees_missing_classes);
    tcase_add_test(digits, sample_that_is_not_finite);
    tcase_add_test(others, refusals);
    suite_add_tcase(suite, digits);
    suite_add_tcase(suite, others);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
