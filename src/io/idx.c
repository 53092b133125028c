/* Two zero bytes, the type, the rank; a big-endian 32-bit size per dimension; the bytes. */
#include "io/idx.h"

#include <stdlib.h>

enum { UNSIGNED_BYTE = 0x08 };

static size_t big_endian(const unsigned char *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static drift_status parse(const char *path, const struct drift_bytes *bytes, struct drift_array *array)
{
    const unsigned char *data = bytes->data;
    size_t shape[4], count, need;
    if (bytes->size < 4 || data[0] || data[1])
        return drift_fail(DRIFT_INVALID, "%s: byte 0: expected an idx file (00 00 08 and the rank)", path);
    if (data[2] != UNSIGNED_BYTE)
        return drift_fail(DRIFT_INVALID, "%s: byte 2: expected unsigned bytes (08), got %02x", path, data[2]);
    int rank = data[3];
    if (rank < 1 || rank > 4)
        return drift_fail(DRIFT_INVALID, "%s: byte 3: expected a rank from 1 to 4, got %d", path, rank);
    size_t header = 4 + 4 * (size_t)rank;
    if (bytes->size < header)
        return drift_fail(DRIFT_INVALID, "%s: byte %zu: expected %d sizes of 4 bytes", path, bytes->size, rank);
    for (int i = 0; i < rank; i++)
        shape[i] = big_endian(data + 4 + 4 * i);
    if (!drift_array_measure(DRIFT_ARRAY_U8, rank, shape, &count, &need) || need != bytes->size - header)
        return drift_fail(DRIFT_INVALID, "%s: byte 4: expected sizes whose product is the %zu bytes that follow", path,
                          bytes->size - header);
    *array = drift_array_view(DRIFT_ARRAY_U8, rank, shape, data + header);
    array->memory = bytes->data;
    return DRIFT_OK;
}

drift_status drift_idx_read(const char *path, struct drift_array *array)
{
    struct drift_bytes bytes;
    drift_status status = drift_file_read_gz(path, DRIFT_FILE_CAP, &bytes);
    if (status)
        return status;
    status = parse(path, &bytes, array);
    if (status)
        drift_bytes_free(&bytes);
    return status;
}
