/* Philox against the known answers of Random123 (file kat_vectors), and what is built on it. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "kernel/kernel.h"

static void expect_block(uint64_t seed, uint64_t block, uint32_t step, uint32_t purpose, const uint32_t expected[4])
{
    uint32_t word[4];
    drift_philox(seed, block, step, purpose, word);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(word[i], expected[i]);
}

START_TEST(known_answers)
{
    const uint32_t zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    const uint32_t ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    const uint32_t pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    expect_block(0, 0, 0, 0, zeros);
    expect_block(UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT32_MAX, ones);
    expect_block(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x13198a2e, 0x03707344, pi);
}
END_TEST

START_TEST(scalars_are_elements_of_the_stream)
{
    float y[100];
    drift_kernels()->random_uniform(100, 7, 1234567, 3, DRIFT_RANDOM_TEST, y);
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert_double_eq(y[i], drift_random_uniform_at(7, DRIFT_RANDOM_TEST, 3, 1234567 + i));
        uint32_t below = drift_random_below(7, DRIFT_RANDOM_TEST, 3, 1234567 + i, 10);
        ck_assert_uint_eq(below,
                          (uint32_t)((drift_random_u32(7, DRIFT_RANDOM_TEST, 3, 1234567 + i) / 4294967296.0) * 10));
    }
}
END_TEST

/* The stream must not depend on how it is cut into calls. */
START_TEST(any_cut_gives_the_same_stream)
{
    enum { N = 500 };
    const struct drift_kernels *k = drift_kernels();
    const uint64_t first = UINT64_C(0x3fffffff0); /* the low word of the block counter wraps within */
    float whole[N], parts[N];
    k->random_normal(N, 42, first, 0, DRIFT_RANDOM_TEST, whole);
    for (size_t at = 0, length = 0; at < N; at += length, length = length * 2 % 71 + 1) {
        size_t n = length < N - at ? length : N - at;
        k->random_normal(n, 42, first + at, 0, DRIFT_RANDOM_TEST, parts + at);
    }
    ck_assert_mem_eq(whole, parts, sizeof whole);
}
END_TEST

/* 0.5 and 1/12; 0 and 1; and the fourth moment of the normal, 3: within five standard errors of a million draws. */
START_TEST(moments)
{
    enum { N = 1000000 };
    static float y[N];
    double m1 = 0, m2 = 0, m4 = 0;
    drift_kernels()->random_uniform(N, 1, 0, 0, DRIFT_RANDOM_TEST, y);
    for (int i = 0; i < N; i++) {
        ck_assert(y[i] >= 0 && y[i] < 1);
        m1 += y[i] / N;
        m2 += (y[i] - 0.5) * (y[i] - 0.5) / N;
    }
    ck_assert_double_eq_tol(m1, 0.5, 5 * sqrt(1.0 / 12 / N));
    ck_assert_double_eq_tol(m2, 1.0 / 12, 5 * sqrt(1.0 / 180 / N));
    m1 = m2 = 0;
    drift_kernels()->random_normal(N, 1, 0, 0, DRIFT_RANDOM_TEST, y);
    for (int i = 0; i < N; i++) {
        double square = (double)y[i] * y[i];
        m1 += y[i] / N;
        m2 += square / N;
        m4 += square * square / N;
    }
    ck_assert_double_eq_tol(m1, 0, 5 * sqrt(1.0 / N));
    ck_assert_double_eq_tol(m2, 1, 5 * sqrt(2.0 / N));
    ck_assert_double_eq_tol(m4, 3, 5 * sqrt(96.0 / N));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, known_answers);
    tcase_add_test(cases, scalars_are_elements_of_the_stream);
    tcase_add_test(cases, any_cut_gives_the_same_stream);
    tcase_add_test(cases, moments);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
