/* Points and arrows as SVG. All points of a layer are one path of dots: twelve bytes a point, coloured by CSS. */
#include <math.h> /* isfinite, sqrt */
#include <stdlib.h>

#include "report/axis.h"
#include "report/svg.h"

enum { SIDE = 1000, FAR = 5000, EDGE = 90, DATA_BEHIND = 1500, MOST_ARROWS = 200 };

/* [0, 1] to the drawing, where what is far outside stays near enough for short numbers. NaN goes outside. */
static int on_drawing(double place)
{
    double at = SIDE * place;
    return at >= -FAR && at <= FAR ? (int)floor(at + 0.5) : -FAR;
}

static void put_dots(struct drift_text *page, const struct drift_view *view, size_t dim,
                     const struct drift_layer *layer)
{
    size_t shown = layer->n < layer->most ? layer->n : layer->most;
    drift_text_print(page, "<path class=\"dots %s\" d=\"", layer->class);
    for (size_t i = 0; i < shown; i++) {
        double right, up;
        drift_view_point(view, dim, layer->x + i * layer->n / shown * dim, &right, &up);
        drift_text_print(page, "M%d %dh0", on_drawing(right), on_drawing(1 - up));
    }
    drift_text_put(page, "\"/>");
}

static void put_axes(struct drift_text *page, const struct drift_view *view)
{
    struct drift_axis across = drift_axis_of(view->x, view->x + view->side, 0);
    struct drift_axis up = drift_axis_of(view->y, view->y + view->side, 0);
    drift_text_put(page, "<g class=\"ticks\">");
    for (size_t i = 0; i < across.count; i++) {
        int at = on_drawing((across.tick[i] - view->x) / view->side);
        if (at >= 0 && at <= SIDE)
            drift_text_print(page, "<path d=\"M%d %dv14\"/><text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%.3g</text>",
                             at, SIDE, at, SIDE + 56, across.tick[i]);
    }
    for (size_t i = 0; i < up.count; i++) {
        int at = on_drawing(1 - (up.tick[i] - view->y) / view->side);
        if (at >= 0 && at <= SIDE)
            drift_text_print(page, "<path d=\"M0 %dh-14\"/><text x=\"-22\" y=\"%d\" text-anchor=\"end\">%.3g</text>",
                             at, at + 13, up.tick[i]);
    }
    drift_text_put(page, "</g>");
}

static void open_drawing(struct drift_text *page, int axes, const char *label)
{
    if (axes)
        drift_text_print(page, "<svg viewBox=\"%d -4 %d %d\" role=\"img\" aria-label=\"", -EDGE - 20, SIDE + EDGE + 30,
                         SIDE + 80);
    else
        drift_text_print(page, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", SIDE, SIDE);
    drift_text_escape(page, label);
    drift_text_put(page, "\">");
}

void drift_svg_points(struct drift_text *page, const drift_report *r, const struct drift_view *view,
                      const struct drift_layer *layers, size_t count, int axes, const char *label)
{
    open_drawing(page, axes, label);
    drift_text_print(page, "<svg width=\"%d\" height=\"%d\"><rect class=\"panel\" width=\"%d\" height=\"%d\"/>", SIDE,
                     SIDE, SIDE, SIDE);
    for (size_t k = 0; k < count; k++)
        put_dots(page, view, r->dim, &layers[k]);
    drift_text_put(page, "</svg>");
    if (axes)
        put_axes(page, view);
    drift_text_put(page, "</svg>");
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double arrow_length(const drift_arrows *arrows, size_t dim, size_t i)
{
    double dx = arrows->v[i * dim], dy = dim > 1 ? arrows->v[i * dim + 1] : 0;
    return sqrt(dx * dx + dy * dy);
}

/* The factor that makes the 95th percentile of the lengths a tenth of the side. 0 where nothing moves. */
static double lengthening(const drift_arrows *arrows, size_t dim, double side)
{
    double *length = malloc((arrows->n + 1) * sizeof *length), factor = 0;
    size_t count = 0;
    for (size_t i = 0; length && i < arrows->n; i++) {
        double l = arrow_length(arrows, dim, i);
        if (isfinite(l))
            length[count++] = l;
    }
    if (count) {
        qsort(length, count, sizeof *length, ascending);
        double high = length[count - 1 - count / 20];
        factor = high > 0 ? 0.1 * side / high : 0;
    }
    free(length);
    return isfinite(factor) ? factor : 0;
}

/* A shaft and two barbs: V in units of the drawing from (x, y). */
static void put_arrow(struct drift_text *page, double x, double y, double dx, double dy)
{
    double length = sqrt(dx * dx + dy * dy), most = 0.25 * SIDE;
    if (!(length >= 2)) /* nothing to see, or NaN */
        return;
    if (length > most) {
        dx *= most / length;
        dy *= most / length;
        length = most;
    }
    double barb = (length < 36 ? 0.45 * length : 16) / length;
    drift_text_print(page, "M%.0f %.0fl%.0f %.0fm%.0f %.0fL%.0f %.0fL%.0f %.0f", x, y, dx, dy, -barb * (dx + 0.5 * dy),
                     -barb * (dy - 0.5 * dx), x + dx, y + dy, x + dx - barb * (dx - 0.5 * dy),
                     y + dy - barb * (dy + 0.5 * dx));
}

double drift_svg_arrows(struct drift_text *page, const drift_report *r, const struct drift_view *view,
                        const drift_arrows *arrows)
{
    double factor = lengthening(arrows, r->dim, view->side);
    struct drift_layer behind = {"faint", r->data_n, DATA_BEHIND, r->data};
    struct drift_layer at = {"gen", arrows->n, 600, arrows->x};
    size_t stride = (arrows->n + MOST_ARROWS - 1) / MOST_ARROWS;
    open_drawing(page, 0, "the field as arrows");
    drift_text_print(page, "<rect class=\"panel\" width=\"%d\" height=\"%d\"/>", SIDE, SIDE);
    put_dots(page, view, r->dim, &behind);
    put_dots(page, view, r->dim, &at);
    drift_text_put(page, "<path class=\"arrow\" d=\"");
    for (size_t i = 0; i < arrows->n; i += stride) {
        double right, up, scale = factor / view->side * SIDE;
        const float *v = arrows->v + i * r->dim;
        drift_view_point(view, r->dim, arrows->x + i * r->dim, &right, &up);
        if (right >= 0 && right <= 1 && up >= 0 && up <= 1)
            put_arrow(page, SIDE * right, SIDE * (1 - up), scale * v[0], -scale * (r->dim > 1 ? v[1] : 0));
    }
    drift_text_put(page, "\"/></svg>");
    return factor;
}
