/* What the files of this room share: how a set is drawn, and what opens one. */
#ifndef DRIFT_DATA_SOURCE_H
#define DRIFT_DATA_SOURCE_H

#include "data/data.h"
#include "io/array.h"

/* A law of points: word[4] are random bits, z[2] independent standard normals, p[2] the point; returns its class. */
struct drift_data_law {
    int (*point)(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2]);
    double noise; /* standard deviation of what is added in the end, from the same z */
    int by_batch; /* divide by the largest coordinate of the batch before that */
    int classes;  /* squares, moons, Gaussians, arms, wings; 0: the points have no classes */
    /* Where a class's noise is all that there is, its centre: a Gaussian. NULL for other laws. */
    void (*centre)(int class, double p[2]);
};

extern const struct drift_data_law drift_law_checkerboard, drift_law_swiss_roll, drift_law_two_moons,
    drift_law_gaussians8, drift_law_gaussians8_wide, drift_law_gaussians25, drift_law_spiral, drift_law_pinwheel;

/* The uniform number in [0,1) of a random word. */
double drift_data_uniform(uint32_t word);

/* Each fills a set whose name is set: `path` a PNG; points or images; idx file or folder; the built-in digits;
 * CIFAR-10's binary file or folder. */
drift_status drift_data_open_density(const char *path, struct drift_data *data);
drift_status drift_data_open_points(const char *path, enum drift_data_split split, struct drift_data *data);
drift_status drift_data_open_idx(const char *path, enum drift_data_split split, struct drift_data *data);
drift_status drift_data_open_cifar(const char *path, enum drift_data_split split, struct drift_data *data);
/* Whether a file is called *.bin[.gz], or a folder has data_batch* or test_batch* of that name. */
int drift_data_is_cifar(const char *path);
void drift_data_density_free(const struct drift_data_density *density);

/* Takes rows [n, ...] of an array into the set: rank 1 and 2 points, 3 and 4 images; bytes are scaled. With
 * `labels` (n of them) or NULL. Splits by row where `split` is not ALL. */
drift_status drift_data_take(const char *path, const struct drift_array *array, const struct drift_array *labels,
                             enum drift_data_split split, struct drift_data *data);

#endif
