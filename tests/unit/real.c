/* The double functions of base/real.h: their error against long double, their special values, and, since they promise
 * the same bits on every machine, a hash of many results. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/real.h"

typedef double (*function)(double x);
typedef long double (*precise)(long double x);

static const struct row {
    const char *name;
    function f;
    precise g;
    double low, high;
} rows[] = {{"exp", drift_exp, expl, -746, 710}, {"expm1", drift_expm1, expm1l, -40, 60},
            {"log", drift_log, logl, 0.5, 2},    {"log1p", drift_log1p, log1pl, -1, 2},
            {"sin", drift_sin, sinl, -100, 100}, {"cos", drift_cos, cosl, -100, 100},
            {"tanh", drift_tanh, tanhl, -3, 3},  {"erf", drift_erf, erfl, -6.2, 6.2}};
enum { ROWS = sizeof rows / sizeof *rows, DRAWS = 100000 };

/* Where long double is double the yardstick is no better than what it measures. */
static const double SLACK = LDBL_MANT_DIG > 53 ? 0.001 : 1;

static double from_words(uint64_t high, uint64_t low)
{
    uint64_t bits = high << 32 | low;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Draw i for a function: any bits, any size near 1, within +-1.2, or within [low, high]. */
static double draw(uint32_t stream, uint64_t i, double low, double high)
{
    uint32_t w[4];
    drift_philox(5, i, stream, DRIFT_RANDOM_TEST, w);
    double u = (w[0] + w[1] * 0x1p-32) * 0x1p-32;
    switch (i % 4) {
    case 0: return from_words(w[0], w[1]);
    case 1: return (2 * u - 1) * ldexp(1, (int)(w[2] % 120) - 60);
    case 2: return 2.4 * u - 1.2;
    default: return low + (high - low) * u;
    }
}

/* |got - exact| in units of got's last place; 0 for equal infinities and for two NaNs */
static double ulp_error(double got, long double exact)
{
    double rounded = (double)exact;
    if (rounded != rounded || isinf(rounded) || isinf(got))
        return got == rounded || (got != got && rounded != rounded) ? 0 : INFINITY;
    int exponent = -1021;
    if (exact != 0)
        frexp(rounded, &exponent);
    return (double)(fabsl(got - exact) / ldexpl(1, (exponent > -1021 ? exponent : -1021) - 53));
}

START_TEST(errors)
{
    const struct row *row = &rows[_i];
    double worst = 0, at = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = draw((uint32_t)_i, i, row->low, row->high), error = ulp_error(row->f(x), row->g(x));
        if (!(error <= worst)) {
            worst = error;
            at = x;
        }
    }
    ck_assert_msg(worst <= 1 + SLACK, "%s is off by %.4f ULP at %a", row->name, worst, at);
}
END_TEST

START_TEST(errors_of_pow)
{
    double worst = 0, at_x = 0, at_y = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = fabs(draw(50, i, 0.5, 1.5)), y = draw(51, i + (i / 4) % 4, -900, 900);
        double error = ulp_error(drift_pow(x, y), powl(x, y));
        if (!(error <= worst)) {
            worst = error;
            at_x = x;
            at_y = y;
        }
    }
    ck_assert_msg(worst <= 2 + SLACK, "pow is off by %.4f ULP at %a, %a", worst, at_x, at_y);
}
END_TEST

static int same(double a, double b) { return (a != a && b != b) || (a == b && !signbit(a) == !signbit(b)); }

START_TEST(special_values)
{
    const double v[] = {0,   -0.0, 1,    -1,    2,      -2,        3,        -3,        1.5,
                        0.5, 0.25, -0.5, 1e300, 0x1p53, 0x1p-1074, INFINITY, -INFINITY, NAN};
    enum { VALUES = sizeof v / sizeof *v };
    for (int i = 0; i < VALUES; i++) {
        for (int k = 0; k < ROWS; k++) {
            double got = rows[k].f(v[i]), expected = (double)rows[k].g(v[i]);
            ck_assert_msg(ulp_error(got, rows[k].g(v[i])) <= 1 + SLACK &&
                              (got != got || !signbit(got) == !signbit(expected)),
                          "%s(%g) is %g, not %g", rows[k].name, v[i], got, expected);
        }
        for (int j = 0; j < VALUES; j++) {
            double got = drift_pow(v[i], v[j]), expected = pow(v[i], v[j]);
            ck_assert_msg(same(got, expected) || fabs(got / expected - 1) < 1e-15, "pow(%g, %g) is %g, not %g", v[i],
                          v[j], got, expected);
        }
    }
    /* the double nearest to a multiple of pi/2, and a large one; figures from mpmath */
    ck_assert_double_eq(drift_cos(0x1.6ac5b262ca1ffp+849), -0x1.14ae72e6ba22fp-61);
    ck_assert_double_eq(drift_sin(0x1p1023), 0x1.205248cbdb760p-1);
}
END_TEST

static uint64_t hash_in(uint64_t hash, double x)
{
    uint64_t bits = 0x7ff8000000000000; /* every NaN is one NaN */
    if (x == x)
        memcpy(&bits, &x, sizeof bits);
    return (hash ^ bits) * UINT64_C(0x100000001b3);
}

START_TEST(same_bits_everywhere)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int k = 0; k < ROWS; k++)
        for (uint64_t i = 0; i < 10000; i++)
            hash = hash_in(hash, rows[k].f(draw((uint32_t)k, i, rows[k].low, rows[k].high)));
    for (uint64_t i = 0; i < 10000; i++)
        hash = hash_in(hash, drift_pow(fabs(draw(50, i, 0.5, 1.5)), draw(51, i + (i / 4) % 4, -900, 900)));
    ck_assert_msg(hash == UINT64_C(0x784a22d389b39203), "the hash of the results is 0x%016llx",
                  (unsigned long long)hash);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("real");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, errors, 0, ROWS);
    tcase_add_test(cases, errors_of_pow);
    tcase_add_test(cases, special_values);
    tcase_add_test(cases, same_bits_everywhere);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
