/* Reading and checking safetensors. */
#include "io/safetensors.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_LENGTH = 8 }; /* bytes of the header's length */

/* Where a tensor's bytes lie, to find gaps and overlaps. */
struct span {
    size_t begin, end;
    const char *name;
};

static const struct {
    const char *name;
    enum drift_array_type type;
} types[] = {
    {"F64", DRIFT_ARRAY_F64}, {"F32", DRIFT_ARRAY_F32}, {"F16", DRIFT_ARRAY_F16}, {"BF16", DRIFT_ARRAY_BF16},
    {"I64", DRIFT_ARRAY_I64}, {"I32", DRIFT_ARRAY_I32}, {"U8", DRIFT_ARRAY_U8},   {"BOOL", DRIFT_ARRAY_U8},
};

static drift_status fail_tensor(const struct drift_safetensors *file, const char *name, const char *what)
{
    return drift_fail(DRIFT_INVALID, "%s: tensor %.200s: %s", file->path, name, what);
}

/* An integer >= 0 of a JSON array; 0 if it is none. */
static int get_size(const json_t *list, size_t i, size_t *size)
{
    const json_t *item = json_array_get(list, i);
    if (!json_is_integer(item) || json_integer_value(item) < 0 ||
        (unsigned long long)json_integer_value(item) > SIZE_MAX)
        return 0;
    *size = (size_t)json_integer_value(item);
    return 1;
}

static drift_status parse_type(const struct drift_safetensors *file, const char *name, const json_t *entry,
                               struct drift_array *array)
{
    const char *text = json_string_value(json_object_get(entry, "dtype"));
    if (!text)
        return fail_tensor(file, name, "expected \"dtype\": a string");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!strcmp(text, types[i].name)) {
            array->type = types[i].type;
            return DRIFT_OK;
        }
    }
    return drift_fail(DRIFT_INVALID,
                      "%s: tensor %.200s: expected dtype F64, F32, F16, BF16, I64, I32, U8 or BOOL, got %.20s",
                      file->path, name, text);
}

static drift_status parse_shape(const struct drift_safetensors *file, const char *name, const json_t *entry,
                                struct drift_array *array)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > DRIFT_ARRAY_RANK)
        return fail_tensor(file, name, "expected \"shape\": a list of at most 8 sizes");
    array->rank = (int)json_array_size(shape);
    for (int i = 0; i < array->rank; i++)
        if (!get_size(shape, (size_t)i, &array->shape[i]))
            return fail_tensor(file, name, "expected sizes >= 0 in \"shape\"");
    return DRIFT_OK;
}

/* One entry of the header; the data begin at byte `base` of the file. */
static drift_status parse_tensor(const struct drift_safetensors *file, const char *name, const json_t *entry,
                                 size_t base, struct drift_array *array, struct span *span)
{
    size_t bytes;
    if (!json_is_object(entry))
        return fail_tensor(file, name, "expected an object with dtype, shape, data_offsets");
    drift_status status = parse_type(file, name, entry, array);
    status = status ? status : parse_shape(file, name, entry, array);
    if (status)
        return status;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (json_array_size(offsets) != 2 || !get_size(offsets, 0, &span->begin) || !get_size(offsets, 1, &span->end))
        return fail_tensor(file, name, "expected \"data_offsets\": [begin, end]");
    if (span->begin > span->end || span->end > file->bytes.size - base)
        return drift_fail(DRIFT_INVALID,
                          "%s: tensor %.200s: expected data_offsets within the file's %zu data bytes, got [%zu, %zu]",
                          file->path, name, file->bytes.size - base, span->begin, span->end);
    if (!drift_array_measure(array->type, array->rank, array->shape, &array->count, &bytes) ||
        bytes != span->end - span->begin)
        return fail_tensor(file, name, "expected as many bytes as dtype and shape say");
    array->data = file->bytes.data + base + span->begin;
    span->name = name;
    return DRIFT_OK;
}

static drift_status parse_metadata(struct drift_safetensors *file, const json_t *map)
{
    const char *key;
    json_t *value;
    if (!json_is_object(map))
        return drift_fail(DRIFT_INVALID, "%s: __metadata__: expected an object of strings", file->path);
    file->metadata = calloc(json_object_size(map) + 1, sizeof *file->metadata);
    if (!file->metadata)
        return drift_fail_memory(file->path, json_object_size(map) * sizeof *file->metadata);
    json_object_foreach((json_t *)map, key, value)
    {
        if (!json_is_string(value))
            return drift_fail(DRIFT_INVALID, "%s: __metadata__: %.200s: expected a string", file->path, key);
        file->metadata[file->metadata_count++] = (struct drift_metadata_entry){key, json_string_value(value)};
    }
    return DRIFT_OK;
}

static int by_begin(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Every data byte belongs to one tensor. */
static drift_status check_spans(const struct drift_safetensors *file, struct span *spans, size_t data_bytes)
{
    size_t at = 0;
    qsort(spans, file->count, sizeof *spans, by_begin);
    for (size_t i = 0; i < file->count; i++) {
        if (spans[i].begin != at)
            return drift_fail(DRIFT_INVALID,
                              "%s: tensor %.200s: expected data_offsets from %zu on, without gap or overlap, got %zu",
                              file->path, spans[i].name, at, spans[i].begin);
        at = spans[i].end;
    }
    if (at != data_bytes)
        return drift_fail(DRIFT_INVALID, "%s: expected %zu data bytes, as the tensors say, got %zu", file->path, at,
                          data_bytes);
    return DRIFT_OK;
}

static drift_status parse_tensors(struct drift_safetensors *file, size_t base, struct span *spans)
{
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)file->header, key, entry)
    {
        drift_status status;
        if (!strcmp(key, "__metadata__")) {
            status = parse_metadata(file, entry);
        } else {
            struct drift_tensor_entry *tensor = &file->tensors[file->count];
            tensor->name = key;
            status = parse_tensor(file, key, entry, base, &tensor->array, &spans[file->count++]);
        }
        if (status)
            return status;
    }
    return check_spans(file, spans, file->bytes.size - base);
}

static drift_status parse(struct drift_safetensors *file)
{
    const unsigned char *data = file->bytes.data;
    uint64_t length = 0;
    json_error_t error;
    if (file->bytes.size < HEADER_LENGTH)
        return drift_fail(DRIFT_INVALID, "%s: byte %zu: expected 8 bytes with the header's length", file->path,
                          file->bytes.size);
    memcpy(&length, data, sizeof length);
    if (length > file->bytes.size - HEADER_LENGTH)
        return drift_fail(DRIFT_INVALID,
                          "%s: byte 0: expected a header of at most %zu bytes, got %llu (no safetensors file?)",
                          file->path, file->bytes.size - HEADER_LENGTH, (unsigned long long)length);
    file->header = json_loadb((const char *)data + HEADER_LENGTH, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object((json_t *)file->header))
        return drift_fail(DRIFT_INVALID, "%s: byte %d: expected the header, a JSON object (%s)", file->path,
                          HEADER_LENGTH + (file->header ? 0 : error.position),
                          file->header ? "another value" : error.text);
    size_t entries = json_object_size(file->header);
    file->tensors = calloc(entries + 1, sizeof *file->tensors);
    struct span *spans = calloc(entries + 1, sizeof *spans);
    drift_status status = file->tensors && spans ? parse_tensors(file, HEADER_LENGTH + (size_t)length, spans)
                                                 : drift_fail_memory(file->path, entries * sizeof *file->tensors);
    free(spans);
    return status;
}

drift_status drift_safetensors_read(const char *path, struct drift_safetensors *file)
{
    memset(file, 0, sizeof *file);
    file->path = strdup(path);
    if (!file->path)
        return drift_fail_memory(path, strlen(path));
    drift_status status = drift_file_view(path, &file->bytes);
    status = status ? status : parse(file);
    if (status)
        drift_safetensors_free(file);
    return status;
}

void drift_safetensors_free(struct drift_safetensors *file)
{
    json_decref(file->header);
    free(file->path);
    free(file->tensors);
    free(file->metadata);
    drift_file_view_free(&file->bytes);
    memset(file, 0, sizeof *file);
}

const struct drift_array *drift_safetensors_find(const struct drift_safetensors *file, const char *name)
{
    return drift_tensor_entry_find(file->count, file->tensors, name);
}

const char *drift_safetensors_metadata(const struct drift_safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->metadata_count; i++)
        if (!strcmp(file->metadata[i].key, key))
            return file->metadata[i].value;
    return NULL;
}

drift_status drift_safetensors_get(const struct drift_safetensors *file, const char *name, int rank,
                                   const size_t *shape, const struct drift_array **array)
{
    return drift_tensor_entry_get(file->path, file->count, file->tensors, name, rank, shape, array);
}
