/* Portable C: a part is one float. Slow, and the definition of the bits that every other ISA must give. */
#define PARTS 16
typedef float part;
typedef int32_t ipart;
typedef int mpart;

#define C_FUNCTION static inline __attribute__((unused))
C_FUNCTION int32_t p_bits(float a) { int32_t i; memcpy(&i, &a, 4); return i; }
C_FUNCTION float p_from_bits(int32_t i) { float a; memcpy(&a, &i, 4); return a; }

#define p_load(p) (*(p))
#define p_store(p, a) (*(p) = (a))
#define p_set1(x) (x)
#define p_add(a, b) ((a) + (b))
#define p_sub(a, b) ((a) - (b))
#define p_mul(a, b) ((a) * (b))
#define p_div(a, b) ((a) / (b))
#define p_fma(a, b, c) fmaf(a, b, c)
#define p_fnma(a, b, c) fmaf(-(a), b, c)
#define p_sqrt(a) sqrtf(a)
#define p_min(a, b) ((a) < (b) ? (a) : (b))
#define p_max(a, b) ((a) > (b) ? (a) : (b))
#define p_abs(a) fabsf(a)
#define p_round(a) nearbyintf(a)
#define p_lt(a, b) ((a) < (b))
#define p_le(a, b) ((a) <= (b))
#define p_eq(a, b) ((a) == (b))
#define p_select(m, yes, no) ((m) ? (yes) : (no))
#define m_and(a, b) ((a) & (b))
#define m_or(a, b) ((a) | (b))
#define p_to_int(a) ((int32_t)nearbyintf(a))
#define p_from_int(i) ((float)(i))

#define i_load(p) (*(p))
#define i_store(p, a) (*(p) = (a))
#define i_set1(x) (x)
#define i_add(a, b) ((int32_t)((uint32_t)(a) + (uint32_t)(b)))
#define i_sub(a, b) ((int32_t)((uint32_t)(a) - (uint32_t)(b)))
#define i_mul(a, b) ((int32_t)((uint32_t)(a) * (uint32_t)(b)))
#define i_mulhi(a, b) ((int32_t)(((uint64_t)(uint32_t)(a) * (uint32_t)(b)) >> 32))
#define i_and(a, b) ((a) & (b))
#define i_or(a, b) ((a) | (b))
#define i_xor(a, b) ((a) ^ (b))
#define i_sll(a, n) ((int32_t)((uint32_t)(a) << (n)))
#define i_srl(a, n) ((int32_t)((uint32_t)(a) >> (n)))
#define i_sra(a, n) ((a) >> (n)) /* arithmetic on every compiler that we know */
#define i_eq(a, b) ((a) == (b))
#define i_gt(a, b) ((a) > (b))

#define u16_load(p) (*(p))
#define u16_store(p, a) (*(p) = (uint16_t)(a))
