/* A picture as a density: the darker a pixel, the more points fall on it. */
#include <stdlib.h>

#include "data/source.h"
#include "io/png.h"

struct drift_data_density {
    size_t height, width;
    uint64_t *upto; /* [height*width]: darkness of all pixels up to this one, 255 a black pixel */
};

/* The first pixel whose sum exceeds `target`: inverse of the distribution function. */
static size_t pixel_at(const struct drift_data_density *density, uint64_t target)
{
    size_t low = 0, high = density->height * density->width - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (density->upto[middle] > target)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The longer side becomes [-1,1], y upwards; a point lies anywhere in its pixel. */
static int density_point(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2])
{
    const struct drift_data_density *density = data->density;
    uint64_t total = density->upto[density->height * density->width - 1];
    double u = ((word[0] >> 5) * 0x1p26 + (word[1] >> 6)) * 0x1p-53, h = (double)density->height,
           w = (double)density->width;
    size_t pixel = pixel_at(density, (uint64_t)(u * (double)total));
    double x = (double)(pixel % density->width) + drift_data_uniform(word[2]);
    double y = (double)(pixel / density->width) + drift_data_uniform(word[3]), side = w > h ? w : h;
    p[0] = (2 * x - w) / side;
    p[1] = (h - 2 * y) / side;
    (void)z;
    return 0;
}

static const struct drift_data_law law = {.point = density_point};

void drift_data_density_free(const struct drift_data_density *density)
{
    if (density)
        free(density->upto);
    free((void *)density);
}

drift_status drift_data_open_density(const char *path, struct drift_data *data)
{
    struct drift_picture picture;
    drift_status status = drift_png_read(path, 1, &picture);
    if (status)
        return status;
    size_t pixels = picture.height * picture.width;
    struct drift_data_density *density = calloc(1, sizeof *density);
    data->density = density;
    if (density && (density->upto = malloc(pixels * sizeof *density->upto))) {
        uint64_t sum = 0;
        density->height = picture.height;
        density->width = picture.width;
        for (size_t i = 0; i < pixels; i++)
            density->upto[i] = sum += 255u - picture.pixels[i];
        if (!sum)
            status = drift_fail(DRIFT_INVALID, "%s: expected a picture with dark pixels, all are white", path);
    } else {
        status = drift_fail_memory(path, pixels * sizeof *density->upto);
    }
    drift_picture_free(&picture);
    data->law = &law;
    data->dim = 2;
    return status;
}
