/* The ragged end of a row: loads and stores of the first n lanes that touch no other memory. */
#ifndef DRIFT_SIMD_VEC_PARTIAL_H
#define DRIFT_SIMD_VEC_PARTIAL_H

static inline ptrdiff_t vec_lanes_(ptrdiff_t n) { return n < 0 ? 0 : n > LANES ? LANES : n; }

#if defined(DRIFT_ISA_avx512)
static inline __mmask16 vec_first_(ptrdiff_t n) { return (__mmask16)((1u << vec_lanes_(n)) - 1); }
static inline vec vec_load_n(const float *p, ptrdiff_t n, float fill)
{
    __mmask16 m = vec_first_(n);
    vec r = {{_mm512_mask_blend_ps(m, _mm512_set1_ps(fill), _mm512_maskz_loadu_ps(m, p))}};
    return r;
}
static inline void vec_store_n(float *p, ptrdiff_t n, vec a) { _mm512_mask_storeu_ps(p, vec_first_(n), a.v[0]); }
#elif defined(DRIFT_ISA_avx2)
static inline __m256i vec_first_(ptrdiff_t n) /* lanes below n of eight; n in [-8, 16] */
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec vec_load_n(const float *p, ptrdiff_t n, float fill)
{
    __m256i low = vec_first_(vec_lanes_(n)), high = vec_first_(vec_lanes_(n) - 8);
    __m256 f = _mm256_set1_ps(fill);
    vec r = {{_mm256_blendv_ps(f, _mm256_maskload_ps(p, low), _mm256_castsi256_ps(low)),
              _mm256_blendv_ps(f, _mm256_maskload_ps(p + 8, high), _mm256_castsi256_ps(high))}};
    return r;
}
static inline void vec_store_n(float *p, ptrdiff_t n, vec a)
{
    _mm256_maskstore_ps(p, vec_first_(vec_lanes_(n)), a.v[0]);
    _mm256_maskstore_ps(p + 8, vec_first_(vec_lanes_(n) - 8), a.v[1]);
}
#else
static inline vec vec_load_n(const float *p, ptrdiff_t n, float fill)
{
    float t[LANES];
    for (int i = 0; i < LANES; i++)
        t[i] = fill;
    if (n > 0)
        memcpy(t, p, sizeof *p * (size_t)vec_lanes_(n));
    return vec_load(t);
}
static inline void vec_store_n(float *p, ptrdiff_t n, vec a)
{
    float t[LANES];
    vec_store(t, a);
    if (n > 0)
        memcpy(p, t, sizeof *p * (size_t)vec_lanes_(n));
}
#endif

#endif
