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

/* Generated samples in two groups, positives around the origin, and how far from it in temperatures the groups are. */
struct far {
    double tau, group[2], spread, strength;
};

/* Largest error of a row of V, relative to that row's own size in double; rows below 1e-35, where float itself has no
 * digits, are left out, but not all may be. */
static double far_error(const struct far *far, size_t dim)
{
    enum { ROWS = 24, COLUMNS = 21 };
    static float x[ROWS * 8], y[COLUMNS * 8], v[ROWS * 8];
    static double xd[ROWS * 8], yd[COLUMNS * 8], vd[ROWS * 8];
    const drift_field_shape shape = {1, ROWS, COLUMNS, 0, dim};
    drift_field_config config = config_of(DRIFT_JOINT, DRIFT_SELF_MASKED, far->tau);
    drift_field_report report;
    double worst = -1;
    config.attraction = config.repulsion = far->strength;
    draw(ROWS * dim, x), draw(COLUMNS * dim, y);
    for (size_t i = 0; i < ROWS * dim; i++) {
        const double centre = i % dim ? 0 : far->group[i / dim % 2];
        xd[i] = x[i] = (float)(far->tau * (far->spread * x[i] + centre));
    }
    for (size_t i = 0; i < COLUMNS * dim; i++)
        yd[i] = y[i] = (float)(far->tau * far->spread * y[i]);
    run(&config, ROWS, COLUMNS, 0, dim, x, y, NULL, v);
    ck_assert(!drift_field_f64(&config, &shape, xd, yd, NULL, NULL, NULL, NULL, vd, &report));
    for (size_t i = 0; i < ROWS; i++) {
        double error = 0, size = 0;
        for (size_t k = i * dim; k < (i + 1) * dim; k++)
            error += (v[k] - vd[k]) * (v[k] - vd[k]), size += vd[k] * vd[k];
        if (size > 1e-70 && !(sqrt(error / size) <= worst))
            worst = sqrt(error / size);
    }
    return worst;
}

/* Every row keeps its digits, however small the weights are, as long as V itself is a number that float has. An
 * exponent of size m = d/tau has an error of at most 7 units of 2^-24 m (distance 2, half a log 1.5 each, their sum 1,
 * the product 1), and V is a product of two. */
START_TEST(far_sets_keep_their_digits)
{
    static const struct far cases[] = {
        {1e10, {200, 200}, 1, 1}, /* weights of e^-100, V is not as small: coordinates are large */
        {1, {290, 290}, 1, 1e30}, /* the two sides of V meet in its logs alone */
        {0.01, {30, 89}, 1, 1},   /* some rows' K are all zero while each column has its sum */
        {1e-3, {0, 0}, 1000, 1},  /* nobody has a neighbour within hundreds of temperatures */
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t dim = 2; dim <= 5; dim += 3) { /* in pairs, and row by row */
            const struct far *far = cases + c;
            const double most =
                2 * fmax(fabs(far->group[0]), fabs(far->group[1])) + 2 * sqrt((double)dim) * far->spread;
            const double error = far_error(far, dim);
            ck_assert_msg(error >= 0 && error <= 14 * 0x1p-24 * most, "case %d, %d dimensions: %g", (int)c, (int)dim,
                          error);
        }
}
END_TEST

/* The last shape goes by the Gram matrix, with ragged panels; at the lower temperature most is in the log domain. */
START_TEST(threads_do_not_matter)
{
    static const size_t shapes[][3] = {{301, 257, 2}, {301, 257, 40}, {70, 60, 600}};
    static float x[42000], y[36000], v[3][42000];
    const int before = omp_get_max_threads();
    for (drift_form form = DRIFT_EXACT; form <= DRIFT_NORMALIZED; form++)
        for (size_t s = 0; s < 2 * sizeof shapes / sizeof *shapes; s++) {
            const size_t *shape = shapes[s / 2], g = shape[0], p = shape[1], dim = shape[2];
            drift_field_config config = drift_field_defaults(form);
            config.tau[0] = s % 2 ? 0.005 : config.tau[0];
            draw(g * dim, x), draw(p * dim, y);
            for (int threads = 1; threads <= 3; threads++) {
                omp_set_num_threads(threads);
                run(&config, g, p, 0, dim, x, y, NULL, v[threads - 1]);
                ck_assert(!memcmp(v[0], v[threads - 1], g * dim * sizeof(float)));
            }
        }
    omp_set_num_threads(before);
}
END_TEST

/* Root mean square of V's difference from the oracle, relative to V's. */
static double error_of(const drift_field_config *config, const drift_field_shape *s, const float *x, const float *y,
                       const float *z)
{
    const size_t entries = s->generated * s->dim;
    const size_t sizes[] = {entries, s->positives * s->dim, s->negatives * s->dim};
    const float *floats[] = {x, y, z};
    double *doubles[3], *vd = malloc(entries * sizeof *vd), error = 0, size = 0;
    float *v = malloc(entries * sizeof *v);
    for (int i = 0; i < 3; i++) {
        doubles[i] = malloc(sizes[i] * sizeof(double) + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            doubles[i][k] = floats[i][k];
    }
    drift_field_report report;
    run(config, s->generated, s->positives, s->negatives, s->dim, x, y, z, v);
    ck_assert(!drift_field_f64(config, s, doubles[0], doubles[1], doubles[2], NULL, NULL, NULL, vd, &report));
    for (size_t i = 0; i < entries; i++)
        error += (v[i] - vd[i]) * (v[i] - vd[i]), size += vd[i] * vd[i];
    for (int i = 0; i < 3; i++)
        free(doubles[i]);
    free(v);
    free(vd);
    return error == 0 ? 0 : sqrt(error / size);
}

/* Float against the oracle, over shapes with ragged ends; 1e-4 is what golden values ask of any port. */
START_TEST(float_agrees_with_double)
{
    static const drift_field_shape shapes[] = {{1, 1, 1, 0, 1},     {1, 5, 3, 2, 2},     {1, 33, 65, 0, 31},
                                               {1, 70, 20, 17, 32}, {1, 129, 40, 1, 50}, {1, 35, 40, 3, 250}};
    static float x[MOST * 3], y[MOST * 3], z[MOST * 3];
    for (drift_form form = DRIFT_EXACT; form <= DRIFT_NORMALIZED; form++)
        for (drift_self self = DRIFT_SELF_MASKED; self <= DRIFT_SELF_NONE; self++)
            for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
                const drift_field_shape *shape = shapes + s;
                drift_field_config config = drift_field_defaults(form);
                config.self = self;
                if (self != DRIFT_SELF_MASKED && (form != DRIFT_NORMALIZED || !shape->negatives))
                    continue;
                draw(shape->generated * shape->dim, x), draw(shape->positives * shape->dim, y);
                draw(shape->negatives * shape->dim, z);
                const double error = error_of(&config, shape, x, y, z);
                ck_assert_msg(error <= 1e-4, "form %d self %d shape %d: %g", (int)form, (int)self, (int)s, error);
            }
}
END_TEST

/* Points of the plane go pair by pair, the same points with coordinates of 0 added row by row: of two ways that differ
 * in no exponent's error, each rounds sums of at most 110 terms. */
START_TEST(pairs_agree_with_rows)
{
    enum { MOST_POINTS = 80, WIDE = 5 };
    static const drift_field_shape shapes[] = {{1, 2, 2, 0, 2}, {1, 37, 50, 0, 2}, {1, 80, 60, 30, 2}};
    static float flat[3][MOST_POINTS * 2], wide[3][MOST_POINTS * WIDE], v[MOST_POINTS * 2], w[MOST_POINTS * WIDE];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int floored = 0; floored < 2; floored++) {
            const drift_field_shape *shape = shapes + s;
            const size_t n[] = {shape->generated, shape->positives, shape->negatives};
            drift_field_config config = config_of(DRIFT_JOINT, DRIFT_SELF_MASKED, 0.2);
            config.floor = floored ? 0.5 : 0; /* large, so that it acts */
            for (int i = 0; i < 3; i++) {
                draw(2 * n[i], flat[i]);
                for (size_t k = 0; k < 2 * n[i]; k++)
                    wide[i][k / 2 * WIDE + k % 2] = flat[i][k];
            }
            run(&config, n[0], n[1], n[2], 2, flat[0], flat[1], flat[2], v);
            run(&config, n[0], n[1], n[2], WIDE, wide[0], wide[1], wide[2], w);
            for (size_t k = 0; k < 2 * n[0]; k++)
                ck_assert_msg(fabsf(v[k] - w[k / 2 * WIDE + k % 2]) <= 110 * 0x1p-24f * 2, "shape %d, floor %g: %g, %g",
                              (int)s, config.floor, v[k], w[k / 2 * WIDE + k % 2]);
        }
}
END_TEST

/* What docs/ops/drift.md says of the way by the Gram matrix: where samples are spread it loses nothing, and in tight
 * clusters, where it would lose 2e-3 of V here, it is not taken. */
START_TEST(the_gram_matrix_keeps_the_digits)
{
    const drift_field_shape shape = {1, 64, 64, 0, 1024};
    const size_t entries = 64 * 1024;
    const drift_field_config config = drift_field_defaults(DRIFT_NORMALIZED);
    float *x = malloc(entries * sizeof *x), *y = malloc(entries * sizeof *y), *z = malloc(8 * 1024 * sizeof *z);
    draw(entries, x), draw(entries, y), draw(8 * 1024, z);
    double error = error_of(&config, &shape, x, y, NULL);
    ck_assert_msg(error <= 1e-5, "spread: %g", error);
    for (size_t i = 0; i < entries; i++) {
        const float centre = z[i % (8 * 1024)];
        x[i] = centre + 0.01f * x[i];
        y[i] = centre + 0.01f * y[i];
    }
    error = error_of(&config, &shape, x, y, NULL);
    ck_assert_msg(error <= 1e-4, "clusters: %g", error);
    free(x);
    free(y);
    free(z);
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
    tcase_add_test(tests, far_sets_keep_their_digits);
    tcase_add_test(tests, threads_do_not_matter);
    tcase_add_test(tests, float_agrees_with_double);
    tcase_add_test(tests, pairs_agree_with_rows);
    tcase_add_test(tests, the_gram_matrix_keeps_the_digits);
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
