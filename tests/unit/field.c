/* The drifting field: what must hold whatever the numbers, and its loss on the tape. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "op/drift.h"

enum { G = 7, P = 9, N = 3, D = 2, MOST = 4096 };

static uint32_t drawn;

/* n numbers in [-1, 1) */
static void draw(size_t n, float *x)
{
    drift_kernels()->random_uniform(n, 5, 0, drawn++, DRIFT_RANDOM_NOISE, x);
    for (size_t i = 0; i < n; i++)
        x[i] = 2 * x[i] - 1;
}

static drift_field_report run(const drift_field_config *config, size_t g, size_t p, size_t n, size_t dim,
                              const float *gen, const float *pos, const float *neg, float *v)
{
    const drift_field_shape shape = {1, g, p, n, dim};
    drift_field_report report;
    ck_assert_msg(!drift_field(config, &shape, gen, pos, neg, NULL, NULL, NULL, v, &report), "%s", drift_message());
    return report;
}

static drift_field_config config_of(drift_form form, drift_self self, double tau)
{
    drift_field_config config = drift_field_defaults(form);
    config.self = self;
    config.taus = 1;
    config.tau[0] = tau;
    return config;
}

START_TEST(sides_exchanged_flip_the_sign)
{
    float x[G * D], a[P * D], b[N * D], v[G * D], w[G * D];
    const drift_field_config config = config_of(DRIFT_EXACT, DRIFT_SELF_NONE, 0.3);
    draw(G * D, x), draw(P * D, a), draw(N * D, b);
    run(&config, G, P, N, D, x, a, b, v);
    run(&config, G, N, P, D, x, b, a, w);
    for (int i = 0; i < G * D; i++)
        ck_assert(v[i] != 0 && v[i] == -w[i]);
}
END_TEST

START_TEST(equal_sets_do_not_drift)
{
    float x[G * D], v[G * D];
    const drift_form forms[] = {DRIFT_EXACT, DRIFT_JOINT};
    draw(G * D, x);
    for (int f = 0; f < 2; f++) {
        drift_field_config config = config_of(forms[f], DRIFT_SELF_KEPT, 0.3);
        run(&config, G, G, 0, D, x, x, NULL, v);
        for (int i = 0; i < G * D; i++)
            ck_assert(fabsf(v[i]) <= 2e-6f); /* G terms of size <= 2 with weights that add to 1 */
        config.self = DRIFT_SELF_MASKED;
        run(&config, G, G, 0, D, x, x, NULL, v);
        ck_assert(fabsf(v[0]) > 1e-3f);
    }
}
END_TEST

/* V does not change when all samples are shifted by a power of two's multiple that costs no digits. */
START_TEST(a_shift_changes_nothing)
{
    float x[G * D], y[P * D], v[G * D], w[G * D];
    for (drift_form form = DRIFT_EXACT; form <= DRIFT_NORMALIZED; form++) {
        drift_field_config config = drift_field_defaults(form);
        draw(G * D, x), draw(P * D, y);
        for (int i = 0; i < G * D; i++)
            x[i] = rintf(x[i] * 1024) / 1024;
        for (int i = 0; i < P * D; i++)
            y[i] = rintf(y[i] * 1024) / 1024;
        run(&config, G, P, 0, D, x, y, NULL, v);
        for (int i = 0; i < G * D; i++)
            x[i] += 4;
        for (int i = 0; i < P * D; i++)
            y[i] += 4;
        run(&config, G, P, 0, D, x, y, NULL, w);
        for (int i = 0; i < G * D; i++)
            ck_assert(fabsf(v[i] - w[i]) <= 1e-4f * (1 + fabsf(v[i])));
    }
}
END_TEST

/* One generated sample: joint without negatives stays, normalized is pulled straight to one positive (loss T^2). */
START_TEST(one_generated_sample)
{
    float x[D] = {0, 0}, y[D] = {0.3f, 0.4f}, v[D];
    drift_field_config config = config_of(DRIFT_JOINT, DRIFT_SELF_MASKED, 0.1);
    run(&config, 1, 1, 0, D, x, y, NULL, v);
    ck_assert(v[0] == 0 && v[1] == 0);
    config = drift_field_defaults(DRIFT_NORMALIZED);
    drift_field_report report = run(&config, 1, 1, 0, D, x, y, NULL, v);
    ck_assert(fabs(report.loss - 9) <= 1e-4);
    ck_assert(v[0] > 0 && v[1] > 0);
}
END_TEST

/* Sides 100 temperatures apart: plain exponentials are all zero, the field is not. */
START_TEST(far_sets_in_the_log_domain)
{
    float x[G * D], y[P * D], v[G * D];
    drift_field_config config = config_of(DRIFT_JOINT, DRIFT_SELF_MASKED, 0.01);
    draw(G * D, x), draw(P * D, y);
    for (int i = 0; i < G * D; i++)
        x[i] *= 0.01f;
    for (int i = 0; i < P * D; i++)
        y[i] = 0.01f * y[i] + (i % 2 ? 0 : 1);
    run(&config, G, P, 0, D, x, y, NULL, v);
    for (int i = 0; i < G; i++)
        ck_assert(v[2 * i] > 0 && isfinite(v[2 * i]));
    config.form = DRIFT_EXACT;
    run(&config, G, P, 0, D, x, y, NULL, v);
    for (int i = 0; i < G; i++)
        ck_assert(v[2 * i] > 0.5f);
}
END_TEST

START_TEST(threads_do_not_matter)
{
    enum { G2 = 301, P2 = 257, WIDE = 40 };
    static float x[G2 * WIDE], y[P2 * WIDE], v[3][G2 * WIDE];
    const int before = omp_get_max_threads();
    for (drift_form form = DRIFT_EXACT; form <= DRIFT_NORMALIZED; form++)
        for (size_t dim = 2; dim <= WIDE; dim += WIDE - 2) {
            drift_field_config config = drift_field_defaults(form);
            draw(G2 * dim, x), draw(P2 * dim, y);
            for (int threads = 1; threads <= 3; threads++) {
                omp_set_num_threads(threads);
                run(&config, G2, P2, 0, dim, x, y, NULL, v[threads - 1]);
                ck_assert(!memcmp(v[0], v[threads - 1], G2 * dim * sizeof(float)));
            }
        }
    omp_set_num_threads(before);
}
END_TEST

/* Float against the oracle, over shapes with ragged ends; 1e-4 is what golden values ask of any port. */
START_TEST(float_agrees_with_double)
{
    static const size_t shapes[][4] = {{1, 1, 0, 1}, {5, 3, 2, 2}, {33, 65, 0, 31}, {70, 20, 17, 32}, {129, 40, 1, 50}};
    static float x[MOST * 2], y[MOST * 2], z[MOST * 2], v[MOST * 2];
    static double xd[MOST * 2], yd[MOST * 2], zd[MOST * 2], vd[MOST * 2];
    for (drift_form form = DRIFT_EXACT; form <= DRIFT_NORMALIZED; form++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            const size_t g = shapes[s][0], p = shapes[s][1], n = shapes[s][2], dim = shapes[s][3];
            const drift_field_config config = drift_field_defaults(form);
            const drift_field_shape shape = {1, g, p, n, dim};
            drift_field_report report;
            double error = 0, size = 0;
            draw(g * dim, x), draw(p * dim, y), draw(n * dim, z);
            for (size_t i = 0; i < MOST * 2; i++)
                xd[i] = x[i], yd[i] = y[i], zd[i] = z[i];
            run(&config, g, p, n, dim, x, y, z, v);
            ck_assert(!drift_field_f64(&config, &shape, xd, yd, zd, NULL, NULL, NULL, vd, &report));
            for (size_t i = 0; i < g * dim; i++)
                error += (v[i] - vd[i]) * (v[i] - vd[i]), size += vd[i] * vd[i];
            ck_assert_msg(sqrt(error) <= 1e-4 * sqrt(size), "form %d shape %d: %g of %g", (int)form, (int)s,
                          sqrt(error), sqrt(size));
        }
}
END_TEST

START_TEST(nan_is_passed_on)
{
    float x[G * D], y[P * D], v[G * D];
    for (drift_form form = DRIFT_EXACT; form <= DRIFT_NORMALIZED; form++) {
        drift_field_config config = drift_field_defaults(form);
        draw(G * D, x), draw(P * D, y);
        y[4] = NAN;
        drift_field_report report = run(&config, G, P, 0, D, x, y, NULL, v);
        ck_assert(isnan(report.loss));
    }
}
END_TEST

START_TEST(bad_settings_are_named)
{
    float x[G * D] = {0}, v[G * D];
    drift_field_report report;
    drift_field_shape shape = {1, G, G, 0, D};
    drift_field_config config = drift_field_defaults(DRIFT_JOINT);
    config.tau[0] = 0;
    ck_assert_int_eq(drift_field(&config, &shape, x, x, NULL, NULL, NULL, NULL, v, &report), DRIFT_INVALID);
    ck_assert(strstr(drift_message(), "temperature"));
    config.tau[0] = 0.1;
    ck_assert_int_eq(drift_field(&config, &shape, x, x, NULL, x, NULL, NULL, v, &report), DRIFT_INVALID);
    ck_assert(strstr(drift_message(), "weights"));
    config = drift_field_defaults(DRIFT_NORMALIZED);
    ck_assert_int_eq(drift_field(&config, &shape, x, x, NULL, x, x, NULL, v, &report), DRIFT_INVALID);
    ck_assert(strstr(drift_message(), "mean of the weights"));
    shape.positives = 0;
    ck_assert_int_eq(drift_field(&config, &shape, x, x, NULL, NULL, NULL, NULL, v, &report), DRIFT_INVALID);
}
END_TEST

/* The op: its value is mean(V^2), its gradient that of mean((x/unit - target)^2) with the target frozen, here by
 * central differences in double. */
START_TEST(loss_on_the_tape)
{
    const drift_backend *backend = drift_cpu_backend(DRIFT_F64);
    drift_tape *tape;
    float xs[G * D], ys[P * D];
    double v[G * D], grad[G * D];
    draw(G * D, xs), draw(P * D, ys);
    for (drift_form form = DRIFT_EXACT; form <= DRIFT_NORMALIZED; form++) {
        const drift_field_config config = drift_field_defaults(form);
        drift_field_report report;
        ck_assert(!drift_tape_new(backend, &tape));
        drift_tensor *x = drift_tape_input(tape, 2, (size_t[]){G, D}, xs, 1);
        drift_tensor *y = drift_tape_input(tape, 2, (size_t[]){P, D}, ys, 0), held;
        drift_tensor *loss = drift_loss(tape, &config, &(drift_loss_input){.gen = x, .pos = y}, &report);
        drift_tape_backward(tape, loss, NULL);
        ck_assert_msg(!drift_tape_status(tape), "%s", drift_message());
        held = drift_tensor_grad(x);
        ck_assert(!drift_tensor_read(&held, grad));

        const drift_field_shape shape = {1, G, P, 0, D};
        double xd[G * D], yd[P * D];
        for (int i = 0; i < G * D; i++)
            xd[i] = xs[i];
        for (int i = 0; i < P * D; i++)
            yd[i] = ys[i];
        ck_assert(!drift_field_f64(&config, &shape, xd, yd, NULL, NULL, NULL, NULL, v, &report));
        for (int i = 0; i < G * D; i++) {
            const double h = 1e-5, target = xd[i] / report.unit + v[i];
            const double up = (xd[i] + h) / report.unit - target, down = (xd[i] - h) / report.unit - target;
            const double slope = (up * up - down * down) / (2 * h * G * D);
            ck_assert_msg(fabs(grad[i] - slope) <= 1e-7 * (1 + fabs(slope)), "form %d: %g, expected %g", (int)form,
                          grad[i], slope);
        }
        drift_tape_free(tape);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("field");
    TCase *tests = tcase_create("field");
    tcase_add_test(tests, sides_exchanged_flip_the_sign);
    tcase_add_test(tests, equal_sets_do_not_drift);
    tcase_add_test(tests, a_shift_changes_nothing);
    tcase_add_test(tests, one_generated_sample);
    tcase_add_test(tests, far_sets_in_the_log_domain);
    tcase_add_test(tests, threads_do_not_matter);
    tcase_add_test(tests, float_agrees_with_double);
    tcase_add_test(tests, nan_is_passed_on);
    tcase_add_test(tests, bad_settings_are_named);
    tcase_add_test(tests, loss_on_the_tape);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
