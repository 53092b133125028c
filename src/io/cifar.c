/* A record is the label, then the image's red, green and blue planes, each row by row. */
#include "io/cifar.h"

#include <stdlib.h>
#include <string.h>

#include "io/file.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE };

static drift_status parse(const char *path, const struct drift_bytes *bytes, unsigned char *images,
                          unsigned char *labels)
{
    for (size_t i = 0; i < bytes->size / RECORD; i++) {
        const unsigned char *record = bytes->data + i * RECORD;
        if (record[0] > 9)
            return drift_fail(DRIFT_INVALID, "%s: byte %zu: expected a label of 0 to 9, got %d", path, i * RECORD,
                              record[0]);
        labels[i] = record[0];
        for (size_t k = 0; k < PLANE; k++)
            for (size_t c = 0; c < 3; c++)
                images[(i * PLANE + k) * 3 + c] = record[1 + c * PLANE + k];
    }
    return DRIFT_OK;
}

drift_status drift_cifar_read(const char *path, struct drift_array *images, struct drift_array *labels)
{
    struct drift_bytes bytes;
    drift_status status = drift_file_read_gz(path, DRIFT_FILE_CAP, &bytes);
    if (status)
        return status;
    const size_t n = bytes.size / RECORD, shape[] = {n, SIDE, SIDE, 3};
    unsigned char *pixels = malloc(n * 3 * PLANE + 1), *classes = malloc(n + 1);
    if (!n || bytes.size % RECORD)
        status = drift_fail(DRIFT_INVALID, "%s: %zu bytes: expected CIFAR-10's records of %d bytes", path, bytes.size,
                            (int)RECORD);
    else if (!pixels || !classes)
        status = drift_fail_memory(path, n * RECORD);
    else
        status = parse(path, &bytes, pixels, classes);
    drift_bytes_free(&bytes);
    if (status) {
        free(pixels);
        free(classes);
        return status;
    }
    *images = drift_array_view(DRIFT_ARRAY_U8, 4, shape, pixels);
    images->memory = pixels;
    *labels = drift_array_view(DRIFT_ARRAY_U8, 1, shape, classes);
    labels->memory = classes;
    return DRIFT_OK;
}
