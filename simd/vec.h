/* Sixteen float lanes: the one vector that every kernel in simd/ is written over.
 *
 * An ISA (vec_c.h, vec_avx2.h, vec_avx512.h, vec_neon.h) names its register, the "part", and some forty one-line
 * operations on it. What kernels call is lifted from these here, once, so that every ISA rounds the same operations
 * in the same order and gives the same bits.
 *
 *   vec    16 x float         veci   16 x int32 (arithmetic wraps)         vmask  16 x yes or no
 *
 * Contract: min(a,b) is a<b ? a : b and max(a,b) is a>b ? a : b, NaN and signed zero included (the second operand wins).
 * round goes to nearest even. to_int needs |a| < 2^31 (clamp before). fma is fused, and nothing else is.
 * NaN is one value: its sign and payload differ between ISAs and are never promised. */
#ifndef DRIFT_SIMD_VEC_H
#define DRIFT_SIMD_VEC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(DRIFT_ISA_avx512)
#include "vec_avx512.h"
#elif defined(DRIFT_ISA_avx2)
#include "vec_avx2.h"
#elif defined(DRIFT_ISA_neon)
#include "vec_neon.h"
#elif defined(DRIFT_ISA_c)
#include "vec_c.h"
#else
#error "compile simd/ with -DDRIFT_ISA_c, _avx2, _avx512 or _neon"
#endif

enum { LANES = 16, PART_LANES = LANES / PARTS };

typedef struct { part v[PARTS]; } vec;
typedef struct { ipart v[PARTS]; } veci;
typedef struct { mpart v[PARTS]; } vmask;

#if defined(__GNUC__) && !defined(__clang__) && PARTS <= 4
#define VEC_UNROLL _Pragma("GCC unroll 4")
#else
#define VEC_UNROLL
#endif
#define VEC_EACH(type, name, args, expr) \
    static inline type name args { type r; VEC_UNROLL for (int i = 0; i < PARTS; i++) r.v[i] = expr; return r; }

VEC_EACH(vec, vec_load, (const float *p), p_load(p + i * PART_LANES)) /* no alignment asked of p, here and below */
VEC_EACH(vec, vec_set1, (float x), p_set1(x))
VEC_EACH(vec, vec_add, (vec a, vec b), p_add(a.v[i], b.v[i]))
VEC_EACH(vec, vec_sub, (vec a, vec b), p_sub(a.v[i], b.v[i]))
VEC_EACH(vec, vec_mul, (vec a, vec b), p_mul(a.v[i], b.v[i]))
VEC_EACH(vec, vec_div, (vec a, vec b), p_div(a.v[i], b.v[i]))
VEC_EACH(vec, vec_fma, (vec a, vec b, vec c), p_fma(a.v[i], b.v[i], c.v[i]))   /* a b + c */
VEC_EACH(vec, vec_fnma, (vec a, vec b, vec c), p_fnma(a.v[i], b.v[i], c.v[i])) /* c - a b */
VEC_EACH(vec, vec_sqrt, (vec a), p_sqrt(a.v[i]))
VEC_EACH(vec, vec_min, (vec a, vec b), p_min(a.v[i], b.v[i]))
VEC_EACH(vec, vec_max, (vec a, vec b), p_max(a.v[i], b.v[i]))
VEC_EACH(vec, vec_abs, (vec a), p_abs(a.v[i]))
VEC_EACH(vec, vec_round, (vec a), p_round(a.v[i]))
VEC_EACH(vmask, vec_lt, (vec a, vec b), p_lt(a.v[i], b.v[i])) /* false where either is NaN, so are le and eq */
VEC_EACH(vmask, vec_le, (vec a, vec b), p_le(a.v[i], b.v[i]))
VEC_EACH(vmask, vec_eq, (vec a, vec b), p_eq(a.v[i], b.v[i]))
VEC_EACH(vec, vec_select, (vmask m, vec yes, vec no), p_select(m.v[i], yes.v[i], no.v[i]))
VEC_EACH(vmask, mask_and, (vmask a, vmask b), m_and(a.v[i], b.v[i]))
VEC_EACH(vmask, mask_or, (vmask a, vmask b), m_or(a.v[i], b.v[i]))

VEC_EACH(veci, veci_load, (const int32_t *p), i_load(p + i * PART_LANES))
VEC_EACH(veci, veci_load_u16, (const uint16_t *p), u16_load(p + i * PART_LANES)) /* 16 bits a lane, zeros above */
VEC_EACH(veci, veci_set1, (int32_t x), i_set1(x))
VEC_EACH(veci, veci_add, (veci a, veci b), i_add(a.v[i], b.v[i]))
VEC_EACH(veci, veci_sub, (veci a, veci b), i_sub(a.v[i], b.v[i]))
VEC_EACH(veci, veci_mul, (veci a, veci b), i_mul(a.v[i], b.v[i]))     /* low 32 bits */
VEC_EACH(veci, veci_mulhi, (veci a, veci b), i_mulhi(a.v[i], b.v[i])) /* high 32 bits of the unsigned product */
VEC_EACH(veci, veci_and, (veci a, veci b), i_and(a.v[i], b.v[i]))
VEC_EACH(veci, veci_or, (veci a, veci b), i_or(a.v[i], b.v[i]))
VEC_EACH(veci, veci_xor, (veci a, veci b), i_xor(a.v[i], b.v[i]))
VEC_EACH(vmask, veci_eq, (veci a, veci b), i_eq(a.v[i], b.v[i]))
VEC_EACH(vmask, veci_gt, (veci a, veci b), i_gt(a.v[i], b.v[i])) /* signed */
VEC_EACH(veci, vec_to_int, (vec a), p_to_int(a.v[i]))            /* nearest even; |a| < 2^31 */
VEC_EACH(vec, vec_from_int, (veci a), p_from_int(a.v[i]))
VEC_EACH(veci, vec_bits, (vec a), p_bits(a.v[i]))
VEC_EACH(vec, vec_from_bits, (veci a), p_from_bits(a.v[i]))
/* Shift counts are constants: veci_sll(a, 23). srl brings in zeros, sra the sign. */
#define VEC_SHIFT(name, op) \
    static inline __attribute__((always_inline)) veci name(veci a, int n) { veci r; VEC_UNROLL for (int i = 0; i < PARTS; i++) r.v[i] = op(a.v[i], n); return r; }
VEC_SHIFT(veci_sll, i_sll)
VEC_SHIFT(veci_srl, i_srl)
VEC_SHIFT(veci_sra, i_sra)

static inline void vec_store(float *p, vec a) { VEC_UNROLL for (int i = 0; i < PARTS; i++) p_store(p + i * PART_LANES, a.v[i]); }
static inline void veci_store(int32_t *p, veci a) { VEC_UNROLL for (int i = 0; i < PARTS; i++) i_store(p + i * PART_LANES, a.v[i]); }
/* The low 16 bits of each lane; those above are zero. */
static inline void veci_store_u16(uint16_t *p, veci a) { VEC_UNROLL for (int i = 0; i < PARTS; i++) u16_store(p + i * PART_LANES, a.v[i]); }
static inline vec vec_neg(vec a) { return vec_from_bits(veci_xor(vec_bits(a), veci_set1(INT32_MIN))); }
static inline vec vec_zero(void) { return vec_set1(0); }
/* 0, 1, ... 15 */
static inline veci veci_iota(void)
{
    static const int32_t lane[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return veci_load(lane);
}

/* The first n lanes (n <= 0: none, n >= 16: all); the others read as `fill` and are not touched in memory. */
static inline vec vec_load_n(const float *p, ptrdiff_t n, float fill);
static inline void vec_store_n(float *p, ptrdiff_t n, vec a);
#include "vec_partial.h"

/* vec_reduce_add, _max, _min: all lanes to one float, by one tree. */
#include "vec_reduce.h"

#endif
