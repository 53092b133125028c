/* table.html: the rows of an ablation, each with its samples and its figures. */
#include "report/ablation_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "report/style.h"

enum { PATH = 4096, LARGEST_GRID = 1 << 24 };

static void put_head(struct drift_text *page, const struct drift_ablation_table *table)
{
    const struct drift_ablation *a = table->ablation;
    size_t done = 0, runs = a->row_count * a->seed_count;
    for (size_t i = 0; i < runs; i++)
        done += table->done[i];
    drift_report_head(page, a->name);
    drift_text_put(page, "<header><p class=\"over\">Ablation \xc2\xb7 generative modeling via drifting</p><h1>");
    drift_text_escape(page, a->name);
    drift_text_put(page, "</h1><p class=\"lead\">");
    drift_text_escape(page, a->about);
    drift_text_print(page,
                     "</p><p>%zu seed%s: the mean \xc2\xb1 its standard error, and below it the difference to the "
                     "first row in standard errors of the difference.",
                     a->seed_count, a->seed_count > 1 ? "s" : "");
    if (done < runs)
        drift_text_print(page, " <b>%zu of %zu runs are done.</b>", done, runs);
    drift_text_put(page, "</p></header>\n");
}

/* grid.png of the first seed that is done; nothing where there is none. */
static void put_grid(struct drift_text *page, const struct drift_ablation_table *table, size_t row)
{
    const struct drift_ablation *a = table->ablation;
    struct drift_bytes png;
    char folder[PATH], path[PATH + 16];
    size_t s = 0;
    while (s < a->seed_count && !table->done[row * a->seed_count + s])
        s++;
    if (s == a->seed_count)
        return;
    drift_ablation_run_path(a, row, a->seeds[s], table->folder, folder, sizeof folder);
    snprintf(path, sizeof path, "%s/grid.png", folder);
    if (drift_file_read(path, LARGEST_GRID, &png))
        return; /* of a run that did not stay finite */
    drift_text_image(page, "samples of this row", png.data, png.size);
    drift_bytes_free(&png);
}

/* Two digits of an error are enough. */
static void put_error(struct drift_text *page, double error)
{
    char rounded[32];
    snprintf(rounded, sizeof rounded, "%.1e", error);
    drift_text_put(page, " \xc2\xb1 ");
    drift_text_number(page, strtod(rounded, NULL));
}

static void put_cell(struct drift_text *page, const struct drift_ablation_table *table, size_t row,
                     enum drift_figure figure)
{
    const drift_spread spread = drift_ablation_spread(table, row, figure);
    const double difference = drift_ablation_difference(table, row, figure);
    drift_text_put(page, "<td class=\"num\"><b>");
    drift_text_number(page, spread.mean);
    drift_text_put(page, "</b>");
    if (isfinite(spread.error))
        put_error(page, spread.error);
    if (isfinite(difference))
        drift_text_print(page, "<br><span class=\"note\">%s%.1f s.e.</span>", difference < 0 ? "\xe2\x88\x92" : "+",
                         fabs(difference));
    drift_text_put(page, "</td>");
}

static void put_row(struct drift_text *page, const struct drift_ablation_table *table, size_t row)
{
    const struct drift_ablation *a = table->ablation;
    drift_text_put(page, "<tr><th scope=\"row\">");
    drift_text_escape(page, a->rows[row].name);
    drift_text_put(page, "</th><td class=\"samples\">");
    put_grid(page, table, row);
    drift_text_put(page, "</td>");
    for (size_t i = 0; i < a->figure_count; i++)
        put_cell(page, table, row, a->figures[i]);
    if (drift_ablation_has_paper(a)) {
        drift_text_put(page, "<td class=\"num\">");
        if (isfinite(a->rows[row].paper))
            drift_text_print(page, "%.5g", a->rows[row].paper);
        drift_text_put(page, "</td>");
    }
    drift_text_put(page, "</tr>\n");
}

static void put_table(struct drift_text *page, const struct drift_ablation_table *table)
{
    const struct drift_ablation *a = table->ablation;
    drift_text_put(page,
                   "<section><div class=\"scroll\"><table class=\"ablation\"><thead><tr><th></th><th>samples</th>");
    for (size_t i = 0; i < a->figure_count; i++)
        drift_text_print(page, "<th class=\"num\">%s<br><span>%s is good</span></th>",
                         drift_figure_texts[a->figures[i]].label, drift_figure_texts[a->figures[i]].good);
    drift_text_put(page, drift_ablation_has_paper(a)
                             ? "<th class=\"num\">the paper\xe2\x80\x99s<br><span>ImageNet, FID</span></th>"
                             : "");
    drift_text_put(page, "</tr></thead><tbody>\n");
    for (size_t row = 0; row < a->row_count; row++)
        put_row(page, table, row);
    drift_text_put(page,
                   "<tr><th scope=\"row\">real data</th><td class=\"note\">in the samples\xe2\x80\x99 place</td>");
    for (size_t i = 0; i < a->figure_count; i++)
        drift_text_cell(page, table->floor[a->figures[i]]);
    drift_text_print(page, "%s</tr></tbody></table></div></section>\n", drift_ablation_has_paper(a) ? "<td></td>" : "");
}

/* Every run's own figure, so that nobody has to trust a mean of three. */
static void put_seeds(struct drift_text *page, const struct drift_ablation_table *table, enum drift_figure figure)
{
    const struct drift_ablation *a = table->ablation;
    drift_text_print(page, "<h3>%s</h3><div class=\"scroll\"><table><thead><tr><th></th>",
                     drift_figure_texts[figure].label);
    for (size_t s = 0; s < a->seed_count; s++)
        drift_text_print(page, "<th class=\"num\">seed %ld</th>", (long)a->seeds[s]);
    drift_text_put(page, "</tr></thead><tbody>");
    for (size_t row = 0; row < a->row_count; row++) {
        drift_text_put(page, "<tr><th scope=\"row\">");
        drift_text_escape(page, a->rows[row].name);
        drift_text_put(page, "</th>");
        for (size_t s = 0; s < a->seed_count; s++) {
            const size_t run = row * a->seed_count + s;
            drift_text_cell(page, table->done[run] ? table->values[run].value[figure] : NAN);
        }
        drift_text_put(page, "</tr>");
    }
    drift_text_put(page, "</tbody></table></div>\n");
}

void drift_ablation_page(struct drift_text *page, const struct drift_ablation_table *table)
{
    const struct drift_ablation *a = table->ablation;
    char version[64];
    put_head(page, table);
    put_table(page, table);
    drift_text_put(page, "<section class=\"each\"><h2>Each run</h2>");
    for (size_t i = 0; i < a->figure_count; i++)
        put_seeds(page, table, a->figures[i]);
    drift_text_put(page,
                   "</section>\n<section><h2>Run it again</h2><p>The same seeds give the same bits, on any machine "
                   "and with any number of threads.</p><pre>");
    drift_text_escape(page, table->command);
    snprintf(version, sizeof version, "libdrift %s", drift_version());
    drift_text_put(page, "</pre></section>\n");
    drift_report_footer(page, version);
    drift_text_put(page, "</body></html>\n");
}
