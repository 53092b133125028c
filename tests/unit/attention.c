/* Attention whose scores take several tiles: results and gradients against plain loops in double; the same bits for any
 * threads; queries that no score fits; what passes through untouched; and the lines that misuse gives. Small shapes and
 * gradients against differences are in gradients.c, golden rotations in tests/golden. */
#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/real.h"
#include "count/count.h"
#include "cpu/cpu.h"
#include "op/op.h"

static void *must(void *p)
{
    ck_assert_ptr_nonnull(p);
    return p;
}

static double *zeros(size_t n) { return must(calloc(n + 1, sizeof(double))); }

static float *uniform(size_t n, uint32_t step, double size)
{
    float *x = must(malloc(n * sizeof *x + 1));
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(size * (2 * drift_random_uniform_at(3, DRIFT_RANDOM_TEST, step, i) - 1));
    return x;
}

/* ---- plain loops ---- */

struct shape {
    size_t batch, tokens, heads, dim;
};

/* y [B, T, D] and dx [B, T, 3 D] and for each of their elements the sum of its terms' sizes; `score`, the largest sum
 * of terms' sizes of a score. */
struct plain {
    double *y, *y_size, *dx, *dx_size, score;
};

static void plain_head(const struct shape *s, const float *x, const float *dy, size_t at, size_t y_at, struct plain *p)
{
    const size_t n = s->tokens, dim = s->dim, width = s->heads * dim, row = 3 * width;
    const double scale = 1 / sqrt((double)dim);
    double *weight = zeros(n), *gradient = zeros(n), *gradient_size = zeros(n);
    for (size_t i = 0; i < n; i++) {
        const float *q = x + at + i * row, *dyi = dy + y_at + i * width;
        double *y = p->y + y_at + i * width, sum = 0, mean = 0, mean_size = 0;
        for (size_t j = 0; j < n; j++) {
            const float *k = x + at + width + j * row, *v = k + width;
            double score = 0, size = 0;
            gradient[j] = gradient_size[j] = 0;
            for (size_t c = 0; c < dim; c++) {
                score += scale * q[c] * k[c];
                size += scale * fabs((double)q[c] * k[c]);
                gradient[j] += (double)dyi[c] * v[c];
                gradient_size[j] += fabs((double)dyi[c] * v[c]);
            }
            p->score = fmax(p->score, size);
            weight[j] = drift_exp(score);
            sum += weight[j];
        }
        for (size_t j = 0; j < n; j++) {
            weight[j] /= sum;
            mean += weight[j] * gradient[j];
            mean_size += weight[j] * gradient_size[j];
        }
        for (size_t j = 0; j < n; j++)
            for (size_t c = 0; c < dim; c++) {
                const size_t qi = at + i * row + c, kj = at + width + j * row + c, vj = kj + width;
                const double ds = scale * weight[j] * (gradient[j] - mean);
                const double size = scale * weight[j] * (gradient_size[j] + mean_size);
                y[c] += weight[j] * x[vj];
                p->y_size[y_at + i * width + c] += weight[j] * fabs((double)x[vj]);
                p->dx[vj] += weight[j] * dyi[c];
                p->dx_size[vj] += weight[j] * fabs((double)dyi[c]);
                p->dx[qi] += ds * x[kj];
                p->dx_size[qi] += size * fabs((double)x[kj]);
                p->dx[kj] += ds * x[qi];
                p->dx_size[kj] += size * fabs((double)x[qi]);
            }
    }
    free(weight);
    free(gradient);
    free(gradient_size);
}

static struct plain plain_new(const struct shape *s, const float *x, const float *dy)
{
    const size_t n = s->batch * s->tokens * s->heads * s->dim;
    struct plain p = {zeros(n), zeros(n), zeros(3 * n), zeros(3 * n), 0};
    for (size_t b = 0; b < s->batch; b++)
        for (size_t h = 0; h < s->heads; h++) {
            const size_t at = b * s->tokens * s->heads * s->dim + h * s->dim;
            plain_head(s, x, dy, 3 * (at - h * s->dim) + h * s->dim, at, &p);
        }
    return p;
}

static void plain_free(struct plain *p)
{
    free(p->y);
    free(p->y_size);
    free(p->dx);
    free(p->dx_size);
}

/* ---- the op ---- */

/* Leaves NaN in the memory that the tape takes next. */
static void dirty(drift_tape *tape, size_t n)
{
    float *x = must(malloc(n * sizeof *x + 1));
    for (size_t i = 0; i < n; i++)
        x[i] = NAN;
    drift_tape_input(tape, 1, &n, x, 0);
    drift_tape_clear(tape);
    free(x);
}

/* y and dx as doubles. Once: qkv is no leaf, and its gradient is new memory. More often: it is one, and they add up. */
static void run(drift_dtype real, const struct shape *s, const float *x, const float *dy, int times, double *y,
                double *dx)
{
    const size_t width = s->heads * s->dim, n = s->batch * s->tokens * width;
    drift_tape *tape;
    ck_assert(!drift_tape_new(drift_cpu_backend(real), &tape));
    dirty(tape, 32 * n + 1024);
    drift_tensor *qkv = drift_tape_input(tape, 3, (const size_t[]){s->batch, s->tokens, 3 * width}, x, 1);
    drift_tensor *given = drift_tape_input(tape, 3, (const size_t[]){s->batch, s->tokens, width}, dy, 0);
    drift_tensor *result = drift_attention(tape, s->heads, times > 1 ? qkv : drift_scale(tape, 1, qkv));
    for (int i = 0; i < times; i++)
        drift_tape_backward(tape, result, given);
    ck_assert_msg(!drift_tape_status(tape), "%s", drift_message());
    drift_tensor gradient = drift_tensor_grad(qkv);
    const struct {
        const drift_tensor *tensor;
        double *to;
        size_t n;
    } out[2] = {{result, y, n}, {&gradient, dx, 3 * n}};
    for (int i = 0; i < 2; i++) {
        float *narrow = must(malloc(out[i].n * sizeof *narrow + 1));
        ck_assert(!drift_tensor_read(out[i].tensor, real == DRIFT_F64 ? (void *)out[i].to : narrow));
        for (size_t j = 0; real == DRIFT_F32 && j < out[i].n; j++)
            out[i].to[j] = narrow[j];
        free(narrow);
    }
    drift_tape_free(tape);
}

/* A score has the error (d + 3) u times its terms' sizes, which is the relative error of its weight; log_sum's is the
 * same and an ulp or two of its own; chains over d and T add d + T roundings, and the rest is within 32. */
static void compare(const char *what, drift_dtype real, const struct shape *s, double score, size_t n,
                    const double *got, const double *want, const double *size)
{
    const double u = real == DRIFT_F64 ? 0x1p-53 : 0x1p-24;
    const double each = u * (4 * ((double)s->dim + 3) * score + (double)(s->dim + 2 * s->tokens) + 32);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs(got[i] - want[i]) <= each * size[i], "%s, %zu tokens: [%zu] is %.17g, not %.17g +- %.1g",
                      what, s->tokens, i, got[i], want[i], each * size[i]);
}

static const struct shape shapes[] = {
    {1, 321, 1, 5},  /* two tiles, of 160 and 161 */
    {2, 320, 2, 16}, /* one that is full */
    {1, 700, 2, 7},  /* three */
    {2, 68, 3, 64},  {1, 1, 2, 4}, {0, 7, 2, 4}, {2, 0, 2, 4},
};

START_TEST(tiles)
{
    const struct shape *s = &shapes[_i];
    const size_t n = s->batch * s->tokens * s->heads * s->dim;
    float *x = uniform(3 * n, 0, 2), *dy = uniform(n, 1, 1);
    double *y = zeros(n), *dx = zeros(3 * n);
    struct plain plain = plain_new(s, x, dy);
    for (int real = DRIFT_F32; real <= DRIFT_F64; real++) {
        run((drift_dtype)real, s, x, dy, 1, y, dx);
        compare("y", (drift_dtype)real, s, plain.score, n, y, plain.y, plain.y_size);
        compare("dx", (drift_dtype)real, s, plain.score, 3 * n, dx, plain.dx, plain.dx_size);
    }
    plain_free(&plain);
    free(x);
    free(dy);
    free(y);
    free(dx);
}
END_TEST

/* The gradient of a leaf that has one already goes on in the same chains: near twice it, and never overwritten. */
START_TEST(accumulates)
{
    const struct shape *s = &shapes[2];
    const size_t n = s->batch * s->tokens * s->heads * s->dim;
    float *x = uniform(3 * n, 0, 2), *dy = uniform(n, 1, 1);
    double *y = zeros(n), *once = zeros(3 * n), *twice = zeros(3 * n);
    struct plain plain = plain_new(s, x, dy);
    run(DRIFT_F64, s, x, dy, 1, y, once);
    run(DRIFT_F64, s, x, dy, 2, y, twice);
    for (size_t i = 0; i < 3 * n; i++)
        once[i] *= 2;
    compare("twice dx", DRIFT_F64, s, plain.score, 3 * n, twice, once, plain.dx_size);
    plain_free(&plain);
    free(x);
    free(dy);
    free(y);
    free(once);
    free(twice);
}
END_TEST

START_TEST(threads)
{
    const struct shape s = {3, 330, 3, 16};
    const size_t n = s.batch * s.tokens * s.heads * s.dim;
    float *x = uniform(3 * n, 0, 2), *dy = uniform(n, 1, 1);
    double *y[2] = {zeros(n), zeros(n)}, *dx[2] = {zeros(3 * n), zeros(3 * n)};
    omp_set_num_threads(1);
    run(DRIFT_F32, &s, x, dy, 1, y[0], dx[0]);
    for (int t = 2; t <= 4; t++) {
        omp_set_num_threads(t);
        run(DRIFT_F32, &s, x, dy, 1, y[1], dx[1]);
        ck_assert_msg(!memcmp(y[0], y[1], n * sizeof *y[0]), "y, %d threads", t);
        ck_assert_msg(!memcmp(dx[0], dx[1], 3 * n * sizeof *dx[0]), "dx, %d threads", t);
    }
    for (int i = 0; i < 2; i++) {
        free(y[i]);
        free(dx[i]);
    }
    free(x);
    free(dy);
}
END_TEST

/* Scores of thousands: each query takes the value of its nearest key, and nothing overflows. A NaN in one head stays
 * there. */
START_TEST(extremes)
{
    enum { T = 400, D = 2 };
    const struct shape s = {1, T, 2, D};
    float *x = uniform(T * 6 * D, 0, 1), *dy = uniform(T * 2 * D, 1, 1);
    double *y = zeros(T * 2 * D), *dx = zeros(T * 6 * D);
    for (int t = 0; t < T; t++) {
        const double angle = 6.283185307 * t / T;
        float *q = x + t * 6 * D, *k = q + 2 * D;
        q[0] = k[0] = (float)(1e4 * drift_cos(angle)); /* head 0: a circle; q . k is largest at itself */
        q[1] = k[1] = (float)(1e4 * drift_sin(angle));
    }
    x[2] = NAN; /* q of head 1 at token 0 */
    run(DRIFT_F32, &s, x, dy, 1, y, dx);
    for (int t = 0; t < T; t++) {
        for (int c = 0; c < D; c++) {
            ck_assert_msg(fabs(y[t * 2 * D + c] - x[t * 6 * D + 4 * D + c]) <= 1e-6, "token %d", t);
            ck_assert_msg(isfinite(dx[t * 6 * D + c]) && isfinite(dx[t * 6 * D + 2 * D + c]), "token %d", t);
            ck_assert_msg(!isfinite(y[t * 2 * D + D + c]) == (t == 0), "token %d of head 1", t);
        }
    }
    free(x);
    free(dy);
    free(y);
    free(dx);
}
END_TEST

/* v is no part of norm and rotation: the same bits. */
START_TEST(values_pass)
{
    enum { T = 3, H = 2, D = 6 };
    float *x = uniform(T * 3 * H * D, 0, 2), w[D], y[T * 3 * H * D];
    drift_tape *tape;
    ck_assert(!drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape));
    for (int i = 0; i < D; i++)
        w[i] = (float)i;
    drift_tensor *qkv = drift_tape_input(tape, 3, (const size_t[]){1, T, 3 * H * D}, x, 0);
    drift_tensor *weight = drift_tape_input(tape, 1, (const size_t[]){D}, w, 0);
    drift_tensor *result =
        drift_rope(tape, H, 0, drift_head_norm(tape, 1e-6, 1, H, DRIFT_TURN_NONE, qkv, weight, NULL, weight, NULL));
    ck_assert(!drift_tape_status(tape));
    ck_assert(!drift_tensor_read(result, y));
    for (int t = 0; t < T; t++)
        ck_assert(!memcmp(y + (t * 3 + 2) * H * D, x + (t * 3 + 2) * H * D, H * D * sizeof *y));
    drift_tape_free(tape);
    free(x);
}
END_TEST

/* Norm and rotation in one pass: the bits of one after the other, gradients too. */
START_TEST(turned_in_one_pass)
{
    enum { B = 3, T = 70, H = 2, D = 6, N = B * T * 3 * H * D };
    float *x = uniform(N, 0, 2), w[D] = {1, 2, -1, 0.5f, 3, -2};
    float *y[2], *dx[2], dw[2][D];
    for (int bf16 = 0; bf16 < 2; bf16++) {
        for (int fused = 0; fused < 2; fused++) {
            drift_tape *tape;
            ck_assert(!drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape));
            y[fused] = malloc(N * sizeof(float));
            dx[fused] = malloc(N * sizeof(float));
            drift_tensor *qkv = drift_tape_input(tape, 3, (const size_t[]){B, T, 3 * H * D}, x, 1);
            drift_tensor *weight = drift_tape_input(tape, 1, (const size_t[]){D}, w, 1);
            const drift_turn turn = !fused ? DRIFT_TURN_NONE : bf16 ? DRIFT_TURN_BF16 : DRIFT_TURN;
            drift_tensor *result = drift_head_norm(tape, 1e-6, 1, H, turn, qkv, weight, NULL, weight, NULL);
            result = fused ? result : drift_rope(tape, H, bf16, result);
            drift_tape_backward(tape, drift_mul(tape, result, result), NULL);
            ck_assert(!drift_tape_status(tape));
            const drift_tensor gx = drift_tensor_grad(qkv), gw = drift_tensor_grad(weight);
            ck_assert(!drift_tensor_read(result, y[fused]) && !drift_tensor_read(&gx, dx[fused]));
            ck_assert(!drift_tensor_read(&gw, dw[fused]));
            drift_tape_free(tape);
        }
        ck_assert(!memcmp(y[0], y[1], N * sizeof(float)) && !memcmp(dx[0], dx[1], N * sizeof(float)));
        ck_assert(!memcmp(dw[0], dw[1], sizeof dw[0]) && dw[0][0] != 0);
        for (int fused = 0; fused < 2; fused++) {
            free(y[fused]);
            free(dx[fused]);
        }
    }
    free(x);
}
END_TEST

/* The FLOP that are counted are the products': 2 of them forward, 5 backward, 2 T^2 d each and head. */
START_TEST(counting)
{
    enum { B = 2, T = 9, H = 3, D = 4 };
    drift_count count;
    const drift_backend backend = drift_count_backend(DRIFT_F32, &count);
    float *x = uniform(B * T * 3 * H * D, 0, 1);
    drift_tape *tape;
    ck_assert(!drift_tape_new(&backend, &tape));
    drift_tensor *qkv = drift_tape_input(tape, 3, (const size_t[]){B, T, 3 * H * D}, x, 1);
    drift_tensor *y = drift_attention(tape, H, qkv);
    const double product = 2.0 * B * H * T * T * D;
    ck_assert_double_eq(count.flop, 2 * product);
    drift_tape_backward(tape, y, y);
    ck_assert_double_eq(count.flop, 7 * product + 2 * B * T * H * D); /* and the seed of backward */
    drift_tape_free(tape);
    free(x);
}
END_TEST

static void fails(drift_tape *tape, const char *line)
{
    ck_assert_int_eq(drift_tape_status(tape), DRIFT_INVALID);
    ck_assert_str_eq(drift_message(), line);
    drift_tape_clear(tape);
}

START_TEST(misuse)
{
    const float zero[24] = {0};
    drift_tape *tape;
    ck_assert(!drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape));
#define INPUT(dims, ...) drift_tape_input(tape, dims, (const size_t[]){__VA_ARGS__}, zero, 0)
    drift_attention(tape, 2, INPUT(3, 1, 2, 9));
    fails(tape, "attention: qkv is [1,2,9], expected [batch,tokens,3 x 2 heads x their size]");
    drift_attention(tape, 0, INPUT(3, 1, 2, 12));
    fails(tape, "attention: qkv is [1,2,12], expected [batch,tokens,3 x 0 heads x their size]");
    drift_rope(tape, 2, 0, INPUT(2, 2, 12));
    fails(tape, "rope: qkv is [2,12], expected [batch,tokens,3 x 2 heads x their size]");
    drift_rope(tape, 1, 0, INPUT(3, 1, 2, 9));
    fails(tape, "rope: heads have 3 numbers, expected an even number");
    drift_head_norm(tape, 1e-6, 1, 2, DRIFT_TURN_NONE, INPUT(3, 1, 2, 12), INPUT(1, 2), NULL, INPUT(1, 3), NULL);
    fails(tape, "head_norm: heads have 2 numbers but weights are [2] and [3]");
    drift_head_norm(tape, 1e-6, 0, 2, DRIFT_TURN_NONE, INPUT(3, 1, 2, 12), INPUT(1, 2), INPUT(1, 2), INPUT(1, 2), NULL);
    fails(tape, "head_norm: expected biases like weights");
    drift_head_norm(tape, 1e-6, 1, 2, DRIFT_TURN_NONE, INPUT(3, 1, 2, 12), INPUT(1, 2), NULL, INPUT(1, 2), INPUT(1, 2));
    fails(tape, "head_norm: expected no biases");
    drift_tape_free(tape);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attention");
    TCase *tcase = tcase_create("attention");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, tiles, 0, sizeof shapes / sizeof *shapes);
    tcase_add_test(tcase, accumulates);
    tcase_add_test(tcase, threads);
    tcase_add_test(tcase, extremes);
    tcase_add_test(tcase, values_pass);
    tcase_add_test(tcase, turned_in_one_pass);
    tcase_add_test(tcase, counting);
    tcase_add_test(tcase, misuse);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
