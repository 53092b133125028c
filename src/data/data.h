/* Data sets behind one interface: points or images, drawn by formula or read from files.
 *
 *   by formula   checkerboard swiss_roll two_moons gaussians8 gaussians8_wide gaussians25 spiral pinwheel   endless
 *   by name      digits                                                                       1,797 images of 8x8
 *   by path      PNG (dark pixels are density; endless), npy npz csv (a point per row, or images [n,height,width] and
 *                [n,height,width,channels]), an idx file of images or a folder of them (labels beside them; gz
 *                allowed), CIFAR-10's *.bin[.gz] or a folder of data_batch* and test_batch* of that kind. The others
 * are told by their first bytes, not by their name.
 *
 * A sample is `dim` floats: the coordinates of a point, or an image [height,width,channels] with black -1, white 1.
 * Bytes become 2 byte/255 - 1, or 2 byte/16 - 1 where no byte of the set is above 16 (the digits); other numbers stay.
 * A set is read-only once open: several threads may draw from it. */
#ifndef DRIFT_DATA_DATA_H
#define DRIFT_DATA_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum drift_data_split {
    DRIFT_DATA_ALL,
    DRIFT_DATA_TRAIN, /* a folder's train files, else the first four fifths of the rows (digits: 0..1436) */
    DRIFT_DATA_TEST   /* a folder's t10k (test) files, else the last fifth (digits: 1437..) */
};

struct drift_data {
    char *name;                               /* as it was asked for */
    size_t dim;                               /* numbers per sample */
    size_t height, width, channels;           /* of images; 0 for points. dim = height width channels */
    size_t size;                              /* rows held; 0: endless, drawn fresh */
    const float *rows;                        /* [size,dim]; NULL if endless */
    const int *labels;                        /* [size], NULL where there are none or the set is endless */
    int classes;                              /* largest label + 1, or parts of an endless set; 0 without labels */
    int by_batch;                             /* endless, and a sample depends on the whole batch (swiss_roll) */
    const struct drift_data_law *law;         /* of an endless set: how it is drawn */
    const struct drift_data_density *density; /* of a picture */
};

/* Opens a set by name or path. Unknown names are DRIFT_INVALID with the nearest known one; DRIFT_DATA_ALL takes all
 * rows. Endless sets have no split (any value is taken). */
drift_status drift_data_open(const char *name, enum drift_data_split split, struct drift_data **data);
void drift_data_close(struct drift_data *data);

/* Draws out[n,dim] of batch (seed, purpose, step); the same arguments give the same bits on every machine.
 * Endless: sample i depends on (seed, purpose, step, i) alone, so a smaller n gives the head of a larger (swiss_roll
 * apart, which divides by the largest coordinate of the batch). Finite: a random subset without repetition; if n
 * exceeds the size, whole shuffled rounds, so that counts differ by one at most. */
drift_status drift_data_draw(const struct drift_data *data, size_t n, uint64_t seed, uint32_t step, uint32_t purpose,
                             float *out);

/* The same with the class of each in label[n]: all 0 where the set has none. */
drift_status drift_data_draw_labelled(const struct drift_data *data, size_t n, uint64_t seed, uint32_t step,
                                      uint32_t purpose, float *out, int32_t *label);

/* Which rows that is, of a finite set: for labels, or to draw rows elsewhere. */
drift_status drift_data_draw_indices(const struct drift_data *data, size_t n, uint64_t seed, uint32_t step,
                                     uint32_t purpose, size_t *index);

/* p(x|class) of an endless set of classes that are Gaussians; and whether it is one. */
double drift_data_likelihood(const struct drift_data *data, int class, const float x[2]);
int drift_data_has_likelihood(const struct drift_data *data);

/* Where a file of the built-in data lies ("digits/images.idx3-ubyte"): below $DRIFT_DATA, else ./data, else beside the
 * program (../data, ../share/libdrift). Where DRIFT_DATA is set, nowhere else. The line says where was looked. Free
 * *path. */
drift_status drift_data_find(const char *name, char **path);

/* Where NAME.yaml lies: a path (a name with a slash or a dot) as it is, else the built-in one of that name in `folder`
 * ("recipes"), else a file of that name, but not a folder. Free *path. */
drift_status drift_data_find_named(const char *folder, const char *name, char **path);

#endif
