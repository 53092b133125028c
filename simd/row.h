/* Walking a row, sixteen columns at a time, the last step ragged.
 *
 *     for (size_t j = 0; j < cols; j += LANES)
 *         sum = vec_add(sum, row_load(x + j, cols - j, 0));
 *
 * Lane i of an accumulator holds the columns i, i + 16, ... in order; vec_reduce_* then adds the lanes up in its one
 * tree. That order is the promise: it is the same for every ISA. */
#ifndef DRIFT_SIMD_ROW_H
#define DRIFT_SIMD_ROW_H

#include "vec.h"

/* `left` columns from here on, those beyond read as `fill`. */
static inline vec row_load(const float *p, size_t left, float fill)
{
    return left >= LANES ? vec_load(p) : vec_load_n(p, (ptrdiff_t)left, fill);
}

static inline void row_store(float *p, size_t left, vec a)
{
    if (left >= LANES)
        vec_store(p, a);
    else
        vec_store_n(p, (ptrdiff_t)left, a);
}

/* p[0 .. left) += a */
static inline void row_add(float *p, size_t left, vec a) { row_store(p, left, vec_add(row_load(p, left, 0), a)); }

#endif
