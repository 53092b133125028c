/* The driver of matrix products: same bits on any number of threads, accumulation, bias, batches, NaN and infinities.
 */
#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/matmul.h"

static uint32_t state;

static float *filled(size_t n)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-23f - 1;
    }
    return x;
}

/* The promise itself: one chain of fma from 0 or the old c, then the bias. */
static void expect(const struct drift_gemm *g, const float *a, const float *b, const float *bias, float *c)
{
    for (ptrdiff_t e = 0; e < (ptrdiff_t)g->batch; e++)
        for (ptrdiff_t i = 0; i < (ptrdiff_t)g->m; i++)
            for (ptrdiff_t j = 0; j < (ptrdiff_t)g->n; j++) {
                float *y = c + e * g->c_batch + i * g->c_row + j, sum = g->accumulate ? *y : 0;
                for (ptrdiff_t p = 0; p < (ptrdiff_t)g->k; p++)
                    sum = fmaf(a[e * g->a_batch + i * g->a_row + p * g->a_col],
                               b[e * g->b_batch + p * g->b_row + j * g->b_col], sum);
                *y = bias ? sum + bias[j] : sum;
            }
}

static const size_t shapes[][4] = {/* batch, m, n, k */
                                   {1, 0, 5, 3},      {1, 5, 3, 0},       {1, 1, 1, 1},      {1, 700, 61, 33},
                                   {1, 61, 700, 33},  {1, 2048, 2, 77},   {7, 64, 48, 65},   {3, 17, 130, 401},
                                   {1, 350, 97, 800}, {1, 40, 300, 1024}, {1, 512, 131, 400}};

START_TEST(test_same_bits)
{
    static const int threads[] = {1, 2, 3, 5};
    const size_t *s = shapes[_i / 16];
    struct drift_gemm g = drift_gemm_of(s[0], s[1], s[2], s[3], _i & 1, _i >> 1 & 1);
    g.accumulate = _i >> 2 & 1;
    const size_t bytes = s[0] * s[1] * s[2] * sizeof(float);
    state = (uint32_t)_i;
    float *a = filled(s[0] * s[1] * s[3]), *b = filled(s[0] * s[2] * s[3]), *bias = filled(s[2]);
    float *before = filled(s[0] * s[1] * s[2]), *c = filled(s[0] * s[1] * s[2]), *want = filled(s[0] * s[1] * s[2]);
    const float *used = _i >> 3 & 1 ? bias : NULL;
    memcpy(want, before, bytes);
    expect(&g, a, b, used, want);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        omp_set_num_threads(threads[t]);
        memcpy(c, before, bytes);
        ck_assert_int_eq(drift_cpu_gemm_builtin_f32(&g, a, b, used, c), DRIFT_OK);
        ck_assert_msg(!memcmp(c, want, bytes), "%zu x %zu x %zu x %zu, case %d, %d threads: other bits", s[0], s[1],
                      s[2], s[3], _i % 16, threads[t]);
    }
    free(a), free(b), free(bias), free(before), free(c), free(want);
}
END_TEST

START_TEST(test_not_finite)
{
    const struct drift_gemm g = drift_gemm_of(1, 20, 40, 30, 0, 0);
    float *a = filled(20 * 30), *b = filled(30 * 40), *c = filled(20 * 40);
    a[3 * 30 + 7] = NAN;
    a[5 * 30 + 2] = INFINITY;
    b[2 * 40 + 9] = 0;
    ck_assert_int_eq(drift_cpu_gemm_builtin_f32(&g, a, b, NULL, c), DRIFT_OK);
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 40; j++) {
            const float y = c[i * 40 + j];
            if (i == 3 || (i == 5 && j == 9))
                ck_assert(isnan(y));
            else
                ck_assert(i == 5 ? isinf(y) : isfinite(y));
        }
    free(a), free(b), free(c);
}
END_TEST

/* BLIS keeps no promise about bits: k 2^-24 of the sum of the terms' sizes, at most k here. */
START_TEST(test_blis_and_double)
{
    enum { M = 37, N = 45, K = 60 };
    struct drift_gemm g = drift_gemm_of(2, M, N, K, _i & 1, _i >> 1 & 1);
    state = 5;
    float *a = filled(2 * M * K), *b = filled(2 * K * N), *bias = filled(N), *c = filled(2 * M * N),
          *d = filled(2 * M * N);
    double *a2 = calloc(2 * M * K, sizeof *a2), *b2 = calloc(2 * K * N, sizeof *b2),
           *d2 = calloc(2 * M * N, sizeof *d2);
    for (int i = 0; i < 2 * M * K; i++)
        a2[i] = a[i];
    for (int i = 0; i < 2 * K * N; i++)
        b2[i] = b[i];
    drift_gemm_blis(&g, a, b, bias, c);
    ck_assert_int_eq(drift_cpu_gemm_builtin_f32(&g, a, b, bias, d), DRIFT_OK);
    ck_assert_int_eq(drift_cpu_gemm_f64(&g, a2, b2, NULL, d2), DRIFT_OK);
    const double bound = (K + 2) * 0x1p-24 * (K + 1);
    for (int i = 0; i < 2 * M * N; i++) {
        const double exact = d2[i] + (double)bias[i % N];
        ck_assert(fabs((double)c[i] - exact) <= bound);
        ck_assert(fabs((double)d[i] - exact) <= bound);
    }
    free(a), free(b), free(bias), free(c), free(d), free(a2), free(b2), free(d2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matmul");
    TCase *tests = tcase_create("matmul");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_same_bits, 0, 16 * (int)(sizeof shapes / sizeof *shapes));
    tcase_add_test(tests, test_not_finite);
    tcase_add_loop_test(tests, test_blis_and_double, 0, 4);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
