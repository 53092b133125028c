/* safetensors: named tensors and a map of strings. Eight bytes of header length, a JSON header, then the data.
 * https://github.com/huggingface/safetensors. Read: F64 F32 F16 BF16 I64 I32 U8 (and BOOL, as U8). */
#ifndef DRIFT_IO_SAFETENSORS_H
#define DRIFT_IO_SAFETENSORS_H

#include "io/array.h"
#include "io/file.h"

struct drift_metadata_entry {
    const char *key, *value; /* UTF-8, no zero bytes inside */
};

struct drift_safetensors {
    char *path;
    size_t count;
    struct drift_tensor_entry *tensors; /* in the order of the header; views into the file's bytes */
    size_t metadata_count;
    struct drift_metadata_entry *metadata;
    struct drift_file_view bytes;
    void *header; /* the parsed JSON, which owns the names */
};

/* Reads and checks the whole file: offsets in range, without overlaps or gaps, lengths that fit the shapes, names used
 * once. On failure `file` holds nothing. */
drift_status drift_safetensors_read(const char *path, struct drift_safetensors *file);
void drift_safetensors_free(struct drift_safetensors *file);

/* The tensor or text of that name; NULL where absent. */
const struct drift_array *drift_safetensors_find(const struct drift_safetensors *file, const char *name);
const char *drift_safetensors_metadata(const struct drift_safetensors *file, const char *key);

/* The same, where absence or another shape is an error that names file and tensor. SIZE_MAX in `shape` takes any
 * size; rank < 0 takes any shape. */
drift_status drift_safetensors_get(const struct drift_safetensors *file, const char *name, int rank,
                                   const size_t *shape, const struct drift_array **array);

/* Writes the tensors in the order given, atomically. The same arguments give the same bytes;
 * the header is padded so that the data begins at a multiple of 8 (put wider types first if every tensor is to be
 * aligned). Names and texts are UTF-8. */
drift_status drift_safetensors_write(const char *path, size_t count, const struct drift_tensor_entry *tensors,
                                     size_t metadata_count, const struct drift_metadata_entry *metadata);

#endif
