/* Samples at each guidance scale, and the law that the linear rule predicts there. */
#include "report/guided.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drifting/linear_rule.h"
#include "report/font.h"
#include "report/page.h"

enum { DIM = 2, DRAWS = 8 /* of the law, for each sample */, PANEL = 320, GAP = 6, MARGIN = 14 };

/* ---- figures ---- */

/* The points of one class, of n of all classes in turn; returns how many. */
static size_t take_class(size_t classes, size_t c, size_t n, const float *x, float *own)
{
    size_t count = 0;
    for (size_t i = c; i < n; i += classes)
        memcpy(own + DIM * count++, x + DIM * i, DIM * sizeof *own);
    return count;
}

/* Mean square of a coordinate's distance from its mean. */
static double variance(size_t n, const float *x)
{
    double sum = 0;
    for (int k = 0; k < DIM; k++) {
        double mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += (double)x[DIM * i + (size_t)k] / (double)n;
        for (size_t i = 0; i < n; i++) {
            const double from = (double)x[DIM * i + (size_t)k] - mean;
            sum += from * from / (double)(n * DIM);
        }
    }
    return sum;
}

/* other[n] is the second draw of the law. own has room for n + law_n + n points of a class. */
static drift_status measure(drift_guided *guided, size_t classes, const float *other, float *own)
{
    drift_status status = DRIFT_OK;
    double spread = 0, law_spread = 0;
    guided->energy_distance2 = guided->floor = 0;
    for (size_t c = 0; c < classes && !status; c++) {
        float *const law = own + DIM * guided->n, *const fresh = law + DIM * guided->law_n;
        const size_t n = take_class(classes, c, guided->n, guided->samples, own);
        const size_t m = take_class(classes, c, guided->law_n, guided->law, law);
        const double share = 1 / (double)classes;
        double energy = 0, floor = 0;
        take_class(classes, c, guided->n, other, fresh);
        status = drift_energy_distance2(n, m, DIM, own, law, &energy);
        if (!status)
            status = drift_energy_distance2(n, m, DIM, fresh, law, &floor);
        guided->energy_distance2 += share * energy;
        guided->floor += share * floor;
        spread += share * variance(n, own);
        law_spread += share * variance(m, law);
    }
    guided->spread = sqrt(spread);
    guided->law_spread = sqrt(law_spread);
    return status;
}

/* x has room for the samples, the law's draws, and as many more of them as there are samples. */
static drift_status make(struct drift_trainer *trainer, double scale, size_t n, float *x, float *own,
                         drift_guided *guided)
{
    float *const law = x + DIM * n;
    *guided = (drift_guided){.cfg_scale = scale, .n = n, .law_n = DRAWS * n, .samples = x, .law = law};
    drift_status status = drift_trainer_sample_of(trainer, 0, scale, NULL, n, x);
    if (!status)
        status =
            drift_linear_rule_draw(trainer->all, scale, (DRAWS + 1) * n, (uint64_t)trainer->recipe.train.seed, law);
    return status ? status : measure(guided, trainer->generator.classes, law + DIM * DRAWS * n, own);
}

drift_status drift_guided_make(struct drift_trainer *trainer, size_t n, struct drift_guided_list *list)
{
    const struct drift_recipe_numbers *scales = &trainer->recipe.train.cfg_list;
    const size_t classes = trainer->generator.classes, points = (DRAWS + 2) * n;
    drift_status status = DRIFT_OK;
    memset(list, 0, sizeof *list);
    if (classes < 2 || n < 2 * classes || !drift_data_has_likelihood(trainer->all))
        return DRIFT_OK;
    list->memory = malloc(((size_t)scales->count + 1) * points * DIM * sizeof(float));
    if (!list->memory)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples at each guidance scale", n);
    for (int i = 0; i < scales->count && !status; i++) {
        float *const x = list->memory + (list->count + 1) * points * DIM;
        if (scales->items[i] < 1) /* the rule says nothing */
            continue;
        status = make(trainer, scales->items[i], n, x, list->memory, &list->at[list->count]);
        list->count++;
    }
    return status;
}

void drift_guided_close(struct drift_guided_list *list)
{
    free(list->memory);
    memset(list, 0, sizeof *list);
}

json_t *drift_guided_json(const struct drift_guided_list *list)
{
    json_t *all = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const drift_guided *g = &list->at[i];
        json_array_append_new(all,
                              json_pack("{s:f, s:I, s:f, s:f, s:f, s:f}", "cfg", g->cfg_scale, "n", (json_int_t)g->n,
                                        "energy_distance2", g->energy_distance2, "energy_distance2_floor", g->floor,
                                        "spread", g->spread, "spread_of_rule", g->law_spread));
    }
    return all;
}

/* ---- the page and the picture ---- */

/* Samples above, the rule below, with the canvas's corner of both at (x, y). */
static drift_status draw_panels(struct drift_picture *canvas, size_t x, size_t y, const drift_guided *guided,
                                const struct drift_view *view)
{
    drift_status status = drift_canvas_points(canvas, x, y, PANEL, view, guided->n, DIM, guided->samples);
    return status ? status
                  : drift_canvas_points(canvas, x, y + PANEL + GAP, PANEL, view, guided->law_n, DIM, guided->law);
}

static drift_status put_panels(struct drift_text *page, const drift_guided *guided, const struct drift_view *view)
{
    struct drift_picture canvas;
    drift_status status = drift_canvas_new(PANEL, 2 * PANEL + GAP, DRIFT_PAPER, &canvas);
    if (status)
        return status;
    status = draw_panels(&canvas, 0, 0, guided, view);
    if (status) {
        drift_picture_free(&canvas);
        return status;
    }
    drift_text_put(page, "<figure>");
    status = drift_page_picture(page, &canvas, "samples above the density of the linear rule");
    drift_text_put(page, "<figcaption>\xce\xb1 = ");
    drift_text_number(page, guided->cfg_scale);
    drift_text_put(page, "</figcaption></figure>");
    return status;
}

drift_status drift_report_guided(const drift_report *r, const char *path)
{
    static const char *const sides[] = {"samples", "rule"};
    const struct drift_view view = drift_view_of(r);
    const size_t left = MARGIN + drift_canvas_text_width(sides[0]) + MARGIN, above = 2 * MARGIN + DRIFT_FONT_HEIGHT;
    struct drift_picture canvas;
    drift_status status = drift_canvas_new(left + r->guided_count * (PANEL + GAP) + MARGIN - GAP,
                                           above + 2 * PANEL + GAP + MARGIN, DRIFT_PAPER, &canvas);
    if (status)
        return status;
    for (size_t side = 0; side < 2; side++)
        drift_canvas_text(&canvas, MARGIN, above + side * (PANEL + GAP) + PANEL / 2, sides[side], DRIFT_INK);
    for (size_t i = 0; i < r->guided_count && !status; i++) {
        char caption[32];
        snprintf(caption, sizeof caption, "cfg %g", r->guided[i].cfg_scale);
        drift_canvas_text(&canvas, left + i * (PANEL + GAP), MARGIN, caption, DRIFT_INK);
        status = draw_panels(&canvas, left + i * (PANEL + GAP), above, &r->guided[i], &view);
    }
    if (!status)
        status = drift_png_write(path, &canvas);
    drift_picture_free(&canvas);
    return status;
}

static void put_table(struct drift_text *page, const drift_report *r)
{
    drift_text_put(page, "<div class=\"scroll\"><table><thead><tr><th class=\"num\">\xce\xb1</th>"
                         "<th class=\"num\">energy distance\xc2\xb2 to the rule</th><th class=\"num\">rule against "
                         "rule</th><th class=\"num\">spread of a class</th><th class=\"num\">the rule's</th></tr>"
                         "</thead><tbody>");
    for (size_t i = 0; i < r->guided_count; i++) {
        const drift_guided *g = &r->guided[i];
        drift_text_put(page, "<tr>");
        drift_text_cell(page, g->cfg_scale);
        drift_text_cell(page, g->energy_distance2);
        drift_text_cell(page, g->floor);
        drift_text_cell(page, g->spread);
        drift_text_cell(page, g->law_spread);
        drift_text_put(page, "</tr>");
    }
    drift_text_put(page, "</tbody></table></div>");
}

drift_status drift_page_guided(struct drift_text *page, const drift_report *r, const struct drift_view *view)
{
    drift_status status = DRIFT_OK;
    if (!r->guided_count)
        return DRIFT_OK;
    drift_text_put(page, "<section><h2>Guidance</h2><p>Above, generated points at each guidance scale \xce\xb1, of all "
                         "classes and the same noise; below, the density that the linear rule predicts: \xce\xb1 "
                         "p(x|c) \xe2\x88\x92 (\xce\xb1 \xe2\x88\x92 1) p(x) where it is positive. The larger "
                         "\xce\xb1, the more a class keeps to where no other is.</p><div class=\"grid3\">");
    for (size_t i = 0; i < r->guided_count && !status; i++)
        status = put_panels(page, &r->guided[i], view);
    drift_text_put(page, "</div>");
    put_table(page, r);
    drift_text_put(page,
                   "<p class=\"note\">Each class by itself against its own law, then the mean over the classes; "
                   "spread: the root mean square of a coordinate's distance from its class's mean.</p></section>\n");
    return status;
}
