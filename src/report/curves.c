/* Curves over steps as SVG. */
#include <math.h> /* isfinite, INFINITY */
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "report/axis.h"
#include "report/svg.h"

/* The drawing, and the box of the axes in it. */
enum {
    WIDTH = 440,
    HEIGHT = 270,
    LEFT = 58,
    TOP = 10,
    RIGHT = WIDTH - 12,
    BOTTOM = HEIGHT - 42,
    COLUMNS = 370,
    FEW = 24,
    COLOURS = 6 /* .c0 .. .c5 of the style */
};

struct axes {
    struct drift_axis x, y;
};

static void widen(double range[2], double value)
{
    if (value < range[0])
        range[0] = value;
    if (value > range[1])
        range[1] = value;
}

/* The range of what can be drawn. */
static struct axes axes_of(const drift_report *r, const drift_curve *curves, size_t count)
{
    double step[2] = {INFINITY, -INFINITY}, y[2] = {INFINITY, -INFINITY};
    int log_scale = curves[0].log_scale;
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < curves[c].n; i++)
            if (isfinite(curves[c].step[i]) && isfinite(curves[c].y[i]) && (!log_scale || curves[c].y[i] > 0)) {
                widen(step, curves[c].step[i]);
                widen(y, curves[c].y[i]);
            }
    for (size_t k = 0; k < r->level_count; k++)
        if (!strcmp(r->levels[k].figure, curves[0].figure) && isfinite(r->levels[k].y) &&
            (!log_scale || r->levels[k].y > 0))
            widen(y, r->levels[k].y);
    return (struct axes){drift_axis_of(step[0], step[1], 0), drift_axis_of(y[0], y[1], log_scale)};
}

static double right(const struct axes *axes, double step)
{
    return LEFT + (RIGHT - LEFT) * drift_axis_place(&axes->x, step);
}

static double down(const struct axes *axes, double y)
{
    return BOTTOM - (BOTTOM - TOP) * drift_axis_place(&axes->y, y);
}

/* 0.5, 2000, or 2 x 10^-5 with a raised exponent. */
static void put_tick_label(struct drift_text *page, double value)
{
    double size = fabs(value);
    if (!size || (size >= 0.01 && size < 1e5)) {
        drift_text_print(page, "%g", value);
        return;
    }
    int power = 0;
    double digits = size;
    for (; digits < 0.9999999; digits *= 10)
        power--;
    for (; digits > 9.9999999; digits /= 10)
        power++;
    drift_text_put(page, value < 0 ? "\xe2\x88\x92" : "");
    if (digits > 1.0000001)
        drift_text_print(page, "%.3g\xc2\xb7", digits);
    drift_text_print(page, "10<tspan dy=\"-5\" font-size=\"8.5\">%s%d</tspan>", power < 0 ? "\xe2\x88\x92" : "",
                     abs(power));
}

static void put_axes(struct drift_text *page, const struct axes *axes, const char *unit, const char *across)
{
    drift_text_put(page, "<g class=\"grid\">");
    for (size_t i = 0; i < axes->y.count; i++) {
        double y = down(axes, axes->y.tick[i]);
        drift_text_print(page, "<path d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT, y,
                         RIGHT, LEFT - 6, y + 4);
        put_tick_label(page, axes->y.tick[i]);
        drift_text_put(page, "</text>");
    }
    for (size_t i = 0; i < axes->x.count; i++) {
        if (axes->x.tick[i] < 0)
            continue;
        double x = right(axes, axes->x.tick[i]);
        drift_text_print(page, "<path d=\"M%.1f %dv4\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", x, BOTTOM,
                         x, BOTTOM + 17);
        put_tick_label(page, axes->x.tick[i]);
        drift_text_put(page, "</text>");
    }
    drift_text_print(page, "<path class=\"base\" d=\"M%d %dH%d\"/></g>", LEFT, BOTTOM, RIGHT);
    drift_text_print(page, "<text class=\"name\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", RIGHT, HEIGHT - 6,
                     across);
    if (unit && *unit) {
        drift_text_print(page, "<text class=\"name\" x=\"%d\" y=\"%d\">", 4, HEIGHT - 6);
        drift_text_escape(page, unit);
        drift_text_put(page, "</text>");
    }
}

/* The points of a column in the drawing are reduced to its first, lowest, highest and last, in their order. */
static void put_column(struct drift_text *page, const struct axes *axes, const drift_curve *curve, size_t from,
                       size_t end, int *pen_down)
{
    size_t low = from, high = from;
    for (size_t i = from; i < end; i++) {
        if (curve->y[i] < curve->y[low])
            low = i;
        if (curve->y[i] > curve->y[high])
            high = i;
    }
    for (size_t i = from; i < end; i++) {
        double x = right(axes, curve->step[i]), y = down(axes, curve->y[i]);
        if (!isfinite(x) || !isfinite(y))
            continue;
        if (end - from <= 4 || i == from || i == low || i == high || i + 1 == end) {
            drift_text_print(page, "%c%.1f %.1f", *pen_down ? 'L' : 'M', x, y);
            if (!*pen_down)
                drift_text_put(page, "h0"); /* so that a lone point is a dot */
            *pen_down = 1;
        }
    }
}

/* A dot for each of few points. */
static void put_points(struct drift_text *page, const struct axes *axes, const drift_curve *curve, size_t index)
{
    drift_text_print(page, "<path class=\"curve points c%zu\" d=\"", index % COLOURS);
    for (size_t i = 0; i < curve->n; i++) {
        const double x = right(axes, curve->step[i]), y = down(axes, curve->y[i]);
        if (isfinite(x) && isfinite(y))
            drift_text_print(page, "M%.1f %.1fh0", x, y);
    }
    drift_text_put(page, "\"/>");
}

static void put_curve(struct drift_text *page, const struct axes *axes, const drift_curve *curve, size_t index,
                      size_t count)
{
    int pen_down = 0;
    size_t columns = curve->n > 2 * COLUMNS ? COLUMNS : curve->n;
    drift_text_print(page, "<path class=\"curve c%zu%s\" d=\"", index % COLOURS,
                     count > 1 && !index && curve->n > COLUMNS ? " thin" : "");
    for (size_t k = 0; k < columns; k++)
        put_column(page, axes, curve, k * curve->n / columns, (k + 1) * curve->n / columns, &pen_down);
    drift_text_put(page, "\"/>");
    if (curve->n <= FEW)
        put_points(page, axes, curve, index);
}

static void put_legend(struct drift_text *page, const drift_report *r, const drift_curve *curves, size_t count)
{
    drift_text_put(page, "<p class=\"legend\">");
    for (size_t c = 0; c < count; c++) {
        drift_text_print(page, "<span><i class=\"c%zu\"></i>", c % COLOURS);
        drift_text_escape(page, curves[c].name);
        drift_text_put(page, "</span> ");
    }
    for (size_t k = 0; k < r->level_count; k++)
        if (!strcmp(r->levels[k].figure, curves[0].figure) && isfinite(r->levels[k].y)) {
            drift_text_put(page, "<span><i class=\"floor\"></i>");
            drift_text_escape(page, r->levels[k].name);
            drift_text_put(page, " ");
            drift_text_number(page, r->levels[k].y);
            drift_text_put(page, "</span> ");
        }
    drift_text_put(page, "</p>");
}

/* Axes, levels and curves: what fills a box of WIDTH x HEIGHT. */
static void put_drawing(struct drift_text *page, const drift_report *r, size_t first, size_t count, const char *across)
{
    const drift_curve *curves = r->curves + first;
    struct axes axes = axes_of(r, curves, count);
    put_axes(page, &axes, curves[0].unit, across);
    for (size_t k = 0; k < r->level_count; k++) {
        double y = down(&axes, r->levels[k].y);
        if (!strcmp(r->levels[k].figure, curves[0].figure) && isfinite(y))
            drift_text_print(page, "<path class=\"curve floor\" d=\"M%d %.1fH%d\"/>", LEFT, y, RIGHT);
    }
    for (size_t c = 0; c < count; c++)
        put_curve(page, &axes, &curves[c], c, count);
}

void drift_svg_curves(struct drift_text *page, const drift_report *r, size_t first, size_t count, const char *across)
{
    const drift_curve *curves = r->curves + first;
    drift_text_put(page, "<figure class=\"chart\"><h3>");
    drift_text_escape(page, curves[0].figure);
    drift_text_put(page, "</h3>");
    put_legend(page, r, curves, count);
    drift_text_print(page, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    drift_text_escape(page, curves[0].figure);
    drift_text_print(page, " over %s\">", across);
    put_drawing(page, r, first, count, across);
    drift_text_put(page, "</svg></figure>");
}

/* ---- a picture of its own ---- */

enum { HEAD = 64, CELL = HEAD + HEIGHT, ACROSS = 2 };

/* As on the page in daylight (src/report/style.c), for programs that show pictures and know no variables. */
static const char picture_style[] =
    "<style>text{font:11.5px system-ui,\"DejaVu Sans\",sans-serif;fill:#636b78}.title{font-size:15px;font-weight:600;"
    "fill:#1d2129}.grid path{stroke:#dcdfe4;fill:none}.grid .base{stroke:#636b78}.name{font-style:italic}"
    ".curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.curve.thin{stroke-width:1;"
    "opacity:.45}.curve.points{stroke-width:6}.key{stroke-width:3}.c0{stroke:#0072b2}.c1{stroke:#d55e00}"
    ".c2{stroke:#009e73}.c3{stroke:#8a4f7d}.c4{stroke:#7a6a00}.c5{stroke:#1d2129}.curve.floor{stroke:#636b78;stroke-"
    "dasharray:5 5;"
    "stroke-width:1.3}</style>";

/* A line of the class's colour and a name, at *x, *y and on a second line where the first is full. */
static void put_key(struct drift_text *page, const char *class, size_t number, const char *name, double *x, double *y)
{
    const double width = 40 + 7 * (double)strlen(name);
    if (*x + width > WIDTH && *x > LEFT)
        *x = LEFT, *y += 17;
    drift_text_print(page, "<path class=\"%s%zu\" d=\"M%.0f %.0fh18\"/><text x=\"%.0f\" y=\"%.0f\">", class, number, *x,
                     *y - 4, *x + 23, *y);
    drift_text_escape(page, name);
    drift_text_put(page, "</text>");
    *x += width;
}

static void put_head(struct drift_text *page, const drift_report *r, const drift_curve *curves, size_t count)
{
    double x = LEFT, y = 38;
    drift_text_print(page, "<text class=\"title\" x=\"%d\" y=\"18\">", LEFT);
    drift_text_escape(page, curves[0].figure);
    drift_text_put(page, "</text>");
    for (size_t c = 0; c < count; c++)
        put_key(page, "key c", c % COLOURS, curves[c].name, &x, &y);
    for (size_t k = 0; k < r->level_count; k++)
        if (!strcmp(r->levels[k].figure, curves[0].figure) && isfinite(r->levels[k].y) &&
            (!curves[0].log_scale || r->levels[k].y > 0))
            put_key(page, "curve floor l", k, r->levels[k].name, &x, &y);
}

/* Where the curves that share a figure with curve `first` end. */
static size_t end_of_figure(const drift_report *r, size_t first)
{
    size_t end = first + 1;
    while (end < r->curve_count && !strcmp(r->curves[end].figure, r->curves[first].figure))
        end++;
    return end;
}

drift_status drift_report_curves(const drift_report *r, const char *across, const char *path)
{
    struct drift_text page = {.data = NULL};
    size_t figures = 0, at = 0;
    for (size_t first = 0; first < r->curve_count; first = end_of_figure(r, first))
        figures++;
    const size_t columns = figures < ACROSS ? 1 : ACROSS, rows = (figures + columns - 1) / columns;
    drift_text_print(&page,
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" width=\"%zu\" "
                     "height=\"%zu\">%s<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>",
                     columns * WIDTH, rows * CELL, columns * WIDTH, rows * CELL, picture_style);
    for (size_t first = 0, end; first < r->curve_count; first = end, at++) {
        end = end_of_figure(r, first);
        drift_text_print(&page, "<g transform=\"translate(%zu %zu)\">", at % columns * WIDTH, at / columns * CELL);
        put_head(&page, r, r->curves + first, end - first);
        drift_text_print(&page, "<g transform=\"translate(0 %d)\">", HEAD - 8);
        put_drawing(&page, r, first, end - first, across);
        drift_text_put(&page, "</g></g>");
    }
    drift_text_put(&page, "</svg>\n");
    drift_status status =
        page.failed ? drift_fail_memory(path, page.size) : drift_file_write(path, page.data, page.size);
    free(page.data);
    return status;
}
