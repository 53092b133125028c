/* Types, checked sizes and conversions of arrays from files. Little-endian machines only, as numpy's files are. */
#include "io/array.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "src/io/ copies little-endian numbers from files as they are"
#endif

static const struct {
    size_t size;
    const char *name;
} types[DRIFT_ARRAY_TYPES] = {
    [DRIFT_ARRAY_F64] = {8, "float64"},   [DRIFT_ARRAY_F32] = {4, "float32"}, [DRIFT_ARRAY_F16] = {2, "float16"},
    [DRIFT_ARRAY_BF16] = {2, "bfloat16"}, [DRIFT_ARRAY_I64] = {8, "int64"},   [DRIFT_ARRAY_I32] = {4, "int32"},
    [DRIFT_ARRAY_U8] = {1, "uint8"},
};

size_t drift_array_item_size(enum drift_array_type type) { return types[type].size; }

const char *drift_array_type_name(enum drift_array_type type) { return types[type].name; }

int drift_size_multiply(size_t a, size_t b, size_t *result)
{
    if (b && a > SIZE_MAX / b)
        return 0;
    *result = a * b;
    return 1;
}

int drift_size_add(size_t a, size_t b, size_t *result)
{
    if (a > SIZE_MAX - b)
        return 0;
    *result = a + b;
    return 1;
}

/* A shape with a 0 in it has no items, but its other sizes must not overflow either: they would where it is sliced. */
int drift_array_measure(enum drift_array_type type, int rank, const size_t *shape, size_t *count, size_t *bytes)
{
    size_t n = 1, most = 1, unused;
    for (int i = 0; i < rank; i++) {
        if (!drift_size_multiply(most, shape[i] ? shape[i] : 1, &most))
            return 0;
        n *= shape[i];
    }
    if (!drift_size_multiply(most, types[type].size, &unused))
        return 0;
    *count = n;
    *bytes = n * types[type].size;
    return 1;
}

struct drift_array drift_array_view(enum drift_array_type type, int rank, const size_t *shape, const void *data)
{
    struct drift_array array = {.type = type, .rank = rank, .count = 1, .data = data};
    for (int i = 0; i < rank; i++) {
        array.shape[i] = shape[i];
        array.count *= shape[i];
    }
    return array;
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31)
        return from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent)
        return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float tiny = (float)fraction * 0x1p-24f; /* zero and subnormals */
    return sign ? -tiny : tiny;
}

static double item(enum drift_array_type type, const unsigned char *p)
{
    union {
        double d;
        float f;
        int64_t i64;
        int32_t i32;
        uint16_t u16;
    } value;
    if (type == DRIFT_ARRAY_U8)
        return *p;
    memcpy(&value, p, types[type].size);
    switch (type) {
    case DRIFT_ARRAY_F64: return value.d;
    case DRIFT_ARRAY_F32: return (double)value.f;
    case DRIFT_ARRAY_F16: return (double)from_half(value.u16);
    case DRIFT_ARRAY_BF16: return (double)from_bits((uint32_t)value.u16 << 16);
    case DRIFT_ARRAY_I64: return (double)value.i64;
    default: return (double)value.i32;
    }
}

void drift_array_floats(const struct drift_array *array, float *out)
{
    const unsigned char *p = array->data;
    if (array->type == DRIFT_ARRAY_F32) {
        if (array->count)
            memcpy(out, p, array->count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < array->count; i++, p += types[array->type].size)
        out[i] = (float)item(array->type, p);
}

void drift_array_doubles(const struct drift_array *array, double *out)
{
    const unsigned char *p = array->data;
    for (size_t i = 0; i < array->count; i++, p += types[array->type].size)
        out[i] = item(array->type, p);
}

const char *drift_array_describe(const struct drift_array *array, char text[DRIFT_ARRAY_TEXT])
{
    size_t used = 0;
    for (int i = 0; i < array->rank; i++)
        used += (size_t)snprintf(text + used, DRIFT_ARRAY_TEXT - used, "%c%zu", i ? ',' : '[', array->shape[i]);
    snprintf(text + used, DRIFT_ARRAY_TEXT - used, "%s %s", array->rank ? "]" : "[]", types[array->type].name);
    return text;
}

void drift_array_free(struct drift_array *array)
{
    free(array->memory);
    memset(array, 0, sizeof *array);
}

const struct drift_array *drift_tensor_entry_find(size_t count, const struct drift_tensor_entry *entries,
                                                  const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(entries[i].name, name))
            return &entries[i].array;
    return NULL;
}

drift_status drift_tensor_entry_get(const char *path, size_t count, const struct drift_tensor_entry *entries,
                                    const char *name, int rank, const size_t *shape, const struct drift_array **array)
{
    const struct drift_array *found = drift_tensor_entry_find(count, entries, name);
    if (!found)
        return drift_fail(DRIFT_INVALID, "%s: expected a tensor named %s", path, name);
    int fits = rank < 0 || rank == found->rank;
    for (int i = 0; fits && i < rank; i++)
        fits = shape[i] == SIZE_MAX || shape[i] == found->shape[i];
    if (!fits) {
        char got[DRIFT_ARRAY_TEXT], want[DRIFT_ARRAY_TEXT];
        struct drift_array wanted = drift_array_view(found->type, rank, shape, NULL);
        return drift_fail(DRIFT_INVALID, "%s: tensor %s: expected %s, got %s", path, name,
                          drift_array_describe(&wanted, want), drift_array_describe(found, got));
    }
    *array = found;
    return DRIFT_OK;
}
