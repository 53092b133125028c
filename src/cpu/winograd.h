/* 3 x 3 convolutions without stride by F(2 x 2, 3 x 3): 16 products in the place of 36. */
#ifndef DRIFT_CPU_WINOGRAD_H
#define DRIFT_CPU_WINOGRAD_H

#include "cpu/cpu.h"

/* Whether y from x, dx from dy and dkernel are computed so: follows from the sizes alone. */
int CPU(winograd_pays)(const drift_conv *conv, const drift_tensor *x, const drift_tensor *kernel,
                       const drift_tensor *y);

/* destination (+)= source convolved with kernel, + bias unless NULL; `turned`: dx from dy. */
drift_status CPU(winograd)(int turned, const drift_tensor *source, const drift_tensor *kernel, const drift_tensor *bias,
                           int accumulate, drift_tensor *destination);
/* dkernel (+)= the gradient. */
drift_status CPU(winograd_backward_kernel)(const drift_tensor *x, const drift_tensor *dy, int accumulate,
                                           drift_tensor *dkernel);

/* ---- shared by the two ---- */

enum {
    WINOGRAD_ELEMENTS = 16, /* of a transformed tile */
    WINOGRAD_LINE = 64 / sizeof(real)
};

/* The tiles of all images: 2 x 2 destination pixels, which see 4 x 4 source pixels. */
struct winograd_grid {
    size_t height, width, rows, columns, tiles;
};
struct winograd_grid CPU(winograd_grid)(const drift_tensor *x);

/* Where the source and the destination pixels of a tile lie in tensors of so many channels; -1: outside. */
void CPU(winograd_sources)(const struct winograd_grid *grid, size_t tile, size_t channels,
                           ptrdiff_t at[WINOGRAD_ELEMENTS]);
void CPU(winograd_destinations)(const struct winograd_grid *grid, size_t tile, size_t channels, ptrdiff_t at[4]);

/* Pitch of rows of so many elements, and from a matrix of such rows to the next: odd numbers of cache lines, so that
 * rows (and the sixteen matrices) do not fall on the same few lines of the first cache. */
size_t CPU(winograd_pitch)(size_t channels);
size_t CPU(winograd_step)(size_t rows, size_t pitch);

#endif
