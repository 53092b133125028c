/* The backends: what the counting one says of a training step against a formula by hand; that a fenced pointer crashes;
 * that a step's bits do not depend on the threads; that a step takes no memory after the first. */
#include <check.h>
#include <omp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "base/real.h"
#include "count/count.h"
#include "cpu/cpu.h"
#include "nn/mlp.h"
#include "tests/support/fenced.h"

struct trainer {
    drift_params params;
    drift_tensor m, v;
    drift_mlp mlp;
    drift_tape *tape;
};

static void begin(struct trainer *t, const drift_backend *backend, const drift_mlp_config *config)
{
    drift_params_new(&t->params, backend);
    ck_assert_int_eq(drift_mlp_new(&t->mlp, config, &t->params), DRIFT_OK);
    ck_assert_int_eq(drift_params_allocate(&t->params), DRIFT_OK);
    ck_assert_int_eq(drift_params_init(&t->params, 5), DRIFT_OK);
    ck_assert_int_eq(drift_params_block(&t->params, &t->m), DRIFT_OK);
    ck_assert_int_eq(drift_params_block(&t->params, &t->v), DRIFT_OK);
    ck_assert_int_eq(drift_tape_new(backend, &t->tape), DRIFT_OK);
}

static void end(struct trainer *t)
{
    drift_tape_free(t->tape);
    drift_params_block_free(&t->params, &t->m);
    drift_params_block_free(&t->params, &t->v);
    drift_params_free(&t->params);
}

/* Forward from noise, the gradient of the mean square of y, backward, Adam. */
static void train(struct trainer *t, size_t batch, unsigned step)
{
    const drift_backend *b = t->params.backend;
    const drift_stream noise = {.seed = 5, .purpose = DRIFT_RANDOM_TEST, .step = step};
    drift_adam_step adam = {1e-3, 0.9, 0.999, 1e-8, 0, 0, 0, 1};
    adam.correction1 = 1 - drift_pow(adam.beta1, step + 1);
    adam.correction2 = 1 - drift_pow(adam.beta2, step + 1);
    drift_tensor gradient = drift_tensor_grad(&t->params.values);
    ck_assert_int_eq(drift_params_zero_grad(&t->params), DRIFT_OK);
    drift_tensor *x = drift_tape_tensor(t->tape, 2, (const size_t[]){batch, t->mlp.config.size[0]});
    ck_assert_int_eq(b->random_normal(b, &noise, 1, x), DRIFT_OK);
    drift_tensor *y = drift_mlp_forward(&t->mlp, t->tape, x);
    drift_tape_backward(t->tape, y, y);
    ck_assert_int_eq(drift_tape_status(t->tape), DRIFT_OK);
    ck_assert_int_eq(b->adam(b, &adam, &gradient, &t->m, &t->v, &t->params.values), DRIFT_OK);
    drift_tape_clear(t->tape);
}

START_TEST(counting)
{
    enum { B = 7, I = 3, H = 5, O = 2 };
    const drift_mlp_config config = {2, {I, H, O}, DRIFT_SILU, DRIFT_INIT_UNIFORM};
    drift_count count;
    const drift_backend backend = drift_count_backend(DRIFT_F32, &count);
    struct trainer t;
    begin(&t, &backend, &config);
    /* values, gradients, two moments; weights and biases each fill up sixteen: 15, 5, 10, 2 */
    ck_assert_uint_eq(count.bytes, 4 * 4 * 64);
    const double before = count.flop;
    train(&t, B, 0);
    const double noise = 20 * B * I, forward = 2 * B * I * H + H + 8 * B * H + 2 * B * H * O + O;
    const double seed = 2 * B * O, last = 2 * H * B * O + B * O + 2 * B * O * H;
    const double first = 10 * B * H + 2 * I * B * H + B * H; /* and no product for the gradient of the input */
    ck_assert_double_eq(count.flop - before, noise + forward + seed + last + first + 15 * 64);
    const size_t warm = count.total_bytes;
    train(&t, B, 1);
    ck_assert_uint_eq(count.total_bytes, warm);
    end(&t);
    ck_assert_uint_eq(count.bytes, 0);
    ck_assert_uint_eq(count.peak_bytes, warm);
}
END_TEST

/* Parameters after three steps on this backend. */
static void result(const drift_backend *backend, size_t batch, float *value)
{
    const drift_mlp_config config = {3, {32, 64, 48, 2}, DRIFT_SILU, DRIFT_INIT_UNIFORM};
    struct trainer t;
    begin(&t, backend, &config);
    for (unsigned step = 0; step < 3; step++)
        train(&t, batch, step);
    ck_assert_uint_le(drift_tensor_elements(&t.params.values), 8192);
    drift_tensor_read_floats(&t.params.values, value);
    end(&t);
}

static float values[2][8192];

START_TEST(threads)
{
    omp_set_num_threads(1);
    result(drift_cpu_backend(DRIFT_F32), 1001, values[0]);
    for (int n = 2; n <= 3; n++) {
        omp_set_num_threads(n);
        memset(values[1], 0, sizeof values[1]);
        result(drift_cpu_backend(DRIFT_F32), 1001, values[1]);
        ck_assert_msg(!memcmp(values[0], values[1], sizeof values[0]), "%d threads", n);
    }
}
END_TEST

/* Aligned to a cache line, or to a large page where there is room for one. */
START_TEST(memory)
{
    const drift_backend *b = drift_cpu_backend(DRIFT_F32);
    const size_t large = 2 << 20;
    const struct {
        size_t bytes, alignment;
    } cases[] = {{0, 64}, {1, 64}, {large - 1, 64}, {large, large}, {5 * large + 12345, large}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *p[2];
        for (int k = 0; k < 2; k++) {
            ck_assert(!b->alloc(b, cases[i].bytes, &p[k]));
            ck_assert_uint_eq((uintptr_t)p[k] % cases[i].alignment, 0);
            memset(p[k], k + 1, cases[i].bytes);
        }
        ck_assert(!cases[i].bytes || ((char *)p[0])[cases[i].bytes - 1] == 1);
        b->free(b, p[0]);
        b->free(b, p[1]);
    }
}
END_TEST

START_TEST(fenced_agrees)
{
    const drift_backend fence = fenced_backend(DRIFT_F32);
    result(drift_cpu_backend(DRIFT_F32), 65, values[0]);
    result(&fence, 65, values[1]);
    ck_assert(!memcmp(values[0], values[1], sizeof values[0]));
}
END_TEST

START_TEST(fenced_crashes)
{
    const drift_backend fence = fenced_backend(DRIFT_F32);
    drift_tape *tape;
    float one = 1;
    ck_assert_int_eq(drift_tape_new(&fence, &tape), DRIFT_OK);
    drift_tensor *x = drift_tape_input(tape, 1, (const size_t[]){1}, &one, 0);
    signal(SIGSEGV, SIG_DFL);
    one = *(volatile float *)x->data;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend");
    TCase *tcase = tcase_create("backends");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, counting);
    tcase_add_test(tcase, threads);
    tcase_add_test(tcase, memory);
    tcase_add_test(tcase, fenced_agrees);
    tcase_add_test_raise_signal(tcase, fenced_crashes, SIGSEGV);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
