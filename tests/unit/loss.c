/* The feature-space loss of a step: the same in one part and in many, on the CPU and on the fenced backend; each
 * location has its entry's weights; what is not finite is named. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "drifting/loss.h"
#include "nn/mlp.h"
#include "op/drift.h"
#include "tests/support/fenced.h"

enum { ENTRIES = 3, G = 5, P = 4, N = 2, SIDE = 2, C = 3, PIXELS = SIDE * SIDE, DIM = PIXELS * C, NOISE = 6 };

static float positive[ENTRIES * P * DIM], negative[ENTRIES * N * DIM], noise[ENTRIES * G * NOISE];
static const float weight[ENTRIES] = {0, 0.75F, 2};

struct maker {
    drift_params params;
    drift_mlp mlp;
    int calls, recorded;
};

static int encoded_recorded; /* how often the encoder ran on a tape that records */

static void fill(size_t n, uint32_t step, float *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(2 * drift_random_uniform_at(9, DRIFT_RANDOM_TEST, step, i) - 1);
}

static void start(void)
{
    fill(sizeof positive / sizeof *positive, 0, positive);
    fill(sizeof negative / sizeof *negative, 1, negative);
    fill(sizeof noise / sizeof *noise, 2, noise);
}

static drift_tensor *generate(void *context, drift_tape *tape, size_t first, size_t count)
{
    struct maker *m = context;
    drift_tensor *x = drift_tape_input(tape, 2, (const size_t[]){count, NOISE}, noise + first * NOISE, 0);
    drift_tensor *y = drift_mlp_forward(&m->mlp, tape, x);
    m->calls++;
    m->recorded += y->needs_grad;
    return drift_reshape(tape, y, 4, (const size_t[]){count, SIDE, SIDE, C});
}

/* global and norm_x, and a map: each pixel a location */
static void encode(const void *context, drift_tape *tape, drift_tensor *x, drift_features *features)
{
    const int scale = 1;
    (void)context;
    encoded_recorded += drift_tape_recording(tape);
    drift_encode_image(&scale, tape, x, features);
    drift_features_add(features, tape, "map", drift_reshape(tape, x, 3, (const size_t[]){x->size[0], PIXELS, C}));
}

static drift_status run(const drift_backend *backend, size_t parts, struct maker *m, drift_loss_report *report,
                        size_t *count, float **gradient)
{
    const drift_mlp_config config = {2, {NOISE, 8, DIM}, DRIFT_SILU, DRIFT_INIT_UNIFORM};
    const drift_field_config field = drift_field_defaults(DRIFT_NORMALIZED);
    const drift_encoder encoder = {encode, NULL};
    const drift_loss_batch batch = {ENTRIES, G, P, N, SIDE, SIDE, C, positive, negative, weight, generate, m};
    drift_loss_memory memory;
    *m = (struct maker){.calls = 0};
    encoded_recorded = 0;
    drift_params_new(&m->params, backend);
    ck_assert_int_eq(drift_mlp_new(&m->mlp, &config, &m->params), DRIFT_OK);
    ck_assert_int_eq(drift_params_allocate(&m->params), DRIFT_OK);
    ck_assert_int_eq(drift_params_init(&m->params, 4), DRIFT_OK);
    ck_assert_int_eq(drift_loss_memory_new(&memory, backend), DRIFT_OK);
    drift_status status = drift_loss_gradients(&memory, &field, &encoder, &batch, parts, report);
    drift_tensor grad = drift_tensor_grad(&m->params.values);
    *count = drift_tensor_elements(&grad);
    *gradient = malloc(*count * sizeof **gradient);
    ck_assert_int_eq(drift_tensor_read_floats(&grad, *gradient), DRIFT_OK);
    drift_loss_memory_free(&memory);
    drift_params_free(&m->params);
    return status;
}

static double distance(size_t n, const float *a, const float *b)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
        size += (double)b[i] * (double)b[i];
    }
    ck_assert(size > 0);
    return sqrt(error / size);
}

START_TEST(in_parts)
{
    const size_t parts[] = {2, 3, 4, 15, 100};
    const drift_dtype type = _i ? DRIFT_F64 : DRIFT_F32;
    const drift_backend fence = fenced_backend(type);
    static drift_loss_report whole, report;
    struct maker m;
    float *reference, *gradient;
    size_t n;
    ck_assert_msg(!run(drift_cpu_backend(type), 1, &m, &whole, &n, &reference), "%s", drift_message());
    ck_assert(m.calls == 1 && m.recorded == 1 && whole.count == 3);
    ck_assert_int_eq(encoded_recorded, 1); /* positives and negatives are not */
    ck_assert_str_eq(whole.feature[2].name, "map");
    ck_assert(fabs(whole.loss - whole.feature[0].field.loss - whole.feature[1].field.loss -
                   whole.feature[2].field.loss) < 1e-12);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        ck_assert(!run(drift_cpu_backend(type), parts[i], &m, &report, &n, &gradient));
        const int made = i == 4 ? 15 : (int)parts[i];
        ck_assert(m.calls == 2 * made && m.recorded == made && encoded_recorded == made);
        ck_assert(report.loss == whole.loss);
        for (size_t f = 0; f < whole.count; f++)
            ck_assert(!memcmp(&report.feature[f].field, &whole.feature[f].field, sizeof report.feature[f].field));
        ck_assert(distance(n, gradient, reference) < 2e-6); /* the reference is rounded to float even in double */
        free(gradient);
    }
    ck_assert(!run(&fence, 4, &m, &report, &n, &gradient));
    ck_assert(report.loss == whole.loss && distance(n, gradient, reference) < 2e-6);
    free(gradient);
    free(reference);
}
END_TEST

/* One feature with locations against problems put together by hand. */
START_TEST(locations)
{
    static drift_loss_report report;
    static double gen[ENTRIES * PIXELS * G * C], pos[ENTRIES * PIXELS * P * C], neg[ENTRIES * PIXELS * N * C],
        v[ENTRIES * PIXELS * G * C], w[ENTRIES * PIXELS * N];
    struct maker m;
    float *gradient;
    size_t n;
    ck_assert(!run(drift_cpu_backend(DRIFT_F64), 1, &m, &report, &n, &gradient));
    free(gradient);

    drift_tape *tape;
    ck_assert(!drift_tape_new(drift_cpu_backend(DRIFT_F64), &tape));
    drift_params_new(&m.params, drift_cpu_backend(DRIFT_F64));
    const drift_mlp_config config = {2, {NOISE, 8, DIM}, DRIFT_SILU, DRIFT_INIT_UNIFORM};
    ck_assert(!drift_mlp_new(&m.mlp, &config, &m.params) && !drift_params_allocate(&m.params) &&
              !drift_params_init(&m.params, 4));
    drift_tensor *x = generate(&m, tape, 0, ENTRIES * G);
    const double *images = x->data;
    for (size_t e = 0; e < ENTRIES; e++)
        for (size_t t = 0; t < PIXELS; t++)
            for (size_t c = 0; c < C; c++) {
                const size_t b = e * PIXELS + t;
                for (size_t i = 0; i < G; i++)
                    gen[(b * G + i) * C + c] = images[(e * G + i) * DIM + t * C + c];
                for (size_t i = 0; i < P; i++)
                    pos[(b * P + i) * C + c] = (double)positive[(e * P + i) * DIM + t * C + c];
                for (size_t i = 0; i < N; i++) {
                    neg[(b * N + i) * C + c] = (double)negative[(e * N + i) * DIM + t * C + c];
                    w[b * N + i] = (double)weight[e];
                }
            }
    const drift_field_config field = drift_field_defaults(DRIFT_NORMALIZED);
    const drift_field_shape shape = {ENTRIES * PIXELS, G, P, N, C};
    drift_field_report by_hand;
    ck_assert(!drift_field_f64(&field, &shape, gen, pos, neg, NULL, NULL, w, v, &by_hand));
    ck_assert(fabs(report.feature[2].field.loss - by_hand.loss) < 1e-12 * by_hand.loss);
    ck_assert(fabs(report.feature[2].field.scale - by_hand.scale) < 1e-12 * by_hand.scale);
    drift_params_free(&m.params);
    drift_tape_free(tape);
}
END_TEST

START_TEST(not_finite)
{
    static drift_loss_report report;
    struct maker m;
    float *gradient;
    size_t n;
    noise[7] = NAN;
    ck_assert_int_eq(run(drift_cpu_backend(DRIFT_F32), (size_t)_i, &m, &report, &n, &gradient), DRIFT_NOT_FINITE);
    ck_assert_str_eq(drift_message(), "the loss is not finite: the generated samples of global");
    for (size_t i = 0; i < n; i++)
        ck_assert(gradient[i] == 0);
    free(gradient);
    start();
    positive[3] = INFINITY;
    ck_assert_int_eq(run(drift_cpu_backend(DRIFT_F32), (size_t)_i, &m, &report, &n, &gradient), DRIFT_NOT_FINITE);
    ck_assert_str_eq(drift_message(), "the loss is not finite: the field of global");
    free(gradient);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loss");
    TCase *tests = tcase_create("loss");
    tcase_add_checked_fixture(tests, start, NULL);
    tcase_add_loop_test(tests, in_parts, 0, 2);
    tcase_add_test(tests, locations);
    tcase_add_loop_test(tests, not_finite, 1, 3);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
