/* The parts of the page that are drawings: SVG that takes its colours from the page's style sheet. */
#ifndef DRIFT_REPORT_SVG_H
#define DRIFT_REPORT_SVG_H

#include "report/canvas.h"
#include "report/text.h"

/* One square of points. Layers are drawn one over the other; class "data", "gen" or "faint" gives the colour. Evenly
 * spaced rows stand for more than `most` points. `axes`: with ticks and numbers. */
struct drift_layer {
    const char *class;
    size_t n, most;
    const float *x;
};
void drift_svg_points(struct drift_text *page, const drift_report *report, const struct drift_view *view,
                      const struct drift_layer *layers, size_t count, int axes, const char *label);

/* The field as arrows over its points and the faint data. Returns by how much arrows are lengthened. */
double drift_svg_arrows(struct drift_text *page, const drift_report *report, const struct drift_view *view,
                        const drift_arrows *arrows);

/* The curves[first .. first + count), which share a figure, with legend, axes, units and the figure's levels; `across`
 * names the axis of their steps, UTF-8. */
void drift_svg_curves(struct drift_text *page, const drift_report *report, size_t first, size_t count,
                      const char *across);

#endif
