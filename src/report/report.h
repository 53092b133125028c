/* What a run left behind, and the figures and the page made of it.
 *
 * Whoever ran something fills a drift_report: plain arrays, all owned by the caller, any of them may be absent (count
 * 0). Points of any dimension are drawn by their first two coordinates; where image_width is not 0 each point is an
 * image. Text is UTF-8 and is escaped here. Figures that are not finite are left out of the curves, and shown as
 * a dash in tables. */
#ifndef DRIFT_REPORT_REPORT_H
#define DRIFT_REPORT_REPORT_H

#include <stddef.h>

#include "base/status.h"
#include "eval/eval.h"

/* Positions of the generator's samples after `step` updates: x[n,dim]. The same noise in every frame makes the
 * evolution worth watching: point i of one frame is then point i of the next. */
typedef struct drift_frame {
    long step;
    size_t n;
    const float *x;
} drift_frame;

/* The field at a step: V[n,dim] at positions x[n,dim]. A few hundred points are plenty. */
typedef struct drift_arrows {
    long step;
    size_t n;
    const float *x, *v;
} drift_arrows;

/* y over step. Curves of the same `figure` share axes. Two names have a meaning: figure "loss" gets the note about its
 * flatness in the normalized form, and "raw |V|^2" is the figure to watch; see drift_report_html. */
typedef struct drift_curve {
    const char *figure; /* title of the axes: "loss" */
    const char *name;   /* in the legend: "running mean" */
    const char *unit;   /* of y, "" if none */
    int log_scale;      /* y axis logarithmic (values <= 0 are left out) */
    size_t n;
    const double *step, *y;
} drift_curve;

/* A dashed level across a figure: the floor of the energy distance. */
typedef struct drift_level {
    const char *figure, *name;
    double y;
} drift_level;

/* Points of a class-conditional generator at a guidance scale, classes in turn, beside the law that the linear rule
 * predicts there; figures are means over the classes. */
typedef struct drift_guided {
    double cfg_scale;
    size_t n, law_n;
    const float *samples, *law;     /* [n,2], [law_n,2] */
    double energy_distance2, floor; /* between the two; and between two draws of the law, of the same sizes */
    double spread, law_spread;      /* rms of a coordinate's distance from the class's mean */
} drift_guided;

typedef struct drift_setting {
    const char *key, *value;
} drift_setting;

typedef struct drift_report {
    const char *title;   /* "checkerboard" */
    const char *summary; /* a sentence or two: what was trained on what, for how long */
    const char *command; /* runs it again: "drift toy checkerboard --seed 0" */
    const char *version; /* "libdrift 0.1.0, avx512, 2 threads" */
    int normalized_loss; /* the loss is normalised by construction: explain its flatness */

    size_t dim;
    size_t image_width, image_height, image_channels; /* width 0: points. dim = width height channels, channels last */
    float low, high;                                  /* pixel values of black and white */

    size_t data_n, samples_n; /* data[data_n,dim], samples[samples_n,dim]: final samples */
    const float *data, *samples;
    size_t train_n; /* images: where nearest neighbours are looked for, train[train_n,dim]; 0: in `data` */
    const float *train;

    size_t frame_count, arrow_count, curve_count, level_count, setting_count, metric_count;
    const drift_frame *frames;  /* by step */
    const drift_arrows *arrows; /* by step */
    const drift_curve *curves;  /* those of one figure one after the other */
    const drift_level *levels;
    const drift_setting *settings;
    const drift_metric *metrics; /* of drift_evaluate */
    size_t guided_count;
    const drift_guided *guided;
    const struct drift_sweep *sweep; /* guidance scales of images, report/sweep.h; NULL */
} drift_report;

/* The page: one self-contained file (no network), light and dark, screen and paper. */
drift_status drift_report_html(const drift_report *report, const char *path);

/* curves.svg: the curves alone, a drawing for each figure, two in a row; `across` names the steps' axis, UTF-8. */
drift_status drift_report_curves(const drift_report *report, const char *across, const char *path);

/* evolution.png: up to six of the frames in a strip, from noise to samples, then the data, with captions. */
drift_status drift_report_evolution(const drift_report *report, const char *path);

/* samples.png: images as a grid of up to 16 x 16; points as a density, data beside samples. */
drift_status drift_report_samples(const drift_report *report, const char *path);

/* Rows of the report's samples, a caption before each. Sample (i, j) is number i row_step + j column_step; images that
 * are not there are left out. Points: a panel for each row, side by side, of samples i row_step ..; column_step is 1.
 */
typedef struct drift_rows {
    size_t rows, columns, row_step, column_step;
    const char *const *captions; /* [rows] */
    const float *below;          /* images: one to show below each sample, of the same number; NULL: none */
    const char *below_caption;
} drift_rows;
drift_status drift_report_rows(const drift_report *report, const drift_rows *rows, const char *path);

#endif
