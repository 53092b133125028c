/* MessagePack as the released models have it: nested maps with arrays as leaves, as flax writes them.
 * https://github.com/msgpack/msgpack/blob/master/spec.md; spec: artifacts.
 *
 * An array is an extension of type 1 (a numpy scalar: 3) whose bytes are MessagePack again: [shape, dtype, data]. One
 * that is too large is cut: a map {"__msgpack_chunked_array__": true, "shape": {"0": n, ...}, "chunks": {"0": array,
 * ...}} stands in its place. The types are float32, float16 and bfloat16. */
#ifndef DRIFT_IO_MSGPACK_H
#define DRIFT_IO_MSGPACK_H

#include "io/array.h"
#include "io/file.h"

/* What an array may have in bytes before it is cut. */
#define DRIFT_MSGPACK_CHUNK ((size_t)1 << 30)

struct drift_msgpack {
    size_t count;
    struct drift_tensor_entry *tensors; /* names are the maps' keys joined by '/' */
    unsigned char *scalars;             /* for each tensor, 1: a numpy scalar; NULL: none is */
    int wrapped;                        /* all of it lies in a map {"params": ...}; names are without */
    size_t chunk_bytes;                 /* arrays of more bytes are cut into pieces of so many */
};

struct drift_msgpack_file {
    char *path;
    struct drift_msgpack content; /* in the order of drift_msgpack_write; views into the file, apart from cut arrays */
    struct drift_file_view view;
    size_t room;
};

/* Reads and checks a file: any valid MessagePack form, keys in any order, each once; shapes that fit the data. A large
 * file is mapped, and of its arrays nothing is read before somebody asks. chunk_bytes is as the file's own chunks are,
 * DRIFT_MSGPACK_CHUNK where it has none. On failure `file` holds nothing. */
drift_status drift_msgpack_read(const char *path, struct drift_msgpack_file *file);
void drift_msgpack_free(struct drift_msgpack_file *file);

/* The same of data[0..size), which must stay until the file is freed; `name` is what messages call it. */
drift_status drift_msgpack_parse(const char *name, const unsigned char *data, size_t size,
                                 struct drift_msgpack_file *file);

/* Writes the bytes that the reference would, atomically: keys in byte order, shortest forms. Names have at most
 * DRIFT_MSGPACK_DEPTH parts, none empty, and none is the beginning of another. */
enum { DRIFT_MSGPACK_DEPTH = 28 };
drift_status drift_msgpack_write(const char *path, const struct drift_msgpack *content);

/* Whether drift_msgpack_write would write data[0..size). */
drift_status drift_msgpack_compare(const struct drift_msgpack *content, const unsigned char *data, size_t size,
                                   int *same);

#endif
