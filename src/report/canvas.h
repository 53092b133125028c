/* Drawing on pixels: densities of points, grids of images, captions. */
#ifndef DRIFT_REPORT_CANVAS_H
#define DRIFT_REPORT_CANVAS_H

#include <stddef.h>

#include "base/status.h"
#include "io/png.h"
#include "report/report.h"

/* The square of the plane that is shown: the data's, with a margin. */
struct drift_view {
    double x, y, side; /* lower left corner */
};

/* Holds all but the outermost 0.25 % of the data (of the samples where there is no data) on each side. */
struct drift_view drift_view_of(const drift_report *report);

/* Height and second coordinate of a one-dimensional point are 0. */
void drift_view_point(const struct drift_view *view, size_t dim, const float *x, double *right, double *up);

/* Colours of pictures: their ground, and captions on it. */
#define DRIFT_PAPER 0x0b0e16ul
#define DRIFT_INK 0xd8dee9ul

/* RGB, filled with one colour (0xrrggbb). Free with drift_picture_free. */
drift_status drift_canvas_new(size_t width, size_t height, unsigned long colour, struct drift_picture *canvas);

void drift_canvas_text(struct drift_picture *canvas, size_t x, size_t y, const char *text, unsigned long colour);
size_t drift_canvas_text_width(const char *text);

/* n points as a density in the square panel at (x, y): dark blue where there is nothing, over green, to pale yellow.
 * Each point is a soft disc; the brightness is that of the mean density, so panels of different n are alike. */
drift_status drift_canvas_points(struct drift_picture *canvas, size_t x, size_t y, size_t panel,
                                 const struct drift_view *view, size_t n, size_t dim, const float *points);

/* What drift_report_rows writes. */
drift_status drift_canvas_rows(const drift_report *report, const drift_rows *rows, struct drift_picture *canvas);

/* How drift_canvas_images shows pixels: from low (black) to high (white), or, for fields, by sign: from blue (-high)
 * over paper white to orange (+high). */
enum drift_tones { DRIFT_TONES_GREY, DRIFT_TONES_SIGNED };

/* Images [n, height, width, channels] of the report's size, `columns` in a row with gaps of one pixel per `zoom`, each
 * pixel a square of zoom x zoom. */
void drift_canvas_images(struct drift_picture *canvas, size_t x, size_t y, const drift_report *report, size_t columns,
                         size_t n, const float *images, size_t zoom, enum drift_tones tones, float high);

#endif
