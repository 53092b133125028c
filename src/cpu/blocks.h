/* How work is cut: n items into blocks of a size that follows from n alone. */
#ifndef DRIFT_CPU_BLOCKS_H
#define DRIFT_CPU_BLOCKS_H

#include <stddef.h>

struct blocks {
    size_t n, size;
    ptrdiff_t count; /* signed, as OpenMP's loops like it */
};

static inline struct blocks blocks_of(size_t n, size_t size)
{
    return (struct blocks){n, size, (ptrdiff_t)((n + size - 1) / size)};
}

/* Where block i begins, and how many items it has. */
static inline size_t block_start(struct blocks b, ptrdiff_t i) { return (size_t)i * b.size; }

static inline size_t block_size(struct blocks b, ptrdiff_t i)
{
    size_t left = b.n - block_start(b, i);
    return left < b.size ? left : b.size;
}

/* Rows [rows, cols] in blocks of about 8,192 elements: whole rows. */
static inline struct blocks blocks_of_rows(size_t rows, size_t cols)
{
    size_t size = 8192 / (cols ? cols : 1);
    return blocks_of(rows, size ? size : 1);
}

/* Rows in at most 32 blocks, for sums over rows that leave a partial sum per block. */
static inline struct blocks blocks_of_sum(size_t rows)
{
    size_t size = (rows + 31) / 32;
    return blocks_of(rows, size > 64 ? size : 64);
}

#endif
