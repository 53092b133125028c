/* exp, log, sin, cos, tanh, erf and sigmoid of sixteen lanes, over the operations of vec.h alone: no table, no branch
 * (sin and cos apart, and those agree on every path), so every ISA gives the same bits. Coefficients are minimax fits
 * of our own, rounded to float one after the other from the lowest power.
 *
 * Errors are the largest over all finite float32 inputs, in units in the last place, as `make ulp` measures them.
 * NaN in, NaN out; infinities give the limit; subnormal inputs and results are exact to the same bound. */
#ifndef DRIFT_SIMD_MATH_H
#define DRIFT_SIMD_MATH_H

#include "vec.h"

/* Always inline: gcc otherwise passes vectors of two or more registers through memory. Never in portable C, where a
 * vector is sixteen scalars, nor under sanitizers: compilers take minutes over a file that has many of them in one
 * function. */
#if defined(DRIFT_ISA_c) || defined(DRIFT_SIMD_CALLS)
#define VEC_MATH static __attribute__((noinline, unused))
#else
#define VEC_MATH static inline __attribute__((always_inline, unused))
#endif

/* x = n ln 2 + r, |r| <= ln 2 / 2; returns e^r, and in *t the bits whose low nine hold n + bias. |x| <= 104. */
VEC_MATH vec vec_exp_reduced(vec x, int bias, veci *t)
{
    vec magic = vec_set1(12582912.0f + (float)bias); /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    vec shifted = vec_fma(x, vec_set1(0x1.715476p+0f), magic);
    vec n = vec_sub(shifted, magic);
    vec r = vec_fnma(n, vec_set1(0x1.62e43p-1f), x);
    r = vec_fnma(n, vec_set1(-0x1.05c61p-29f), r);
    vec p = vec_fma(vec_set1(0x1.6a4744p-10f), r, vec_set1(0x1.1239a2p-7f));
    p = vec_fma(p, r, vec_set1(0x1.5558b6p-5f));
    p = vec_fma(p, r, vec_set1(0x1.555492p-3f));
    p = vec_fma(p, r, vec_set1(0x1.fffffcp-2f));
    p = vec_fma(p, r, vec_set1(1));
    *t = vec_bits(shifted);
    return vec_fma(p, r, vec_set1(1));
}

/* e^x, 0.8913 ULP at -0x1.765026p+2. Subnormal results are rounded from the full product, so they too are within the
 * bound. */
VEC_MATH vec vec_exp(vec x)
{
    veci t;
    vec p = vec_exp_reduced(vec_min(vec_set1(89), vec_max(vec_set1(-104), x)), 254, &t);
    veci exponent = veci_sll(t, 23); /* n + 254, unsigned: 2^n in two factors, as 2^129 and 2^-150 are no floats */
    veci half = veci_and(veci_srl(exponent, 1), veci_set1(0x7f800000));
    return vec_mul(vec_mul(p, vec_from_bits(half)), vec_from_bits(veci_sub(exponent, half)));
}

/* e^x for x <= 88, five operations cheaper: same bits as vec_exp for x >= -87.68 (= -126.5 ln 2), exactly 0 below. */
VEC_MATH vec vec_exp_neg(vec x)
{
    veci t;
    vec p = vec_exp_reduced(vec_max(vec_set1(-88), x), 127, &t);
    return vec_mul(p, vec_from_bits(veci_sll(t, 23)));
}

/* log x + extra_exponent ln 2, for normal, finite x > 0. */
VEC_MATH vec vec_log_normal(vec x, vec extra_exponent)
{
    veci i = vec_bits(x);
    veci e = veci_sra(veci_sub(i, veci_set1(0x3f2aaaab)), 23); /* x = 2^e m, m in [2/3, 4/3) */
    vec f = vec_sub(vec_from_bits(veci_sub(i, veci_sll(e, 23))), vec_set1(1));
    vec p = vec_fma(vec_set1(-0x1.07e5f4p-3f), f, vec_set1(0x1.1e73a0p-3f));
    p = vec_fma(p, f, vec_set1(-0x1.f32078p-4f));
    p = vec_fma(p, f, vec_set1(0x1.1ed424p-3f));
    p = vec_fma(p, f, vec_set1(-0x1.559d36p-3f));
    p = vec_fma(p, f, vec_set1(0x1.99d05ep-3f));
    p = vec_fma(p, f, vec_set1(-0x1.fffef4p-3f));
    p = vec_fma(p, f, vec_set1(0x1.555506p-2f));
    p = vec_fma(p, f, vec_set1(-0.5f));
    vec log_m = vec_fma(p, vec_mul(f, f), f);
    return vec_fma(vec_add(vec_from_int(e), extra_exponent), vec_set1(0x1.62e43p-1f), log_m);
}

/* log x, 0.9338 ULP at 0x1.4574e2p-1; -Inf at both zeros, NaN below. */
VEC_MATH vec vec_log(vec x)
{
    vmask small = vec_lt(x, vec_set1(0x1p-126f));
    vec scaled = vec_select(small, vec_mul(x, vec_set1(0x1p23f)), x);
    vec y = vec_log_normal(scaled, vec_select(small, vec_set1(-23), vec_zero()));
    vec special = vec_select(vec_lt(x, vec_zero()), vec_set1(NAN), x); /* Inf and NaN stay */
    special = vec_select(vec_eq(x, vec_zero()), vec_set1(-INFINITY), special);
    return vec_select(mask_and(vec_lt(vec_zero(), x), vec_lt(x, vec_set1(INFINITY))), y, special);
}

/* sin r and cos r for |r| <= pi/4 and a little. */
VEC_MATH vec vec_sin_reduced(vec r, vec r2)
{
    vec p = vec_fma(vec_set1(-0x1.991bf4p-13f), r2, vec_set1(0x1.1106c6p-7f));
    p = vec_fma(p, r2, vec_set1(-0x1.555544p-3f));
    return vec_fma(vec_mul(r2, r), p, r);
}

VEC_MATH vec vec_cos_reduced(vec r2)
{
    vec p = vec_fma(vec_set1(0x1.99e71cp-16f), r2, vec_set1(-0x1.6c0c26p-10f));
    p = vec_fma(p, r2, vec_set1(0x1.55554ap-5f));
    p = vec_fma(p, r2, vec_set1(-0.5f));
    return vec_fma(p, r2, vec_set1(1));
}

/* sin (quadrant pi/2 + r); the cosine is the same one quadrant on. */
VEC_MATH vec vec_sin_quadrant(vec r, veci quadrant)
{
    vec r2 = vec_mul(r, r);
    vmask odd = veci_eq(veci_and(quadrant, veci_set1(1)), veci_set1(1));
    vec y = vec_select(odd, vec_cos_reduced(r2), vec_sin_reduced(r, r2));
    return vec_from_bits(veci_xor(vec_bits(y), veci_sll(veci_and(quadrant, veci_set1(2)), 30)));
}

/* For 2^17 <= |x| < Inf, after Payne and Hanek, in integers: x = m 2^e; of the bits of 2/pi those that make multiples
 * of 4 are left out, the next 96 are multiplied by m. The top two bits of the product are the quadrant, the rest is
 * exact to 2^-62 of a quarter turn (no float comes nearer than 2^-30 to a multiple of pi/2). */
static inline __attribute__((unused)) float trig_reduce_large(float x, int32_t *quadrant)
{
    static const uint32_t two_over_pi[8] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                            0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)(bits >> 23 & 255) - 150;
    uint64_t m = (bits & 0x7fffff) | 0x800000;
    int word = (e + 30) / 32, shift = (e + 30) % 32;
    uint64_t high = (uint64_t)two_over_pi[word] << 32 | two_over_pi[word + 1];
    uint64_t low = (uint64_t)two_over_pi[word + 2] << 32 | two_over_pi[word + 3];
    if (shift) {
        high = high << shift | low >> (64 - shift);
        low <<= shift;
    }
    uint64_t turn = m * high + (m * (low >> 32) >> 32); /* in units of 2^-64 turns */
    int32_t q = (int32_t)(turn >> 62);
    uint64_t part = turn << 2;
    q += (int32_t)(part >> 63);
    double signed_part = part >> 63 ? -(double)(0 - part) : (double)part;
    float r = (float)(signed_part * 0x1.921fb54442d18p-64);
    *quadrant = bits >> 31 ? -q : q;
    return bits >> 31 ? -r : r;
}

/* x = quadrant pi/2 + r, |r| <= pi/4, for every finite x; quadrant modulo 4. Infinities give NaN. */
VEC_MATH vec vec_trig_reduce(vec x, veci *quadrant)
{
    vec magic = vec_set1(12582912.0f);
    vec shifted = vec_fma(x, vec_set1(0x1.45f306p-1f), magic);
    vec n = vec_sub(shifted, magic);
    vec r = vec_fnma(n, vec_set1(0x1.921fb4p+0f), x); /* exact; pi/2 in three parts, cut and not rounded */
    r = vec_fnma(n, vec_set1(0x1.4442d0p-24f), r);
    r = vec_fnma(n, vec_set1(0x1.846988p-48f), r);
    *quadrant = vec_bits(shifted);
    vmask large = vec_le(vec_set1(0x1p17f), vec_abs(x));
    if (vec_reduce_max(vec_select(large, vec_set1(1), vec_zero())) > 0) {
        float lane_x[LANES], lane_r[LANES];
        int32_t lane_quadrant[LANES];
        vec_store(lane_x, x);
        vec_store(lane_r, r);
        veci_store(lane_quadrant, *quadrant);
        for (int i = 0; i < LANES; i++)
            if (fabsf(lane_x[i]) >= 0x1p17f)
                lane_r[i] = lane_x[i] - lane_x[i] == 0 ? trig_reduce_large(lane_x[i], &lane_quadrant[i]) : NAN;
        r = vec_load(lane_r);
        *quadrant = veci_load(lane_quadrant);
    }
    return r;
}

/* sin x, 1.5542 ULP at 0x1.382b86p+105 */
VEC_MATH vec vec_sin(vec x)
{
    veci quadrant;
    vec r = vec_trig_reduce(x, &quadrant);
    return vec_select(vec_eq(x, vec_zero()), x, vec_sin_quadrant(r, quadrant)); /* keeps the sign of zero */
}

/* cos x, 1.5527 ULP at 0x1.5b4378p+16 */
VEC_MATH vec vec_cos(vec x)
{
    veci quadrant;
    vec r = vec_trig_reduce(x, &quadrant);
    return vec_sin_quadrant(r, veci_add(quadrant, veci_set1(1)));
}

/* sin and cos of u turns, u in [0, 1): 4u - round(4u) is exact, so nothing is lost to the reduction. */
VEC_MATH void vec_sincos_turn(vec u, vec *sine, vec *cosine)
{
    vec magic = vec_set1(12582912.0f), quarters = vec_mul(u, vec_set1(4));
    vec shifted = vec_add(quarters, magic);
    vec r = vec_mul(vec_sub(quarters, vec_sub(shifted, magic)), vec_set1(0x1.921fb6p+0f));
    vec r2 = vec_mul(r, r), s = vec_sin_reduced(r, r2), c = vec_cos_reduced(r2);
    veci quadrant = vec_bits(shifted);
    vmask odd = veci_eq(veci_and(quadrant, veci_set1(1)), veci_set1(1));
    veci sign_s = veci_sll(veci_and(quadrant, veci_set1(2)), 30);
    veci sign_c = veci_sll(veci_and(veci_add(quadrant, veci_set1(1)), veci_set1(2)), 30);
    *sine = vec_from_bits(veci_xor(vec_bits(vec_select(odd, c, s)), sign_s));
    *cosine = vec_from_bits(veci_xor(vec_bits(vec_select(odd, s, c)), sign_c));
}

/* |a| with the sign of b */
VEC_MATH vec vec_copysign(vec a, vec b)
{
    veci sign = veci_set1(INT32_MIN);
    return vec_from_bits(veci_or(vec_bits(vec_abs(a)), veci_and(vec_bits(b), sign)));
}

/* tanh x, 1.3622 ULP at 0x1.429024p-1: an odd polynomial below 0.625, 1 - 2 / (e^2|x| + 1) above. */
VEC_MATH vec vec_tanh(vec x)
{
    vec a = vec_min(vec_set1(10), vec_abs(x)), a2 = vec_mul(a, a);
    vec p = vec_fma(vec_set1(-0x1.753152p-8f), a2, vec_set1(0x1.51ffcep-6f));
    p = vec_fma(p, a2, vec_set1(-0x1.b8367cp-5f));
    p = vec_fma(p, a2, vec_set1(0x1.1106fap-3f));
    p = vec_fma(p, a2, vec_set1(-0x1.555532p-2f));
    vec near = vec_fma(vec_mul(a2, a), p, a);
    vec e = vec_exp_neg(vec_add(a, a));
    vec far = vec_sub(vec_set1(1), vec_div(vec_set1(2), vec_add(e, vec_set1(1))));
    return vec_copysign(vec_select(vec_lt(a, vec_set1(0.625f)), near, far), x);
}

/* erf x, 1.0544 ULP at 0x1.11dc9p+0: an odd polynomial below 1, 1 - e^q(|x|) above, q fitted to log erfc. */
VEC_MATH vec vec_erf(vec x)
{
    vec a = vec_min(vec_set1(4), vec_abs(x)), a2 = vec_mul(a, a);
    vec p = vec_fma(vec_set1(0x1.4771fcp-14f), a2, vec_set1(-0x1.a3515ep-11f));
    p = vec_fma(p, a2, vec_set1(0x1.53f224p-8f));
    p = vec_fma(p, a2, vec_set1(-0x1.b7f71ap-6f));
    p = vec_fma(p, a2, vec_set1(0x1.ce2ce6p-4f));
    p = vec_fma(p, a2, vec_set1(-0x1.81273ep-2f));
    p = vec_fma(p, a2, vec_set1(0x1.06eba8p-3f));
    vec near = vec_fma(a, p, a);
    vec q = vec_fma(vec_set1(-0x1.6bddb2p-16f), a, vec_set1(0x1.cecaacp-12f));
    q = vec_fma(q, a, vec_set1(-0x1.138e30p-8f));
    q = vec_fma(q, a, vec_set1(0x1.9d03ecp-6f));
    q = vec_fma(q, a, vec_set1(-0x1.bc1564p-4f));
    q = vec_fma(q, a, vec_set1(-0x1.443560p-1f));
    q = vec_fma(q, a, vec_set1(-0x1.212c0ep+0f));
    q = vec_fma(q, a, vec_set1(0x1.8a5954p-13f));
    vec far = vec_sub(vec_set1(1), vec_exp_neg(q));
    return vec_copysign(vec_select(vec_lt(a, vec_set1(1)), near, far), x);
}

/* 1 / (1 + e^-x), without overflow on either side; results below 2^-126 may be 0. */
VEC_MATH vec vec_sigmoid(vec x)
{
    vec e = vec_exp_neg(vec_neg(vec_abs(x)));
    vec numerator = vec_select(vec_lt(x, vec_zero()), e, vec_set1(1));
    return vec_div(numerator, vec_add(vec_set1(1), e));
}

#endif
