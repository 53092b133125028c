/* Elementary functions in double. Where a rounding would cost more than a fraction of an ULP the value is carried as a
 * pair, hi + lo; polynomials are fits of our own (interpolation at Chebyshev nodes in 60 digits). */
#include "base/real.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct pair {
    double hi, lo;
} pair;

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* a + b without error; the first needs |a| >= |b| (or a = 0) */
static pair fast_sum(double a, double b)
{
    double s = a + b;
    return (pair){s, (a - s) + b};
}

static pair two_sum(double a, double b)
{
    double s = a + b, t = s - a;
    return (pair){s, (a - (s - t)) + (b - t)};
}

static pair product(double a, double b)
{
    double p = a * b;
    return (pair){p, fma(a, b, -p)};
}

/* a b, all but the last few of 106 bits */
static pair pair_product(pair a, pair b)
{
    pair p = product(a.hi, b.hi);
    return (pair){p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi)};
}

/* c[0] + c[1] x + ... */
static double polynomial(const double *c, int count, double x)
{
    double y = c[count - 1];
    for (int i = count - 2; i >= 0; i--)
        y = y * x + c[i];
    return y;
}

/* 2^k for -1022 <= k <= 1023 */
static double power_of_two(int k) { return from_bits((uint64_t)(k + 1023) << 52); }

/* x 2^k, rounded once */
static double scale(double x, int k)
{
    int half = k / 2;
    return x * power_of_two(half) * power_of_two(k - half);
}

static const double LN2_HI = 0x1.62e42fefa3800p-1; /* 42 bits, so that its product with an exponent is exact */
static const double LN2_LO = 0x1.ef35793c76730p-45;

/* x = k ln 2 + r, |r| <= ln 2 / 2; returns e^r - 1. |x| < 2,000. */
static pair expm1_reduced(pair x, int *k)
{
    static const double c[] = {0x1.0000000000000p-1,  0x1.5555555555557p-3,  0x1.5555555555556p-5,
                               0x1.11111111100dcp-7,  0x1.6c16c16c162d4p-10, 0x1.a01a01abe7fe1p-13,
                               0x1.a01a01a6d889cp-16, 0x1.71de0231960ebp-19, 0x1.27e4db646b17ep-22,
                               0x1.af4de97ca4194p-26, 0x1.1f730349868cep-29};
    double n = (x.hi * 0x1.71547652b82fep+0 + 0x1.8p52) - 0x1.8p52;
    pair r = two_sum(x.hi - n * LN2_HI, x.lo - n * LN2_LO);
    *k = (int)n;
    return fast_sum(r.hi, r.lo + r.hi * r.lo + r.hi * r.hi * polynomial(c, COUNT(c), r.hi));
}

static double exp_pair(pair x)
{
    if (!(x.hi > -746))
        return x.hi == x.hi ? 0 : x.hi;
    if (x.hi > 710)
        return INFINITY;
    int k;
    pair p = expm1_reduced(x, &k), one = fast_sum(1, p.hi);
    return scale(one.hi + (one.lo + p.lo), k);
}

double drift_exp(double x) { return exp_pair((pair){x, 0}); }

/* |x| < 50 */
static pair expm1_pair(double x)
{
    int k;
    pair p = expm1_reduced((pair){x, 0}, &k);
    double power = power_of_two(k);
    pair a = two_sum(power, -1), s = two_sum(a.hi, power * p.hi);
    return fast_sum(s.hi, s.lo + a.lo + power * p.lo);
}

double drift_expm1(double x)
{
    if (fabs(x) < 0x1p-54)
        return x;
    if (x < -40)
        return -1;
    return x < 45 ? expm1_pair(x).hi : drift_exp(x);
}

/* log(x 2^shift) for normal x.hi > 0: with x = 2^k m and s = (m-1)/(m+1),
 * log m = 2 s (1 + z (1/3 + z (1/5 + z R(z)))), z = s^2 */
static pair log_pair(pair x, int shift)
{
    static const double c[] = {0x1.2492492492492p-3, 0x1.c71c71c71c824p-4, 0x1.745d1745a3aecp-4, 0x1.3b13b16b845a0p-4,
                               0x1.1110f7ed90f7bp-4, 0x1.e1f004ce6b5cap-5, 0x1.acf7370081675p-5, 0x1.b2ebd5566f660p-5};
    int64_t above = (int64_t)(bits_of(x.hi) - bits_of(0x1.6a09e667f3bcdp-1));
    int k = (int)(above >> 52);
    pair f = fast_sum(scale(x.hi, -k) - 1, scale(x.lo, -k));
    pair d = fast_sum(2, f.hi), s, z;
    d.lo += f.lo;
    s.hi = f.hi / d.hi;
    s.lo = (fma(-s.hi, d.hi, f.hi) + f.lo - s.hi * d.lo) / d.hi;
    z = pair_product(s, s);
    pair u = fast_sum(0x1.999999999999ap-3, z.hi * polynomial(c, COUNT(c), z.hi));
    u.lo += -0x1.999999999999ap-57;
    pair w = pair_product(z, u);
    pair v = fast_sum(0x1.5555555555555p-2, w.hi);
    v.lo += w.lo + 0x1.5555555555555p-56;
    w = pair_product(s, pair_product(z, v));
    pair m = fast_sum(s.hi, w.hi);
    m.lo += w.lo + s.lo;
    double n = k + shift;
    pair y = fast_sum(n * LN2_HI, 2 * m.hi);
    y.lo += 2 * m.lo + n * LN2_LO;
    return fast_sum(y.hi, y.lo);
}

/* The same for every finite x > 0. */
static pair log_any(double x)
{
    return x < 0x1p-1022 ? log_pair((pair){x * 0x1p54, 0}, -54) : log_pair((pair){x, 0}, 0);
}

double drift_log(double x)
{
    if (x == 0)
        return -INFINITY;
    if (!(x > 0))
        return NAN;
    return x < INFINITY ? log_any(x).hi : x;
}

double drift_log1p(double x)
{
    if (fabs(x) < 0x1p-54 || !(x < INFINITY))
        return x;
    if (x <= -1)
        return x == -1 ? -INFINITY : NAN;
    return log_pair(two_sum(1, x), 0).hi;
}

/* x^y for 0 <= x, where neither is NaN */
static double power(double x, double y)
{
    if (x == 1)
        return 1;
    if (fabs(y) == INFINITY)
        return (x > 1) == (y > 0) ? INFINITY : 0;
    if (x == 0 || x == INFINITY)
        return (x > 0) == (y > 0) ? INFINITY : 0;
    pair l = log_any(x);
    double p = y * l.hi;
    if (fabs(p) > 800)
        return p > 0 ? INFINITY : 0;
    return exp_pair(fast_sum(p, fma(y, l.hi, -p) + y * l.lo));
}

double drift_pow(double x, double y)
{
    if (y == 0 || x == 1)
        return 1;
    if (x != x || y != y)
        return NAN;
    int integer = floor(y) == y, odd = integer && floor(y / 2) * 2 != y && fabs(y) < INFINITY;
    if (x < 0 && x > -INFINITY && !integer)
        return NAN;
    double r = power(fabs(x), y);
    return odd && bits_of(x) >> 63 ? -r : r;
}

/* x = q pi/2 + r, |r| <= pi/4, for finite |x| >= pi/4, after Payne and Hanek in 32-bit words: x = m 2^e; of the bits of
 * 2/pi those that make multiples of 4 are left out, the next 192 are multiplied by m. The product's top two bits are
 * the quadrant, the next 128 the fraction of a quarter turn (no double comes nearer than 2^-62 to a multiple of pi/2).
 */
static pair trig_reduce(double x, int *quadrant)
{
    static const uint32_t two_over_pi[40] = {
        0,          0,          0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041,
        0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e,
        0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b,
        0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d,
        0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab};
    enum { WORDS = 6 };
    uint64_t bits = bits_of(x), m = (bits & 0xfffffffffffff) | 0x10000000000000;
    int skip = (int)(bits >> 52 & 2047) - 1075 + 62;
    const uint32_t *from = two_over_pi + skip / 32;
    uint32_t product[WORDS + 1] = {0}; /* most significant word first; the last one is a zero to shift in */
    uint64_t carry = 0;
    for (int i = WORDS - 1; i >= 0; i--) {
        uint32_t word = (uint32_t)(((uint64_t)from[i] << 32 | from[i + 1]) >> (32 - skip % 32));
        uint64_t low = (m & 0xffffffff) * word + (carry & 0xffffffff);
        product[i] = (uint32_t)low;
        carry = (low >> 32) + (carry >> 32) + (m >> 32) * word;
    }
    int q = (int)(product[0] >> 30), negative = (int)(product[0] >> 29 & 1);
    double unit = 0x1p-32, v[WORDS - 1];
    for (int i = 0; i < WORDS - 1; i++, unit *= 0x1p-32) {
        uint32_t word = product[i] << 2 | product[i + 1] >> 30;
        v[i] = (negative ? ~word : word) * unit; /* the complement is off by one unit in 2^-160 */
    }
    pair f = fast_sum(v[0], v[1]), g = fast_sum(f.hi, f.lo + v[2] + v[3] + v[4]);
    pair r = pair_product(g, (pair){0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54});
    double sign = (negative != 0) != (x < 0) ? -1 : 1;
    q += negative;
    *quadrant = x < 0 ? -q : q;
    return (pair){sign * r.hi, sign * r.lo};
}

static double sin_reduced(pair r)
{
    static const double c[] = {-0x1.5555555555555p-3, 0x1.1111111110babp-7,   -0x1.a01a019e820aep-13,
                               0x1.71de37946ed6dp-19, -0x1.ae6008d114485p-26, 0x1.5e0a4fc16be59p-33};
    double z = r.hi * r.hi;
    return r.hi + (r.lo * (1 - 0.5 * z) + r.hi * z * polynomial(c, COUNT(c), z));
}

static double cos_reduced(pair r)
{
    static const double c[] = {0x1.5555555555555p-5,   -0x1.6c16c16c16963p-10, 0x1.a01a019f4ddfdp-16,
                               -0x1.27e4fa16cc2d1p-22, 0x1.1eeb67d026ec6p-29,  -0x1.907cd8ff5ede7p-37};
    double z = r.hi * r.hi, half = 0.5 * z, one = 1 - half;
    return one + ((1 - one) - half + (z * z * polynomial(c, COUNT(c), z) - r.hi * r.lo));
}

static double sin_quadrant(pair r, int quadrant)
{
    double y = quadrant & 1 ? cos_reduced(r) : sin_reduced(r);
    return quadrant & 2 ? -y : y;
}

double drift_sin(double x)
{
    if (fabs(x) < 0x1p-27)
        return x;
    if (!(fabs(x) < INFINITY))
        return NAN;
    int quadrant = 0;
    pair r = fabs(x) < 0x1.8p-1 ? (pair){x, 0} : trig_reduce(x, &quadrant);
    return sin_quadrant(r, quadrant);
}

double drift_cos(double x)
{
    if (!(fabs(x) < INFINITY))
        return NAN;
    int quadrant = 0;
    pair r = fabs(x) < 0x1.8p-1 ? (pair){x, 0} : trig_reduce(x, &quadrant);
    return sin_quadrant(r, quadrant + 1);
}

/* t / (t + 2), t = e^2|x| - 1 */
double drift_tanh(double x)
{
    double a = fabs(x);
    if (a < 0x1p-28 || x != x)
        return x;
    if (a > 22)
        return x > 0 ? 1 : -1;
    pair t = expm1_pair(2 * a), d = two_sum(t.hi, 2);
    double q = t.hi / d.hi;
    q += (fma(-q, d.hi, t.hi) + t.lo - q * (d.lo + t.lo)) / d.hi;
    return x < 0 ? -q : q;
}

/* x (2 / sqrt(pi) + z P(z)), z = x^2, below 0.9; 1 - e^-z G((x - 2) / (x + 2)) above */
double drift_erf(double x)
{
    static const double near[] = {-0x1.812746b0379e7p-2,  0x1.ce2f21a042b93p-4,   -0x1.b82ce31284f82p-6,
                                  0x1.565bcd0d4d37cp-8,   -0x1.c02db3a903395p-11, 0x1.f9a3176090c3dp-14,
                                  -0x1.f4d09e1931050p-17, 0x1.b9c6a89d4a568p-20,  -0x1.5df53a5fb4f2dp-23,
                                  0x1.e658e9562299fp-27,  -0x1.dfc0c8566e496p-31};
    static const double far[] = {0x1.058671b52c776p-2,   -0x1.b57034efd3f75p-2,  0x1.eeea7dc8a7942p-3,
                                 -0x1.437f0b68c010dp-4,  0x1.e947159684950p-9,   0x1.ca95ed505c37dp-8,
                                 -0x1.bc25a3a19d1c4p-11, -0x1.016b5ba41a334p-10, 0x1.6d5da76b2d427p-15,
                                 0x1.6da8f3ad08b07p-13,  0x1.cdf05db0c1f23p-16,  -0x1.cea399d0ad941p-16,
                                 -0x1.d6ce7098b34f9p-17, 0x1.7866bc0f92149p-20,  0x1.0f438be7a943dp-18,
                                 0x1.0fd6ae43da220p-20,  -0x1.fb0d926f41d06p-21};
    double a = fabs(x), z = a * a;
    if (x != x)
        return x;
    if (a < 0.9)
        return fma(x, 0x1.20dd750429b6dp+0, x * (0x1.1ae3a914fed80p-56 + z * polynomial(near, COUNT(near), z)));
    if (a > 6)
        return x > 0 ? 1 : -1;
    double y = 1 - drift_exp(-z) * polynomial(far, COUNT(far), (a - 2) / (a + 2));
    return x < 0 ? -y : y;
}
