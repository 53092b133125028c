/* The sample queue and the law of guidance: draws do not repeat, follow their law, and depend on their arguments alone.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "drifting/guidance.h"
#include "drifting/queue.h"

enum { ROWS = 7 };

static struct drift_queue queue;

static void push_numbers(size_t n, int32_t class)
{
    for (size_t i = 0; i < n; i++) {
        const float x[2] = {(float)(class * 100 + (int)i), 1};
        ck_assert_int_eq(drift_queue_push(&queue, 1, &class, x), DRIFT_OK);
    }
}

static void draw(size_t class, size_t n, uint32_t step, size_t *row)
{
    ck_assert_int_eq(drift_queue_draw(&queue, class, n, 3, DRIFT_RANDOM_QUEUE, step, 10, row), DRIFT_OK);
}

START_TEST(without_replacement)
{
    size_t row[ROWS], often[ROWS][ROWS] = {{0}};
    ck_assert_int_eq(drift_queue_new(&queue, 2, ROWS, 2), DRIFT_OK);
    push_numbers(9, 1); /* wraps around: row 0 holds number 7 */
    for (uint32_t step = 0; step < 7000; step++) {
        int seen[ROWS] = {0};
        draw(1, ROWS, step, row);
        for (size_t i = 0; i < ROWS; i++) {
            ck_assert(row[i] < ROWS && !seen[row[i]]++);
            often[i][row[i]]++;
        }
    }
    /* each row at each place 1,000 times; the deviation of such a count is below 30 */
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < ROWS; j++)
            ck_assert(fabs((double)often[i][j] - 1000) < 150);
    float x[2 * ROWS];
    ck_assert_int_eq(drift_queue_draw_samples(&queue, 1, ROWS, 3, DRIFT_RANDOM_QUEUE, 6999, 10, x), DRIFT_OK);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert(x[2 * i] == 100 + (float)(row[i] < 2 ? row[i] + 7 : row[i]));
    drift_queue_free(&queue);
}
END_TEST

START_TEST(with_replacement)
{
    size_t row[8], again[8], often[3] = {0};
    ck_assert_int_eq(drift_queue_new(&queue, 1, ROWS, 2), DRIFT_OK);
    ck_assert_int_eq(drift_queue_draw(&queue, 0, 1, 0, 0, 0, 0, row), DRIFT_INVALID);
    push_numbers(3, 0);
    for (uint32_t step = 0; step < 3000; step++) {
        draw(0, 8, step, row);
        for (int i = 0; i < 8; i++) {
            ck_assert(row[i] < 3);
            often[row[i]]++;
        }
        draw(0, 8, step, again);
        ck_assert(!memcmp(row, again, sizeof row));
    }
    for (int i = 0; i < 3; i++)
        ck_assert(fabs((double)often[i] - 8000) < 400);
    drift_queue_free(&queue);
}
END_TEST

START_TEST(bad_labels)
{
    const float x[4] = {1, 2, 3, 4};
    ck_assert_int_eq(drift_queue_new(&queue, 2, 3, 2), DRIFT_OK);
    ck_assert_int_eq(drift_queue_push(&queue, 2, (const int32_t[]){0, 2}, x), DRIFT_INVALID);
    ck_assert(strstr(drift_message(), "label 2 is not within 0 .. 1") != NULL);
    ck_assert_int_eq(drift_queue_push(&queue, 2, (const int32_t[]){-1, 0}, x), DRIFT_INVALID);
    ck_assert_int_eq(queue.count[0], 0);
    ck_assert(drift_queue_sound(&queue));
    queue.next[1] = 1;
    ck_assert(!drift_queue_sound(&queue));
    drift_queue_free(&queue);
    ck_assert_int_eq(drift_queue_new(&queue, 1000, SIZE_MAX / 2, 2), DRIFT_INVALID);
    ck_assert_int_eq(drift_queue_new(&queue, SIZE_MAX / 8, 1000, 1000), DRIFT_NO_MEMORY);
}
END_TEST

/* The share of draws below t is (t^e - a^e)/(b^e - a^e), e = 1 - k. */
START_TEST(law_of_alpha)
{
    enum { N = 20000 };
    static float alpha[N];
    const double powers[] = {0, 1, 1.0001, 3, 5, -2};
    for (size_t p = 0; p < sizeof powers / sizeof *powers; p++) {
        const struct drift_guidance g = {1, 4, powers[p], 0.25};
        drift_guidance_draw(&g, 11, (uint32_t)p, N, alpha);
        for (double t = 1.25; t < 4; t += 0.5) {
            const double e = 1 - powers[p];
            const double share = fabs(e) < 1e-6 ? log(t) / log(4) : (pow(t, e) - 1) / (pow(4, e) - 1);
            size_t below = 0;
            for (size_t i = 0; i < N; i++)
                below += alpha[i] < t;
            ck_assert(fabs((double)below / N - (0.25 + 0.75 * share)) < 5 * 0.5 / sqrt(N));
        }
    }
    ck_assert(drift_guidance_weight(1, 64, 16) == 0 && drift_guidance_weight(3, 1, 16) == 0);
    ck_assert(drift_guidance_weight(3, 5, 0) == 8 && drift_guidance_weight(3, 5, 4) == 2);
    ck_assert_int_eq(drift_guidance_check(&(struct drift_guidance){0.5, 4, 1, 0}), DRIFT_INVALID);
    ck_assert_int_eq(drift_guidance_check(&(struct drift_guidance){2, 1, 1, 0}), DRIFT_INVALID);
    ck_assert_int_eq(drift_guidance_check(&(struct drift_guidance){1, NAN, 1, 0}), DRIFT_INVALID);
    ck_assert_int_eq(drift_guidance_check(&(struct drift_guidance){1, 4, 1, 1.5}), DRIFT_INVALID);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queue");
    TCase *tests = tcase_create("queue");
    tcase_add_test(tests, without_replacement);
    tcase_add_test(tests, with_replacement);
    tcase_add_test(tests, bad_labels);
    tcase_add_test(tests, law_of_alpha);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
