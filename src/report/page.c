/* report.html: one file that tells a run's story, for a person. */
#include "report/report.h"

#include <math.h> /* isfinite, fabs */
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "report/canvas.h"
#include "report/guided.h"
#include "report/page.h"
#include "report/style.h"
#include "report/svg.h"
#include "report/sweep.h"
#include "report/text.h"

enum { SHOWN_POINTS = 4000, FRAME_POINTS = 1200, STRIP_IMAGES = 8, GRID_IMAGES = 12, PAIRS = 16, FIELD_IMAGES = 10 };

static int has_images(const drift_report *r) { return r->image_width > 0; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

drift_status drift_page_picture(struct drift_text *page, struct drift_picture *canvas, const char *alternative)
{
    struct drift_bytes png;
    drift_status status = drift_png_encode(canvas, &png);
    drift_picture_free(canvas);
    if (status)
        return status;
    drift_text_image(page, alternative, png.data, png.size);
    drift_bytes_free(&png);
    return DRIFT_OK;
}

/* A canvas for columns x rows images of the report's size, a pixel between and around them. */
static drift_status new_canvas(const drift_report *r, size_t columns, size_t rows, struct drift_picture *canvas)
{
    return drift_canvas_new(columns * (r->image_width + 1) + 1, rows * (r->image_height + 1) + 1, DRIFT_PAPER, canvas);
}

drift_status drift_page_images(struct drift_text *page, const drift_report *r, size_t columns, size_t rows, size_t n,
                               const float *images, const char *alternative)
{
    struct drift_picture canvas;
    drift_status status = new_canvas(r, columns, rows, &canvas);
    if (status)
        return status;
    drift_canvas_images(&canvas, 1, 1, r, columns, least(n, columns * rows), images, 1, DRIFT_TONES_GREY, r->high);
    return drift_page_picture(page, &canvas, alternative);
}

static void put_shown(struct drift_text *page, size_t shown, size_t n)
{
    drift_text_count(page, least(shown, n));
    if (n > shown) {
        drift_text_put(page, " of ");
        drift_text_count(page, n);
    }
}

/* ---- the sections, from top to bottom ---- */

static void put_head(struct drift_text *page, const drift_report *r)
{
    drift_report_head(page, r->title);
    drift_text_put(page, "<header><p class=\"over\">Generative modeling via drifting</p><h1>");
    drift_text_escape(page, r->title);
    drift_text_put(page, "</h1><p class=\"lead\">");
    drift_text_escape(page, r->summary);
    drift_text_put(
        page, "</p><p>A generator turns noise into samples in a single pass. In training, each generated sample "
              "feels a field: data attract it, other generated samples repel it. The generator learns to move its "
              "samples along that field until the two forces cancel, which is where its samples are distributed as "
              "the data are.</p></header>\n");
}

static void put_cards(struct drift_text *page, const drift_report *r)
{
    if (!r->metric_count)
        return;
    drift_text_put(page, "<div class=\"cards\">");
    for (size_t k = 0; k < r->metric_count; k++) {
        drift_text_put(page, "<div class=\"card\"><span>");
        drift_text_escape(page, r->metrics[k].label);
        drift_text_put(page, "</span><b>");
        drift_text_number(page, r->metrics[k].value);
        drift_text_put(page, "</b><span>");
        if (isfinite(r->metrics[k].floor)) {
            drift_text_put(page, "data against data: ");
            drift_text_number(page, r->metrics[k].floor);
        } else {
            drift_text_escape(page, r->metrics[k].good);
        }
        drift_text_put(page, "</span></div>");
    }
    drift_text_put(page, "</div>\n");
}

static drift_status put_side(struct drift_text *page, const drift_report *r, const struct drift_view *view,
                             const char *class, const char *what, size_t n, const float *x)
{
    drift_status status = DRIFT_OK;
    drift_text_put(page, "<figure>");
    if (has_images(r)) {
        status = drift_page_images(page, r, GRID_IMAGES, GRID_IMAGES, n, x, what);
    } else {
        struct drift_layer layer = {class, n, SHOWN_POINTS, x};
        drift_svg_points(page, r, view, &layer, 1, 1, what);
    }
    drift_text_print(page, "<figcaption><span class=\"swatch\" style=\"background:var(--%s)\"></span>%s, ", class,
                     what);
    put_shown(page, has_images(r) ? GRID_IMAGES * GRID_IMAGES : SHOWN_POINTS, n);
    drift_text_put(page, has_images(r) ? " images" : " points");
    drift_text_put(page, "</figcaption></figure>");
    return status;
}

static drift_status put_data_beside_samples(struct drift_text *page, const drift_report *r,
                                            const struct drift_view *view)
{
    if (!r->data_n && !r->samples_n)
        return DRIFT_OK;
    drift_text_put(page, "<section><h2>Data beside samples</h2>");
    if (!has_images(r) && r->dim > 2)
        drift_text_print(page, "<p class=\"note\">The first two of %zu coordinates.</p>", r->dim);
    drift_text_put(page, "<div class=\"grid2\">");
    drift_status status = DRIFT_OK;
    if (r->data_n)
        status = put_side(page, r, view, "data", "Data", r->data_n, r->data);
    if (r->samples_n && !status)
        status = put_side(page, r, view, "gen", "Generated", r->samples_n, r->samples);
    drift_text_put(page, "</div></section>\n");
    return status;
}

static drift_status put_frame(struct drift_text *page, const drift_report *r, const struct drift_view *view,
                              const char *class, const char *what, size_t n, const float *x)
{
    struct drift_layer layer = {class, n, FRAME_POINTS, x};
    if (has_images(r))
        return drift_page_images(page, r, STRIP_IMAGES, STRIP_IMAGES, n, x, what);
    drift_svg_points(page, r, view, &layer, 1, 0, what);
    return DRIFT_OK;
}

static drift_status put_evolution(struct drift_text *page, const drift_report *r, const struct drift_view *view)
{
    drift_status status = DRIFT_OK;
    if (!r->frame_count)
        return DRIFT_OK;
    drift_text_put(page, "<section><h2>From noise to data</h2><p>What the generator makes of the same noise while it "
                         "learns. ");
    if (!has_images(r))
        drift_text_put(page, "Each dot is one noise vector, so the dots can be followed from frame to frame.");
    drift_text_put(page,
                   "</p><div id=\"player\" hidden><canvas role=\"img\" aria-label=\"the frames as a film\"></canvas>"
                   "<div class=\"controls\"><button type=\"button\">Play</button><input type=\"range\" min=\"0\" "
                   "step=\"0.01\" aria-label=\"frame\"><output></output></div></div>"
                   "<div class=\"strip\" id=\"frames\">");
    for (size_t i = 0; i < r->frame_count && !status; i++) {
        const drift_frame *frame = &r->frames[i];
        drift_text_print(page, "<figure data-step=\"%ld\">", frame->step);
        status = put_frame(page, r, view, "gen", "generated", frame->n, frame->x);
        drift_text_print(page, "<figcaption>step %ld</figcaption></figure>", frame->step);
    }
    if (r->data_n && !status) {
        drift_text_put(page, "<figure id=\"target\">");
        status = put_frame(page, r, view, "data", "data", r->data_n, r->data);
        drift_text_put(page, "<figcaption>data</figcaption></figure>");
    }
    drift_text_put(page, "</div></section>\n");
    return status;
}

/* Images on top, below each its field: where pixels are to brighten or darken. */
static drift_status put_field_images(struct drift_text *page, const drift_report *r, const drift_arrows *arrows)
{
    struct drift_picture canvas;
    size_t n = least(arrows->n, FIELD_IMAGES);
    float most = 0;
    drift_status status = new_canvas(r, n, 2, &canvas);
    if (status)
        return status;
    for (size_t i = 0; i < n * r->dim; i++)
        if (fabs(arrows->v[i]) > most)
            most = (float)fabs(arrows->v[i]);
    drift_canvas_images(&canvas, 1, 1, r, n, n, arrows->x, 1, DRIFT_TONES_GREY, r->high);
    drift_canvas_images(&canvas, 1, r->image_height + 2, r, n, n, arrows->v, 1, DRIFT_TONES_SIGNED, 0.7f * most);
    return drift_page_picture(page, &canvas, "generated images, and below each the field at it");
}

static drift_status put_field(struct drift_text *page, const drift_report *r, const struct drift_view *view)
{
    drift_status status = DRIFT_OK;
    if (!r->arrow_count)
        return DRIFT_OK;
    drift_text_put(page, "<section><h2>The field</h2><p>");
    drift_text_put(page, has_images(r)
                             ? "Below each generated image the field V at it: orange where a pixel is to "
                               "brighten, blue where it is to darken, on a scale of its own at each step."
                             : "The field V at the generated samples: where each is to go. Grey dots are data. "
                               "The arrows shrink as the samples come to be distributed as the data; they are "
                               "lengthened here, by the factor below each picture.");
    drift_text_print(page, "</p><div class=\"%s\">", has_images(r) ? "grid2" : "grid3");
    for (size_t i = 0; i < r->arrow_count && !status; i++) {
        const drift_arrows *arrows = &r->arrows[i];
        double factor = 0;
        if (!arrows->n)
            continue;
        drift_text_put(page, "<figure>");
        if (has_images(r))
            status = put_field_images(page, r, arrows);
        else
            factor = drift_svg_arrows(page, r, view, arrows);
        drift_text_print(page, "<figcaption>step %ld", arrows->step);
        if (factor > 0) {
            drift_text_put(page, ", arrows ");
            drift_text_number(page, factor);
            drift_text_put(page, " \xc3\x97 V");
        }
        drift_text_put(page, "</figcaption></figure>");
    }
    drift_text_put(page, "</div></section>\n");
    return status;
}

static void put_curves(struct drift_text *page, const drift_report *r)
{
    if (!r->curve_count)
        return;
    drift_text_put(page, "<section><h2>Curves</h2><p>");
    drift_text_put(page,
                   r->normalized_loss
                       ? "The loss is flat, and that is no fault: this form divides the field by its own size at "
                         "every step, so that the loss is near one per temperature (at most the square of their "
                         "number) however far the samples are from the data. The raw |V|\xc2\xb2, before that "
                         "division, is the figure to watch: it settles where the samples feel the noise of a finite "
                         "batch alone. At the "
                         "start it may be small as well, while the samples are too alike to feel the data."
                       : "The loss is the mean of V\xc2\xb2, the squared length of the moves that the field asks for. "
                         "It falls until it reaches the noise of a finite batch. It is also small where the samples "
                         "are too far from the data to feel them, so read it beside the energy distance, which is "
                         "not.");
    drift_text_put(page, "</p><div class=\"grid2\">");
    for (size_t first = 0, end; first < r->curve_count; first = end) {
        for (end = first + 1; end < r->curve_count && !strcmp(r->curves[end].figure, r->curves[first].figure);)
            end++;
        drift_svg_curves(page, r, first, end - first, "step");
    }
    drift_text_put(page, "</div></section>\n");
}

static void put_metrics(struct drift_text *page, const drift_report *r)
{
    if (!r->metric_count)
        return;
    drift_text_put(page,
                   "<section><h2>The figures and their floors</h2><p>The floor is the same figure between two sets "
                   "that are both data: what a perfect generator would score. The unbiased estimates of squared "
                   "distances scatter around zero there, so they may be negative.</p><div class=\"scroll\"><table>"
                   "<thead><tr><th>figure</th><th class=\"num\">value</th><th class=\"num\">n</th>"
                   "<th class=\"num\">floor</th><th class=\"num\">its n</th><th>good is</th></tr></thead><tbody>");
    for (size_t k = 0; k < r->metric_count; k++) {
        const drift_metric *metric = &r->metrics[k];
        drift_text_put(page, "<tr><td>");
        drift_text_escape(page, metric->label);
        drift_text_put(page, "</td><td class=\"num\"><b>");
        drift_text_number(page, metric->value);
        drift_text_put(page, "</b></td><td class=\"num\">");
        drift_text_count(page, metric->n);
        drift_text_put(page, "</td><td class=\"num\">");
        drift_text_number(page, metric->floor);
        drift_text_put(page, "</td><td class=\"num\">");
        if (metric->floor_n)
            drift_text_count(page, metric->floor_n);
        else
            drift_text_put(page, "\xe2\x80\x93");
        drift_text_put(page, "</td><td>");
        drift_text_escape(page, metric->good);
        drift_text_put(page, "</td></tr>");
    }
    drift_text_put(page, "</tbody></table></div></section>\n");
}

/* Generated images, and below each the nearest of the training set. */
static drift_status put_pairs(struct drift_text *page, const drift_report *r, size_t n, const size_t *index)
{
    const float *train = r->train_n ? r->train : r->data;
    struct drift_picture canvas;
    drift_status status = new_canvas(r, n, 2, &canvas);
    if (status)
        return status;
    drift_canvas_images(&canvas, 1, 1, r, n, n, r->samples, 1, DRIFT_TONES_GREY, r->high);
    for (size_t i = 0; i < n; i++)
        drift_canvas_images(&canvas, 1 + i * (r->image_width + 1), r->image_height + 2, r, 1, 1,
                            train + index[i] * r->dim, 1, DRIFT_TONES_GREY, r->high);
    drift_text_put(page, "<section><h2>New, or learnt by heart?</h2><p>Generated images, and below each the nearest "
                         "training image. Like, but not the same: that is what is wanted.</p><div class=\"pairs\">");
    status = drift_page_picture(page, &canvas, "generated images above their nearest training images");
    drift_text_put(page, "</div></section>\n");
    return status;
}

static drift_status put_nearest(struct drift_text *page, const drift_report *r)
{
    size_t index[PAIRS], n = least(r->samples_n, PAIRS), train_n = r->train_n ? r->train_n : r->data_n;
    if (!has_images(r) || !n || !train_n)
        return DRIFT_OK;
    drift_status status = drift_nearest(n, train_n, r->dim, r->samples, r->train_n ? r->train : r->data, index, NULL);
    return status ? status : put_pairs(page, r, n, index);
}

static void put_settings(struct drift_text *page, const drift_report *r)
{
    if (r->setting_count) {
        drift_text_put(page, "<section><h2>Settings</h2><dl class=\"settings\">");
        for (size_t i = 0; i < r->setting_count; i++) {
            drift_text_put(page, "<div><dt>");
            drift_text_escape(page, r->settings[i].key);
            drift_text_put(page, "</dt><dd>");
            drift_text_escape(page, r->settings[i].value);
            drift_text_put(page, "</dd></div>");
        }
        drift_text_put(page, "</dl></section>\n");
    }
    if (r->command && *r->command) {
        drift_text_put(page,
                       "<section><h2>Run it again</h2><p>The same seed gives the same bits, on any machine and with "
                       "any number of threads.</p><pre>");
        drift_text_escape(page, r->command);
        drift_text_put(page, "</pre></section>\n");
    }
}

static void put_foot(struct drift_text *page, const drift_report *r)
{
    drift_report_footer(page, r->version);
    drift_text_put(page, "\n<script>\n");
    for (size_t i = 0; drift_report_script[i]; i++)
        drift_text_put(page, drift_report_script[i]);
    drift_text_put(page, "</script></body></html>\n");
}

drift_status drift_report_html(const drift_report *r, const char *path)
{
    struct drift_text page = {0};
    struct drift_view view = drift_view_of(r);
    put_head(&page, r);
    put_cards(&page, r);
    drift_status status = put_data_beside_samples(&page, r, &view);
    if (!status)
        status = put_evolution(&page, r, &view);
    if (!status)
        status = put_field(&page, r, &view);
    if (!status)
        status = drift_page_guided(&page, r, &view);
    if (!status)
        status = drift_page_sweep(&page, r);
    put_curves(&page, r);
    put_metrics(&page, r);
    if (!status)
        status = put_nearest(&page, r);
    put_settings(&page, r);
    put_foot(&page, r);
    if (!status && page.failed)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for the page");
    if (!status)
        status = drift_file_write(path, page.data, page.size);
    free(page.data);
    return status;
}
