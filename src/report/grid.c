/* Rows of samples, each with a caption: a class, a guidance scale. */
#include "report/report.h"

#include "report/canvas.h"
#include "report/font.h"

enum {
    MARGIN = 14,
    BESIDE = 12,
    BETWEEN = 8,
    ACROSS = 1200,
    LEAST_HEIGHT = DRIFT_FONT_HEIGHT + 2,
    MOST_ZOOM = 8,
    PANEL = 360,
    ABOVE = 32
};

/* Pixels of a pixel: rows about as wide as asked for, and no lower than a line of text. */
static size_t zoom_of(const drift_report *r, size_t columns)
{
    size_t zoom = ACROSS / (columns * (r->image_width + 1));
    zoom = zoom < 1 ? 1 : zoom > MOST_ZOOM ? MOST_ZOOM : zoom;
    while ((r->image_height + 1) * zoom < LEAST_HEIGHT)
        zoom++;
    return zoom;
}

static size_t text_width(const drift_rows *rows)
{
    size_t text = rows->below ? drift_canvas_text_width(rows->below_caption) : 0;
    for (size_t i = 0; i < rows->rows; i++) {
        const size_t one = drift_canvas_text_width(rows->captions[i]);
        text = one > text ? one : text;
    }
    return text;
}

/* Row i of `images`, with its top at `top`. */
static void draw_row(const drift_report *r, const drift_rows *rows, size_t i, const float *images, const char *caption,
                     size_t left, size_t top, size_t zoom, struct drift_picture *canvas)
{
    const size_t height = (r->image_height + 1) * zoom, width = (r->image_width + 1) * zoom;
    drift_canvas_text(canvas, MARGIN, top + (height - DRIFT_FONT_HEIGHT) / 2, caption, DRIFT_INK);
    for (size_t j = 0; j < rows->columns; j++) {
        const size_t sample = i * rows->row_step + j * rows->column_step;
        if (sample < r->samples_n)
            drift_canvas_images(canvas, left + j * width, top, r, 1, 1, images + sample * r->dim, zoom,
                                DRIFT_TONES_GREY, r->high);
    }
}

static drift_status draw_images(const drift_report *r, const drift_rows *rows, struct drift_picture *canvas)
{
    const size_t zoom = zoom_of(r, rows->columns), height = (r->image_height + 1) * zoom,
                 width = (r->image_width + 1) * zoom, left = MARGIN + text_width(rows) + BESIDE,
                 each = rows->below ? 2 * height + BETWEEN : height;
    drift_status status =
        drift_canvas_new(left + rows->columns * width + MARGIN, 2 * MARGIN + rows->rows * each, DRIFT_PAPER, canvas);
    for (size_t i = 0; i < rows->rows && !status; i++) {
        const size_t top = MARGIN + i * each;
        draw_row(r, rows, i, r->samples, rows->captions[i], left, top, zoom, canvas);
        if (rows->below)
            draw_row(r, rows, i, rows->below, rows->below_caption, left, top + height, zoom, canvas);
    }
    return status;
}

/* A panel of points for each row, side by side. */
static drift_status draw_points(const drift_report *r, const drift_rows *rows, struct drift_picture *canvas)
{
    const struct drift_view view = drift_view_of(r);
    drift_status status =
        drift_canvas_new(rows->rows * (PANEL + MARGIN) + MARGIN, ABOVE + PANEL + MARGIN, DRIFT_PAPER, canvas);
    for (size_t i = 0; i < rows->rows && !status; i++) {
        const size_t left = MARGIN + i * (PANEL + MARGIN);
        drift_canvas_text(canvas, left, ABOVE - DRIFT_FONT_HEIGHT - 4, rows->captions[i], DRIFT_INK);
        status = drift_canvas_points(canvas, left, ABOVE, PANEL, &view, rows->columns, r->dim,
                                     r->samples + i * rows->row_step * r->dim);
    }
    return status;
}

drift_status drift_canvas_rows(const drift_report *r, const drift_rows *rows, struct drift_picture *canvas)
{
    *canvas = (struct drift_picture){0};
    return (r->image_width ? draw_images : draw_points)(r, rows, canvas);
}

drift_status drift_report_rows(const drift_report *r, const drift_rows *rows, const char *path)
{
    struct drift_picture canvas;
    drift_status status = drift_canvas_rows(r, rows, &canvas);
    if (!status)
        status = drift_png_write(path, &canvas);
    drift_picture_free(&canvas);
    return status;
}
