/* The table of an ablation as text, and its grids. The page is ablation_page.c. */
#include "report/ablation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "report/ablation_page.h"
#include "report/canvas.h"
#include "report/text.h"

enum { PATH = 4096, GRID_ROWS = 6, GRID_COLUMNS = 10, MOST_COLUMNS = 16, GRID_SIDE = 300, PANEL = 300 };

void drift_ablation_run_path(const struct drift_ablation *a, size_t row, int64_t seed, const char *folder, char *path,
                             size_t size)
{
    snprintf(path, size, "%s/%s/seed-%ld", folder, a->rows[row].folder, (long)seed);
}

drift_spread drift_ablation_spread(const struct drift_ablation_table *table, size_t row, enum drift_figure figure)
{
    const struct drift_ablation *a = table->ablation;
    double values[DRIFT_ABLATION_SEEDS];
    size_t n = 0;
    for (size_t s = 0; s < a->seed_count; s++) {
        const size_t run = row * a->seed_count + s;
        if (table->done[run] && isfinite(table->values[run].value[figure]))
            values[n++] = table->values[run].value[figure];
    }
    return drift_spread_of(n, values);
}

double drift_ablation_difference(const struct drift_ablation_table *table, size_t row, enum drift_figure figure)
{
    const drift_spread spread = drift_ablation_spread(table, row, figure),
                       first = drift_ablation_spread(table, 0, figure);
    return row ? drift_spread_difference(&spread, &first) : NAN;
}

int drift_ablation_has_paper(const struct drift_ablation *a)
{
    for (size_t row = 0; row < a->row_count; row++)
        if (isfinite(a->rows[row].paper))
            return 1;
    return 0;
}

/* ---- CSV ---- */

static void put_word(struct drift_text *csv, const char *word)
{
    drift_text_put(csv, "\"");
    for (const char *p = word; *p; p++)
        drift_text_print(csv, *p == '"' ? "\"\"" : "%c", *p);
    drift_text_put(csv, "\"");
}

static void put_value(struct drift_text *csv, double x)
{
    if (isfinite(x))
        drift_text_print(csv, ",%.9g", x);
    else
        drift_text_put(csv, ",");
}

static void put_line(struct drift_text *csv, const struct drift_ablation_table *table, size_t row,
                     enum drift_figure figure)
{
    const struct drift_ablation *a = table->ablation;
    const drift_spread spread = drift_ablation_spread(table, row, figure),
                       first = drift_ablation_spread(table, 0, figure);
    put_word(csv, a->rows[row].name);
    drift_text_print(csv, ",%s,%zu", drift_figure_texts[figure].key, spread.n);
    put_value(csv, spread.mean);
    put_value(csv, spread.error);
    put_value(csv, row ? spread.mean - first.mean : NAN);
    put_value(csv, drift_ablation_difference(table, row, figure));
    put_value(csv, table->floor[figure]);
    put_value(csv, a->rows[row].paper);
    for (size_t s = 0; s < a->seed_count; s++) {
        const size_t run = row * a->seed_count + s;
        put_value(csv, table->done[run] ? table->values[run].value[figure] : NAN);
    }
    drift_text_put(csv, "\n");
}

static void put_csv(struct drift_text *csv, const struct drift_ablation_table *table)
{
    const struct drift_ablation *a = table->ablation;
    drift_text_put(csv, "row,figure,n,mean,standard_error,difference,standard_errors,floor,paper");
    for (size_t s = 0; s < a->seed_count; s++)
        drift_text_print(csv, ",seed_%ld", (long)a->seeds[s]);
    drift_text_put(csv, "\n");
    for (size_t i = 0; i < a->figure_count; i++)
        for (size_t row = 0; row < a->row_count; row++)
            put_line(csv, table, row, a->figures[i]);
}

/* ---- Markdown ---- */

/* "8.46 +- 0.12 (+3.2)" */
static void put_cell(struct drift_text *md, const struct drift_ablation_table *table, size_t row,
                     enum drift_figure figure)
{
    const drift_spread spread = drift_ablation_spread(table, row, figure);
    const double difference = drift_ablation_difference(table, row, figure);
    if (!isfinite(spread.mean)) {
        drift_text_put(md, " \xe2\x80\x93 |");
        return;
    }
    drift_text_print(md, " %.4g", spread.mean);
    if (isfinite(spread.error))
        drift_text_print(md, " \xc2\xb1 %.2g", spread.error);
    if (isfinite(difference))
        drift_text_print(md, " (%+.1f)", difference);
    drift_text_put(md, " |");
}

static void put_markdown(struct drift_text *md, const struct drift_ablation_table *table)
{
    const struct drift_ablation *a = table->ablation;
    drift_text_print(md, "# %s\n\n%s%s", a->name, a->about ? a->about : "", a->about ? "\n\n" : "");
    drift_text_print(md,
                     "%zu seed%s: mean \xc2\xb1 standard error; in parentheses the difference to the first row in "
                     "standard errors of the difference.\n\n| |",
                     a->seed_count, a->seed_count > 1 ? "s" : "");
    for (size_t i = 0; i < a->figure_count; i++)
        drift_text_print(md, " %s, %s is good |", drift_figure_texts[a->figures[i]].label,
                         drift_figure_texts[a->figures[i]].good);
    drift_text_put(md, drift_ablation_has_paper(a) ? " paper |\n|---|" : "\n|---|");
    for (size_t i = 0; i < a->figure_count + (size_t)drift_ablation_has_paper(a); i++)
        drift_text_put(md, "---|");
    for (size_t row = 0; row < a->row_count; row++) {
        drift_text_print(md, "\n| %s |", a->rows[row].name);
        for (size_t i = 0; i < a->figure_count; i++)
            put_cell(md, table, row, a->figures[i]);
        if (isfinite(a->rows[row].paper))
            drift_text_print(md, " %.4g |", a->rows[row].paper);
        else if (drift_ablation_has_paper(a))
            drift_text_put(md, " |");
    }
    drift_text_put(md, "\n| *real data* |");
    for (size_t i = 0; i < a->figure_count; i++)
        drift_text_print(md, isfinite(table->floor[a->figures[i]]) ? " %.4g |" : " |", table->floor[a->figures[i]]);
    drift_text_print(md, "%s\n\n    %s\n", drift_ablation_has_paper(a) ? " |" : "", table->command);
}

/* ---- the files ---- */

typedef void table_writer(struct drift_text *text, const struct drift_ablation_table *table);

static drift_status write_text(const struct drift_ablation_table *table, const char *name, table_writer *put)
{
    struct drift_text text = {0};
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", table->folder, name);
    put(&text, table);
    drift_status status = text.failed ? drift_fail(DRIFT_NO_MEMORY, "no memory for %s", name)
                                      : drift_file_write(path, text.data, text.size);
    free(text.data);
    return status;
}

drift_status drift_ablation_write(const struct drift_ablation_table *table)
{
    drift_status status = write_text(table, "table.csv", put_csv);
    if (!status)
        status = write_text(table, "table.md", put_markdown);
    return status ? status : write_text(table, "table.html", drift_ablation_page);
}

/* ---- grids ---- */

static drift_status draw_images(const struct drift_measure *measure, const drift_report *report,
                                struct drift_picture *canvas)
{
    const int classes = measure->reference.data->classes;
    const size_t columns = classes > 1 && classes <= MOST_COLUMNS ? (size_t)classes : GRID_COLUMNS;
    const size_t most = columns * GRID_ROWS, n = measure->n < most ? measure->n : most;
    size_t zoom = GRID_SIDE / (columns * (report->image_width + 1));
    zoom = zoom ? zoom : 1;
    drift_status status = drift_canvas_new((columns * (report->image_width + 1) + 1) * zoom,
                                           (GRID_ROWS * (report->image_height + 1) + 1) * zoom, DRIFT_PAPER, canvas);
    if (!status)
        drift_canvas_images(canvas, zoom, zoom, report, columns, n, measure->samples, zoom, DRIFT_TONES_GREY, 1);
    return status;
}

drift_status drift_ablation_grid(const struct drift_measure *measure, const char *path)
{
    const struct drift_data *data = measure->reference.data;
    struct drift_picture canvas = {0};
    const drift_report report = {.dim = data->dim,
                                 .image_width = data->width,
                                 .image_height = data->height,
                                 .image_channels = data->channels,
                                 .low = -1,
                                 .high = 1,
                                 .data_n = measure->evaluation.data_n,
                                 .data = measure->evaluation.data,
                                 .samples_n = measure->n,
                                 .samples = measure->samples};
    drift_status status = DRIFT_OK;
    if (data->height) {
        status = draw_images(measure, &report, &canvas);
    } else {
        const struct drift_view view = drift_view_of(&report);
        status = drift_canvas_new(PANEL, PANEL, DRIFT_PAPER, &canvas);
        if (!status)
            status = drift_canvas_points(&canvas, 0, 0, PANEL, &view, measure->n, data->dim, measure->samples);
    }
    if (!status)
        status = drift_png_write(path, &canvas);
    drift_picture_free(&canvas);
    return status;
}
