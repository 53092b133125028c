/* Rounding to bfloat16 and its storage: definitions in ref/bf16.c. */
#include "kernel.h"

#include "map.h"
#include "math.h"
#include "row.h"

/* Half a unit less one bit, and the last bit that stays: ties go to even. A NaN's bits could overflow, so it is set. */
VEC_MATH vec rounded(vec x)
{
    const veci bits = vec_bits(x), odd = veci_and(veci_srl(bits, 16), veci_set1(1));
    const veci up = veci_and(veci_add(veci_add(bits, veci_set1(0x7fff)), odd), veci_set1(-0x10000));
    return vec_select(vec_eq(x, x), vec_from_bits(up), vec_set1(NAN));
}

void K(bf16_pack)(size_t n, const float *x, uint16_t *y)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        veci_store_u16(y + i, veci_srl(vec_bits(rounded(vec_load(x + i))), 16));
    if (i < n) {
        uint16_t last[LANES];
        veci_store_u16(last, veci_srl(vec_bits(rounded(vec_load_n(x + i, (ptrdiff_t)(n - i), 0))), 16));
        memcpy(y + i, last, (n - i) * sizeof *y);
    }
}

void K(bf16_unpack)(size_t n, const uint16_t *x, float *y)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_from_bits(veci_sll(veci_load_u16(x + i), 16)));
    if (i < n) {
        uint16_t last[LANES] = {0};
        memcpy(last, x + i, (n - i) * sizeof *x);
        vec_store_n(y + i, (ptrdiff_t)(n - i), vec_from_bits(veci_sll(veci_load_u16(last), 16)));
    }
}

void K(bf16_round)(size_t n, const float *x, float *y) { map_unary(n, x, y, rounded); }

void K(bf16_add_row)(size_t rows, size_t cols, const float *x, const float *b, float *y)
{
    for (; rows; rows--, x += cols, y += cols)
        for (size_t j = 0; j < cols; j += LANES) {
            const size_t left = cols - j;
            const vec sum = vec_add(rounded(row_load(x + j, left, 0)), rounded(row_load(b + j, left, 0)));
            row_store(y + j, left, rounded(sum));
        }
}
