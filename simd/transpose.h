/* Sixteen vectors as a 16 x 16 matrix, transposed in registers: lane j of x[i] and lane i of x[j] change places. */
#ifndef DRIFT_SIMD_TRANSPOSE_H
#define DRIFT_SIMD_TRANSPOSE_H

#include "vec.h"

#if defined(DRIFT_ISA_avx512)
static inline void vec_transpose(vec x[LANES])
{
    __m512 t[LANES], u[LANES];
    for (int i = 0; i < LANES; i += 2) { /* pairs of rows, interleaved in each 128-bit quarter */
        t[i] = _mm512_unpacklo_ps(x[i].v[0], x[i + 1].v[0]);
        t[i + 1] = _mm512_unpackhi_ps(x[i].v[0], x[i + 1].v[0]);
    }
    for (int i = 0; i < LANES; i += 4) { /* u[i + c], quarter q: column 4 q + c of rows i .. i + 3 */
        u[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        u[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        u[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        u[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int c = 0; c < 4; c++) { /* the 4 x 4 matrix of quarters */
        __m512 low02 = _mm512_shuffle_f32x4(u[c], u[4 + c], 0x88), low13 = _mm512_shuffle_f32x4(u[c], u[4 + c], 0xdd);
        __m512 high02 = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0x88);
        __m512 high13 = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0xdd);
        x[c].v[0] = _mm512_shuffle_f32x4(low02, high02, 0x88);
        x[4 + c].v[0] = _mm512_shuffle_f32x4(low13, high13, 0x88);
        x[8 + c].v[0] = _mm512_shuffle_f32x4(low02, high02, 0xdd);
        x[12 + c].v[0] = _mm512_shuffle_f32x4(low13, high13, 0xdd);
    }
}
#elif defined(DRIFT_ISA_avx2)
static inline void transpose_8(vec *x, int from, __m256 y[8]) /* y[c], lane r: lane c of part `from` of x[r] */
{
    __m256 t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(x[i].v[from], x[i + 1].v[from]);
        t[i + 1] = _mm256_unpackhi_ps(x[i].v[from], x[i + 1].v[from]);
    }
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int c = 0; c < 4; c++) {
        y[c] = _mm256_permute2f128_ps(u[c], u[4 + c], 0x20);
        y[4 + c] = _mm256_permute2f128_ps(u[c], u[4 + c], 0x31);
    }
}
static inline void vec_transpose(vec x[LANES])
{
    __m256 corner[2][2][8];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            transpose_8(x + 8 * i, j, corner[i][j]);
    for (int i = 0; i < LANES; i++) {
        x[i].v[0] = corner[0][i / 8][i % 8];
        x[i].v[1] = corner[1][i / 8][i % 8];
    }
}
#elif defined(DRIFT_ISA_neon)
static inline void vec_transpose(vec x[LANES])
{
    vec y[LANES];
    for (int i = 0; i < LANES; i += 4)
        for (int j = 0; j < 4; j++) { /* the 4 x 4 corner of rows i and columns 4 j */
            float32x4_t a = x[i].v[j], b = x[i + 1].v[j], c = x[i + 2].v[j], d = x[i + 3].v[j];
            float32x4x2_t ac = vzipq_f32(a, c), bd = vzipq_f32(b, d);
            float32x4x2_t low = vzipq_f32(ac.val[0], bd.val[0]), high = vzipq_f32(ac.val[1], bd.val[1]);
            y[4 * j].v[i / 4] = low.val[0];
            y[4 * j + 1].v[i / 4] = low.val[1];
            y[4 * j + 2].v[i / 4] = high.val[0];
            y[4 * j + 3].v[i / 4] = high.val[1];
        }
    for (int i = 0; i < LANES; i++)
        x[i] = y[i];
}
#else
static inline void vec_transpose(vec x[LANES])
{
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < i; j++) {
            float t = x[i].v[j];
            x[i].v[j] = x[j].v[i];
            x[j].v[i] = t;
        }
}
#endif

#endif
