/* The tape's rules: sticky errors, stop-gradient, frozen parameters, memory that is given back; arena marks. */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "cpu/cpu.h"
#include "nn/mlp.h"
#include "op/op.h"

static drift_tape *tape;
static const float some[12] = {1, -2, 3, 4, -5, 6, 7, 8, -9, 10, 11, 12};

static void setup(void) { ck_assert_int_eq(drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape), DRIFT_OK); }

static void teardown(void) { drift_tape_free(tape); }

static drift_tensor *input(size_t rows, size_t cols, int needs_grad)
{
    return drift_tape_input(tape, 2, (const size_t[]){rows, cols}, some, needs_grad);
}

static float grad_at(const drift_tensor *x, size_t i)
{
    float value[12];
    drift_tensor grad = drift_tensor_grad(x);
    ck_assert_int_eq(drift_tensor_read(&grad, value), DRIFT_OK);
    return value[i];
}

START_TEST(errors_stick)
{
    drift_tensor *x = input(4, 3, 1), *w = input(2, 5, 1);
    drift_tensor *y = drift_linear(tape, x, w, NULL);
    y = drift_add(tape, drift_softmax(tape, y), x); /* would fail too, later */
    ck_assert_ptr_nonnull(y);
    drift_tape_backward(tape, y, NULL);
    drift_fail(DRIFT_IO, "something else");
    ck_assert_int_eq(drift_tape_status(tape), DRIFT_INVALID);
    ck_assert_str_eq(drift_message(), "linear: x is [4,3] but w is [2,5]");
    drift_tape_clear(tape);
    ck_assert_int_eq(drift_tape_status(tape), DRIFT_OK);
}
END_TEST

START_TEST(every_op_checks_shapes)
{
    const char *line[] = {"add: a is [4,3] but b is [2,5]",
                          "matmul: a is [4,3] transposed but b is [2,5]",
                          "distance: x is [4,3] but y is [2,5]",
                          "mean_square: a is [4,3] but b is [2,5]",
                          "add_bias: x is [4,3] but bias is [2,5]",
                          "rms_norm: x is [4,3] but weight is [2,5]",
                          "layer_norm: x is [4,3] but weight is [2,5] and bias [2,5]",
                          "reshape: [4,3] has not the elements of [5]",
                          "concat: a is [4,3] but b is [2,5]",
                          "slice: x is [4,3], without columns 2 to 4",
                          "swap: x is [4,3], expected four dimensions",
                          "patchify: image is [4,3], patches are 2x2",
                          "unpatchify: x is [4,3], patches are 2x2 of an image 4x4",
                          "swiglu: a is [4,3] but b is [2,5]",
                          "norm_modulate: x is [4,3] but mod is [2,5] (shift 0, scale 1)",
                          "gated_add: x is [4,3] but y is [4,3] and mod [2,5] (gate 0)",
                          "embedding: table is [4,3] but indices are [2,5]"};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        drift_tensor *a = input(4, 3, 1), *b = input(2, 5, 1);
        switch (i) {
        case 0: drift_add(tape, a, b); break;
        case 1: drift_matmul(tape, 1, 0, a, b); break;
        case 2: drift_distance(tape, a, b); break;
        case 3: drift_mean_square(tape, a, b); break;
        case 4: drift_add_bias(tape, a, b); break;
        case 5: drift_rms_norm(tape, 0, a, b); break;
        case 6: drift_layer_norm(tape, 0, a, b, b); break;
        case 7: drift_reshape(tape, a, 1, (const size_t[]){5}); break;
        case 8: drift_concat(tape, a, b); break;
        case 9: drift_slice(tape, 2, 2, a); break;
        case 10: drift_swap(tape, a); break;
        case 11: drift_patchify(tape, 2, a); break;
        case 12: drift_unpatchify(tape, 2, 4, 4, a); break;
        case 13: drift_swiglu(tape, 0, a, b); break;
        case 14: drift_norm_modulate(tape, 0, 1, 0, a, NULL, b, 0, 1); break;
        case 15: drift_gated_add(tape, a, b, 0, a); break;
        case 16: drift_embedding(tape, NULL, a, b, 0); break;
        }
        ck_assert_int_eq(drift_tape_status(tape), DRIFT_INVALID);
        ck_assert_str_eq(drift_message(), line[i]);
        drift_tape_clear(tape);
    }
}
END_TEST

START_TEST(backward_accumulates)
{
    drift_tensor *x = input(3, 4, 1), *y = drift_mul(tape, x, x);
    drift_tape_backward(tape, y, NULL);
    ck_assert(grad_at(x, 4) == -10);
    drift_tape_backward(tape, y, NULL);
    ck_assert(grad_at(x, 4) == -20);
    ck_assert_int_eq(drift_tape_status(tape), DRIFT_OK);
}
END_TEST

/* y = x * stop(x): the gradient is x, not 2 x; and the same by pause and resume. */
START_TEST(stop_gradient)
{
    drift_tensor *x = input(3, 4, 1);
    drift_tape_backward(tape, drift_mul(tape, x, drift_stop_gradient(tape, x)), NULL);
    ck_assert(grad_at(x, 2) == 3);
    drift_tape_pause(tape);
    drift_tensor *constant = drift_scale(tape, 1, x);
    drift_tape_resume(tape);
    ck_assert(!constant->needs_grad);
    drift_tape_backward(tape, drift_mul(tape, x, constant), NULL);
    ck_assert(grad_at(x, 2) == 6);
}
END_TEST

/* A frozen MLP takes no gradient, but passes it on to its input. */
START_TEST(frozen)
{
    drift_params params;
    drift_mlp mlp;
    const drift_mlp_config config = {2, {4, 3, 2}, DRIFT_SILU, DRIFT_INIT_UNIFORM};
    float x_grad[2], w_grad[12];
    drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
    ck_assert_int_eq(drift_mlp_new(&mlp, &config, &params), DRIFT_OK);
    ck_assert_int_eq(drift_params_allocate(&params), DRIFT_OK);
    ck_assert_int_eq(drift_params_init(&params, 3), DRIFT_OK);
    for (int frozen = 0; frozen < 2; frozen++) {
        drift_params_freeze(&params, frozen);
        drift_params_zero_grad(&params);
        drift_tensor *x = input(3, 4, 1);
        drift_tape_backward(tape, drift_mlp_forward(&mlp, tape, x), NULL);
        x_grad[frozen] = grad_at(x, 5);
        drift_tensor grad = drift_tensor_grad(&mlp.weight[0]->tensor);
        drift_tensor_read(&grad, w_grad);
        ck_assert_int_eq(w_grad[0] == 0, frozen);
        ck_assert_int_eq(drift_tape_status(tape), DRIFT_OK);
        drift_tape_clear(tape);
    }
    ck_assert(x_grad[0] == x_grad[1] && x_grad[0] != 0);
    drift_params_free(&params);
}
END_TEST

/* Both precisions draw the same first values, and another block can take the parameters' place. */
START_TEST(parameters)
{
    float value[2][64];
    for (int precision = 0; precision < 2; precision++) {
        drift_params p;
        drift_tensor block;
        drift_params_new(&p, drift_cpu_backend(precision ? DRIFT_F64 : DRIFT_F32));
        drift_param *a = drift_params_add(&p, "a", 2, (const size_t[]){5, 3}, DRIFT_INIT_XAVIER, 1);
        drift_param *b = drift_params_add(&p, "b", 1, (const size_t[]){7}, DRIFT_INIT_NORMAL, 0.5);
        ck_assert_uint_eq(a->offset, 0);
        ck_assert_uint_eq(b->offset, 16);
        ck_assert_int_eq(drift_params_allocate(&p), DRIFT_OK);
        ck_assert_int_eq(drift_params_init(&p, 1), DRIFT_OK);
        ck_assert_uint_eq(drift_tensor_elements(&p.values), 32);
        drift_tensor_read_floats(&p.values, value[precision]);
        ck_assert_int_eq(drift_params_block(&p, &block), DRIFT_OK);
        drift_params_use(&p, &block);
        ck_assert_ptr_eq(a->tensor.data, block.data);
        drift_params_use(&p, NULL);
        ck_assert_ptr_eq(a->tensor.data, p.values.data);
        ck_assert_ptr_eq(drift_params_find(&p, "b"), b);
        drift_params_block_free(&p, &block);
        ck_assert_ptr_null(drift_params_add(&p, "a", 0, NULL, DRIFT_INIT_ONES, 1));
        ck_assert_int_eq(p.status, DRIFT_INVALID);
        drift_params_free(&p);
    }
    for (int i = 0; i < 32; i++) {
        float error = value[0][i] - value[1][i], bound = 0x1p-20f;
        ck_assert(error <= bound && -error <= bound);
        ck_assert_int_eq(value[0][i] == 0, (i == 15 || i >= 23));
    }
}
END_TEST

START_TEST(arena_marks)
{
    drift_arena arena;
    void *a, *b, *c, *big;
    drift_arena_init(&arena, NULL);
    ck_assert_int_eq(drift_arena_take(&arena, 100, &a), DRIFT_OK);
    drift_arena_mark mark = drift_arena_here(&arena);
    ck_assert_int_eq(drift_arena_take(&arena, 1, &b), DRIFT_OK);
    ck_assert_uint_eq((uintptr_t)b % 64, 0);
    ck_assert_ptr_eq(b, (char *)a + 128);
    ck_assert_int_eq(drift_arena_take(&arena, 5u << 20, &big), DRIFT_OK);
    memset(big, 1, 5u << 20);
    ck_assert_uint_eq(arena.peak, 128 + 64 + (5u << 20));
    size_t chunks = arena.count;
    for (int i = 0; i < 3; i++) {
        drift_arena_release(&arena, mark);
        ck_assert_uint_eq(arena.used, 128);
        ck_assert_int_eq(drift_arena_take(&arena, 1, &c), DRIFT_OK);
        ck_assert_ptr_eq(c, b);
        ck_assert_int_eq(drift_arena_take(&arena, 5u << 20, &c), DRIFT_OK);
        ck_assert_ptr_eq(c, big);
    }
    ck_assert_uint_eq(arena.count, chunks);
    ck_assert_int_eq(drift_arena_take(&arena, SIZE_MAX - 10, &c), DRIFT_NO_MEMORY);
    drift_arena_free(&arena);
}
END_TEST

/* Pieces given back are taken again, the smallest that fits first, cut where it is too large; a release forgets them.
 */
START_TEST(arena_pieces)
{
    drift_arena arena;
    void *small, *large, *middle, *last, *again;
    drift_arena_init(&arena, NULL);
    ck_assert_int_eq(drift_arena_take(&arena, 640, &large), DRIFT_OK);
    ck_assert_int_eq(drift_arena_take(&arena, 128, &small), DRIFT_OK);
    ck_assert_int_eq(drift_arena_take(&arena, 256, &middle), DRIFT_OK);
    ck_assert_int_eq(drift_arena_take(&arena, 64, &last), DRIFT_OK);
    drift_arena_mark mark = drift_arena_here(&arena);
    drift_arena_give(&arena, large, 640);
    drift_arena_give(&arena, small, 100); /* takes up 128 */
    drift_arena_give(&arena, middle, 256);
    ck_assert_uint_eq(arena.used, 64);
    ck_assert_int_eq(drift_arena_take(&arena, 90, &again), DRIFT_OK);
    ck_assert_ptr_eq(again, small);
    ck_assert_int_eq(drift_arena_take(&arena, 256, &again), DRIFT_OK);
    ck_assert_ptr_eq(again, middle);
    ck_assert_int_eq(drift_arena_take(&arena, 128, &again), DRIFT_OK);
    ck_assert_ptr_eq(again, large);
    ck_assert_int_eq(drift_arena_take(&arena, 512, &again), DRIFT_OK);
    ck_assert_ptr_eq(again, (char *)large + 128);
    ck_assert_int_eq(drift_arena_take(&arena, 64, &again), DRIFT_OK);
    ck_assert_ptr_eq(again, (char *)last + 64);
    ck_assert_uint_eq(arena.peak, 640 + 128 + 256 + 64 + 64);
    drift_arena_give(&arena, large, 128);
    drift_arena_release(&arena, mark);
    ck_assert_int_eq(drift_arena_take(&arena, 64, &again), DRIFT_OK);
    ck_assert_ptr_eq(again, (char *)last + 64);
    drift_arena_free(&arena);
}
END_TEST

/* x, relu of it and so on: each but the last is dropped, and the gradient is the same. Backward holds two gradients at
 * a time (add passes them on in memory of their own), however long the chain is. */
START_TEST(dropped)
{
    enum { LENGTH = 30, EACH = 64 }; /* bytes of 12 numbers, rounded up */
    for (int drop = 0; drop < 2; drop++) {
        drift_tensor *x = input(3, 4, 1), *zero = drift_scale(tape, 0, input(3, 4, 0)), *y = x;
        const size_t before = drift_tape_peak(tape);
        for (int i = 0; i < LENGTH; i++) {
            drift_tensor *sum = drift_add(tape, y, zero), *next = drift_unary(tape, DRIFT_RELU, sum);
            if (drop) {
                drift_tape_drop(tape, sum);
                ck_assert_ptr_null(sum->data);
            }
            y = next;
        }
        drift_tape_backward(tape, y, NULL);
        ck_assert_int_eq(drift_tape_status(tape), DRIFT_OK);
        for (size_t i = 0; i < 12; i++)
            ck_assert(grad_at(x, i) == (some[i] > 0));
        const size_t made = drop ? LENGTH + 1 : 2 * LENGTH; /* one sum at a time */
        ck_assert_uint_le(drift_tape_peak(tape), before + (made + 3) * EACH);
        drift_tape_free(tape);
        ck_assert_int_eq(drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape), DRIFT_OK);
    }
}
END_TEST

static drift_tensor *wide(const void *context, drift_tape *t, drift_tensor *const x[DRIFT_NODE_INPUTS])
{
    (void)context;
    drift_tensor *y = x[0];
    for (int i = 0; i < 40; i++)
        y = drift_unary(t, DRIFT_TANH, y);
    return y;
}

/* A recomputed segment gives the bits of the plain one, and so does one that is inside of another. */
static drift_tensor *nested(const void *context, drift_tape *t, drift_tensor *const x[DRIFT_NODE_INPUTS])
{
    return drift_tape_recompute(t, wide, context, 0, x);
}

START_TEST(recompute)
{
    drift_tensor *x = input(3, 4, 1), *z = input(3, 4, 1), *inside = input(3, 4, 1);
    drift_tensor *inputs[3][DRIFT_NODE_INPUTS] = {{x}, {z}, {inside}};
    drift_tape_backward(tape, wide(NULL, tape, inputs[0]), NULL);
    drift_tape_backward(tape, drift_tape_recompute(tape, wide, NULL, 0, inputs[1]), NULL);
    drift_tape_backward(tape, drift_tape_recompute(tape, nested, NULL, 0, inputs[2]), NULL);
    for (size_t i = 0; i < 12; i++)
        ck_assert(grad_at(x, i) == grad_at(z, i) && grad_at(x, i) == grad_at(inside, i));
    ck_assert(grad_at(x, 0) > 0); /* others saturate */
    ck_assert_int_eq(drift_tape_status(tape), DRIFT_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tape");
    TCase *tcase = tcase_create("rules");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, errors_stick);
    tcase_add_test(tcase, every_op_checks_shapes);
    tcase_add_test(tcase, backward_accumulates);
    tcase_add_test(tcase, stop_gradient);
    tcase_add_test(tcase, frozen);
    tcase_add_test(tcase, parameters);
    tcase_add_test(tcase, arena_marks);
    tcase_add_test(tcase, arena_pieces);
    tcase_add_test(tcase, dropped);
    tcase_add_test(tcase, recompute);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
