/* AArch64 NEON: four registers of four. FMIN, FMINNM and plain vcvtq differ from x86, so they are not used. */
#include <arm_neon.h>
#define PARTS 4
typedef float32x4_t part;
typedef int32x4_t ipart;
typedef uint32x4_t mpart;

#define p_load vld1q_f32
#define p_store vst1q_f32
#define p_set1 vdupq_n_f32
#define p_add vaddq_f32
#define p_sub vsubq_f32
#define p_mul vmulq_f32
#define p_div vdivq_f32
#define p_fma(a, b, c) vfmaq_f32(c, a, b)
#define p_fnma(a, b, c) vfmsq_f32(c, a, b)
#define p_sqrt vsqrtq_f32
#define p_min(a, b) vbslq_f32(vcltq_f32(a, b), a, b)
#define p_max(a, b) vbslq_f32(vcgtq_f32(a, b), a, b)
#define p_abs vabsq_f32
#define p_round vrndnq_f32
#define p_lt vcltq_f32
#define p_le vcleq_f32
#define p_eq vceqq_f32
#define p_select vbslq_f32
#define m_and vandq_u32
#define m_or vorrq_u32
#define p_to_int vcvtnq_s32_f32
#define p_from_int vcvtq_f32_s32
#define p_bits vreinterpretq_s32_f32
#define p_from_bits vreinterpretq_f32_s32

#define i_load vld1q_s32
#define i_store vst1q_s32
#define i_set1 vdupq_n_s32
#define i_add vaddq_s32
#define i_sub vsubq_s32
#define i_mul vmulq_s32
static inline int32x4_t i_mulhi(int32x4_t a, int32x4_t b)
{
    uint32x4_t x = vreinterpretq_u32_s32(a), y = vreinterpretq_u32_s32(b);
    uint64x2_t low = vmull_u32(vget_low_u32(x), vget_low_u32(y)), high = vmull_u32(vget_high_u32(x), vget_high_u32(y));
    return vreinterpretq_s32_u32(vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high)));
}
#define i_and vandq_s32
#define i_or vorrq_s32
#define i_xor veorq_s32
#define i_sll(a, n) vshlq_s32(a, vdupq_n_s32(n))
#define i_srl(a, n) vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-(n))))
#define i_sra(a, n) vshlq_s32(a, vdupq_n_s32(-(n)))
#define i_eq vceqq_s32
#define i_gt vcgtq_s32

#define u16_load(p) vreinterpretq_s32_u32(vmovl_u16(vld1_u16(p)))
#define u16_store(p, a) vst1_u16(p, vmovn_u32(vreinterpretq_u32_s32(a)))
