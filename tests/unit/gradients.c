/* Every op of the tape: its gradient in double against central differences, on the CPU and on the fenced backend; its
 * result and gradient in float against double; that backward accumulates; and what the counting backend makes of it. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "count/count.h"
#include "cpu/cpu.h"
#include "drifting/features.h"
#include "op/op.h"
#include "tests/support/fenced.h"

enum { INPUTS = 5, MOST = 256 };

typedef drift_tensor *model(drift_tape *tape, drift_tensor **x, int choice);

struct op_case {
    const char *name;
    model *run;
    int choice;
    struct {
        int dims;
        size_t size[DRIFT_MAX_DIMS];
    } x[INPUTS];
    int positive; /* inputs in [0.5, 1.5) instead of [-1, 1) */
};

#define MODEL(name) static drift_tensor *name(drift_tape *t, drift_tensor **x, int choice)
#define UNUSED (void)x, (void)choice
MODEL(unary) { return drift_unary(t, (drift_unary_kind)choice, x[0]); }
MODEL(add)
{
    UNUSED;
    return drift_add(t, x[0], x[1]);
}
MODEL(sub)
{
    UNUSED;
    return drift_sub(t, x[0], x[1]);
}
MODEL(mul)
{
    UNUSED;
    return drift_mul(t, x[0], x[1]);
}
MODEL(square)
{
    UNUSED;
    return drift_mul(t, x[0], x[0]);
}
MODEL(scale)
{
    UNUSED;
    return drift_scale(t, -1.75, x[0]);
}
MODEL(linear) { return drift_linear(t, x[0], x[1], choice ? x[2] : NULL); }
MODEL(add_bias)
{
    UNUSED;
    return drift_add_bias(t, x[0], x[1]);
}
MODEL(matmul) { return drift_matmul(t, choice & 1, choice >> 1, x[0], x[1]); }
/* choice: stride + 10 padding + 100 groups */
MODEL(conv2d)
{
    return drift_conv2d(t, x[0], x[1], x[2], (size_t)choice % 10, (size_t)choice / 10 % 10, (size_t)choice / 100);
}
MODEL(reduce) { return drift_reduce(t, (drift_reduce_kind)choice, x[0]); }
MODEL(softmax)
{
    UNUSED;
    return drift_softmax(t, x[0]);
}
MODEL(rms_norm)
{
    UNUSED;
    return drift_rms_norm(t, 1e-3, x[0], x[1]);
}
MODEL(layer_norm)
{
    UNUSED;
    return drift_layer_norm(t, 1e-3, x[0], x[1], x[2]);
}
MODEL(head_norm)
{
    const drift_turn turn = choice & 2 ? DRIFT_TURN : DRIFT_TURN_NONE;
    return choice & 1 ? drift_head_norm(t, 1e-3, 1, 2, turn, x[0], x[1], NULL, x[2], NULL)
                      : drift_head_norm(t, 1e-3, 0, 2, turn, x[0], x[1], x[2], x[3], x[4]);
}
MODEL(rope) { return drift_rope(t, 2, choice, x[0]); }
/* x feeds the rotation and something else: its gradient accumulates */
MODEL(rope_branches) { return drift_add(t, drift_scale(t, 0.5, x[0]), drift_rope(t, 2, choice, x[0])); }
MODEL(attention) { return drift_attention(t, (size_t)choice, x[0]); }
MODEL(attention_branches)
{
    drift_tensor *y = drift_attention(t, (size_t)choice, x[0]);
    return drift_add(t, y, drift_attention(t, (size_t)choice, drift_rope(t, (size_t)choice, 0, x[0])));
}
/* choice: groups, and 10 more with relu */
MODEL(group_norm) { return drift_group_norm(t, 1e-3, (size_t)choice % 10, choice >= 10, x[0], x[1], x[2]); }
MODEL(grn)
{
    UNUSED;
    return drift_grn(t, 1e-3, x[0], x[1], x[2]);
}
/* choice: kind, height and width of a cell as digits */
MODEL(pool)
{
    return drift_pool(t, (drift_pool_kind)(choice / 100), 1e-3, x[0], (size_t)choice / 10 % 10, (size_t)choice % 10);
}
static const float half_hidden[] = {1, 0, 0, 1, 1, 0, 0.25f, 0, 0, 1, 0, 1};
MODEL(hide)
{
    UNUSED;
    return drift_hide(t, x[0], drift_tape_input(t, 4, (const size_t[]){2, 3, 2, 1}, half_hidden, 0));
}
MODEL(masked_error)
{
    UNUSED;
    return drift_masked_error(t, 1e-8, x[0], x[1],
                              drift_tape_input(t, 4, (const size_t[]){2, 3, 2, 1}, half_hidden, 0));
}
MODEL(standardize)
{
    UNUSED;
    return drift_standardize(t, 1e-3, x[0]);
}
MODEL(resize) { return drift_resize(t, x[0], (size_t)choice / 10, (size_t)choice % 10); }
MODEL(distance)
{
    UNUSED;
    return drift_distance(t, x[0], x[1]);
}
MODEL(mean_square)
{
    UNUSED;
    return drift_mean_square(t, x[0], x[1]);
}
MODEL(cross_entropy)
{
    UNUSED;
    return drift_cross_entropy(t, x[0], drift_tape_indices(t, 2, x[0]->size, (const int32_t[]){0, 4, 2, 2, 3, 1}));
}
MODEL(reshape)
{
    UNUSED;
    return drift_reshape(t, x[0], 2, (const size_t[]){6, 2});
}
MODEL(swiglu)
{
    UNUSED;
    return drift_swiglu(t, 0, x[0], x[1]);
}
MODEL(swiglu_twice)
{
    UNUSED;
    return drift_swiglu(t, 0, drift_swiglu(t, 0, x[0], x[1]), x[0]);
}
/* x [2,3,4], mod [2,3*4]: scale is its row 0, shift row 2 */
MODEL(norm_modulate) { return drift_norm_modulate(t, 1e-3, choice & 1, 0, x[0], choice & 2 ? x[2] : NULL, x[1], 2, 0); }
MODEL(gated_add)
{
    UNUSED;
    return drift_gated_add(t, x[0], x[1], 1, x[2]);
}
/* rows of three tables, the first of them used twice for one sample */
MODEL(embedding)
{
    UNUSED;
    static const int32_t rows[] = {1, 0, 0, 1, 2, 1, 2, 1};
    drift_tensor *indices = drift_tape_indices(t, 2, (const size_t[]){4, 2}, rows);
    drift_tensor *y = drift_embedding(t, drift_embedding(t, NULL, x[0], indices, 0), x[1], indices, 1);
    return drift_embedding(t, drift_mul(t, y, y), x[0], indices, 1);
}
MODEL(concat)
{
    UNUSED;
    return drift_concat(t, x[0], x[1]);
}
MODEL(slice)
{
    UNUSED;
    return drift_slice(t, 1, 3, x[0]);
}
MODEL(swap)
{
    UNUSED;
    return drift_swap(t, x[0]);
}
/* patches of 2x2; two uses of x, so that one gradient adds to what the other left */
MODEL(patchify)
{
    UNUSED;
    return drift_mul(t, drift_patchify(t, 2, x[0]), drift_patchify(t, 2, x[0]));
}
MODEL(unpatchify)
{
    UNUSED;
    return drift_unpatchify(t, 2, 4, 6, x[0]);
}
MODEL(channel_scale)
{
    UNUSED;
    return drift_channel_scale(t, x[0]);
}
/* x feeds three ops, one of them through a view */
MODEL(branches)
{
    UNUSED;
    drift_tensor *flat = drift_reshape(t, x[0], 1, (const size_t[]){12});
    drift_tensor *again = drift_reshape(t, drift_unary(t, DRIFT_SILU, flat), 2, x[0]->size);
    return drift_add(t, drift_mul(t, again, x[0]), drift_unary(t, DRIFT_TANH, x[0]));
}
/* two segments that share an input, which takes part outside of them, too */
static drift_tensor *segment(const void *context, drift_tape *t, drift_tensor *const x[DRIFT_NODE_INPUTS])
{
    const double *alpha = context;
    return drift_add(t, drift_unary(t, DRIFT_SILU, drift_linear(t, x[0], x[1], x[2])), drift_scale(t, *alpha, x[3]));
}
MODEL(recompute)
{
    UNUSED;
    double alpha = 0.75;
    drift_tensor *h = drift_tape_recompute(t, segment, &alpha, sizeof alpha,
                                           (drift_tensor *[DRIFT_NODE_INPUTS]){x[0], x[1], x[2], x[0]});
    alpha = -0.5; /* the first has its copy */
    h = drift_tape_recompute(t, segment, &alpha, sizeof alpha,
                             (drift_tensor *[DRIFT_NODE_INPUTS]){h, x[1], x[2], x[0]});
    return drift_mul(t, h, x[0]);
}

static drift_tensor *segment_twice(const void *context, drift_tape *t, drift_tensor *const x[DRIFT_NODE_INPUTS])
{
    return segment(context, t, (drift_tensor *[DRIFT_NODE_INPUTS]){segment(context, t, x), x[1], x[2], x[3]});
}
/* Inputs that are no leaves: the last segment runs backward first, and what it leaves must outlive the first, longer
 * one. */
MODEL(recompute_inside)
{
    UNUSED;
    const double alpha = 0.75;
    drift_tensor *a = drift_unary(t, DRIFT_TANH, x[0]), *b = drift_unary(t, DRIFT_TANH, x[0]);
    drift_tensor *h = drift_tape_recompute(t, segment_twice, &alpha, sizeof alpha,
                                           (drift_tensor *[DRIFT_NODE_INPUTS]){a, x[1], x[2], a});
    return drift_tape_recompute(t, segment, &alpha, sizeof alpha,
                                (drift_tensor *[DRIFT_NODE_INPUTS]){h, x[1], x[2], b});
}

#define UNARY(upper, lower)                                                                                            \
    {#lower, unary, DRIFT_##upper, {{2, {5, 7}}}, DRIFT_##upper == DRIFT_LOG || DRIFT_##upper == DRIFT_SQRT},
static const struct op_case cases[] = {
    DRIFT_UNARIES(UNARY){"add", add, 0, {{2, {3, 4}}, {2, {3, 4}}}, 0},
    {"sub", sub, 0, {{2, {3, 4}}, {2, {3, 4}}}, 0},
    {"mul", mul, 0, {{2, {3, 4}}, {2, {3, 4}}}, 0},
    {"square", square, 0, {{2, {3, 4}}}, 0},
    {"scale", scale, 0, {{2, {3, 4}}}, 0},
    {"linear", linear, 1, {{3, {2, 3, 4}}, {2, {4, 5}}, {1, {5}}}, 0},
    {"linear without bias", linear, 0, {{2, {3, 4}}, {2, {4, 5}}}, 0},
    {"add_bias", add_bias, 0, {{3, {2, 3, 4}}, {1, {4}}}, 0},
    {"matmul", matmul, 0, {{2, {3, 4}}, {2, {4, 5}}}, 0},
    {"matmul, a transposed", matmul, 1, {{2, {4, 3}}, {2, {4, 5}}}, 0},
    {"matmul, b transposed", matmul, 2, {{2, {3, 4}}, {2, {5, 4}}}, 0},
    {"matmul, both transposed", matmul, 3, {{2, {4, 3}}, {2, {5, 4}}}, 0},
    {"batched matmul", matmul, 0, {{3, {2, 3, 4}}, {3, {2, 4, 5}}}, 0},
    {"batched matmul, a transposed", matmul, 1, {{3, {2, 4, 3}}, {3, {2, 4, 5}}}, 0},
    {"batched matmul, b transposed", matmul, 2, {{3, {2, 3, 4}}, {3, {2, 5, 4}}}, 0},
    {"batched matmul, both transposed", matmul, 3, {{3, {2, 4, 3}}, {3, {2, 5, 4}}}, 0},
    {"conv 1x1", conv2d, 101, {{4, {2, 3, 2, 4}}, {4, {1, 1, 4, 5}}, {1, {5}}}, 0},
    {"conv 1x1, stride 2", conv2d, 102, {{4, {1, 4, 3, 2}}, {4, {1, 1, 2, 3}}}, 0},
    {"conv 3x3", conv2d, 111, {{4, {2, 3, 4, 2}}, {4, {3, 3, 2, 3}}}, 0},
    {"conv 3x3, one pixel", conv2d, 111, {{4, {2, 1, 1, 2}}, {4, {3, 3, 2, 3}}, {1, {3}}}, 0},
    {"conv 3x3, stride 2, odd", conv2d, 112, {{4, {2, 5, 3, 2}}, {4, {3, 3, 2, 3}}, {1, {3}}}, 0},
    {"conv 3x3, stride 2, even", conv2d, 112, {{4, {1, 4, 6, 2}}, {4, {3, 3, 2, 3}}}, 0},
    {"conv 3x2, stride 3, padding 2", conv2d, 123, {{4, {1, 5, 4, 2}}, {4, {3, 2, 2, 3}}}, 0},
    {"conv 2x2 patches", conv2d, 102, {{4, {1, 4, 5, 2}}, {4, {2, 2, 2, 3}}, {1, {3}}}, 0},
    {"depthwise 3x3", conv2d, 311, {{4, {2, 4, 3, 3}}, {4, {3, 3, 1, 3}}, {1, {3}}}, 0},
    {"depthwise 7x7", conv2d, 231, {{4, {1, 4, 8, 2}}, {4, {7, 7, 1, 2}}, {1, {2}}}, 0},
    {"depthwise 3x3, stride 2", conv2d, 212, {{4, {1, 4, 5, 2}}, {4, {3, 3, 1, 2}}}, 0},
    {"sum", reduce, DRIFT_SUM, {{3, {2, 3, 5}}}, 0},
    {"mean", reduce, DRIFT_MEAN, {{3, {2, 3, 5}}}, 0},
    {"max", reduce, DRIFT_MAX, {{3, {2, 3, 5}}}, 0},
    {"log_sum_exp", reduce, DRIFT_LOG_SUM_EXP, {{3, {2, 3, 5}}}, 0},
    {"softmax", softmax, 0, {{2, {3, 7}}}, 0},
    {"rms_norm", rms_norm, 0, {{2, {3, 7}}, {1, {7}}}, 0},
    {"layer_norm", layer_norm, 0, {{2, {3, 7}}, {1, {7}}, {1, {7}}}, 0},
    {"head_norm, rms", head_norm, 1, {{3, {2, 3, 24}}, {1, {4}}, {1, {4}}}, 0},
    {"head_norm", head_norm, 0, {{3, {2, 3, 24}}, {1, {4}}, {1, {4}}, {1, {4}}, {1, {4}}}, 0},
    {"head_norm, rms, turned", head_norm, 3, {{3, {2, 3, 24}}, {1, {4}}, {1, {4}}}, 0},
    {"head_norm, turned", head_norm, 2, {{3, {2, 3, 24}}, {1, {4}}, {1, {4}}, {1, {4}}, {1, {4}}}, 0},
    {"rope", rope, 0, {{3, {2, 3, 24}}}, 0},
    {"rope, bfloat16 angles", rope, 1, {{3, {2, 3, 24}}}, 0},
    {"rope of what has another gradient", rope_branches, 0, {{3, {2, 3, 24}}}, 0},
    {"attention", attention, 1, {{3, {1, 5, 9}}}, 0},
    {"attention of two heads", attention, 2, {{3, {2, 5, 18}}}, 0},
    {"attention of what has another gradient", attention_branches, 2, {{3, {2, 4, 24}}}, 0},
    {"group_norm", group_norm, 2, {{4, {2, 3, 2, 6}}, {1, {6}}, {1, {6}}}, 0},
    {"group_norm with relu", group_norm, 13, {{4, {2, 3, 2, 6}}, {1, {6}}, {1, {6}}}, 0},
    {"grn", grn, 0, {{4, {2, 3, 2, 5}}, {1, {5}}, {4, {1, 1, 1, 5}}}, 0},
    {"pool mean", pool, DRIFT_POOL_MEAN * 100 + 32, {{4, {2, 6, 4, 3}}}, 0},
    {"pool std", pool, DRIFT_POOL_STD * 100 + 32, {{4, {2, 6, 4, 3}}}, 0},
    {"pool rms", pool, DRIFT_POOL_RMS * 100 + 64, {{4, {2, 6, 4, 3}}}, 0},
    {"hide", hide, 0, {{4, {2, 3, 2, 5}}}, 0},
    {"masked_error", masked_error, 0, {{4, {2, 3, 2, 5}}, {4, {2, 3, 2, 5}}}, 0},
    {"standardize", standardize, 0, {{2, {3, 7}}}, 0},
    {"resize, larger", resize, 57, {{4, {2, 3, 4, 2}}}, 0},
    {"resize, smaller", resize, 23, {{4, {2, 5, 7, 2}}}, 0},
    {"resize, one axis each way", resize, 62, {{4, {1, 4, 7, 3}}}, 0},
    {"distance", distance, 0, {{2, {3, 2}}, {2, {5, 2}}}, 0},
    {"mean_square", mean_square, 0, {{2, {3, 4}}, {2, {3, 4}}}, 0},
    {"cross_entropy", cross_entropy, 0, {{3, {2, 3, 5}}}, 0},
    {"reshape", reshape, 0, {{3, {2, 2, 3}}}, 0},
    {"swiglu", swiglu, 0, {{2, {3, 7}}, {2, {3, 7}}}, 0},
    {"swiglu twice", swiglu_twice, 0, {{2, {3, 7}}, {2, {3, 7}}}, 0},
    {"norm_modulate, layer", norm_modulate, 0, {{3, {2, 3, 4}}, {2, {2, 12}}}, 0},
    {"norm_modulate, rms", norm_modulate, 1, {{3, {2, 3, 4}}, {2, {2, 12}}}, 0},
    {"norm_modulate, layer with weight", norm_modulate, 2, {{3, {2, 3, 4}}, {2, {2, 12}}, {1, {4}}}, 0},
    {"norm_modulate, rms with weight", norm_modulate, 3, {{3, {2, 3, 4}}, {2, {2, 12}}, {1, {4}}}, 0},
    {"gated_add", gated_add, 0, {{3, {2, 3, 4}}, {2, {2, 12}}, {3, {2, 3, 4}}}, 0},
    {"embedding", embedding, 0, {{2, {3, 5}}, {2, {2, 5}}}, 0},
    {"concat", concat, 0, {{3, {2, 3, 4}}, {3, {2, 3, 2}}}, 0},
    {"slice", slice, 0, {{2, {3, 5}}}, 0},
    {"swap", swap, 0, {{4, {2, 3, 4, 2}}}, 0},
    {"patchify", patchify, 0, {{4, {2, 4, 6, 3}}}, 0},
    {"unpatchify", unpatchify, 0, {{3, {2, 6, 8}}}, 0},
    {"channel_scale", channel_scale, 0, {{4, {2, 3, 2, 3}}}, 0},
    {"branches", branches, 0, {{2, {3, 4}}}, 0},
    {"recompute", recompute, 0, {{2, {3, 4}}, {2, {4, 4}}, {1, {4}}}, 0},
    {"recompute, inputs that are no leaves", recompute_inside, 0, {{2, {3, 4}}, {2, {4, 4}}, {1, {4}}}, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

static size_t elements(const struct op_case *c, int i)
{
    size_t n = c->x[i].dims || i == 0 ? 1 : 0;
    for (int d = 0; d < c->x[i].dims; d++)
        n *= c->x[i].size[d];
    return n;
}

static double random_at(uint32_t step, size_t i) { return drift_random_uniform_at(7, DRIFT_RANDOM_TEST, step, i); }

/* Values on the host, one array per input; floats, so that both precisions see the same. */
static void draw(const struct op_case *c, double value[INPUTS][MOST])
{
    for (int i = 0; i < INPUTS; i++)
        for (size_t j = 0; j < elements(c, i); j++) {
            double u = random_at((uint32_t)i, j);
            value[i][j] = (double)(float)(c->positive ? 0.5 + u : 2 * u - 1);
        }
}

static drift_tensor *run(const struct op_case *c, drift_tape *tape, double value[INPUTS][MOST], drift_tensor **x)
{
    for (int i = 0; i < INPUTS; i++) {
        float zero[MOST] = {0};
        x[i] = elements(c, i) ? drift_tape_input(tape, c->x[i].dims, c->x[i].size, zero, 1) : NULL;
        if (!x[i])
            continue;
        float narrow[MOST];
        for (size_t j = 0; j < elements(c, i); j++)
            narrow[j] = (float)value[i][j];
        const void *host = x[i]->dtype == DRIFT_F64 ? (const void *)value[i] : narrow;
        ck_assert_int_eq(drift_tensor_write(x[i], host), DRIFT_OK);
    }
    drift_tensor *y = c->run(tape, x, c->choice);
    ck_assert_msg(!drift_tape_status(tape), "%s: %s", c->name, drift_message());
    ck_assert_uint_le(drift_tensor_elements(y), MOST);
    return y;
}

/* The same, and twice the gradient of sum w y, since backward accumulates. */
static drift_tensor *run_both(const struct op_case *c, drift_tape *tape, double value[INPUTS][MOST], drift_tensor **x)
{
    double wide[MOST];
    float narrow[MOST];
    drift_tensor *y = run(c, tape, value, x), *dy = drift_tape_tensor(tape, y->dims, y->size);
    for (size_t i = 0; i < MOST; i++)
        wide[i] = narrow[i] = (float)random_at(9, i);
    ck_assert_int_eq(drift_tensor_write(dy, dy->dtype == DRIFT_F64 ? (void *)wide : (void *)narrow), DRIFT_OK);
    drift_tape_backward(tape, y, dy);
    drift_tape_backward(tape, y, dy);
    ck_assert_msg(!drift_tape_status(tape), "%s: %s", c->name, drift_message());
    return y;
}

/* sum of w y and sum of |w y|, w being the gradient that backward starts from. */
static double loss(const struct op_case *c, drift_tape *tape, double value[INPUTS][MOST], double *size)
{
    drift_tensor *x[INPUTS];
    double y[MOST], sum = 0;
    drift_tensor *result = run(c, tape, value, x);
    ck_assert_int_eq(drift_tensor_read(result, y), DRIFT_OK);
    *size = 0;
    for (size_t i = 0; i < drift_tensor_elements(result); i++) {
        const double w = (double)(float)random_at(9, i);
        sum += w * y[i];
        *size += fabs(w * y[i]);
    }
    drift_tape_clear(tape);
    return sum;
}

/* Central differences D(h) have the error h^2 f'''/6, of which |D(2h) - D(h)| is three times; and rounding: the loss
 * has terms of `size`, each good to a few epsilon (64 covers our longest chains), divided by h. */
static void check_against_differences(const struct op_case *c, const drift_backend *backend)
{
    const double h = 0x1p-17;
    double value[INPUTS][MOST], gradient[INPUTS][MOST], size = 0;
    drift_tape *tape;
    drift_tensor *x[INPUTS];
    ck_assert_int_eq(drift_tape_new(backend, &tape), DRIFT_OK);
    draw(c, value);
    run_both(c, tape, value, x);
    for (int i = 0; i < INPUTS; i++)
        if (x[i]) {
            drift_tensor dx = drift_tensor_grad(x[i]);
            ck_assert_int_eq(drift_tensor_read(&dx, gradient[i]), DRIFT_OK);
        }
    drift_tape_clear(tape);
    for (int i = 0; i < INPUTS; i++)
        for (size_t j = 0; j < elements(c, i); j++) {
            double at = value[i][j], difference[2];
            for (int k = 0; k < 2; k++) {
                value[i][j] = at + (k + 1) * h;
                double above = loss(c, tape, value, &size);
                value[i][j] = at - (k + 1) * h;
                difference[k] = (above - loss(c, tape, value, &size)) / (2 * (k + 1) * h);
            }
            value[i][j] = at;
            double bound = fabs(difference[1] - difference[0]) + 64 * 0x1p-53 * (size + 1) / h;
            double error = fabs(gradient[i][j] / 2 - difference[0]);
            ck_assert_msg(bound < 1e-6 && error <= bound,
                          "%s on %s: d/dx%d[%zu] is %.12g, differences say %.12g +- %.1g", c->name, backend->name, i, j,
                          gradient[i][j] / 2, difference[0], bound);
        }
    drift_tape_free(tape);
}

START_TEST(differences) { check_against_differences(&cases[_i], drift_cpu_backend(DRIFT_F64)); }
END_TEST

START_TEST(fenced)
{
    const drift_backend backend = fenced_backend(DRIFT_F64);
    check_against_differences(&cases[_i], &backend);
}
END_TEST

static void compare(const char *name, const char *what, size_t n, const float *narrow, const double *wide)
{
    double size = 1;
    for (size_t i = 0; i < n; i++)
        size = fmax(size, fabs(wide[i]));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs((double)narrow[i] - wide[i]) <= 32 * 0x1p-24 * size, "%s: %s[%zu] is %.9g, %.9g", name, what,
                      i, (double)narrow[i], wide[i]);
}

/* Chains of at most some ten roundings on values of order one, forward and back. */
START_TEST(float_agrees)
{
    const struct op_case *c = &cases[_i];
    double value[INPUTS][MOST], wide[MOST];
    float narrow[MOST];
    drift_tape *tape[2];
    drift_tensor *x[2][INPUTS], *y[2];
    draw(c, value);
    for (int precision = 0; precision < 2; precision++) {
        ck_assert_int_eq(drift_tape_new(drift_cpu_backend(precision ? DRIFT_F64 : DRIFT_F32), &tape[precision]),
                         DRIFT_OK);
        y[precision] = run_both(c, tape[precision], value, x[precision]);
    }
    ck_assert(!drift_tensor_read(y[0], narrow) && !drift_tensor_read(y[1], wide));
    compare(c->name, "y", drift_tensor_elements(y[0]), narrow, wide);
    for (int i = 0; i < INPUTS; i++)
        if (x[0][i]) {
            drift_tensor dx[] = {drift_tensor_grad(x[0][i]), drift_tensor_grad(x[1][i])};
            ck_assert(!drift_tensor_read(&dx[0], narrow) && !drift_tensor_read(&dx[1], wide));
            compare(c->name, "dx", elements(c, i), narrow, wide);
        }
    drift_tape_free(tape[0]);
    drift_tape_free(tape[1]);
}
END_TEST

/* Every op on the backend without memory: it follows no pointer, moves something, and gives back what it took. */
START_TEST(counts)
{
    const struct op_case *c = &cases[_i];
    double value[INPUTS][MOST];
    drift_count count;
    const drift_backend backend = drift_count_backend(DRIFT_F32, &count);
    drift_tape *tape;
    drift_tensor *x[INPUTS];
    draw(c, value);
    ck_assert_int_eq(drift_tape_new(&backend, &tape), DRIFT_OK);
    run_both(c, tape, value, x);
    drift_tape_free(tape);
    ck_assert_msg(count.ops > 0 && count.flop >= 0 && isfinite(count.flop) && count.moved > 0 && isfinite(count.moved),
                  "%s: %g operations, %g bytes", c->name, count.flop, count.moved);
    ck_assert_uint_eq(count.bytes, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gradients");
    TCase *tcase = tcase_create("every op");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, differences, 0, CASES);
    tcase_add_loop_test(tcase, fenced, 0, CASES);
    tcase_add_loop_test(tcase, float_agrees, 0, CASES);
    tcase_add_loop_test(tcase, counts, 0, CASES);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
