/* The page's section on guidance: curves over the scale, a table, images at several scales. */
#include "report/sweep.h"

#include <math.h> /* isfinite */
#include <stdio.h>
#include <string.h>

#include "report/page.h"
#include "report/report.h"
#include "report/svg.h"

enum { FIGURES = 4, NAME = 40 };
#define ALPHA "\xce\xb1"

static const struct {
    const char *title, *unit, *floor;
    size_t member;
} figures[FIGURES] = {
    {"Class accuracy", "share of the images", "real test images", offsetof(struct drift_judgement, class_accuracy)},
    {"Fr\xc3\xa9"
     "chet distance",
     "of features, squared", "real against real", offsetof(struct drift_judgement, frechet_distance)},
    {"Precision", "share of the images", "real against real", offsetof(struct drift_judgement, precision)},
    {"Recall", "share of the test images", "real against real", offsetof(struct drift_judgement, recall)},
};

static double figure_of(const struct drift_judgement *judgement, int figure)
{
    return *(const double *)(const void *)((const char *)judgement + figures[figure].member);
}

static void name_mean(const struct drift_sweep *sweep, size_t mean, char name[NAME])
{
    if (isfinite(sweep->decay[mean]))
        snprintf(name, NAME, "running mean %g", sweep->decay[mean]);
    else
        snprintf(name, NAME, "as trained");
}

static void put_chart(struct drift_text *page, const drift_report *r, int figure)
{
    const struct drift_sweep *sweep = r->sweep;
    drift_report part = *r;
    drift_curve curves[DRIFT_RECIPE_LIST];
    char names[DRIFT_RECIPE_LIST][NAME];
    double y[DRIFT_RECIPE_LIST][DRIFT_SWEEP_SCALES];
    const drift_level level = {figures[figure].title, figures[figure].floor, figure_of(&sweep->floor, figure)};
    for (size_t m = 0; m < sweep->means; m++) {
        name_mean(sweep, m, names[m]);
        for (size_t k = 0; k < sweep->scales; k++)
            y[m][k] = figure_of(&sweep->found[m * sweep->scales + k], figure);
        curves[m] =
            (drift_curve){figures[figure].title, names[m], figures[figure].unit, 0, sweep->scales, sweep->scale, y[m]};
    }
    part.curve_count = sweep->means;
    part.curves = curves;
    part.level_count = 1;
    part.levels = &level;
    drift_svg_curves(page, &part, 0, sweep->means, "guidance scale " ALPHA);
}

static void put_row(struct drift_text *page, const char *name, double scale, const struct drift_judgement *found)
{
    drift_text_put(page, "<tr><td>");
    drift_text_escape(page, name);
    drift_text_put(page, "</td>");
    drift_text_cell(page, scale);
    for (int i = 0; i < FIGURES; i++)
        drift_text_cell(page, figure_of(found, i));
    drift_text_cell(page, found->memorisation);
    drift_text_put(page, "</tr>");
}

static void put_table(struct drift_text *page, const struct drift_sweep *sweep)
{
    char name[NAME];
    drift_text_put(page, "<div class=\"scroll\"><table><thead><tr><th></th><th class=\"num\">" ALPHA "</th>");
    for (int i = 0; i < FIGURES; i++) {
        drift_text_put(page, "<th class=\"num\">");
        drift_text_escape(page, figures[i].title);
        drift_text_put(page, "</th>");
    }
    drift_text_put(page, "<th class=\"num\">Memorisation</th></tr></thead><tbody>");
    for (size_t k = 0; k < sweep->means * sweep->scales; k++) {
        name_mean(sweep, k / sweep->scales, name);
        put_row(page, name, sweep->scale[k % sweep->scales], &sweep->found[k]);
    }
    put_row(page, "real images", NAN, &sweep->floor);
    drift_text_put(page, "</tbody></table></div>");
}

/* A row for each scale, a column for each class, all of one noise. */
static drift_status put_one_noise(struct drift_text *page, const drift_report *r)
{
    const struct drift_sweep *sweep = r->sweep;
    char text[DRIFT_SWEEP_SCALES][NAME];
    const char *captions[DRIFT_SWEEP_SCALES];
    struct drift_picture canvas;
    drift_report part = *r;
    part.samples = sweep->one;
    part.samples_n = sweep->scales * sweep->columns;
    for (size_t k = 0; k < sweep->scales; k++) {
        snprintf(text[k], NAME, "cfg %g", sweep->scale[k]);
        captions[k] = text[k];
    }
    drift_text_put(page, "<h3>One noise</h3><p>The same noise under every class, and every scale: the row says which "
                         "\xce\xb1.</p><div class=\"pairs\">");
    const drift_rows rows = {.rows = sweep->scales,
                             .columns = sweep->columns,
                             .row_step = sweep->columns,
                             .column_step = 1,
                             .captions = captions};
    drift_status status = drift_canvas_rows(&part, &rows, &canvas);
    if (!status)
        status = drift_page_picture(page, &canvas, "one noise under every class, a row for each guidance scale");
    drift_text_put(page, "</div>");
    return status;
}

static drift_status put_grids(struct drift_text *page, const drift_report *r)
{
    const struct drift_sweep *sweep = r->sweep;
    const size_t grid = DRIFT_SWEEP_ROWS * sweep->columns;
    drift_status status = DRIFT_OK;
    drift_text_put(page, "<h3>As many images of each class</h3><p>A column for each class, the same noise at every "
                         "scale.</p><div class=\"grid3\">");
    for (size_t k = 0; k < sweep->scales && !status; k++) {
        drift_text_put(page, "<figure>");
        status = drift_page_images(page, r, sweep->columns, DRIFT_SWEEP_ROWS, grid, sweep->grids + k * grid * r->dim,
                                   "generated images, a column for each class");
        drift_text_print(page, "<figcaption>" ALPHA " = %g</figcaption></figure>", sweep->scale[k]);
    }
    drift_text_put(page, "</div>");
    return status;
}

drift_status drift_page_sweep(struct drift_text *page, const drift_report *r)
{
    if (!r->sweep)
        return DRIFT_OK;
    drift_text_put(page,
                   "<section><h2>Guidance</h2><p>With the guidance scale " ALPHA
                   " images of other classes push as well: a sample moves to where its own class is likelier than "
                   "the rest. So more images are taken for the class that was asked for, and they become more "
                   "alike. A classifier that was trained on the training images judges ");
    drift_text_count(page, r->sweep->n);
    drift_text_put(page, " generated images beside as many test images: the share that it takes for the right class; "
                         "the Fr\xc3\xa9"
                         "chet distance of its features; precision, the share of generated images among the real ones; "
                         "recall, the share of real images among the generated ones. The dashed line is what real "
                         "images score.</p><div class=\"grid2\">");
    for (int i = 0; i < FIGURES; i++)
        put_chart(page, r, i);
    drift_text_put(page, "</div>");
    put_table(page, r->sweep);
    drift_status status = put_grids(page, r);
    if (!status)
        status = put_one_noise(page, r);
    drift_text_put(page, "</section>\n");
    return status;
}
