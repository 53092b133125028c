/* The largest error of exp, log, sin, cos, tanh and erf on the ISA in use (DRIFT_ISA), against libm in double, whose
 * own error is below 2^-28 of a float's last place:
 *
 *     ulp                    some four million floats, chosen and strided, and the bits of the results: seconds
 *     ulp --all [NAME...]    every finite float, of all six or of those named: minutes
 *
 * Exit status 1: an error is larger than the docstrings in simd/math.h say, or bits are others than those that were
 * measured. The second notices what few inputs show, e.g. the last place of a coefficient: whoever changes bits on
 * purpose runs --all, then writes down error and hash, here and there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

enum { BLOCK = 1 << 14, STRIDE = 1021, NEAR_SMALL = 83443 };

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

/* The errors of n <= BLOCK results. */
static struct worst worst_of(size_t n, const float *x, const float *y, function f)
{
    struct worst worst = {-1, 0};
    for (size_t i = 0; i < n; i++) {
        const double error = ulp_error(y[i], f(x[i]));
        if (!(error <= worst.error)) {
            worst.error = error;
            memcpy(&worst.bits, &x[i], sizeof worst.bits);
        }
    }
    return worst;
}

static void add_worst(struct worst *worst, struct worst w)
{
#pragma omp critical
    if (!(w.error <= worst->error) || (w.error == worst->error && w.bits < worst->bits))
        *worst = w;
}

static struct worst measure_all(kernel k, function f)
{
    struct worst worst = {-1, 0};
#pragma omp parallel for schedule(dynamic)
    for (int64_t first = 0; first < INT64_C(1) << 32; first += BLOCK) {
        float x[BLOCK], y[BLOCK];
        size_t n = 0;
        for (int64_t bits = first; bits < first + BLOCK; bits++) {
            x[n] = from_bits((uint32_t)bits);
            n += x[n] - x[n] == 0;
        }
        k(n, x, y);
        add_worst(&worst, worst_of(n, x, y, f));
    }
    return worst;
}

/* Of each binade from 2^17 to 2^127 the float that comes nearest to a multiple of pi/2. */
static const uint32_t near_large[] = {
    0x484d246f, 0x4882665e, 0x4902665e, 0x4982665e, 0x4a2562ae, 0x4aa562ae, 0x4b2562ae, 0x4bf3b47b, 0x4c2332e9,
    0x4ca332e9, 0x4d2332e9, 0x4d847661, 0x4e13d4a5, 0x4e93d4a5, 0x4f0ffd14, 0x4fdbd32f, 0x507fd274, 0x50a3e87f,
    0x5123e87f, 0x51a3e87f, 0x5223e87f, 0x52a3e87f, 0x5323e87f, 0x53b146a6, 0x543146a6, 0x54b146a6, 0x553146a6,
    0x55b146a6, 0x56787577, 0x56f87577, 0x57787577, 0x57b82989, 0x58382989, 0x58dc36c9, 0x596e3d69, 0x59f740b9,
    0x5a7bc261, 0x5afe0335, 0x5b7f239f, 0x5bffb3d4, 0x5c07bcd0, 0x5c87bcd0, 0x5d07bcd0, 0x5d87bcd0, 0x5e07bcd0,
    0x5e87bcd0, 0x5f07bcd0, 0x5fe4112c, 0x6064112c, 0x60ab0ce1, 0x617c556b, 0x61d3b126, 0x6253b126, 0x62ec1b4a,
    0x636c1b4a, 0x63e600c1, 0x642e0733, 0x64ae0733, 0x652e0733, 0x65898498, 0x66098498, 0x66898498, 0x67098498,
    0x67898498, 0x68098498, 0x68898498, 0x6946e3bb, 0x69c6e3bb, 0x6a1976f1, 0x6a9976f1, 0x6b1976f1, 0x6b9976f1,
    0x6c55da58, 0x6cd5da58, 0x6d2063c2, 0x6d85a877, 0x6e05a877, 0x6e85a877, 0x6f79be45, 0x6ff9be45, 0x7079be45,
    0x70f9be45, 0x7179be45, 0x71f9be45, 0x723fa09a, 0x72bfa09a, 0x733fa09a, 0x73e61c18, 0x7452de59, 0x74d2de59,
    0x756fa1dc, 0x75949471, 0x76507ce8, 0x76a426eb, 0x77584625, 0x77d84625, 0x78584625, 0x78a8b883, 0x79407f54,
    0x79c07f54, 0x7a105f7f, 0x7afccbab, 0x7b1675c0, 0x7b9675c0, 0x7c6c3305, 0x7cff01bd, 0x7d7f01bd, 0x7dff01bd,
    0x7e7f01bd, 0x7ebdcda0, 0x7f3dcda0};

enum {
    NEAR_LARGE = sizeof near_large / sizeof *near_large,
    MOST = (INT64_C(1) << 32) / STRIDE + 1 + NEAR_SMALL + NEAR_LARGE
};

/* Every STRIDE-th float, the float nearest to each multiple of pi/2 below 2^17, and near_large; returns how many. */
static size_t choose(float x[MOST])
{
    size_t n = 0;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += STRIDE) {
        x[n] = from_bits((uint32_t)bits);
        n += x[n] - x[n] == 0;
    }
    for (int k = 1; k <= NEAR_SMALL; k++)
        x[n++] = (float)(k * 1.5707963267948966);
    for (int i = 0; i < NEAR_LARGE; i++)
        x[n++] = from_bits(near_large[i]);
    return n;
}

static uint32_t hash_of(size_t n, const float *y)
{
    uint32_t hash = 2166136261;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0x7fc00000;
        if (y[i] == y[i])
            memcpy(&bits, &y[i], sizeof bits);
        hash = (hash ^ bits) * 16777619;
    }
    return hash;
}

static struct worst measure_chosen(kernel k, function f, uint32_t *hash)
{
    static float x[MOST], y[MOST];
    const size_t n = choose(x);
    struct worst worst = {-1, 0};
    k(n, x, y);
    *hash = hash_of(n, y);
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < (int64_t)n; i += BLOCK)
        add_worst(&worst, worst_of((size_t)((int64_t)n - i < BLOCK ? (int64_t)n - i : BLOCK), x + i, y + i, f));
    return worst;
}

struct row {
    const char *name;
    kernel k;
    function f;
    double most; /* the docstring's figure */
    uint32_t hash;
};

/* 0 if the row is as it is said to be. */
static int check(const struct row *r, int all)
{
    uint32_t hash = r->hash;
    const struct worst w = all ? measure_all(r->k, r->f) : measure_chosen(r->k, r->f, &hash);
    const int exceeded = !(w.error <= r->most + 0.00005), same = drift_kernels_isa() == DRIFT_REF || hash == r->hash;
    printf("%-5s %.4f ULP at %a (%.9g), at most %.4f is said%s\n", r->name, w.error, (double)from_bits(w.bits),
           (double)from_bits(w.bits), r->most, exceeded ? ": EXCEEDED" : "");
    if (!same)
        printf("%-5s has OTHER BITS than those that were measured, hash %08x instead of %08x: run make ulp\n", r->name,
               (unsigned)hash, (unsigned)r->hash);
    fflush(stdout);
    return exceeded || !same;
}

int main(int argc, char **argv)
{
    const struct drift_kernels *k = drift_kernels();
    const struct row rows[] = {{"exp", k->exp, exp, 0.8913, 0x5736bd9a},    {"log", k->log, log, 0.9338, 0x5c6d30e2},
                               {"sin", k->sin, sin, 1.5542, 0x13ba7386},    {"cos", k->cos, cos, 1.5527, 0xae17760a},
                               {"tanh", k->tanh, tanh, 1.3622, 0xf052c4fc}, {"erf", k->erf, erf, 1.0544, 0x2fc1b0e7}};
    const int all = argc > 1 && !strcmp(argv[1], "--all");
    int failed = 0;
    if (drift_kernels_status() != DRIFT_OK) {
        fprintf(stderr, "%s\n", drift_message());
        return 2;
    }
    printf("%s, %s finite floats\n", drift_isa_name(drift_kernels_isa()), all ? "all" : "four million");
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        int wanted = argc <= 1 + all;
        for (int i = 1 + all; i < argc; i++)
            wanted |= !strcmp(argv[i], rows[r].name);
        if (wanted)
            failed |= check(&rows[r], all);
    }
    return failed;
}
