/* Writing zip archives of npy members, without zip64. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "io/npy.h"
#include "io/npz.h"

enum { ENTRY = 46, LOCAL = 30, END = 22, VERSION = 20, NEW_YEAR_1980 = 0x21, UTF8_NAME = 0x800 };
#define LARGEST ((uint64_t)0xfffffffe)

/* What the directory says of a member. */
struct entry {
    uint32_t crc, packed, unpacked, offset;
    char *name; /* with .npy */
};

static void put(unsigned char **p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *(*p)++ = (unsigned char)(value >> 8 * i);
}

/* The fields that local header and directory share. */
static void put_common(unsigned char **p, const struct entry *entry, int deflated)
{
    put(p, VERSION, 2);
    put(p, UTF8_NAME, 2);
    put(p, deflated ? Z_DEFLATED : 0, 2);
    put(p, (uint32_t)NEW_YEAR_1980 << 16, 4);
    put(p, entry->crc, 4);
    put(p, entry->packed, 4);
    put(p, entry->unpacked, 4);
    put(p, (uint32_t)strlen(entry->name), 2);
    put(p, 0, 2);
}

static drift_status deflate_raw(unsigned char *data, size_t size, struct drift_bytes *out)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return drift_fail_memory("npz", size);
    size_t room = deflateBound(&z, (uLong)size);
    out->data = malloc(room + 1);
    z.next_in = data;
    z.avail_in = (unsigned int)size;
    z.next_out = out->data;
    z.avail_out = (unsigned int)room;
    int result = out->data && room < LARGEST ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
    out->size = z.total_out;
    deflateEnd(&z);
    return result == Z_STREAM_END ? DRIFT_OK : drift_fail_memory("npz", room);
}

/* Header and data of a member in one block; packed as asked. */
static drift_status pack(const struct drift_array *array, int compress, struct entry *entry, struct drift_bytes *out)
{
    unsigned char header[DRIFT_NPY_HEADER];
    size_t size, bytes = array->count * drift_array_item_size(array->type);
    *out = (struct drift_bytes){NULL, 0};
    drift_status status = drift_npy_header(array, header, &size);
    if (status)
        return status;
    if (bytes > LARGEST - size)
        return drift_fail(DRIFT_INVALID, "%s: npz members must be below 4 GiB", entry->name);
    struct drift_bytes npy = {malloc(size + bytes), size + bytes};
    if (!npy.data)
        return drift_fail_memory(entry->name, size + bytes);
    memcpy(npy.data, header, size);
    if (bytes)
        memcpy(npy.data + size, array->data, bytes);
    entry->unpacked = (uint32_t)npy.size;
    entry->crc = (uint32_t)crc32(crc32(0, NULL, 0), npy.data, (unsigned int)npy.size);
    if (compress) {
        status = deflate_raw(npy.data, npy.size, out);
        drift_bytes_free(&npy);
    } else {
        *out = npy;
    }
    entry->packed = (uint32_t)out->size;
    return status;
}

static drift_status write_member(struct drift_writer *writer, const struct drift_array *array, int compress,
                                 uint64_t *at, struct entry *entry)
{
    struct drift_bytes bytes;
    unsigned char local[LOCAL], *p = local;
    drift_status status = pack(array, compress, entry, &bytes);
    if (!status && *at + LOCAL + strlen(entry->name) + bytes.size > LARGEST)
        status = drift_fail(DRIFT_INVALID, "npz archives must be below 4 GiB");
    if (!status) {
        entry->offset = (uint32_t)*at;
        put(&p, 0x04034b50, 4);
        put_common(&p, entry, compress);
        drift_writer_write(writer, local, LOCAL);
        drift_writer_write(writer, entry->name, strlen(entry->name));
        status = drift_writer_write(writer, bytes.data, bytes.size);
        *at += LOCAL + strlen(entry->name) + bytes.size;
    }
    drift_bytes_free(&bytes);
    return status;
}

static void write_directory(struct drift_writer *writer, size_t count, const struct entry *entries, int compress,
                            uint64_t at)
{
    unsigned char block[ENTRY], *p;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        p = block;
        put(&p, 0x02014b50, 4);
        put(&p, 3 << 8 | VERSION, 2); /* made on Unix */
        put_common(&p, &entries[i], compress);
        put(&p, 0, 6);                       /* comment, disk, kind */
        put(&p, (uint32_t)0100644 << 16, 4); /* access rights */
        put(&p, entries[i].offset, 4);
        drift_writer_write(writer, block, ENTRY);
        drift_writer_write(writer, entries[i].name, strlen(entries[i].name));
        size += ENTRY + strlen(entries[i].name);
    }
    p = block;
    put(&p, 0x06054b50, 4);
    put(&p, 0, 4);
    put(&p, (uint32_t)count, 2);
    put(&p, (uint32_t)count, 2);
    put(&p, (uint32_t)size, 4);
    put(&p, (uint32_t)at, 4);
    put(&p, 0, 2);
    drift_writer_write(writer, block, END);
}

static drift_status write_all(struct drift_writer *writer, size_t count, const char *const *names,
                              const struct drift_array *arrays, int compress, struct entry *entries)
{
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        entries[i].name = length < 60000 ? malloc(length + 5) : NULL;
        if (!entries[i].name)
            return drift_fail_memory(names[i], length);
        snprintf(entries[i].name, length + 5, "%s.npy", names[i]);
        drift_status status = write_member(writer, &arrays[i], compress, &at, &entries[i]);
        if (status)
            return status;
    }
    write_directory(writer, count, entries, compress, at);
    return DRIFT_OK;
}

drift_status drift_npz_write(const char *path, size_t count, const char *const *names, const struct drift_array *arrays,
                             int compress)
{
    struct drift_writer writer;
    if (count >= 0xffff)
        return drift_fail(DRIFT_INVALID, "%s: at most 65,534 arrays fit an npz", path);
    struct entry *entries = calloc(count + 1, sizeof *entries);
    drift_status status = entries ? drift_writer_open(&writer, path) : drift_fail_memory(path, count * sizeof *entries);
    if (!status) {
        status = write_all(&writer, count, names, arrays, compress != 0, entries);
        if (status) {
            drift_fail_context(status, "%s", path);
            drift_writer_abort(&writer);
        } else {
            status = drift_writer_commit(&writer);
        }
    }
    for (size_t i = 0; entries && i < count; i++)
        free(entries[i].name);
    free(entries);
    return status;
}
