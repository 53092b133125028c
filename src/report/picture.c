/* The pictures of a run: evolution.png and samples.png. */
#include "report/report.h"

#include <stdio.h>

#include "io/png.h"
#include "report/canvas.h"

enum { MARGIN = 20, GAP = 12, CAPTION = 36, STRIP_PANEL = 300, STRIP_FRAMES = 6, PAIR_PANEL = 640, GRID_SIDE = 640 };

/* Images per row and pixels per pixel, so that `most` rows fill about `side` pixels. */
static size_t grid_zoom(const drift_report *r, size_t columns, size_t side)
{
    size_t larger = r->image_width > r->image_height ? r->image_width : r->image_height;
    size_t zoom = side / (columns * (larger + 1));
    return zoom ? zoom : 1;
}

/* One panel: points, or as many images as fit. */
static drift_status draw_panel(struct drift_picture *canvas, size_t x, size_t y, size_t panel, const drift_report *r,
                               const struct drift_view *view, size_t n, const float *samples, const char *caption)
{
    drift_canvas_text(canvas, x + 2, y - CAPTION + 6, caption, DRIFT_INK);
    if (!r->image_width)
        return drift_canvas_points(canvas, x, y, panel, view, n, r->dim, samples);
    size_t larger = r->image_width > r->image_height ? r->image_width : r->image_height;
    size_t columns = panel / (larger + 1) < 8 ? panel / (larger + 1) : 8;
    if (!columns)
        columns = 1;
    size_t zoom = grid_zoom(r, columns, panel + 1), shown = n < columns * columns ? n : columns * columns;
    drift_canvas_images(canvas, x, y, r, columns, shown, samples, zoom, DRIFT_TONES_GREY, r->high);
    return DRIFT_OK;
}

static drift_status write_and_free(struct drift_picture *canvas, drift_status status, const char *path)
{
    if (!status)
        status = drift_png_write(path, canvas);
    drift_picture_free(canvas);
    return status;
}

drift_status drift_report_evolution(const drift_report *r, const char *path)
{
    size_t frames = r->frame_count < STRIP_FRAMES ? r->frame_count : STRIP_FRAMES, panels = frames + 1;
    struct drift_picture canvas;
    struct drift_view view = drift_view_of(r);
    drift_status status = drift_canvas_new(2 * MARGIN + panels * STRIP_PANEL + (panels - 1) * GAP,
                                           MARGIN + CAPTION + STRIP_PANEL, DRIFT_PAPER, &canvas);
    if (status)
        return status;
    for (size_t i = 0; i < frames && !status; i++) {
        const drift_frame *frame = &r->frames[frames > 1 ? i * (r->frame_count - 1) / (frames - 1) : 0];
        char caption[40];
        snprintf(caption, sizeof caption, "step %ld", frame->step);
        status = draw_panel(&canvas, MARGIN + i * (STRIP_PANEL + GAP), CAPTION, STRIP_PANEL, r, &view, frame->n,
                            frame->x, caption);
    }
    /* As many points as the last frame has, so that the two look alike where they are. */
    size_t most = frames ? r->frames[r->frame_count - 1].n : r->data_n;
    if (!status)
        status = draw_panel(&canvas, MARGIN + frames * (STRIP_PANEL + GAP), CAPTION, STRIP_PANEL, r, &view,
                            r->data_n < most ? r->data_n : most, r->data, "data");
    return write_and_free(&canvas, status, path);
}

static drift_status write_grid(const drift_report *r, const char *path)
{
    size_t columns = 16, zoom = grid_zoom(r, columns, GRID_SIDE);
    size_t n = r->samples_n < columns * columns ? r->samples_n : columns * columns;
    size_t rows = n > columns ? (n + columns - 1) / columns : 1;
    struct drift_picture canvas;
    drift_status status = drift_canvas_new((columns * (r->image_width + 1) + 1) * zoom,
                                           (rows * (r->image_height + 1) + 1) * zoom, DRIFT_PAPER, &canvas);
    if (status)
        return status;
    drift_canvas_images(&canvas, zoom, zoom, r, columns, n, r->samples, zoom, DRIFT_TONES_GREY, r->high);
    return write_and_free(&canvas, status, path);
}

drift_status drift_report_samples(const drift_report *r, const char *path)
{
    if (r->image_width)
        return write_grid(r, path);
    struct drift_picture canvas;
    struct drift_view view = drift_view_of(r);
    drift_status status =
        drift_canvas_new(2 * MARGIN + 2 * PAIR_PANEL + GAP, MARGIN + CAPTION + PAIR_PANEL, DRIFT_PAPER, &canvas);
    if (status)
        return status;
    status = draw_panel(&canvas, MARGIN, CAPTION, PAIR_PANEL, r, &view, r->data_n, r->data, "data");
    if (!status)
        status = draw_panel(&canvas, MARGIN + PAIR_PANEL + GAP, CAPTION, PAIR_PANEL, r, &view, r->samples_n, r->samples,
                            "samples");
    return write_and_free(&canvas, status, path);
}
