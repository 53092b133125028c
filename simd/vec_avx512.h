/* AVX-512 F and DQ: one register. Only intrinsics of the list in docs/testing.md, which the emulated check covers. */
#if defined(DRIFT_AVX512_PAIR)
#include "avx512_pair.h"
#else
#include <immintrin.h>
#endif
#define PARTS 1
typedef __m512 part;
typedef __m512i ipart;
typedef __mmask16 mpart;

#define p_load _mm512_loadu_ps
#define p_store _mm512_storeu_ps
#define p_set1 _mm512_set1_ps
#define p_add _mm512_add_ps
#define p_sub _mm512_sub_ps
#define p_mul _mm512_mul_ps
#define p_div _mm512_div_ps
#define p_fma _mm512_fmadd_ps
#define p_fnma _mm512_fnmadd_ps
#define p_sqrt _mm512_sqrt_ps
#define p_min _mm512_min_ps
#define p_max _mm512_max_ps
#define p_abs _mm512_abs_ps
#define p_round(a) _mm512_roundscale_ps(a, 8)
#define p_lt(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define p_le(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ)
#define p_eq(a, b) _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ)
#define p_select(m, yes, no) _mm512_mask_blend_ps(m, no, yes)
#define m_and(a, b) ((__mmask16)((a) & (b)))
#define m_or(a, b) ((__mmask16)((a) | (b)))
#define p_to_int _mm512_cvtps_epi32
#define p_from_int _mm512_cvtepi32_ps
#define p_bits _mm512_castps_si512
#define p_from_bits _mm512_castsi512_ps

#define i_load(p) _mm512_castps_si512(_mm512_loadu_ps(p))
#define i_store(p, a) _mm512_storeu_ps(p, _mm512_castsi512_ps(a))
#define i_set1 _mm512_set1_epi32
#define i_add _mm512_add_epi32
#define i_sub _mm512_sub_epi32
#define i_mul _mm512_mullo_epi32
#define i_mulhi(a, b)                                                                                       \
    _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(_mm512_mul_epu32(a, b), 32),                          \
                            _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32)))
#define i_and _mm512_and_si512
#define i_or _mm512_or_si512
#define i_xor _mm512_xor_si512
#define i_sll(a, n) _mm512_slli_epi32(a, (unsigned)(n))
#define i_srl(a, n) _mm512_srli_epi32(a, (unsigned)(n))
#define i_sra(a, n) _mm512_srai_epi32(a, (unsigned)(n))
#define i_eq(a, b) _mm512_cmpeq_epi32_mask(a, b)
#define i_gt(a, b) _mm512_cmpgt_epi32_mask(a, b)

#define u16_load(p) _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define u16_store(p, a) _mm256_storeu_si256((__m256i *)(void *)(p), _mm512_cvtepi32_epi16(a))
