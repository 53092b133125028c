/* Writing safetensors: the header's JSON in the order given, then the data. */
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"

static const char *const type_names[DRIFT_ARRAY_TYPES] = {
    [DRIFT_ARRAY_F64] = "F64", [DRIFT_ARRAY_F32] = "F32", [DRIFT_ARRAY_F16] = "F16", [DRIFT_ARRAY_BF16] = "BF16",
    [DRIFT_ARRAY_I64] = "I64", [DRIFT_ARRAY_I32] = "I32", [DRIFT_ARRAY_U8] = "U8",
};

static json_t *metadata_object(size_t count, const struct drift_metadata_entry *metadata)
{
    json_t *map = json_object();
    for (size_t i = 0; map && i < count; i++) {
        if (json_object_get(map, metadata[i].key) ||
            json_object_set_new(map, metadata[i].key, json_string(metadata[i].value))) {
            drift_fail(DRIFT_INVALID, "metadata %.200s: expected UTF-8 text, and each key once", metadata[i].key);
            json_decref(map);
            return NULL;
        }
    }
    return map;
}

static json_t *tensor_object(const struct drift_array *array, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (int i = 0; i < array->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)array->shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", type_names[array->type], "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

static drift_status add_tensor(json_t *header, const struct drift_tensor_entry *tensor, size_t *at)
{
    size_t count, bytes, end;
    const struct drift_array *array = &tensor->array;
    if (!drift_array_measure(array->type, array->rank, array->shape, &count, &bytes) || count != array->count ||
        !drift_size_add(*at, bytes, &end))
        return drift_fail(DRIFT_INVALID, "tensor %s: its shape does not fit its data", tensor->name);
    if (!strcmp(tensor->name, "__metadata__") || json_object_get(header, tensor->name) ||
        json_object_set_new(header, tensor->name, tensor_object(array, *at, end)))
        return drift_fail(DRIFT_INVALID, "tensor %.200s: expected a name in UTF-8, and each once", tensor->name);
    *at = end;
    return DRIFT_OK;
}

/* The header's text, which jansson prints in the order of insertion; free it. */
static drift_status make_header(size_t count, const struct drift_tensor_entry *tensors, size_t metadata_count,
                                const struct drift_metadata_entry *metadata, char **text)
{
    json_t *header = json_object();
    drift_status status = header ? DRIFT_OK : drift_fail_memory("header", 0);
    size_t at = 0;
    if (!status && metadata_count) {
        json_t *map = metadata_object(metadata_count, metadata);
        status = map ? DRIFT_OK : DRIFT_INVALID;
        if (map)
            json_object_set_new(header, "__metadata__", map);
    }
    for (size_t i = 0; !status && i < count; i++)
        status = add_tensor(header, &tensors[i], &at);
    if (!status && !(*text = json_dumps(header, JSON_COMPACT)))
        status = drift_fail_memory("header", 0);
    json_decref(header);
    return status;
}

drift_status drift_safetensors_write(const char *path, size_t count, const struct drift_tensor_entry *tensors,
                                     size_t metadata_count, const struct drift_metadata_entry *metadata)
{
    struct drift_writer writer;
    char *text = NULL;
    drift_status status = make_header(count, tensors, metadata_count, metadata, &text);
    if (status)
        return drift_fail_context(status, "%s", path);
    status = drift_writer_open(&writer, path);
    if (!status) {
        size_t length = strlen(text), padding = (8 - length % 8) % 8;
        uint64_t total = length + padding;
        drift_writer_write(&writer, &total, sizeof total);
        drift_writer_write(&writer, text, length);
        drift_writer_write(&writer, "        ", padding);
        for (size_t i = 0; i < count; i++)
            drift_writer_write(&writer, tensors[i].array.data,
                               tensors[i].array.count * drift_array_item_size(tensors[i].array.type));
        status = drift_writer_commit(&writer);
    }
    free(text);
    return status;
}
