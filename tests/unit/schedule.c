/* Learning rates: the corners of each schedule against the formulas by hand. */
#include <check.h>
#include <stdlib.h>

#include "train/schedule.h"

static void near(const struct drift_schedule *schedule, int64_t step, double expected)
{
    double rate = drift_schedule_rate(schedule, step), error = rate > expected ? rate - expected : expected - rate;
    ck_assert_msg(error <= 4e-16 * expected, "step %ld: %.17g, expected %.17g", (long)step, rate, expected);
}

START_TEST(constant)
{
    struct drift_schedule schedule = {DRIFT_SCHEDULE_CONST, 2e-4, 0, 0};
    near(&schedule, 0, 2e-4);
    near(&schedule, 123456, 2e-4);
    schedule.warmup_steps = 5000;
    near(&schedule, 0, 1e-6);
    near(&schedule, 2500, 1e-6 + (2e-4 - 1e-6) / 2);
    near(&schedule, 4999, 1e-6 + (2e-4 - 1e-6) * 4999 / 5000);
    near(&schedule, 5000, 2e-4);
}
END_TEST

START_TEST(cosine)
{
    struct drift_schedule schedule = {DRIFT_SCHEDULE_COSINE, 1e-3, 100, 1100};
    near(&schedule, 0, 1e-6);
    near(&schedule, 100, 1e-3);
    near(&schedule, 600, 1e-3 * ((1 - 1e-6) / 2 + 1e-6));
    near(&schedule, 350, 1e-3 * ((1 - 1e-6) * (1 + 0.70710678118654752440) / 2 + 1e-6));
    near(&schedule, 1100, 1e-9);
    near(&schedule, 5000, 1e-9);
    schedule.total_steps = 50; /* ends before the warm-up does: one step later it is over */
    near(&schedule, 101, 1e-9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *test = tcase_create("rates");
    tcase_add_test(test, constant);
    tcase_add_test(test, cosine);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
