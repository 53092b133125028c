/* Reading whole files, plain or gzip, and mapping large ones. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { FIRST = 1 << 16 };

drift_status drift_fail_memory(const char *path, size_t bytes)
{
    return drift_fail(DRIFT_NO_MEMORY, "%s: no memory for %zu bytes", path, bytes);
}

static drift_status fail_large(const char *path, size_t cap)
{
    return drift_fail(DRIFT_INVALID, "%s: larger than %zu bytes, the most that is read", path, cap);
}

/* Makes room for `want` bytes and the closing 0. */
static drift_status grow(const char *path, size_t want, size_t *room, struct drift_bytes *bytes)
{
    unsigned char *data = realloc(bytes->data, want + 1);
    if (!data)
        return drift_fail_memory(path, want);
    bytes->data = data;
    *room = want;
    return DRIFT_OK;
}

/* The room after one that is full: at most one byte more than the cap, to see that there is more. */
static size_t next_room(size_t room, size_t cap) { return room < cap / 2 ? 2 * room : cap + 1; }

static drift_status read_all(const char *path, int file, size_t cap, struct drift_bytes *bytes)
{
    struct stat info;
    size_t room = 0, first = FIRST;
    if (fstat(file, &info))
        return drift_fail(DRIFT_IO, "%s: %s", path, strerror(errno));
    if (S_ISREG(info.st_mode)) {
        if ((unsigned long long)info.st_size > cap)
            return fail_large(path, cap);
        first = (size_t)info.st_size + 1;
    }
    drift_status status = grow(path, first, &room, bytes);
    while (!status) {
        ssize_t n = read(file, bytes->data + bytes->size, room - bytes->size);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return drift_fail(DRIFT_IO, "%s: %s", path, strerror(errno));
        bytes->size += n > 0 ? (size_t)n : 0;
        if (bytes->size > cap)
            return fail_large(path, cap);
        if (bytes->size == room)
            status = grow(path, next_room(room, cap), &room, bytes);
    }
    return status;
}

drift_status drift_file_read(const char *path, size_t cap, struct drift_bytes *bytes)
{
    *bytes = (struct drift_bytes){NULL, 0};
    if (cap > DRIFT_FILE_CAP)
        cap = DRIFT_FILE_CAP;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return drift_fail(DRIFT_IO, "%s: %s", path, strerror(errno));
    drift_status status = read_all(path, file, cap, bytes);
    close(file);
    if (status)
        drift_bytes_free(bytes);
    else
        bytes->data[bytes->size] = 0;
    return status;
}

void drift_bytes_free(struct drift_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct drift_bytes){NULL, 0};
}

/* Below this size reading is as fast as mapping, and takes no notice of what becomes of the file. */
enum { WORTH_MAPPING = 1 << 20 };

drift_status drift_file_view(const char *path, struct drift_file_view *view)
{
    struct stat info;
    *view = (struct drift_file_view){NULL, 0, NULL};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && !fstat(file, &info) && S_ISREG(info.st_mode) && info.st_size >= WORTH_MAPPING &&
        (unsigned long long)info.st_size <= DRIFT_FILE_CAP) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (data != MAP_FAILED)
            *view = (struct drift_file_view){data, (size_t)info.st_size, NULL};
    }
    if (file >= 0)
        close(file);
    if (view->data)
        return DRIFT_OK;
    struct drift_bytes bytes;
    drift_status status = drift_file_read(path, DRIFT_FILE_CAP, &bytes);
    *view = (struct drift_file_view){bytes.data, bytes.size, bytes.data};
    return status;
}

void drift_file_view_free(struct drift_file_view *view)
{
    if (view->memory)
        free(view->memory);
    else if (view->data)
        munmap((void *)view->data, view->size);
    *view = (struct drift_file_view){NULL, 0, NULL};
}

static int is_gzip(const unsigned char *data, size_t size) { return size >= 2 && data[0] == 0x1f && data[1] == 0x8b; }

/* zlib counts in unsigned int: hands over what is left of a buffer in pieces. */
static unsigned int piece(size_t left) { return left < 1u << 30 ? (unsigned int)left : 1u << 30; }

static drift_status unpack_members(const char *path, const struct drift_bytes *packed, size_t cap, z_stream *z,
                                   struct drift_bytes *out)
{
    size_t at = 0, room = 0;
    drift_status status = grow(path, packed->size < cap / 4 ? 4 * packed->size : cap + 1, &room, out);
    while (!status) {
        z->next_in = packed->data + at;
        z->avail_in = piece(packed->size - at);
        z->next_out = out->data + out->size;
        z->avail_out = piece(room - out->size);
        int result = inflate(z, Z_NO_FLUSH);
        at = (size_t)(z->next_in - packed->data);
        out->size = (size_t)(z->next_out - out->data);
        if (out->size > cap)
            return fail_large(path, cap);
        if (result == Z_STREAM_END && at == packed->size)
            return DRIFT_OK;
        if (result == Z_STREAM_END) {
            if (!is_gzip(packed->data + at, packed->size - at))
                return drift_fail(DRIFT_INVALID, "%s: byte %zu: expected the end of the gzip data", path, at);
            inflateReset(z);
        } else if (out->size == room) {
            status = grow(path, next_room(room, cap), &room, out);
        } else if (result == Z_OK && at < packed->size) {
            continue;
        } else if (result == Z_OK || result == Z_BUF_ERROR) {
            return drift_fail(DRIFT_INVALID, "%s: byte %zu: the gzip data ends early", path, at);
        } else {
            return drift_fail(DRIFT_INVALID, "%s: byte %zu: damaged gzip data (%s)", path, at,
                              z->msg ? z->msg : "zlib");
        }
    }
    return status;
}

drift_status drift_file_read_gz(const char *path, size_t cap, struct drift_bytes *bytes)
{
    if (cap > DRIFT_FILE_CAP)
        cap = DRIFT_FILE_CAP;
    drift_status status = drift_file_read(path, cap, bytes);
    if (status || !is_gzip(bytes->data, bytes->size))
        return status;
    struct drift_bytes packed = *bytes;
    *bytes = (struct drift_bytes){NULL, 0};
    z_stream z;
    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, 15 + 16) == Z_OK) {
        status = unpack_members(path, &packed, cap, &z, bytes);
        inflateEnd(&z);
    } else {
        status = drift_fail_memory(path, FIRST);
    }
    drift_bytes_free(&packed);
    if (status)
        drift_bytes_free(bytes);
    else
        bytes->data[bytes->size] = 0;
    return status;
}
