/* What the files of drift sample share. */
#ifndef DRIFT_CLI_SAMPLE_H
#define DRIFT_CLI_SAMPLE_H

#include "cli/options.h"
#include "data/data.h"
#include "train/generator.h"

enum { DRIFT_SAMPLE_CAPTION = 64, DRIFT_SAMPLE_ROWS = 256 /* of a picture */ };

struct drift_sample_job;

/* What is made. Either n samples at each scale, one scale after the other, all scales of the same noise; or rows of
 * `steps` samples between two: for each pair, its classes, and for each of them its scales. */
struct drift_sample_job {
    struct drift_generator generator;
    size_t n, scales, total;
    int classes; /* that the samples go through in turn: class_list[i % classes]; 0: no classes were asked for */
    int32_t class_list[DRIFT_OPTION_LIST];
    int32_t *label; /* [total] */
    float *scale;   /* [total] */
    float *x;       /* [total, dim] */

    size_t pairs, steps; /* 0: no interpolation */
    struct {
        uint64_t a, b;
    } pair[DRIFT_OPTION_LIST];
    float *noise;   /* [total, noise_dim], of interpolation alone */
    int32_t *style; /* [total, styles] */

    struct drift_data *data; /* where each sample's nearest row is looked for; NULL: nowhere */
    size_t *nearest;         /* [total] row of data */
    float *distance;         /* [total] */
};

/* Writes the samples as the path's ending says: .png, .npy, .npz, else CSV. */
drift_status drift_sample_write(const struct drift_sample_job *job, const char *path);

#endif
