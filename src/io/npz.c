/* Reading zip archives of npy members: the central directory at the end tells where each lies. */
#include "io/npz.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "io/npy.h"

enum { END = 22, END64 = 56, LOCATOR64 = 20, ENTRY = 46, LOCAL = 30, COMMENT = 65535, DEFLATE_RATIO = 1032 };

struct zip {
    const char *path;
    const unsigned char *data;
    size_t size;
    size_t packed; /* bytes of all members so far: members must not share them */
};

/* One entry of the central directory. */
struct entry {
    unsigned int flags, method;
    uint32_t crc;
    uint64_t packed, unpacked, offset;
    size_t name_length, extra_length, total;
    const unsigned char *name, *extra;
};

static unsigned int u16(const unsigned char *p) { return p[0] | (unsigned int)p[1] << 8; }

static uint32_t u32(const unsigned char *p) { return u16(p) | (uint32_t)u16(p + 2) << 16; }

static uint64_t u64(const unsigned char *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

static drift_status fail_at(const struct zip *zip, size_t at, const char *expected)
{
    return drift_fail(DRIFT_INVALID, "%s: byte %zu: expected %s", zip->path, at, expected);
}

/* Where the central directory begins and how many entries it has. */
static drift_status find_directory(const struct zip *zip, uint64_t *offset, uint64_t *entries)
{
    size_t at = zip->size;
    if (zip->size < 4 || u16(zip->data) != 0x4b50)
        return fail_at(zip, 0, "a zip archive (PK)");
    size_t lowest = zip->size > END + COMMENT ? zip->size - END - COMMENT : 0;
    for (at = zip->size >= END ? zip->size - END : 0; at > lowest && u32(zip->data + at) != 0x06054b50; at--)
        ;
    if (at + END > zip->size || u32(zip->data + at) != 0x06054b50)
        return fail_at(zip, zip->size, "the end of a zip directory before it");
    *entries = u16(zip->data + at + 10);
    *offset = u32(zip->data + at + 16);
    if (*entries == 0xffff || *offset == 0xffffffff) { /* zip64 */
        if (at < LOCATOR64 || u32(zip->data + at - LOCATOR64) != 0x07064b50)
            return fail_at(zip, at, "a zip64 locator before it");
        uint64_t end64 = u64(zip->data + at - LOCATOR64 + 8);
        if (zip->size < END64 || end64 > zip->size - END64 || u32(zip->data + end64) != 0x06064b50)
            return fail_at(zip, at - LOCATOR64 + 8, "the offset of a zip64 directory's end");
        *entries = u64(zip->data + end64 + 32);
        *offset = u64(zip->data + end64 + 48);
    }
    if (*offset > zip->size || *entries > (zip->size - *offset) / ENTRY)
        return fail_at(zip, at, "the directory within the file");
    return DRIFT_OK;
}

/* Sizes and offset that do not fit 32 bits stand in an extra field of kind 1, in this order, where needed. */
static drift_status read_zip64(const struct zip *zip, size_t at, struct entry *entry)
{
    uint64_t *large[3] = {&entry->unpacked, &entry->packed, &entry->offset};
    const unsigned char *p = entry->extra, *end = entry->extra + entry->extra_length;
    while (end - p >= 4 && u16(p) != 1)
        p += u16(p + 2) < end - p - 4 ? 4 + u16(p + 2) : end - p;
    const unsigned char *stop = end - p >= 4 && u16(p + 2) <= end - p - 4 ? p + 4 + u16(p + 2) : p;
    p += stop > p ? 4 : 0;
    for (int i = 0; i < 3; i++) {
        if (*large[i] != 0xffffffff)
            continue;
        if (stop - p < 8)
            return fail_at(zip, at, "sizes of 64 bits in the zip64 field");
        *large[i] = u64(p);
        p += 8;
    }
    return DRIFT_OK;
}

static drift_status read_entry(const struct zip *zip, size_t at, struct entry *entry)
{
    if (zip->size - at < ENTRY || u32(zip->data + at) != 0x02014b50)
        return fail_at(zip, at, "an entry of the zip directory");
    const unsigned char *p = zip->data + at;
    *entry = (struct entry){.flags = u16(p + 8),
                            .method = u16(p + 10),
                            .crc = u32(p + 16),
                            .packed = u32(p + 20),
                            .unpacked = u32(p + 24),
                            .offset = u32(p + 42),
                            .name_length = u16(p + 28),
                            .extra_length = u16(p + 30),
                            .name = p + ENTRY};
    entry->extra = entry->name + entry->name_length;
    entry->total = ENTRY + entry->name_length + entry->extra_length + u16(p + 32);
    if (entry->total > zip->size - at)
        return fail_at(zip, at, "a shorter entry of the zip directory");
    if (entry->name_length < 5 || memcmp(entry->extra - 4, ".npy", 4) || memchr(entry->name, 0, entry->name_length))
        return fail_at(zip, at + ENTRY, "the name of an array, NAME.npy");
    if (entry->flags & 1)
        return fail_at(zip, at + 8, "a member that is not encrypted");
    if (entry->method != 0 && entry->method != 8)
        return fail_at(zip, at + 10, "a member that is stored or deflated");
    return read_zip64(zip, at, entry);
}

/* The member's packed bytes, checked to lie in the file and not to be somebody else's. */
static drift_status locate(struct zip *zip, const struct entry *entry, const unsigned char **packed)
{
    if (zip->size < LOCAL || entry->offset > zip->size - LOCAL || u32(zip->data + entry->offset) != 0x04034b50)
        return fail_at(zip, (size_t)(entry->name - zip->data) - 4, "the offset of a member");
    const unsigned char *local = zip->data + entry->offset;
    size_t begin = (size_t)entry->offset + LOCAL + u16(local + 26) + u16(local + 28);
    if (begin > zip->size || entry->packed > zip->size - begin)
        return fail_at(zip, (size_t)entry->offset, "a member within the file");
    if (entry->packed > zip->size - zip->packed)
        return fail_at(zip, (size_t)entry->offset, "members that do not overlap");
    zip->packed += (size_t)entry->packed;
    if (entry->method == 0 ? entry->unpacked != entry->packed : entry->unpacked / DEFLATE_RATIO > entry->packed)
        return fail_at(zip, (size_t)entry->offset, "a member of a possible size");
    *packed = zip->data + begin;
    return DRIFT_OK;
}

static unsigned int piece(size_t left) { return left < 1u << 30 ? (unsigned int)left : 1u << 30; }

/* 1 where `packed` holds exactly `size` bytes. */
static int inflate_raw(const unsigned char *packed, size_t packed_size, unsigned char *out, size_t size)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, -15) != Z_OK)
        return 0;
    z.next_in = (unsigned char *)packed;
    z.next_out = out;
    int result;
    do {
        z.avail_in = piece(packed_size - (size_t)(z.next_in - packed));
        z.avail_out = piece(size - (size_t)(z.next_out - out));
        result = inflate(&z, Z_NO_FLUSH);
    } while (result == Z_OK && (size_t)(z.next_in - packed) < packed_size);
    int good = result == Z_STREAM_END && (size_t)(z.next_out - out) == size;
    inflateEnd(&z);
    return good;
}

static uint32_t checksum(const unsigned char *data, size_t size)
{
    unsigned long crc = crc32(0, NULL, 0);
    for (size_t at = 0; at < size; at += piece(size - at))
        crc = crc32(crc, data + at, piece(size - at));
    return (uint32_t)crc;
}

static drift_status unpack(struct zip *zip, const struct entry *entry, struct drift_npz_member *member)
{
    const unsigned char *packed = NULL;
    drift_status status = locate(zip, entry, &packed);
    if (status)
        return status;
    size_t size = (size_t)entry->unpacked;
    unsigned char *data = entry->unpacked < SIZE_MAX ? malloc(size + 1) : NULL;
    if (!data)
        return drift_fail_memory(zip->path, size);
    if (entry->method == 0)
        memcpy(data, packed, size);
    else if (!inflate_raw(packed, (size_t)entry->packed, data, size))
        status = fail_at(zip, (size_t)(packed - zip->data), "deflated data of the length that the directory says");
    if (!status && checksum(data, size) != entry->crc)
        status = fail_at(zip, (size_t)(packed - zip->data), "data with the checksum that the directory says");
    if (!status) {
        char name[256];
        snprintf(name, sizeof name, "%.150s: %.80s", zip->path, member->name);
        status = drift_npy_parse(name, data, size, &member->array);
    }
    if (status)
        free(data);
    else
        member->array.memory = data;
    return status;
}

static drift_status read_members(struct zip *zip, struct drift_npz *npz)
{
    uint64_t at = 0, entries = 0;
    drift_status status = find_directory(zip, &at, &entries);
    if (status)
        return status;
    npz->members = calloc((size_t)entries + 1, sizeof *npz->members);
    if (!npz->members)
        return drift_fail_memory(zip->path, (size_t)entries * sizeof *npz->members);
    for (uint64_t i = 0; i < entries && !status; i++) {
        struct entry entry;
        status = read_entry(zip, (size_t)at, &entry);
        if (status)
            return status;
        struct drift_npz_member *member = &npz->members[npz->count++];
        size_t length = entry.name_length - 4; /* without .npy */
        member->name = malloc(length + 1);
        if (!member->name)
            return drift_fail_memory(zip->path, length);
        memcpy(member->name, entry.name, length);
        member->name[length] = 0;
        status = unpack(zip, &entry, member);
        at += entry.total;
    }
    return status;
}

drift_status drift_npz_read(const char *path, struct drift_npz *npz)
{
    struct drift_bytes bytes;
    memset(npz, 0, sizeof *npz);
    drift_status status = drift_file_read(path, DRIFT_FILE_CAP, &bytes);
    if (status)
        return status;
    struct zip zip = {path, bytes.data, bytes.size, 0};
    status = read_members(&zip, npz);
    drift_bytes_free(&bytes);
    if (status)
        drift_npz_free(npz);
    return status;
}

void drift_npz_free(struct drift_npz *npz)
{
    for (size_t i = 0; i < npz->count; i++) {
        free(npz->members[i].name);
        drift_array_free(&npz->members[i].array);
    }
    free(npz->members);
    memset(npz, 0, sizeof *npz);
}

const struct drift_array *drift_npz_find(const struct drift_npz *npz, const char *name)
{
    for (size_t i = 0; i < npz->count; i++)
        if (!strcmp(npz->members[i].name, name))
            return &npz->members[i].array;
    return NULL;
}
