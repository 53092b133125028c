/* PNG pictures, 8 bits a channel. */
#ifndef DRIFT_IO_PNG_H
#define DRIFT_IO_PNG_H

#include <stddef.h>

#include "io/file.h"

struct drift_picture {
    size_t height, width, channels; /* 1 grey, 3 RGB, 4 RGBA (writing only) */
    unsigned char *pixels;          /* [height,width,channels] */
};

enum { DRIFT_PNG_SIDE = 32768 }; /* the largest width and height that is read */

/* Reads any PNG as 8-bit grey (channels 1) or RGB (3), transparency over white. Free with drift_picture_free. */
drift_status drift_png_read(const char *path, size_t channels, struct drift_picture *picture);
void drift_picture_free(struct drift_picture *picture);

/* Writes atomically; the same picture gives the same bytes (with the same zlib). */
drift_status drift_png_write(const char *path, const struct drift_picture *picture);

/* The same into memory (free with drift_bytes_free), for pages that embed it. */
drift_status drift_png_encode(const struct drift_picture *picture, struct drift_bytes *bytes);

#endif
