/* Which source pixels a destination pixel of a convolution sees: the geometry that y (from x) and dx (from dy) share.
 *
 * Each destination pixel is a sum over neighbouring source pixels, each through one kernel element. Pixels that see the
 * same elements are of one class (inside, top left corner, left edge, ...). They differ in the place of their sources
 * alone, so any of them can share a tile of conv_rows, and elements that fall outside of the source are never computed.
 *
 * A block is a run of destination lines (rows of pixels, all images one after another). Its source rows are copied to a
 * slab where pixels and rows lie an odd number of cache lines apart: a power of two would put them all on the same few
 * lines of the first cache. */
#ifndef DRIFT_CPU_CONV_PLAN_H
#define DRIFT_CPU_CONV_PLAN_H

#include "cpu/cpu.h"

/* A destination row (or column): it sees `count` source rows from `first` on, through the kernel rows place, place +
 * step, ... (counted in the order of their sources). Those of one kind differ in `first` alone. */
struct conv_view {
    size_t first, count, place, kind;
};

struct conv_side {
    size_t source, destination, kernel;
    size_t kinds;
    struct conv_view *view; /* [destination] */
    size_t *order, *start; /* destinations sorted by kind: those of kind k are order[start[k]] .. order[start[k + 1]] */
};

struct conv_plan {
    struct conv_side rows, columns;
    size_t batch, source_channels, channels;
    size_t stride, padding;
    int turned; /* dx from dy: kernel elements are counted from the last, and their matrices transposed */
    int depthwise;
    size_t terms;      /* of a sum at each kernel element: source_channels, or 1 of depthwise ones */
    size_t step;       /* between the kernel elements of neighbouring sources: 1, or turned the stride */
    size_t pixel, row; /* pitches of the slab, in elements */
    size_t blocks;     /* how many, even parts of all lines */
};

/* Lines from .. to. Its pixels are sorted by class: those of class c = kind of row * kinds of columns + kind of column
 * are class_at[c] .. class_at[c + 1]; where their sources begin in the slab, and where they lie in the destination. */
struct conv_block {
    size_t from, to;
    real *slab;
    size_t *class_at;
    ptrdiff_t *source_at, *destination_at;
};

/* Carves arrays, aligned to cache lines, from one piece of memory; from NULL it only counts. */
struct carver {
    char *memory;
    size_t used;
};
void *CPU(carve)(struct carver *c, size_t bytes);

/* The plan of y from x, or (turned) of dx from dy: sizes alone, and at least `parallel` blocks where lines suffice. */
struct conv_plan CPU(conv_plan)(const drift_conv *conv, int turned, const drift_tensor *x, const drift_tensor *kernel,
                                const drift_tensor *y, size_t parallel);
/* Its arrays, and those of a block. */
void CPU(conv_plan_carve)(struct conv_plan *plan, struct carver *c);
void CPU(conv_plan_carve_block)(const struct conv_plan *plan, struct carver *c, struct conv_block *block);
/* Works out the views, and block number i. */
void CPU(conv_plan_fill)(struct conv_plan *plan);
void CPU(conv_plan_fill_block)(const struct conv_plan *plan, size_t i, const real *source, struct conv_block *block);

/* The pieces of a class's sums among the terms first .. last, and their number: at most one for each kernel element. */
size_t CPU(conv_plan_pieces)(const struct conv_plan *plan, size_t class, size_t first, size_t last,
                             struct drift_conv_piece *piece);

#endif
