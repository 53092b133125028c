/* The largest error of exp, log, sin, cos, tanh and erf over every finite float, on the ISA in use (DRIFT_ISA):
 *
 *     ulp [--stride N] [NAME...]      every float, or every N-th; all six, or those named
 *
 * against libm in double, whose own error is below 2^-28 of a float's last place. Exit status 1: a bound is exceeded.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

enum { BLOCK = 1 << 14 };

struct worst {
    double error;
    uint32_t bits;
};

typedef void (*kernel)(size_t n, const float *x, float *y);
typedef double (*function)(double x);

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* |got - exact| in units of the last place that a float of exact's size has; an infinity counts as 2^128. */
static double ulp_error(float got, double exact)
{
    if (got != got || exact != exact)
        return got != got && exact != exact ? 0 : INFINITY;
    double limit = 0x1p128, value = isinf(got) ? copysign(limit, got) : got;
    exact = exact > limit ? limit : exact < -limit ? -limit : exact;
    uint64_t bits;
    memcpy(&bits, &exact, sizeof bits);
    int exponent = (int)(bits >> 52 & 2047) - 1023; /* 2^exponent <= |exact| */
    exponent = exponent < -126 ? -126 : exponent > 127 ? 127 : exponent;
    bits = (uint64_t)(23 - exponent + 1023) << 52;
    double per_unit;
    memcpy(&per_unit, &bits, sizeof per_unit);
    return fabs(value - exact) * per_unit;
}

/* The block's finite inputs are first, first + stride, ... as bits. */
static struct worst measure_block(kernel k, function f, uint64_t first, uint32_t stride)
{
    float x[BLOCK] = {0}, y[BLOCK];
    struct worst worst = {-1, 0};
    size_t n = 0;
    for (uint64_t bits = first; n < BLOCK && bits < UINT64_C(1) << 32; bits += stride) {
        x[n] = from_bits((uint32_t)bits);
        n += x[n] - x[n] == 0;
        if (bits - first >= (uint64_t)(BLOCK - 1) * stride)
            break;
    }
    k(n, x, y);
    for (size_t i = 0; i < n; i++) {
        double error = ulp_error(y[i], f(x[i]));
        if (!(error <= worst.error)) {
            worst.error = error;
            memcpy(&worst.bits, &x[i], sizeof worst.bits);
        }
    }
    return worst;
}

static struct worst measure(kernel k, function f, uint32_t stride)
{
    struct worst worst = {-1, 0};
    int64_t step = (int64_t)stride * BLOCK, blocks = ((INT64_C(1) << 32) + step - 1) / step;
#pragma omp parallel for schedule(dynamic)
    for (int64_t b = 0; b < blocks; b++) {
        struct worst w = measure_block(k, f, (uint64_t)(b * step), stride);
#pragma omp critical
        if (!(w.error <= worst.error) || (w.error == worst.error && w.bits < worst.bits))
            worst = w;
    }
    return worst;
}

int main(int argc, char **argv)
{
    const struct drift_kernels *k = drift_kernels();
    const struct {
        const char *name;
        kernel k;
        function f;
        double bound;
    } rows[] = {{"exp", k->exp, exp, 1.5}, {"log", k->log, log, 1.5},    {"sin", k->sin, sin, 2.5},
                {"cos", k->cos, cos, 2.5}, {"tanh", k->tanh, tanh, 2.5}, {"erf", k->erf, erf, 2.5}};
    uint32_t stride = 1;
    int failed = 0, names = 1;
    if (drift_kernels_status() != DRIFT_OK) {
        fprintf(stderr, "%s\n", drift_message());
        return 2;
    }
    if (argc > 2 && !strcmp(argv[1], "--stride")) {
        stride = (uint32_t)strtoul(argv[2], NULL, 10);
        names = 3;
    }
    if (!stride)
        return 2;
    printf("%s, every %s finite float\n", drift_isa_name(drift_kernels_isa()), stride == 1 ? "single" : argv[2]);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        int wanted = names == argc;
        for (int i = names; i < argc; i++)
            wanted |= !strcmp(argv[i], rows[r].name);
        if (!wanted)
            continue;
        struct worst w = measure(rows[r].k, rows[r].f, stride);
        int ok = w.error <= rows[r].bound;
        printf("%-5s %.4f ULP at %a (%.9g), bound %.1f%s\n", rows[r].name, w.error, from_bits(w.bits),
               from_bits(w.bits), rows[r].bound, ok ? "" : "  EXCEEDED");
        fflush(stdout);
        failed |= !ok;
    }
    return failed;
}
