/* Convolutions: the promise of one chain, whatever the threads, blocks and panels; what lies outside is left out;
 * shapes that do not fit; a frozen kernel. */
#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "op/op.h"

/* None of them is computed by Winograd's form: see winograd.c. */
static const struct problem {
    size_t batch, height, width, in, out, kernel_height, kernel_width, stride, padding, groups;
} problems[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 1},    {3, 9, 7, 16, 33, 3, 3, 1, 1, 1},    {2, 64, 65, 32, 40, 3, 3, 1, 2, 1},
    {33, 4, 4, 96, 70, 3, 3, 1, 2, 1}, {2, 11, 8, 5, 64, 3, 3, 2, 1, 1},    {5, 2, 2, 300, 34, 3, 3, 1, 1, 1},
    {2, 10, 13, 3, 7, 4, 4, 4, 0, 1},  {3, 6, 5, 32, 32, 1, 1, 2, 0, 1},    {2, 7, 9, 20, 24, 1, 1, 1, 0, 1},
    {1, 5, 40, 6, 9, 2, 5, 3, 4, 1},   {2, 12, 17, 50, 50, 7, 7, 1, 3, 50}, {1, 9, 30, 200, 200, 3, 3, 2, 1, 200},
    {2, 3, 3, 2, 3, 1, 1, 1, 2, 1},    {0, 4, 4, 3, 5, 3, 3, 1, 1, 1},      {1, 6, 300, 128, 32, 3, 3, 1, 0, 1},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

struct arrays {
    size_t rows, columns, x_size, kernel_size, y_size;
    float *x, *kernel, *bias, *y, *dx, *dkernel;
};

static float *filled(size_t n, uint32_t step)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(2 * drift_random_uniform_at(3, DRIFT_RANDOM_TEST, step, i) - 1);
    return x;
}

/* dy is y's first value. */
static struct arrays draw(const struct problem *p)
{
    struct arrays a = {(p->height + 2 * p->padding - p->kernel_height) / p->stride + 1,
                       (p->width + 2 * p->padding - p->kernel_width) / p->stride + 1,
                       0,
                       0,
                       0,
                       NULL,
                       NULL,
                       NULL,
                       NULL,
                       NULL,
                       NULL};
    a.x_size = p->batch * p->height * p->width * p->in;
    a.kernel_size = p->kernel_height * p->kernel_width * p->in / p->groups * p->out;
    a.y_size = p->batch * a.rows * a.columns * p->out;
    a.x = filled(a.x_size, 0);
    a.kernel = filled(a.kernel_size, 1);
    a.bias = filled(p->out, 2);
    a.y = filled(a.y_size, 3);
    a.dx = filled(a.x_size, 4);
    a.dkernel = filled(a.kernel_size, 5);
    return a;
}

static void release(struct arrays *a)
{
    free(a->x), free(a->kernel), free(a->bias), free(a->y), free(a->dx), free(a->dkernel);
}

/* Visits every pair of an input pixel and an output pixel that meet, by output pixel and then by kernel element. */
typedef void visitor(const struct problem *p, struct arrays *a, size_t x, size_t k, size_t y);

static void visit_pixel(const struct problem *p, struct arrays *a, size_t pixel, size_t k, visitor *visit)
{
    const size_t image = pixel / a->columns / a->rows, row = pixel / a->columns % a->rows, column = pixel % a->columns;
    const size_t y = row * p->stride + k / p->kernel_width, x = column * p->stride + k % p->kernel_width;
    if (y >= p->padding && y < p->height + p->padding && x >= p->padding && x < p->width + p->padding)
        visit(p, a, (image * p->height + y - p->padding) * p->width + x - p->padding, k, pixel);
}

static void visit_all(const struct problem *p, struct arrays *a, visitor *visit)
{
    const size_t pixels = p->batch * a->rows * a->columns, elements = p->kernel_height * p->kernel_width;
    for (size_t pixel = 0; pixel < pixels; pixel++)
        for (size_t k = 0; k < elements; k++)
            visit_pixel(p, a, pixel, k, visit);
}

static void add_forward(const struct problem *p, struct arrays *a, size_t x, size_t k, size_t y)
{
    for (size_t n = 0; n < p->out; n++)
        for (size_t c = 0; c < p->in / p->groups; c++)
            a->y[y * p->out + n] = fmaf(a->x[x * p->in + (p->groups > 1 ? n : c)],
                                        a->kernel[(k * (p->in / p->groups) + c) * p->out + n], a->y[y * p->out + n]);
}

static void add_to_x(const struct problem *p, struct arrays *a, size_t x, size_t k, size_t y)
{
    for (size_t c = 0; c < p->in; c++)
        for (size_t n = p->groups > 1 ? c : 0; n < (p->groups > 1 ? c + 1 : p->out); n++)
            a->dx[x * p->in + c] =
                fmaf(a->y[y * p->out + n], a->kernel[p->groups > 1 ? k * p->in + c : (k * p->in + c) * p->out + n],
                     a->dx[x * p->in + c]);
}

static void add_to_kernel(const struct problem *p, struct arrays *a, size_t x, size_t k, size_t y)
{
    const size_t per = p->in / p->groups;
    for (size_t c = 0; c < per; c++)
        for (size_t n = 0; n < p->out; n++)
            a->dkernel[(k * per + c) * p->out + n] = fmaf(a->x[x * p->in + (p->groups > 1 ? n : c)],
                                                          a->y[y * p->out + n], a->dkernel[(k * per + c) * p->out + n]);
}

static drift_tensor tensor(const drift_backend *b, size_t n, size_t h, size_t w, size_t c, float *data)
{
    drift_tensor t = drift_tensor_of(b, 4, (const size_t[]){n, h, w, c});
    t.data = data;
    return t;
}

/* y (+ bias), dx and dkernel by the backend; gradients are added to or overwritten. */
static void compute(const struct problem *p, struct arrays *a, int with_bias, int accumulate)
{
    const drift_backend *b = drift_cpu_backend(DRIFT_F32);
    const drift_conv conv = {p->stride, p->padding, p->groups};
    float *dy = filled(a->y_size, 3);
    const drift_tensor x = tensor(b, p->batch, p->height, p->width, p->in, a->x);
    const drift_tensor kernel = tensor(b, p->kernel_height, p->kernel_width, p->in / p->groups, p->out, a->kernel);
    const drift_tensor g = tensor(b, p->batch, a->rows, a->columns, p->out, dy);
    drift_tensor bias = drift_tensor_of(b, 1, &p->out), y = g, dx = x, dkernel = kernel;
    bias.data = a->bias, y.data = a->y, dx.data = a->dx, dkernel.data = a->dkernel;
    ck_assert(!b->conv2d(b, &conv, &x, &kernel, with_bias ? &bias : NULL, &y));
    ck_assert(!b->conv2d_backward_x(b, &conv, &kernel, &g, accumulate, &dx));
    ck_assert(!b->conv2d_backward_kernel(b, &conv, &x, &g, accumulate, &dkernel));
    free(dy);
}

/* dx's chain takes output pixels in ascending order, and so kernel elements in descending order; each input pixel meets
 * an output pixel once, so visiting by output pixel is that order. */
static void expect(const struct problem *p, struct arrays *a, int with_bias, int accumulate)
{
    if (!accumulate) {
        memset(a->dx, 0, a->x_size * sizeof *a->dx);
        memset(a->dkernel, 0, a->kernel_size * sizeof *a->dkernel);
    }
    visit_all(p, a, add_to_x);
    visit_all(p, a, add_to_kernel);
    memset(a->y, 0, a->y_size * sizeof *a->y);
    visit_all(p, a, add_forward);
    for (size_t i = 0; with_bias && i < a->y_size; i++)
        a->y[i] += a->bias[i % p->out];
}

START_TEST(one_chain)
{
    static const int threads[] = {1, 2, 3, 7};
    const struct problem *p = problems + _i;
    for (int form = 0; form < 2; form++) {
        struct arrays want = draw(p);
        expect(p, &want, form, form);
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            struct arrays got = draw(p);
            omp_set_num_threads(threads[t]);
            compute(p, &got, form, form);
            ck_assert_msg(!memcmp(got.y, want.y, want.y_size * sizeof *want.y), "forward, %d threads", threads[t]);
            ck_assert_msg(!memcmp(got.dx, want.dx, want.x_size * sizeof *want.x), "to x, %d threads", threads[t]);
            ck_assert_msg(!memcmp(got.dkernel, want.dkernel, want.kernel_size * sizeof *want.kernel),
                          "to kernel, %d threads", threads[t]);
            release(&got);
        }
        release(&want);
    }
}
END_TEST

START_TEST(outside_is_left_out)
{
    float x[] = {1, 2, 3, 4}, kernel[9], y[4];
    for (int i = 0; i < 9; i++)
        kernel[i] = i == 4 ? 1 : INFINITY;
    const drift_backend *b = drift_cpu_backend(DRIFT_F32);
    const drift_tensor in = tensor(b, 4, 1, 1, 1, x), w = tensor(b, 3, 3, 1, 1, kernel);
    drift_tensor out = tensor(b, 4, 1, 1, 1, y);
    ck_assert(!b->conv2d(b, &(drift_conv){1, 1, 1}, &in, &w, NULL, &out));
    ck_assert(!memcmp(x, y, sizeof x)); /* not NaN */
}
END_TEST

static drift_tensor *input(drift_tape *tape, int dims, const size_t *size, int needs_grad)
{
    static const float zero[4096];
    return drift_tape_input(tape, dims, size, zero, needs_grad);
}

START_TEST(shapes)
{
    static const struct {
        size_t x[4], kernel[4], bias, stride, padding, groups;
        const char *line;
    } bad[] = {
        {{1, 4, 4, 3},
         {3, 3, 2, 5},
         0,
         1,
         1,
         1,
         "conv2d: x is [1,4,4,3] but kernel is [3,3,2,5] and bias absent (stride 1, padding 1, groups 1)"},
        {{1, 2, 4, 3},
         {3, 3, 3, 5},
         0,
         1,
         0,
         1,
         "conv2d: x is [1,2,4,3] but kernel is [3,3,3,5] and bias absent (stride 1, padding 0, groups 1)"},
        {{1, 4, 4, 3},
         {3, 3, 3, 5},
         4,
         1,
         1,
         1,
         "conv2d: x is [1,4,4,3] but kernel is [3,3,3,5] and bias [4] (stride 1, padding 1, groups 1)"},
        {{1, 4, 4, 3},
         {3, 3, 3, 5},
         0,
         0,
         1,
         1,
         "conv2d: x is [1,4,4,3] but kernel is [3,3,3,5] and bias absent (stride 0, padding 1, groups 1)"},
        {{1, 4, 4, 3},
         {3, 3, 1, 6},
         0,
         1,
         1,
         3,
         "conv2d: x is [1,4,4,3] but kernel is [3,3,1,6] and bias absent (stride 1, padding 1, groups 3)"},
        {{1, 4, 4, 4},
         {3, 3, 2, 4},
         0,
         1,
         1,
         2,
         "conv2d: x is [1,4,4,4] but kernel is [3,3,2,4] and bias absent (stride 1, padding 1, groups 2)"},
        {{1, 4, 4, 3},
         {3, 0, 3, 5},
         0,
         1,
         1,
         1,
         "conv2d: x is [1,4,4,3] but kernel is [3,0,3,5] and bias absent (stride 1, padding 1, groups 1)"},
    };
    drift_tape *tape;
    ck_assert(!drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        drift_tensor *bias = bad[i].bias ? input(tape, 1, &bad[i].bias, 0) : NULL;
        drift_conv2d(tape, input(tape, 4, bad[i].x, 0), input(tape, 4, bad[i].kernel, 0), bias, bad[i].stride,
                     bad[i].padding, bad[i].groups);
        ck_assert_int_eq(drift_tape_status(tape), DRIFT_INVALID);
        ck_assert_str_eq(drift_message(), bad[i].line);
        drift_tape_clear(tape);
    }
    drift_tape_free(tape);
}
END_TEST

/* A frozen kernel takes no gradient, and its x none where nothing asks for one. */
START_TEST(frozen)
{
    drift_tape *tape;
    ck_assert(!drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape));
    drift_tensor *kernel = input(tape, 4, (const size_t[]){3, 3, 2, 2}, 0);
    drift_tensor *x = input(tape, 4, (const size_t[]){1, 5, 5, 2}, 1), *plain = input(tape, 4, x->size, 0);
    drift_tensor *y = drift_conv2d(tape, x, kernel, NULL, 1, 1, 1);
    ck_assert(y->needs_grad);
    drift_tape_backward(tape, y, NULL);
    ck_assert(!kernel->grad && x->grad);
    ck_assert(!drift_conv2d(tape, plain, kernel, NULL, 1, 1, 1)->needs_grad);
    ck_assert(!drift_tape_status(tape));
    drift_tape_free(tape);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conv");
    TCase *tests = tcase_create("conv");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, one_chain, 0, PROBLEMS);
    tcase_add_test(tests, outside_is_left_out);
    tcase_add_test(tests, shapes);
    tcase_add_test(tests, frozen);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
