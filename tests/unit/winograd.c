/* 3 x 3 convolutions by F(2 x 2, 3 x 3): the same bits for any threads, as its definition has them; the error bound of
 * docs/ops/conv.md against direct sums in double; in double the same to rounding; which shapes are computed so. */
#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/winograd.h"

static const struct problem {
    size_t batch, height, width, in, out;
} problems[] = {{1, 4, 4, 32, 32},
                {3, 5, 8, 40, 33},
                {2, 13, 11, 33, 70},
                {17, 4, 6, 130, 48},
                {2, 40, 31, 64, 35},
                /* several depths of U; a U too large to share */ {1, 4, 5, 520, 32},
                {22, 4, 4, 1024, 520}};
enum { PROBLEMS = sizeof problems / sizeof *problems };

/* One direction: y from x (+ bias), or dx from dy with the kernel turned (added to or not). */
struct run {
    const struct problem *p;
    int turned, with_bias, accumulate;
    size_t in, out, pixels;
    float *source, *kernel, *bias, *before, *got;
};

static float *filled(size_t n, uint32_t state)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-23f - 1;
    }
    return x;
}

static struct run begin(const struct problem *p, int turned, int option)
{
    struct run r = {.p = p, .turned = turned, .with_bias = option && !turned, .accumulate = option && turned};
    r.in = turned ? p->out : p->in;
    r.out = turned ? p->in : p->out;
    r.pixels = p->batch * p->height * p->width;
    r.source = filled(r.pixels * r.in, 0);
    r.kernel = filled(9 * r.in * r.out, 1);
    r.bias = filled(r.out, 2);
    r.before = filled(r.pixels * r.out, 3);
    r.got = filled(r.pixels * r.out, 3);
    return r;
}

static void end(struct run *r) { free(r->source), free(r->kernel), free(r->bias), free(r->before), free(r->got); }

/* The kernel as it meets the source: element e, from channel c to channel n. */
static double weight(const struct run *r, size_t e, size_t c, size_t n)
{
    return r->turned ? r->kernel[((8 - e) * r->out + n) * r->in + c] : r->kernel[(e * r->in + c) * r->out + n];
}

static double source(const struct run *r, size_t image, size_t y, size_t x, size_t c)
{
    if (y >= r->p->height || x >= r->p->width)
        return 0;
    return r->source[((image * r->p->height + y) * r->p->width + x) * r->in + c];
}

/* The transforms in float, in the order that ref/winograd.c has; with `size` of the terms' sizes. */
static void source_side(int size, float *d, size_t step)
{
    const float a = d[0], b = d[step], c = d[2 * step], e = d[3 * step];
    d[0] = size ? a + c : a - c;
    d[step] = b + c;
    d[2 * step] = size ? c + b : c - b;
    d[3 * step] = size ? b + e : b - e;
}

static void kernel_side(int size, float *g, size_t step)
{
    const float ends = g[0] + g[2 * step], middle = g[step], last = g[2 * step];
    g[step] = 0.5f * (ends + middle);
    g[2 * step] = 0.5f * (size ? ends + middle : ends - middle);
    g[3 * step] = last;
}

static void destination_side(int size, float *m, size_t step)
{
    const float a = m[0] + m[step] + m[2 * step];
    m[step] = size ? m[step] + m[2 * step] + m[3 * step] : m[step] - m[2 * step] - m[3 * step];
    m[0] = a;
}

/* m[0], m[1], m[4], m[5]: the four pixels of channel n of a tile, by definition; or the size of what is added up. */
static void tile(const struct run *r, int size, size_t image, size_t y, size_t x, size_t n, float m[16])
{
    for (int t = 0; t < 16; t++)
        m[t] = 0;
    for (size_t c = 0; c < r->in; c++) {
        float d[16], u[16] = {0};
        for (size_t t = 0; t < 16; t++)
            d[t] = (float)source(r, image, y + t / 4 - 1, x + t % 4 - 1, c);
        for (size_t e = 0; e < 9; e++)
            u[e / 3 * 4 + e % 3] = (float)weight(r, e, c, n);
        for (int t = 0; size && t < 16; t++)
            d[t] = fabsf(d[t]), u[t] = fabsf(u[t]);
        for (int j = 0; j < 4; j++)
            source_side(size, d + j, 4);
        for (int i = 0; i < 4; i++)
            source_side(size, d + 4 * i, 1);
        for (int j = 0; j < 3; j++)
            kernel_side(size, u + j, 4);
        for (int i = 0; i < 4; i++)
            kernel_side(size, u + 4 * i, 1);
        for (int t = 0; t < 16; t++)
            m[t] = fmaf(d[t], u[t], m[t]);
    }
    for (int j = 0; j < 4; j++)
        destination_side(size, m + j, 4);
    for (int i = 0; i < 2; i++)
        destination_side(size, m + 4 * i, 1);
}

static double direct(const struct run *r, size_t image, size_t y, size_t x, size_t n)
{
    double sum = 0;
    for (size_t c = 0; c < r->in; c++)
        for (size_t e = 0; e < 9; e++)
            sum += source(r, image, y + e / 3 - 1, x + e % 3 - 1, c) * weight(r, e, c, n);
    return sum;
}

/* From one element of n that is checked to the next; each takes `terms` in its sum. */
static size_t stride_of(size_t n, size_t terms) { return 1 + n * terms / 500000; }

static drift_tensor tensor(const drift_backend *b, size_t n, size_t h, size_t w, size_t c, void *data)
{
    drift_tensor t = drift_tensor_of(b, 4, (const size_t[]){n, h, w, c});
    t.data = data;
    return t;
}

static void compute(const struct run *r, const drift_backend *b, void *source, void *kernel, void *bias, void *to)
{
    const struct problem *p = r->p;
    const drift_conv conv = {1, 1, 1};
    const drift_tensor in = tensor(b, p->batch, p->height, p->width, r->in, source);
    const drift_tensor w = tensor(b, 3, 3, p->in, p->out, kernel);
    drift_tensor out = tensor(b, p->batch, p->height, p->width, r->out, to), add = drift_tensor_of(b, 1, &r->out);
    add.data = bias;
    ck_assert(drift_cpu_winograd_pays_f32(&conv, &in, &w, &out));
    ck_assert(!(r->turned ? b->conv2d_backward_x(b, &conv, &w, &in, r->accumulate, &out)
                          : b->conv2d(b, &conv, &in, &w, r->with_bias ? &add : NULL, &out)));
}

/* What definition or bound say, against what was computed. */
static void check_all(const struct run *r, const char *what, int exact)
{
    const struct problem *p = r->p;
    for (size_t i = 0; i < r->pixels * r->out; i += stride_of(r->pixels * r->out, r->in)) {
        const size_t n = i % r->out, x = i / r->out % p->width, y = i / r->out / p->width % p->height;
        const size_t image = i / r->out / p->width / p->height, at = y % 2 * 4 + x % 2;
        const float before = r->accumulate ? r->before[i] : r->with_bias ? r->bias[n] : 0;
        float m[16];
        tile(r, !exact, image, y / 2 * 2, x / 2 * 2, n, m);
        if (exact) {
            const float want = r->with_bias || r->accumulate ? m[at] + before : m[at];
            ck_assert_msg(r->got[i] == want, "%s, element %zu: %.9g, not %.9g", what, i, r->got[i], want);
            continue;
        }
        const double want = direct(r, image, y, x, n) + before;
        const double bound = ((double)r->in + 12) * 0x1p-24 * ((double)m[at] * 1.0001 + fabs((double)before));
        ck_assert_msg(fabs(r->got[i] - want) <= bound, "%s, element %zu: %.9g, not %.9g +- %.2g", what, i, r->got[i],
                      want, bound);
    }
}

START_TEST(same_bits)
{
    static const int threads[] = {1, 2, 3, 8};
    for (int turned = 0; turned < 2; turned++)
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            struct run r = begin(problems + _i / 2, turned, _i % 2);
            float *first = t ? malloc(r.pixels * r.out * sizeof *first) : NULL;
            omp_set_num_threads(1);
            if (t) {
                compute(&r, drift_cpu_backend(DRIFT_F32), r.source, r.kernel, r.bias, r.got);
                memcpy(first, r.got, r.pixels * r.out * sizeof *first);
                memcpy(r.got, r.before, r.pixels * r.out * sizeof *first);
            }
            omp_set_num_threads(threads[t]);
            compute(&r, drift_cpu_backend(DRIFT_F32), r.source, r.kernel, r.bias, r.got);
            if (t)
                ck_assert_msg(!memcmp(first, r.got, r.pixels * r.out * sizeof *first), "%d threads", threads[t]);
            else if (drift_kernels_isa() != DRIFT_REF) /* whose products are not fused */
                check_all(&r, turned ? "to x" : "forward", 1);
            free(first);
            end(&r);
        }
}
END_TEST

START_TEST(error_bound)
{
    for (int turned = 0; turned < 2; turned++) {
        struct run r = begin(problems + _i / 2, turned, _i % 2);
        compute(&r, drift_cpu_backend(DRIFT_F32), r.source, r.kernel, r.bias, r.got);
        check_all(&r, turned ? "to x" : "forward", 0);
        end(&r);
    }
}
END_TEST

/* ---- the kernel's gradient: r->before is dy ---- */

/* A d and G^T u on one side. */
static void spread_side(int size, float *d, size_t step)
{
    const float a = d[0], b = d[step];
    d[step] = a + b;
    d[2 * step] = size ? a + b : a - b;
    d[3 * step] = size ? b : -b;
}

static void gather_side(int size, float *u, size_t step)
{
    const float middle = 0.5f * (u[step] + u[2 * step]);
    u[0] = u[0] + middle;
    u[step] = 0.5f * (size ? u[step] + u[2 * step] : u[step] - u[2 * step]);
    u[2 * step] = middle + u[3 * step];
}

static float dy_at(const struct run *r, size_t image, size_t y, size_t x, size_t n)
{
    if (y >= r->p->height || x >= r->p->width)
        return 0;
    return r->before[((image * r->p->height + y) * r->p->width + x) * r->out + n];
}

/* u[0 .. 2], u[4 .. 6], u[8 .. 10]: the gradient of the nine kernel elements between channels c and n, by definition;
 * or the size of what is added up. */
static void gradient(const struct run *r, int size, size_t c, size_t n, float u[16])
{
    for (int t = 0; t < 16; t++)
        u[t] = 0;
    for (size_t image = 0; image < r->p->batch; image++)
        for (size_t y = 0; y < r->p->height; y += 2)
            for (size_t x = 0; x < r->p->width; x += 2) {
                float d[16], z[16] = {0};
                for (size_t t = 0; t < 16; t++)
                    d[t] = (float)source(r, image, y + t / 4 - 1, x + t % 4 - 1, c);
                for (size_t t = 0; t < 4; t++)
                    z[t / 2 * 4 + t % 2] = dy_at(r, image, y + t / 2, x + t % 2, n);
                for (int t = 0; size && t < 16; t++)
                    d[t] = fabsf(d[t]), z[t] = fabsf(z[t]);
                for (int j = 0; j < 4; j++)
                    source_side(size, d + j, 4);
                for (int i = 0; i < 4; i++)
                    source_side(size, d + 4 * i, 1);
                for (int j = 0; j < 2; j++)
                    spread_side(size, z + j, 4);
                for (int i = 0; i < 4; i++)
                    spread_side(size, z + 4 * i, 1);
                for (int t = 0; t < 16; t++)
                    u[t] = fmaf(d[t], z[t], u[t]);
            }
    for (int j = 0; j < 4; j++)
        gather_side(size, u + j, 4);
    for (int i = 0; i < 3; i++)
        gather_side(size, u + 4 * i, 1);
}

static double direct_gradient(const struct run *r, size_t e, size_t c, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < r->pixels; i++) {
        const size_t x = i % r->p->width, y = i / r->p->width % r->p->height, image = i / r->p->width / r->p->height;
        sum += source(r, image, y + e / 3 - 1, x + e % 3 - 1, c) * (double)r->before[i * r->out + n];
    }
    return sum;
}

/* dkernel is added to where r->with_bias. */
static void compute_gradient(const struct run *r, const drift_backend *b, void *source, void *dy, void *dkernel)
{
    const struct problem *p = r->p;
    const drift_tensor in = tensor(b, p->batch, p->height, p->width, p->in, source);
    const drift_tensor g = tensor(b, p->batch, p->height, p->width, p->out, dy);
    drift_tensor dw = tensor(b, 3, 3, p->in, p->out, dkernel);
    ck_assert(!b->conv2d_backward_kernel(b, &(drift_conv){1, 1, 1}, &in, &g, r->with_bias, &dw));
}

START_TEST(kernel_gradient)
{
    static const int threads[] = {1, 2, 3, 8};
    struct run r = begin(problems + _i / 2, 0, _i % 2);
    const struct problem *p = r.p;
    const size_t n = 9 * p->in * p->out, tiles = p->batch * ((p->height + 1) / 2) * ((p->width + 1) / 2);
    float *first = malloc(n * sizeof *first), *before = filled(n, 1);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        omp_set_num_threads(threads[t]);
        memcpy(r.kernel, before, n * sizeof *before);
        compute_gradient(&r, drift_cpu_backend(DRIFT_F32), r.source, r.before, r.kernel);
        if (!t)
            memcpy(first, r.kernel, n * sizeof *first);
        ck_assert_msg(!memcmp(first, r.kernel, n * sizeof *first), "%d threads", threads[t]);
    }
    for (size_t i = 0; i < p->in * p->out; i += 7 * stride_of(p->in * p->out, tiles)) {
        float u[16], size[16];
        gradient(&r, 0, i / p->out, i % p->out, u);
        gradient(&r, 1, i / p->out, i % p->out, size);
        for (size_t e = 0; e < 9; e++) {
            const float got = first[e * p->in * p->out + i], old = r.with_bias ? before[e * p->in * p->out + i] : 0;
            const float want = r.with_bias ? old + u[e / 3 * 4 + e % 3] : u[e / 3 * 4 + e % 3];
            ck_assert_msg(drift_kernels_isa() == DRIFT_REF || got == want, "element %zu: %.9g, not %.9g", i, got, want);
            const double exact = direct_gradient(&r, e, i / p->out, i % p->out) + old;
            const double sum = 1.0001 * (double)size[e / 3 * 4 + e % 3] + fabs((double)old);
            ck_assert_msg(fabs(got - exact) <= ((double)tiles + 10) * 0x1p-24 * sum, "element %zu: %.9g, not %.9g", i,
                          got, exact);
        }
    }
    free(first), free(before);
    end(&r);
}
END_TEST

static double *widened(const float *x, size_t n)
{
    double *wide = malloc((n + 1) * sizeof *wide);
    for (size_t i = 0; i < n; i++)
        wide[i] = x[i];
    return wide;
}

START_TEST(in_double)
{
    for (int turned = 0; turned < 2; turned++) {
        struct run r = begin(problems + _i / 2, turned, _i % 2);
        const struct problem *p = r.p;
        double *source = widened(r.source, r.pixels * r.in), *kernel = widened(r.kernel, 9 * r.in * r.out);
        double *bias = widened(r.bias, r.out), *got = widened(r.before, r.pixels * r.out);
        /* inputs below 1: V below 4, U below 9/4, nine of their products in a sum */
        const double bound = ((double)r.in + 12) * 0x1p-53 * (81 * (double)r.in + 1);
        compute(&r, drift_cpu_backend(DRIFT_F64), source, kernel, bias, got);
        for (size_t i = 0; i < r.pixels * r.out; i += stride_of(r.pixels * r.out, r.in)) {
            const size_t n = i % r.out, x = i / r.out % p->width, y = i / r.out / p->width % p->height;
            const double want = direct(&r, i / r.out / p->width / p->height, y, x, n) + (r.accumulate  ? r.before[i]
                                                                                         : r.with_bias ? r.bias[n]
                                                                                                       : 0);
            ck_assert_msg(fabs(got[i] - want) <= bound, "element %zu: %.15g, not %.15g", i, got[i], want);
        }
        free(source), free(kernel), free(bias), free(got);
        end(&r);
    }
}
END_TEST

START_TEST(kernel_gradient_in_double)
{
    struct run r = begin(problems + _i, 0, 0);
    const size_t n = 9 * r.in * r.out;
    double *source = widened(r.source, r.pixels * r.in), *dy = widened(r.before, r.pixels * r.out);
    double *got = widened(r.kernel, n);
    /* V and Z below 4, and up to four of their products in a sum */
    const double tiles = (double)(r.p->batch * ((r.p->height + 1) / 2) * ((r.p->width + 1) / 2));
    const double bound = (tiles + 10) * 0x1p-53 * 64 * tiles;
    compute_gradient(&r, drift_cpu_backend(DRIFT_F64), source, dy, got);
    for (size_t i = 0; i < n; i += 5 * stride_of(n, r.pixels)) {
        const double want = direct_gradient(&r, i / (r.in * r.out), i / r.out % r.in, i % r.out);
        ck_assert_msg(fabs(got[i] - want) <= bound, "element %zu: %.15g, not %.15g", i, got[i], want);
    }
    free(source), free(dy), free(got);
    end(&r);
}
END_TEST

static int pays(size_t side, size_t in, size_t out, size_t kernel, drift_conv conv)
{
    const drift_backend *b = drift_cpu_backend(DRIFT_F32);
    const size_t to = (side + 2 * conv.padding - kernel) / conv.stride + 1;
    const drift_tensor x = tensor(b, 1, side, side, in, NULL), y = tensor(b, 1, to, to, out, NULL);
    const drift_tensor w = tensor(b, kernel, kernel, in / conv.groups, out, NULL);
    return drift_cpu_winograd_pays_f32(&conv, &x, &w, &y);
}

START_TEST(shapes)
{
    const drift_conv plain = {1, 1, 1};
    ck_assert(pays(32, 64, 64, 3, plain) && pays(4, 512, 512, 3, plain) && pays(7, 32, 32, 3, plain));
    ck_assert(!pays(3, 64, 64, 3, plain) && !pays(2, 64, 64, 3, plain) && !pays(1, 64, 64, 3, plain));
    ck_assert(!pays(32, 31, 64, 3, plain) && !pays(32, 64, 31, 3, plain));
    ck_assert(!pays(32, 64, 64, 5, plain) && !pays(32, 64, 64, 3, (drift_conv){2, 1, 1}));
    ck_assert(!pays(32, 64, 64, 3, (drift_conv){1, 0, 1}) && !pays(32, 64, 64, 3, (drift_conv){1, 1, 64}));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("winograd");
    TCase *tests = tcase_create("winograd");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, same_bits, 0, 2 * PROBLEMS);
    tcase_add_loop_test(tests, error_bound, 0, 2 * PROBLEMS);
    tcase_add_loop_test(tests, in_double, 0, 2 * (PROBLEMS - 1)); /* the last is for other loops than double's */
    tcase_add_loop_test(tests, kernel_gradient, 0, 2 * PROBLEMS);
    tcase_add_loop_test(tests, kernel_gradient_in_double, 0, PROBLEMS - 1);
    tcase_add_test(tests, shapes);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
