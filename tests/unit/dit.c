/* The generator: sizes and counts, settings that are refused, the same bits however it is run, and bfloat16. */
#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "count/count.h"
#include "cpu/cpu.h"
#include "nn/dit.h"
#include "tests/support/fenced.h"

/* The paper's four generators (spec: generator, sizes). */
static drift_dit_config paper(int large, int pixel)
{
    return (drift_dit_config){.cond_dim = large ? 1024 : 768,
                              .num_classes = 1000,
                              .noise_classes = 64,
                              .noise_coords = 32,
                              .input_size = pixel ? 256 : 32,
                              .in_channels = pixel ? 3 : 4,
                              .n_cls_tokens = 16,
                              .patch_size = pixel ? 16 : 2,
                              .hidden_size = large ? 1024 : 768,
                              .depth = large ? 24 : 12,
                              .num_heads = large ? 16 : 12,
                              .out_channels = pixel ? 3 : 4,
                              .mlp_ratio = 4,
                              .use_qknorm = 1,
                              .use_swiglu = 1,
                              .use_rope = 1,
                              .use_rmsnorm = 1,
                              .attn_fp32 = 1};
}

static const drift_dit_config small = {.cond_dim = 24,
                                       .num_classes = 5,
                                       .noise_classes = 3,
                                       .noise_coords = 2,
                                       .input_size = 6,
                                       .in_channels = 2,
                                       .n_cls_tokens = 3,
                                       .patch_size = 2,
                                       .hidden_size = 24,
                                       .depth = 5,
                                       .num_heads = 3,
                                       .out_channels = 1,
                                       .mlp_ratio = 4,
                                       .use_qknorm = 1,
                                       .use_swiglu = 1,
                                       .use_rope = 1,
                                       .use_rmsnorm = 1,
                                       .attn_fp32 = 1};

START_TEST(parameter_counts)
{
    static const size_t count[] = {132708880, 133864704, 462909456, 464450304}, arrays[] = {241, 241, 433, 433};
    for (int i = 0; i < 4; i++) {
        const drift_dit_config config = paper(i / 2, i % 2);
        drift_params params;
        drift_dit *dit = malloc(sizeof *dit);
        size_t sum = 0;
        drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
        ck_assert_msg(!drift_dit_new(dit, &config, &params), "%s", drift_message());
        for (size_t k = 0; k < params.count; k++)
            sum += drift_tensor_elements(&params.list[k]->tensor);
        ck_assert_uint_eq(sum, count[i]);
        ck_assert_uint_eq(params.count, arrays[i]);
        drift_params_free(&params);
        free(dit);
    }
}
END_TEST

START_TEST(impossible_settings)
{
    drift_dit_config c[12];
    static const char *const line[] = {
        "patch_size 4 does not divide input_size 6",
        "num_heads 5 does not divide hidden_size 24",
        "hidden_size 30: expected a multiple of 4, for the position embedding",
        "hidden_size 36 and num_heads 4: use_rope needs an even width of a head, not 9",
        "depth 0: expected 1 to 64",
        "depth 65: expected 1 to 64",
        "num_classes 0: expected 1 to 1048576",
        "mlp_ratio nan: expected a number above 0, at most 64, that leaves a width",
        "mlp_ratio 0.01: expected a number above 0, at most 64, that leaves a width",
        "noise_coords 65: expected at most 64",
        "hidden_size 18446744073709551615: expected 1 to 1048576",
        "patch_size 0: expected 1 to 16384",
    };
    for (int i = 0; i < 12; i++)
        c[i] = small;
    c[0].patch_size = 4;
    c[1].num_heads = 5;
    c[2].hidden_size = 30;
    c[3].hidden_size = 36, c[3].num_heads = 4;
    c[4].depth = 0;
    c[5].depth = 65;
    c[6].num_classes = 0;
    c[7].mlp_ratio = NAN;
    c[8].mlp_ratio = 0.01, c[8].use_swiglu = 0;
    c[9].noise_coords = 65;
    c[10].hidden_size = SIZE_MAX;
    c[11].patch_size = 0;
    for (int i = 0; i < 12; i++) {
        ck_assert_int_eq(drift_dit_check(&c[i]), DRIFT_INVALID);
        ck_assert_str_eq(drift_message(), line[i]);
    }
    ck_assert_int_eq(drift_dit_check(&small), DRIFT_OK);
}
END_TEST

enum { BATCH = 2 };

struct model {
    drift_dit dit;
    drift_params params;
    drift_tape *tape;
};

static struct model *model_new(const drift_dit_config *config, const drift_backend *backend, double deviation)
{
    struct model *m = malloc(sizeof *m);
    drift_params_new(&m->params, backend);
    ck_assert_msg(!drift_dit_new(&m->dit, config, &m->params), "%s", drift_message());
    ck_assert_int_eq(drift_params_allocate(&m->params), DRIFT_OK);
    ck_assert_int_eq(drift_params_init(&m->params, 1), DRIFT_OK);
    const drift_stream stream = {.seed = 5, .purpose = DRIFT_RANDOM_TEST};
    if (deviation > 0) /* every parameter, those that begin as zeros too */
        ck_assert_int_eq(backend->random_normal(backend, &stream, deviation, &m->params.values), DRIFT_OK);
    ck_assert_int_eq(drift_tape_new(backend, &m->tape), DRIFT_OK);
    return m;
}

static void model_free(struct model *m)
{
    drift_tape_free(m->tape);
    drift_params_free(&m->params);
    free(m);
}

static drift_tensor *forward(struct model *m, const int32_t *label)
{
    const drift_dit_config *c = &m->dit.config;
    const size_t shape[] = {BATCH, c->input_size, c->input_size, c->in_channels}, batch = BATCH;
    const size_t n = BATCH * c->input_size * c->input_size * c->in_channels, coords[] = {BATCH, c->noise_coords};
    float *noise = malloc(n * sizeof *noise);
    int32_t style[BATCH * DRIFT_DIT_MAX_STYLES];
    for (size_t i = 0; i < n; i++)
        noise[i] = (float)(2 * drift_random_uniform_at(3, DRIFT_RANDOM_TEST, 1, i) - 1);
    for (size_t i = 0; i < BATCH * c->noise_coords; i++)
        style[i] = (int32_t)(i % c->noise_classes);
    drift_tensor *x = drift_tape_input(m->tape, 4, shape, noise, 0);
    drift_tensor *scale = drift_tape_input(m->tape, 1, &batch, (const float[BATCH]){1, 2.5f}, 0);
    drift_tensor *y = drift_dit_forward(&m->dit, m->tape, x, drift_tape_indices(m->tape, 1, &batch, label), scale,
                                        drift_tape_indices(m->tape, 2, coords, style));
    free(noise);
    return y;
}

static const int32_t labels[BATCH] = {4, 0};

/* The output, then every gradient of the sum of its elements; and the most memory that the tape took. */
static float *run(const drift_dit_config *config, const drift_backend *backend, size_t *count, size_t *peak)
{
    struct model *m = model_new(config, backend, 0.3);
    drift_tensor *y = forward(m, labels);
    drift_tape_backward(m->tape, y, NULL);
    ck_assert_msg(!drift_tape_status(m->tape), "%s", drift_message());
    const size_t n = drift_tensor_elements(y), all = drift_tensor_elements(&m->params.values);
    float *result = malloc((n + all) * sizeof *result);
    const drift_tensor gradients = drift_tensor_grad(&m->params.values);
    ck_assert_int_eq(drift_tensor_read_floats(y, result), DRIFT_OK);
    ck_assert_int_eq(drift_tensor_read_floats(&gradients, result + n), DRIFT_OK);
    *count = n + all;
    *peak = drift_tape_peak(m->tape);
    model_free(m);
    return result;
}

static int nonzero(const float *x, size_t n)
{
    int any = 0;
    for (size_t i = 0; i < n; i++)
        any += x[i] != 0;
    return any > 100;
}

/* Recomputed blocks, threads, and a device whose memory the host cannot see: the same bits. */
START_TEST(same_bits)
{
    size_t n, m, plain, peak;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        drift_dit_config config = small;
        config.use_bf16 = bf16;
        config.attn_fp32 = !bf16;
        float *want = run(&config, drift_cpu_backend(DRIFT_F32), &n, &plain);
        ck_assert(nonzero(want, n));
        for (size_t way = 0; way < 7; way++) {
            const drift_backend fenced = fenced_backend(DRIFT_F32);
            config.checkpoint_blocks = way < 3 ? way + 1 : 0; /* groups of 1, 2, 3 of 5 blocks */
            config.use_remat = way == 3;
            omp_set_num_threads(way == 4 ? 1 : way == 5 ? 3 : 2);
            float *x = run(&config, way == 6 ? &fenced : drift_cpu_backend(DRIFT_F32), &m, &peak);
            ck_assert_uint_eq(n, m);
            ck_assert_msg(!memcmp(x, want, n * sizeof *x), "way %zu", way);
            ck_assert(way > 3 ? peak == plain : peak < plain);
            free(x);
        }
        free(want);
    }
}
END_TEST

/* Where nothing is recorded a block's memory is the next one's: each adds its result alone. The output has the same
 * bits. */
START_TEST(sampling_keeps_one_block)
{
    size_t peak[2], n;
    float y[BATCH * 36];
    for (int deep = 0; deep < 2; deep++) {
        drift_dit_config config = small;
        config.depth = deep ? 5 : 1;
        struct model *m = model_new(&config, drift_cpu_backend(DRIFT_F32), 0.3);
        drift_tape_pause(m->tape);
        ck_assert_int_eq(drift_tensor_read(forward(m, labels), y), DRIFT_OK);
        peak[deep] = drift_tape_peak(m->tape);
        model_free(m);
    }
    ck_assert_uint_eq(peak[1] - peak[0], 4 * sizeof(float) * BATCH * 12 * 24);
    float *want = run(&small, drift_cpu_backend(DRIFT_F32), &n, &peak[0]);
    ck_assert(!memcmp(y, want, sizeof y));
    free(want);
}
END_TEST

START_TEST(untrained_is_zero)
{
    struct model *m = model_new(&small, drift_cpu_backend(DRIFT_F32), 0);
    float y[BATCH * 36];
    ck_assert_int_eq(drift_tensor_read(forward(m, labels), y), DRIFT_OK);
    for (int i = 0; i < BATCH * 36; i++)
        ck_assert(y[i] == 0);
    model_free(m);
}
END_TEST

START_TEST(labels_out_of_range)
{
    static const int32_t wrong[][BATCH] = {{1, 5}, {-1, 0}};
    static const char *const line[] = {"embedding: index 5, but the table has rows 0 to 4",
                                       "embedding: index -1, but the table has rows 0 to 4"};
    for (int i = 0; i < 2; i++) {
        struct model *m = model_new(&small, drift_cpu_backend(DRIFT_F32), 0);
        forward(m, wrong[i]);
        ck_assert_int_eq(drift_tape_status(m->tape), DRIFT_INVALID);
        ck_assert_str_eq(drift_message(), line[i]);
        model_free(m);
    }
}
END_TEST

START_TEST(shapes_are_checked)
{
    struct model *m = model_new(&small, drift_cpu_backend(DRIFT_F32), 0);
    const size_t one = 1;
    const float zero[2] = {0};
    drift_tensor *x = drift_tape_input(m->tape, 1, &one, zero, 0);
    drift_dit_forward(&m->dit, m->tape, x, drift_tape_indices(m->tape, 1, &one, labels), x, NULL);
    ck_assert_int_eq(drift_tape_status(m->tape), DRIFT_INVALID);
    ck_assert_str_eq(drift_message(), "dit: noise is [1], label [1], cfg_scale [1], style none");
    model_free(m);
}
END_TEST

/* FLOP of a forward pass of B/2 latent: products are 2 m n k, and what stands between them is at most 5 % more. */
START_TEST(counted)
{
    drift_count count;
    const drift_backend backend = drift_count_backend(DRIFT_F32, &count);
    const drift_dit_config config = paper(0, 0);
    struct model *m = model_new(&config, &backend, 0);
    const double setup = count.flop, tokens = 272, width = 768, inner = 2048, batch = BATCH;
    drift_tape_pause(m->tape);
    ck_assert_uint_eq(drift_tensor_elements(forward(m, labels)), BATCH * 32 * 32 * 4);
    const double block = batch * tokens * width * 2 * (4 * width + 3 * inner + 2 * tokens) + batch * 12 * width * width;
    const double products = 12 * block + batch * 256 * width * 2 * 16 * 2 + batch * width * 2 * (256 + 4 * width);
    ck_assert(count.flop - setup >= products && count.flop - setup <= 1.05 * products);
    ck_assert(count.peak_bytes >= 4 * 132708880.0 * 2); /* values and gradients */
    model_free(m);
    ck_assert_uint_eq(count.bytes, 0);
}
END_TEST

/* Two factors of eight bits each, and sums that need no more than 24: bfloat16 changes nothing but the result.
 * Otherwise it does, gradients included; a factor that is stored in 16 bits gives what one that is rounded on the way
 * gives. */
START_TEST(linear_in_bfloat16)
{
    enum { ROWS = 3, IN = 5, OUT = 4 };
    float x[ROWS * IN], w[IN * OUT], y[2][ROWS * OUT], dx[2][ROWS * IN], dw[2][IN * OUT];
    for (int exact = 1; exact >= 0; exact--) {
        for (int i = 0; i < ROWS * IN; i++)
            x[i] = (float)(i % 7 - 3) + (exact ? 0 : 0x1p-10f);
        for (int i = 0; i < IN * OUT; i++)
            w[i] = (float)(i % 5 - 2) + (exact ? 0 : 0x1p-11f);
        for (int bf16 = 0; bf16 < 2; bf16++) {
            drift_tape *tape;
            ck_assert_int_eq(drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape), DRIFT_OK);
            drift_tensor *tx = drift_tape_input(tape, 2, (const size_t[]){ROWS, IN}, x, 1);
            drift_tensor *tw = drift_tape_input(tape, 2, (const size_t[]){IN, OUT}, w, 1);
            drift_tensor *ty = bf16 ? drift_linear_bf16(tape, tx, tw, NULL) : drift_linear(tape, tx, tw, NULL);
            drift_tape_backward(tape, ty, NULL);
            ck_assert_int_eq(drift_tape_status(tape), DRIFT_OK);
            const drift_tensor gx = drift_tensor_grad(tx), gw = drift_tensor_grad(tw);
            drift_tensor_read(ty, y[bf16]);
            drift_tensor_read(&gx, dx[bf16]);
            drift_tensor_read(&gw, dw[bf16]);
            drift_tape_free(tape);
        }
        ck_assert_int_eq(!memcmp(y[0], y[1], sizeof y[0]), exact);
        ck_assert_int_eq(!memcmp(dx[0], dx[1], sizeof dx[0]), exact);
        ck_assert_int_eq(!memcmp(dw[0], dw[1], sizeof dw[0]), exact);
    }
}
END_TEST

/* swiglu in 16 bits, then linear: as swiglu, then linear that rounds; and its gradients. */
START_TEST(stored_in_bfloat16)
{
    enum { ROWS = 3, IN = 21, OUT = 2 };
    float a[ROWS * IN], w[IN * OUT], y[2][ROWS * OUT], da[2][ROWS * IN];
    for (int i = 0; i < ROWS * IN; i++)
        a[i] = (float)(drift_random_uniform_at(3, DRIFT_RANDOM_TEST, 1, (uint64_t)i) - 0.5);
    for (int i = 0; i < IN * OUT; i++)
        w[i] = (float)(drift_random_uniform_at(3, DRIFT_RANDOM_TEST, 2, (uint64_t)i) - 0.5);
    for (int stored = 0; stored < 2; stored++) {
        drift_tape *tape;
        ck_assert_int_eq(drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape), DRIFT_OK);
        drift_tensor *ta = drift_tape_input(tape, 2, (const size_t[]){ROWS, IN}, a, 1);
        drift_tensor *tw = drift_tape_input(tape, 2, (const size_t[]){IN, OUT}, w, 1);
        drift_tensor *h = drift_swiglu(tape, stored, ta, ta);
        ck_assert_int_eq(h->dtype, stored ? DRIFT_BF16 : DRIFT_F32);
        ck_assert_uint_eq(drift_tensor_bytes(h), ROWS * IN * (stored ? 2 : 4));
        drift_tensor *ty = drift_linear_bf16(tape, h, tw, NULL);
        drift_tape_backward(tape, ty, NULL);
        ck_assert_int_eq(drift_tape_status(tape), DRIFT_OK);
        const drift_tensor ga = drift_tensor_grad(ta);
        drift_tensor_read(ty, y[stored]);
        drift_tensor_read(&ga, da[stored]);
        drift_tape_free(tape);
    }
    ck_assert(!memcmp(y[0], y[1], sizeof y[0]) && !memcmp(da[0], da[1], sizeof da[0]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dit");
    TCase *tests = tcase_create("dit");
    tcase_add_test(tests, parameter_counts);
    tcase_add_test(tests, impossible_settings);
    tcase_add_test(tests, same_bits);
    tcase_add_test(tests, sampling_keeps_one_block);
    tcase_add_test(tests, untrained_is_zero);
    tcase_add_test(tests, labels_out_of_range);
    tcase_add_test(tests, shapes_are_checked);
    tcase_add_test(tests, counted);
    tcase_add_test(tests, linear_in_bfloat16);
    tcase_add_test(tests, stored_in_bfloat16);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
