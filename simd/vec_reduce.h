/* The reduction tree: lane i meets i + 8, then i + 4, i + 2, i + 1. On x86 in registers, elsewhere in memory; the same
 * operands meet in the same order, so the bits are the same. */
#ifndef DRIFT_SIMD_VEC_REDUCE_H
#define DRIFT_SIMD_VEC_REDUCE_H

#if defined(DRIFT_ISA_avx512) || defined(DRIFT_ISA_avx2)
#if defined(DRIFT_ISA_avx512)
#define VEC_LOW(a) _mm512_castps512_ps256(a.v[0])
#define VEC_HIGH(a) _mm512_extractf32x8_ps(a.v[0], 1)
#else
#define VEC_LOW(a) (a.v[0])
#define VEC_HIGH(a) (a.v[1])
#endif
#define VEC_REDUCE(name, op)                                                                                           \
    static inline float vec_reduce_##name(vec a)                                                                       \
    {                                                                                                                  \
        const __m256 h = _mm256_##op##_ps(VEC_LOW(a), VEC_HIGH(a));                                                    \
        __m128 q = _mm_##op##_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));                              \
        q = _mm_##op##_ps(q, _mm_movehl_ps(q, q));                                                                     \
        return _mm_cvtss_f32(_mm_##op##_ss(q, _mm_movehdup_ps(q)));                                                    \
    }
VEC_REDUCE(add, add)
VEC_REDUCE(max, max)
VEC_REDUCE(min, min)
#else
#define VEC_REDUCE(name, op)                                                                                           \
    static inline float vec_reduce_##name(vec a)                                                                       \
    {                                                                                                                  \
        float t[LANES];                                                                                                \
        vec_store(t, a);                                                                                               \
        for (int half = LANES / 2; half; half /= 2)                                                                    \
            for (int i = 0; i < half; i++)                                                                             \
                t[i] = op(t[i], t[i + half]);                                                                          \
        return t[0];                                                                                                   \
    }
#define VEC_SCALAR_ADD(a, b) ((a) + (b))
#define VEC_SCALAR_MAX(a, b) ((a) > (b) ? (a) : (b))
#define VEC_SCALAR_MIN(a, b) ((a) < (b) ? (a) : (b))
VEC_REDUCE(add, VEC_SCALAR_ADD)
VEC_REDUCE(max, VEC_SCALAR_MAX)
VEC_REDUCE(min, VEC_SCALAR_MIN)
#endif

#endif
