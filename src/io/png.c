/* libpng with its errors (longjmp) turned into a status. Pixels are read from and written to memory, so that files go
 * the way of all others. */
#include "io/png.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_CAP = 1 << 28, PIXEL_CAP = 1 << 28 };

/* All that must outlive a longjmp. */
struct codec {
    const char *path;
    drift_status status;
    png_structp png;
    png_infop info;
    const struct drift_bytes *input;
    size_t at;
    struct drift_bytes *output;
    size_t room;
    struct drift_picture picture;
    png_bytep *rows;
};

static void on_error(png_structp png, png_const_charp what)
{
    struct codec *codec = png_get_error_ptr(png);
    if (!codec->status)
        codec->status = drift_fail(DRIFT_INVALID, "%s: byte %zu: damaged PNG (%s)", codec->path, codec->at, what);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp what) { (void)png, (void)what; }

static void on_read(png_structp png, png_bytep out, png_size_t size)
{
    struct codec *codec = png_get_io_ptr(png);
    if (size > codec->input->size - codec->at)
        png_error(png, "the file ends early");
    memcpy(out, codec->input->data + codec->at, size);
    codec->at += size;
}

static void on_write(png_structp png, png_bytep data, png_size_t size)
{
    struct codec *codec = png_get_io_ptr(png);
    struct drift_bytes *output = codec->output;
    if (size > codec->room - output->size) {
        size_t room = 2 * codec->room + size + 4096;
        unsigned char *grown = realloc(output->data, room);
        if (!grown) {
            codec->status = drift_fail_memory(codec->path, room);
            png_longjmp(png, 1);
        }
        output->data = grown;
        codec->room = room;
    }
    memcpy(output->data + output->size, data, size);
    output->size += size;
}

static void on_flush(png_structp png) { (void)png; }

/* Memory for the pixels and the table of rows. */
static drift_status allocate(struct codec *codec, size_t height, size_t width, size_t channels)
{
    struct drift_picture *picture = &codec->picture;
    *picture = (struct drift_picture){height, width, channels, malloc(height * width * channels)};
    codec->rows = malloc(height * sizeof *codec->rows);
    if (!picture->pixels || !codec->rows)
        return drift_fail_memory(codec->path, height * width * channels);
    for (size_t y = 0; y < height; y++)
        codec->rows[y] = picture->pixels + y * width * channels;
    return DRIFT_OK;
}

/* Any PNG to 8-bit grey or RGB over white. */
static void ask_for(struct codec *codec, size_t channels)
{
    png_structp png = codec->png;
    png_byte colour = png_get_color_type(png, codec->info);
    png_color_16 white = {0, 255, 255, 255, 255};
    png_set_expand(png); /* palette to RGB, 1, 2, 4 bits to 8, transparent colours to alpha */
    png_set_scale_16(png);
    if (channels == 3)
        png_set_gray_to_rgb(png);
    else if (colour & PNG_COLOR_MASK_COLOR)
        png_set_rgb_to_gray_fixed(png, 1, -1, -1);
    png_set_background(png, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    png_set_interlace_handling(png);
    png_read_update_info(png, codec->info);
}

/* Everything that may longjmp on reading; 0 when it did. */
static int decode(struct codec *codec, size_t channels)
{
    if (setjmp(png_jmpbuf(codec->png)))
        return 0;
    png_set_read_fn(codec->png, codec, on_read);
    png_set_user_limits(codec->png, DRIFT_PNG_SIDE, DRIFT_PNG_SIDE);
    png_set_chunk_malloc_max(codec->png, 1 << 24);
    png_read_info(codec->png, codec->info);
    size_t height = png_get_image_height(codec->png, codec->info), width = png_get_image_width(codec->png, codec->info);
    /* deflate packs at most 1032 to 1, so a tiny file cannot ask for much memory */
    size_t bits = (size_t)png_get_bit_depth(codec->png, codec->info) * png_get_channels(codec->png, codec->info);
    if (height * width * channels > PIXEL_CAP || height * ((width * bits + 7) / 8) / 1032 > codec->input->size)
        png_error(codec->png, "more pixels than the file can hold");
    ask_for(codec, channels);
    if (png_get_rowbytes(codec->png, codec->info) != width * channels)
        png_error(codec->png, "a kind of pixel that is not known");
    codec->status = allocate(codec, height, width, channels);
    if (codec->status)
        return 0;
    png_read_image(codec->png, codec->rows);
    png_read_end(codec->png, NULL);
    return 1;
}

drift_status drift_png_read(const char *path, size_t channels, struct drift_picture *picture)
{
    struct drift_bytes bytes;
    struct codec codec = {.path = path, .input = &bytes};
    memset(picture, 0, sizeof *picture);
    if (channels != 1 && channels != 3)
        return drift_fail(DRIFT_INVALID, "%s: expected 1 or 3 channels to read, not %zu", path, channels);
    codec.status = drift_file_read(path, FILE_CAP, &bytes);
    if (codec.status)
        return codec.status;
    codec.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &codec, on_error, on_warning);
    codec.info = codec.png ? png_create_info_struct(codec.png) : NULL;
    if (!codec.info)
        codec.status = drift_fail_memory(path, sizeof codec);
    else if (decode(&codec, channels))
        *picture = codec.picture;
    else
        drift_picture_free(&codec.picture);
    png_destroy_read_struct(codec.png ? &codec.png : NULL, codec.info ? &codec.info : NULL, NULL);
    free(codec.rows);
    drift_bytes_free(&bytes);
    return codec.status;
}

void drift_picture_free(struct drift_picture *picture)
{
    free(picture->pixels);
    memset(picture, 0, sizeof *picture);
}

static int encode(struct codec *codec, const struct drift_picture *picture)
{
    int type = picture->channels == 1   ? PNG_COLOR_TYPE_GRAY
               : picture->channels == 3 ? PNG_COLOR_TYPE_RGB
                                        : PNG_COLOR_TYPE_RGBA;
    if (setjmp(png_jmpbuf(codec->png)))
        return 0;
    png_set_write_fn(codec->png, codec, on_write, on_flush);
    png_set_IHDR(codec->png, codec->info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8, type,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(codec->png, codec->info);
    for (size_t y = 0; y < picture->height; y++)
        png_write_row(codec->png, picture->pixels + y * picture->width * picture->channels);
    png_write_end(codec->png, NULL);
    return 1;
}

static drift_status encode_named(const char *path, const struct drift_picture *picture, struct drift_bytes *bytes)
{
    struct codec codec = {.path = path, .output = bytes};
    *bytes = (struct drift_bytes){NULL, 0};
    if ((picture->channels != 1 && picture->channels != 3 && picture->channels != 4) || !picture->height ||
        !picture->width || picture->height > DRIFT_PNG_SIDE || picture->width > DRIFT_PNG_SIDE)
        return drift_fail(DRIFT_INVALID, "%s: expected a picture of 1, 3 or 4 channels and sides from 1 to %d", path,
                          DRIFT_PNG_SIDE);
    codec.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &codec, on_error, on_warning);
    codec.info = codec.png ? png_create_info_struct(codec.png) : NULL;
    if (!codec.info)
        codec.status = drift_fail_memory(path, sizeof codec);
    else if (!encode(&codec, picture))
        drift_bytes_free(bytes);
    png_destroy_write_struct(codec.png ? &codec.png : NULL, codec.info ? &codec.info : NULL);
    return codec.status;
}

drift_status drift_png_encode(const struct drift_picture *picture, struct drift_bytes *bytes)
{
    return encode_named("picture", picture, bytes);
}

drift_status drift_png_write(const char *path, const struct drift_picture *picture)
{
    struct drift_bytes bytes;
    drift_status status = encode_named(path, picture, &bytes);
    status = status ? status : drift_file_write(path, bytes.data, bytes.size);
    drift_bytes_free(&bytes);
    return status;
}
