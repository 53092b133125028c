#include "report/canvas.h"

#include <math.h> /* isfinite, floor */
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "report/font.h"

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The range of coordinate k without the outermost 1 in 400 on each side; 0..0 where nothing is finite. */
static int inner_range(size_t n, size_t dim, const float *x, size_t k, float range[2])
{
    float *sorted = malloc((n + 1) * sizeof *sorted);
    size_t count = 0;
    range[0] = range[1] = 0;
    for (size_t i = 0; sorted && k < dim && i < n; i++)
        if (isfinite(x[i * dim + k]))
            sorted[count++] = x[i * dim + k];
    if (count) {
        qsort(sorted, count, sizeof *sorted, ascending);
        range[0] = sorted[count / 400];
        range[1] = sorted[count - 1 - count / 400];
    }
    free(sorted);
    return count > 0;
}

struct drift_view drift_view_of(const drift_report *r)
{
    float across[2], up[2];
    size_t n = r->data_n ? r->data_n : r->samples_n;
    const float *x = r->data_n ? r->data : r->samples;
    inner_range(n, r->dim, x, 0, across);
    inner_range(n, r->dim, x, 1, up);
    double width = (double)across[1] - across[0], height = (double)up[1] - up[0];
    double side = 1.16 * (width > height ? width : height);
    if (!(side > 0) || !isfinite(side))
        side = 1;
    return (struct drift_view){0.5 * ((double)across[0] + across[1]) - side / 2,
                               0.5 * ((double)up[0] + up[1]) - side / 2, side};
}

void drift_view_point(const struct drift_view *view, size_t dim, const float *x, double *right, double *up)
{
    *right = (x[0] - view->x) / view->side;
    *up = ((dim > 1 ? x[1] : 0) - view->y) / view->side;
}

drift_status drift_canvas_new(size_t width, size_t height, unsigned long colour, struct drift_picture *canvas)
{
    unsigned char *pixels = malloc(width * height * 3);
    if (!pixels)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a picture of %zu x %zu", width, height);
    for (size_t i = 0; i < width * height; i++) {
        pixels[3 * i] = (unsigned char)(colour >> 16);
        pixels[3 * i + 1] = (unsigned char)(colour >> 8);
        pixels[3 * i + 2] = (unsigned char)colour;
    }
    *canvas = (struct drift_picture){height, width, 3, pixels};
    return DRIFT_OK;
}

/* Mixes a colour into a pixel; outside of the canvas nothing happens. */
static void blend(struct drift_picture *canvas, size_t x, size_t y, unsigned long colour, double alpha)
{
    if (x >= canvas->width || y >= canvas->height)
        return;
    unsigned char *p = canvas->pixels + 3 * (y * canvas->width + x);
    for (int k = 0; k < 3; k++)
        p[k] = (unsigned char)(p[k] + alpha * ((double)(colour >> (16 - 8 * k) & 255) - p[k]) + 0.5);
}

void drift_canvas_text(struct drift_picture *canvas, size_t x, size_t y, const char *text, unsigned long colour)
{
    for (; *text; text++) {
        const struct drift_glyph *glyph = drift_glyph_of(*text);
        for (int i = 0; glyph && i < DRIFT_FONT_HEIGHT * glyph->width; i++) {
            char c = glyph->shade[i];
            int shade = c >= 'a' ? c - 'a' + 10 : c - '0';
            if (shade)
                blend(canvas, x + (size_t)(i % glyph->width), y + (size_t)(i / glyph->width), colour, shade / 15.0);
        }
        x += (size_t)(glyph ? glyph->width : DRIFT_FONT_SPACE);
    }
}

size_t drift_canvas_text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++) {
        const struct drift_glyph *glyph = drift_glyph_of(*text);
        width += (size_t)(glyph ? glyph->width : DRIFT_FONT_SPACE);
    }
    return width;
}

/* t in [0, 1] to a colour whose lightness grows evenly: readable in grey and with any colour vision. */
static unsigned long colour_of(double t)
{
    static const double anchor[][3] = {{11, 16, 32},   {24, 40, 84},   {28, 76, 130},   {28, 117, 153},
                                       {40, 158, 155}, {92, 196, 140}, {168, 224, 130}, {250, 245, 190}};
    enum { LAST = sizeof anchor / sizeof *anchor - 1 };
    double at = (t > 0 ? t < 1 ? t : 1 : 0) * LAST;
    int i = at < LAST ? (int)at : LAST - 1;
    unsigned long colour = 0;
    for (int k = 0; k < 3; k++)
        colour = colour << 8 | (unsigned long)(anchor[i][k] + (at - i) * (anchor[i + 1][k] - anchor[i][k]) + 0.5);
    return colour;
}

enum { DISC = 4 }; /* pixels around a point that its disc reaches */

/* Adds exp(-r^2 / (2 s^2)), s = 1.2 pixels, around (x, y). */
static void add_disc(float *density, size_t panel, double x, double y)
{
    double left = floor(x) - DISC, top = floor(y) - DISC, across[2 * DISC + 1], down[2 * DISC + 1];
    for (int i = 0; i <= 2 * DISC; i++) {
        double dx = left + i + 0.5 - x, dy = top + i + 0.5 - y;
        across[i] = drift_exp(-dx * dx / 2.88);
        down[i] = drift_exp(-dy * dy / 2.88);
    }
    for (int j = 0; j <= 2 * DISC; j++)
        for (int i = 0; i <= 2 * DISC; i++)
            if (left + i >= 0 && left + i < (double)panel && top + j >= 0 && top + j < (double)panel)
                density[(size_t)(top + j) * panel + (size_t)(left + i)] += (float)(across[i] * down[j]);
}

drift_status drift_canvas_points(struct drift_picture *canvas, size_t x, size_t y, size_t panel,
                                 const struct drift_view *view, size_t n, size_t dim, const float *points)
{
    float *density = calloc(panel * panel, sizeof *density);
    if (!density)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a panel of %zu pixels", panel);
    for (size_t i = 0; i < n; i++) {
        double right, up;
        drift_view_point(view, dim, points + i * dim, &right, &up);
        if (right > -0.1 && right < 1.1 && up > -0.1 && up < 1.1) /* false for NaN */
            add_disc(density, panel, right * (double)panel, (1 - up) * (double)panel);
    }
    /* A disc weighs 9 pixels; the points of most sets fill about 0.4 of the panel. */
    double mean = 9.0 * (double)n / (0.4 * (double)panel * (double)panel), gain = 1.1 / (mean > 0.5 ? mean : 0.5);
    for (size_t i = 0; i < panel * panel; i++)
        blend(canvas, x + i % panel, y + i / panel, colour_of(1 - drift_exp(-gain * density[i])), 1);
    free(density);
    return DRIFT_OK;
}

/* A pixel's colour from `channels` values. */
static unsigned long tone(const float *value, size_t channels, float low, float high, enum drift_tones tones)
{
    unsigned long colour = 0;
    if (tones == DRIFT_TONES_SIGNED) {
        double mean = 0, strength;
        for (size_t k = 0; k < channels; k++)
            mean += value[k] / (double)channels;
        strength = high > 0 ? fabs(mean) / high : 0;
        strength = strength < 1 ? strength : 1; /* NaN: 1 */
        static const double paper[3] = {245, 245, 240}, up[3] = {200, 80, 0}, down[3] = {0, 80, 160};
        for (int k = 0; k < 3; k++)
            colour = colour << 8 | (unsigned long)(paper[k] + strength * ((mean > 0 ? up : down)[k] - paper[k]));
        return colour;
    }
    for (size_t k = 0; k < 3; k++) {
        double t = (value[channels == 3 ? k : 0] - low) / (high > low ? high - low : 1);
        t = t > 0 ? t < 1 ? t : 1 : 0; /* NaN: black */
        colour = colour << 8 | (unsigned long)(255 * t + 0.5);
    }
    return colour;
}

void drift_canvas_images(struct drift_picture *canvas, size_t x, size_t y, const drift_report *r, size_t columns,
                         size_t n, const float *images, size_t zoom, enum drift_tones tones, float high)
{
    size_t w = r->image_width, h = r->image_height, c = r->image_channels;
    for (size_t i = 0; i < n; i++) {
        size_t left = x + i % columns * (w + 1) * zoom, top = y + i / columns * (h + 1) * zoom;
        for (size_t p = 0; p < w * h * zoom * zoom; p++) {
            size_t across = p % (w * zoom), down = p / (w * zoom);
            const float *value = images + i * r->dim + (down / zoom * w + across / zoom) * c;
            blend(canvas, left + across, top + down, tone(value, c, r->low, high, tones), 1);
        }
    }
}
