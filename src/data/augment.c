/* Mirrors and random resized crops. */
#include "data/augment.h"

#include <math.h> /* sqrt, floor */
#include <stdlib.h>

#include "base/random.h"
#include "base/real.h"

void drift_mirror_image(size_t height, size_t width, size_t channels, float *x)
{
    for (size_t row = 0; row < height; row++) {
        float *line = x + row * width * channels;
        for (size_t left = 0, right = width - 1; left < right; left++, right--)
            for (size_t c = 0; c < channels; c++) {
                const float other = line[left * channels + c];
                line[left * channels + c] = line[right * channels + c];
                line[right * channels + c] = other;
            }
    }
}

/* ---- the rectangle ---- */

enum { TRIES = 10, DRAWS = 4 };

struct drift_crop drift_draw_crop(size_t height, size_t width, uint64_t seed, uint32_t step, size_t image)
{
    const double area = (double)height * (double)width, ratio = drift_log(4.0 / 3);
    for (size_t attempt = 0; attempt < TRIES; attempt++) {
        const uint64_t at = (image * TRIES + attempt) * DRAWS;
        const double share = 0.2 + 0.8 * drift_random_uniform_at(seed, DRIFT_RANDOM_CROP, step, at);
        const double u = 2 * drift_random_uniform_at(seed, DRIFT_RANDOM_CROP, step, at + 1) - 1;
        const double aspect = drift_exp(u * ratio); /* width / height */
        const double w = floor(sqrt(area * share * aspect) + 0.5), h = floor(sqrt(area * share / aspect) + 0.5);
        if (!(w >= 1 && h >= 1 && w <= (double)width && h <= (double)height))
            continue;
        struct drift_crop crop = {.height = (size_t)h, .width = (size_t)w};
        crop.top = drift_random_below(seed, DRIFT_RANDOM_CROP, step, at + 2, (uint32_t)(height - crop.height + 1));
        crop.left = drift_random_below(seed, DRIFT_RANDOM_CROP, step, at + 3, (uint32_t)(width - crop.width + 1));
        return crop;
    }
    return (struct drift_crop){0, 0, height, width};
}

/* ---- resizing ---- */

/* Weight of a pixel at this distance: 1.5 d^3 - 2.5 d^2 + 1 up to 1, -0.5 d^3 + 2.5 d^2 - 4 d + 2 up to 2. */
static double cubic(double d)
{
    d = d < 0 ? -d : d;
    if (d >= 2)
        return 0;
    return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : ((-0.5 * d + 2.5) * d - 4) * d + 2;
}

/* The four pixels of n around the place that output i of m sees; weight 0 outside. */
struct taps {
    size_t pixel[4];
    double weight[4];
};

static struct taps taps_of(size_t i, size_t n, size_t m)
{
    const double place = ((double)i + 0.5) * (double)n / (double)m - 0.5, base = floor(place);
    struct taps taps;
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        const double pixel = base + k - 1;
        const int inside = pixel >= 0 && pixel < (double)n;
        taps.pixel[k] = inside ? (size_t)pixel : 0;
        taps.weight[k] = inside ? cubic(place - pixel) : 0;
        sum += taps.weight[k];
    }
    for (int k = 0; k < 4; k++)
        taps.weight[k] /= sum;
    return taps;
}

static double mix(const struct taps *taps, const float *x, size_t stride)
{
    double sum = 0;
    for (int k = 0; k < 4; k++)
        sum += taps->weight[k] * (double)x[taps->pixel[k] * stride];
    return sum;
}

static void limits(const struct drift_crop *crop, size_t width, size_t channels, const float *from, float *least,
                   float *most)
{
    const float *corner = from + (crop->top * width + crop->left) * channels;
    *least = *most = *corner;
    for (size_t i = 0; i < crop->height; i++)
        for (size_t j = 0; j < crop->width; j++) {
            const float x = corner[(i * width + j) * channels];
            *least = x < *least ? x : *least;
            *most = x > *most ? x : *most;
        }
}

/* One channel; `columns` [crop.height, width] takes the rows before they are resized along the columns. */
static void resize(const struct drift_crop *crop, size_t height, size_t width, size_t channels, const float *from,
                   float *columns, float *to)
{
    float least, most;
    limits(crop, width, channels, from, &least, &most);
    for (size_t j = 0; j < width; j++) {
        const struct taps taps = taps_of(j, crop->width, width);
        for (size_t i = 0; i < crop->height; i++)
            columns[i * width + j] =
                (float)mix(&taps, from + ((crop->top + i) * width + crop->left) * channels, channels);
    }
    for (size_t i = 0; i < height; i++) {
        const struct taps taps = taps_of(i, crop->height, height);
        for (size_t j = 0; j < width; j++) {
            const float x = (float)mix(&taps, columns + j, width);
            to[(i * width + j) * channels] = x < least ? least : x > most ? most : x;
        }
    }
}

drift_status drift_crop_image(const struct drift_crop *crop, size_t height, size_t width, size_t channels,
                              const float *from, float *to)
{
    float *columns = malloc(crop->height * width * sizeof *columns + 1);
    if (!columns)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a part of an image of %zu x %zu", height, width);
    for (size_t c = 0; c < channels; c++)
        resize(crop, height, width, channels, from + c, columns, to + c);
    free(columns);
    return DRIFT_OK;
}
