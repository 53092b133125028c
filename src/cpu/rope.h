/* Tables of the rotary embedding. */
#ifndef DRIFT_CPU_ROPE_H
#define DRIFT_CPU_ROPE_H

#include "cpu/cpu.h"

/* [tokens, 3, half]: cosine, sine and -sine of the angle t 10000^(-i / half) of the token at position t, i < half; with
 * bf16, position, frequency, angle, cosine and sine are each rounded to bfloat16 (spec: generator). Computed once for
 * each of these shapes and kept for the life of the process; NULL: no memory. Thread-safe. */
const real *CPU(rope_table)(size_t tokens, size_t half, int bf16);

#endif
