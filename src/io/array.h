/* An array as files hold it: a type, a shape and bytes, row major, little endian. What readers return. */
#ifndef DRIFT_IO_ARRAY_H
#define DRIFT_IO_ARRAY_H

#include <stddef.h>

#include "base/status.h"

enum drift_array_type {
    DRIFT_ARRAY_F64,
    DRIFT_ARRAY_F32,
    DRIFT_ARRAY_F16,
    DRIFT_ARRAY_BF16,
    DRIFT_ARRAY_I64,
    DRIFT_ARRAY_I32,
    DRIFT_ARRAY_U8,
    DRIFT_ARRAY_TYPES
};

enum { DRIFT_ARRAY_RANK = 8 };

struct drift_array {
    enum drift_array_type type;
    int rank; /* 0: a scalar */
    size_t shape[DRIFT_ARRAY_RANK];
    size_t count;     /* product of the shape */
    const void *data; /* count items, not necessarily aligned: read through the functions below or memcpy */
    void *memory;     /* what drift_array_free frees; NULL where `data` belongs to another (a file read as a whole) */
};

/* An array with a name: what a file of several holds. */
struct drift_tensor_entry {
    const char *name; /* UTF-8, "LightningDiT_0/pos_embed" */
    struct drift_array array;
};

/* Bytes of one item; "float32" and so on. */
size_t drift_array_item_size(enum drift_array_type type);
const char *drift_array_type_name(enum drift_array_type type);

/* a*b and a+b; 0 where they overflow, and *result is then untouched. */
int drift_size_multiply(size_t a, size_t b, size_t *result);
int drift_size_add(size_t a, size_t b, size_t *result);

/* The number of items and of bytes of a shape; 0 where one of them does not fit a size_t. */
int drift_array_measure(enum drift_array_type type, int rank, const size_t *shape, size_t *count, size_t *bytes);

/* A view of the caller's data: nothing is copied, nothing to free. rank <= DRIFT_ARRAY_RANK. */
struct drift_array drift_array_view(enum drift_array_type type, int rank, const size_t *shape, const void *data);

/* Converts all items, whatever the type; integers beyond 2^24 (2^53) and doubles are rounded to nearest. */
void drift_array_floats(const struct drift_array *array, float *out);
void drift_array_doubles(const struct drift_array *array, double *out);

/* "[2,3] float32", for messages; returns `text`. */
enum { DRIFT_ARRAY_TEXT = 200 };
const char *drift_array_describe(const struct drift_array *array, char text[DRIFT_ARRAY_TEXT]);

void drift_array_free(struct drift_array *array);

/* The array of that name; NULL where absent. */
const struct drift_array *drift_tensor_entry_find(size_t count, const struct drift_tensor_entry *entries,
                                                  const char *name);

/* The same, where absence or another shape is an error that names the file and the array. SIZE_MAX in `shape` takes any
 * size; rank < 0 takes any shape. */
drift_status drift_tensor_entry_get(const char *path, size_t count, const struct drift_tensor_entry *entries,
                                    const char *name, int rank, const size_t *shape, const struct drift_array **array);

#endif
