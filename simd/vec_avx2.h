/* AVX2 and FMA: two registers of eight. */
#include <immintrin.h>
#define PARTS 2
typedef __m256 part;
typedef __m256i ipart;
typedef __m256 mpart; /* all bits of a lane set or clear */

#define p_load _mm256_loadu_ps
#define p_store _mm256_storeu_ps
#define p_set1 _mm256_set1_ps
#define p_add _mm256_add_ps
#define p_sub _mm256_sub_ps
#define p_mul _mm256_mul_ps
#define p_div _mm256_div_ps
#define p_fma _mm256_fmadd_ps
#define p_fnma _mm256_fnmadd_ps
#define p_sqrt _mm256_sqrt_ps
#define p_min _mm256_min_ps
#define p_max _mm256_max_ps
#define p_abs(a) _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a)
#define p_round(a) _mm256_round_ps(a, 8)
#define p_lt(a, b) _mm256_cmp_ps(a, b, _CMP_LT_OQ)
#define p_le(a, b) _mm256_cmp_ps(a, b, _CMP_LE_OQ)
#define p_eq(a, b) _mm256_cmp_ps(a, b, _CMP_EQ_OQ)
#define p_select(m, yes, no) _mm256_blendv_ps(no, yes, m)
#define m_and _mm256_and_ps
#define m_or _mm256_or_ps
#define p_to_int _mm256_cvtps_epi32
#define p_from_int _mm256_cvtepi32_ps
#define p_bits _mm256_castps_si256
#define p_from_bits _mm256_castsi256_ps

#define i_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define i_store(p, a) _mm256_storeu_si256((__m256i *)(void *)(p), a)
#define i_set1 _mm256_set1_epi32
#define i_add _mm256_add_epi32
#define i_sub _mm256_sub_epi32
#define i_mul _mm256_mullo_epi32
#define i_mulhi(a, b)                                                                                       \
    _mm256_blend_epi32(_mm256_srli_epi64(_mm256_mul_epu32(a, b), 32),                                       \
                       _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), 0xaa)
#define i_and _mm256_and_si256
#define i_or _mm256_or_si256
#define i_xor _mm256_xor_si256
#define i_sll _mm256_slli_epi32
#define i_srl _mm256_srli_epi32
#define i_sra _mm256_srai_epi32
#define i_eq(a, b) _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b))
#define i_gt(a, b) _mm256_castsi256_ps(_mm256_cmpgt_epi32(a, b))

#define u16_load(p) _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define u16_store(p, a)                                                                                     \
    _mm_storeu_si128((__m128i *)(void *)(p),                                                                \
                     _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi32(a, a), 8)))
