/* A port's own results beside a case. */
#ifndef DRIFT_GOLDEN_PORT_H
#define DRIFT_GOLDEN_PORT_H

#include "golden/golden.h"

/* Reads from a .safetensors, .npz or .npy file each result that the case has (out/..., grad/...), under its own name or
 * without the first part of it; an .npy is the only result of its shape. DRIFT_INVALID where one is missing (unless
 * `partial`), has another shape (dimensions of one apart) or is not finite. */
drift_status drift_golden_port_read(const char *path, const struct drift_safetensors *file, int partial,
                                    struct drift_golden_values *mine);

/* A result against the case's. */
struct drift_golden_line {
    const char *name;
    struct drift_array shape;  /* without data */
    size_t worst;              /* which element is farthest off */
    double mine, reference;    /* what it is there */
    double error, bound, size; /* root mean squares: of the error, its bound, of the reference */
    double cosine, scale;      /* of the two as vectors; what the reference is best multiplied by. NAN where one is 0 */
    int good;
};
/* One for each of `mine`; lines[mine->count]. */
drift_status drift_golden_port_compare(const drift_golden *golden, const struct drift_golden_values *mine,
                                       struct drift_golden_line *lines);

#endif
