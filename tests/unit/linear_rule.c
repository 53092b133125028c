/* The linear rule of guidance: densities, and draws of its law against the law's moments, summed over a grid. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drifting/linear_rule.h"

static struct drift_data *open_set(const char *name)
{
    struct drift_data *data;
    ck_assert_msg(!drift_data_open(name, DRIFT_DATA_ALL, &data), "%s", drift_message());
    return data;
}

/* Sums over the grid of cells in [-1.8,1.8]^2: of the rule's density, and its moments. */
enum { CELLS = 300 };
struct moments {
    double sum, mean[2], square[2];
};

static struct moments rule_of(const struct drift_data *data, double alpha, int class)
{
    const double side = 3.6 / CELLS;
    struct moments m = {0, {0, 0}, {0, 0}};
    for (int i = 0; i < CELLS * CELLS; i++) {
        const float x[2] = {(float)((i % CELLS + 0.5) * side - 1.8), (float)((i / CELLS + 0.5) * side - 1.8)};
        double all = 0;
        for (int c = 0; c < data->classes; c++)
            all += drift_data_likelihood(data, c, x) / data->classes;
        const double q = alpha * drift_data_likelihood(data, class, x) - (alpha - 1) * all;
        for (int k = 0; q > 0 && k < 2; k++) {
            m.sum += k ? 0 : q * side * side;
            m.mean[k] += x[k] * q * side * side;
            m.square[k] += x[k] * x[k] * q * side * side;
        }
    }
    for (int k = 0; k < 2; k++) {
        m.mean[k] /= m.sum;
        m.square[k] /= m.sum;
    }
    return m;
}

/* Means and mean squares of n draws, whose deviations from the law's are below five of their own. The law's fourth
 * moment is that of a narrower Gaussian than (0.8, 0.2), so the deviation of x^2 is below 0.4. */
static void check_draws(const char *name, double alpha)
{
    enum { EACH = 4000 };
    struct drift_data *data = open_set(name);
    const size_t classes = (size_t)data->classes, n = EACH * classes;
    float *x = malloc(n * 2 * sizeof *x), *again = malloc(n * 2 * sizeof *x);
    ck_assert_msg(!drift_linear_rule_draw(data, alpha, n, 3, x), "%s", drift_message());
    ck_assert(!drift_linear_rule_draw(data, alpha, n, 3, again));
    ck_assert(!memcmp(x, again, n * 2 * sizeof *x));
    for (size_t c = 0; c < classes; c += 5) {
        const struct moments want = rule_of(data, alpha, (int)c);
        for (size_t k = 0; k < 2; k++) {
            double mean = 0, square = 0;
            for (size_t i = c; i < n; i += classes) {
                mean += (double)x[2 * i + k] / EACH;
                square += (double)x[2 * i + k] * (double)x[2 * i + k] / EACH;
            }
            const double deviation = sqrt((want.square[k] - want.mean[k] * want.mean[k]) / EACH);
            ck_assert_msg(fabs(mean - want.mean[k]) <= 5 * deviation, "%s at %g, class %zu: mean %g, not %g", name,
                          alpha, c, mean, want.mean[k]);
            ck_assert_msg(fabs(square - want.square[k]) <= 5 * 0.4 / sqrt(EACH),
                          "%s at %g, class %zu: square %g, not %g", name, alpha, c, square, want.square[k]);
        }
    }
    free(x);
    free(again);
    drift_data_close(data);
}

START_TEST(densities_have_sum_one)
{
    static const char *const sets[] = {"gaussians8", "gaussians8_wide", "gaussians25"};
    for (size_t s = 0; s < 3; s++) {
        struct drift_data *data = open_set(sets[s]);
        for (int c = 0; c < data->classes; c += 7)
            ck_assert(fabs(rule_of(data, 1, c).sum - 1) <= 1e-6);
        drift_data_close(data);
    }
}
END_TEST

START_TEST(draws_have_the_moments_of_the_law)
{
    static const double scales[] = {1, 4, 20};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        check_draws("gaussians8_wide", scales[i]);
    check_draws("gaussians8", 3);
}
END_TEST

START_TEST(what_has_no_density)
{
    static const char *const sets[] = {"checkerboard", "swiss_roll", "digits"};
    float x[8];
    for (size_t s = 0; s < 3; s++) {
        struct drift_data *data = open_set(sets[s]);
        ck_assert(!drift_data_has_likelihood(data));
        ck_assert_int_eq(drift_linear_rule_draw(data, 2, 4, 0, x), DRIFT_INVALID);
        ck_assert_ptr_nonnull(strstr(drift_message(), sets[s]));
        drift_data_close(data);
    }
    struct drift_data *data = open_set("gaussians8");
    ck_assert_int_eq(drift_linear_rule_draw(data, 0.5, 4, 0, x), DRIFT_INVALID);
    ck_assert_int_eq(drift_linear_rule_draw(data, NAN, 4, 0, x), DRIFT_INVALID);
    drift_data_close(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("linear_rule");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, densities_have_sum_one);
    tcase_add_test(all, draws_have_the_moments_of_the_law);
    tcase_add_test(all, what_has_no_density);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
