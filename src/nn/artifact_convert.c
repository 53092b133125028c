/* Artefact to safetensors and back: the arrays as they are, metadata.json as a text of the safetensors' metadata under
 * its own name, and beside it under "msgpack" what the arrays do not show: {"chunk_bytes": n, "wrapped": b, "scalars":
 * [names]}. */
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"
#include "nn/artifact.h"

static const char metadata_key[] = "metadata.json", msgpack_key[] = "msgpack";

/* ---- to safetensors ---- */

static json_t *describe(const struct drift_msgpack *content)
{
    json_t *scalars = json_array();
    for (size_t i = 0; i < content->count; i++)
        if (content->scalars[i])
            json_array_append_new(scalars, json_string(content->tensors[i].name));
    return json_pack("{s:I, s:b, s:o}", "chunk_bytes", (json_int_t)content->chunk_bytes, "wrapped", content->wrapped,
                     "scalars", scalars);
}

drift_status drift_artifact_to_safetensors(const struct drift_artifact *artifact, const char *path)
{
    const struct drift_msgpack *content = &artifact->params.content;
    if (!artifact->params.path)
        return drift_fail(DRIFT_INVALID, "%s: expected an artefact's folder", artifact->folder);
    json_t *description = describe(content);
    char *text = description ? json_dumps(description, JSON_COMPACT) : NULL;
    drift_status status = DRIFT_OK;
    if (!text)
        status = drift_fail(DRIFT_INVALID, "%s: expected names in UTF-8", artifact->params.path);
    const struct drift_metadata_entry metadata[] = {{metadata_key, artifact->text}, {msgpack_key, text}};
    if (!status)
        status = drift_safetensors_write(path, content->count, content->tensors, 2, metadata);
    free(text);
    json_decref(description);
    return status;
}

/* ---- and back ---- */

static drift_status fail_description(const struct drift_safetensors *file)
{
    return drift_fail(DRIFT_INVALID,
                      "%s: __metadata__: %s: expected {\"chunk_bytes\": ..., \"wrapped\": ..., \"scalars\": ...}",
                      file->path, msgpack_key);
}

static drift_status mark_scalars(const struct drift_safetensors *file, const json_t *names,
                                 struct drift_msgpack *content)
{
    for (size_t n = 0; n < json_array_size(names); n++) {
        const char *name = json_string_value(json_array_get(names, n));
        size_t i = 0;
        while (name && i < file->count && strcmp(file->tensors[i].name, name))
            i++;
        if (!name || i == file->count || file->tensors[i].array.rank)
            return fail_description(file);
        content->scalars[i] = 1;
    }
    return DRIFT_OK;
}

static drift_status read_description(const struct drift_safetensors *file, struct drift_msgpack *content)
{
    const char *text = drift_safetensors_metadata(file, msgpack_key);
    if (!text) /* as the reference writes */
        return DRIFT_OK;
    json_t *description = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *chunk = json_object_get(description, "chunk_bytes"),
                 *wrapped = json_object_get(description, "wrapped");
    const json_t *scalars = json_object_get(description, "scalars");
    drift_status status;
    if (!json_is_integer(chunk) || json_integer_value(chunk) < 1 || !json_is_boolean(wrapped) ||
        !json_is_array(scalars)) {
        status = fail_description(file);
    } else {
        content->chunk_bytes = (size_t)json_integer_value(chunk);
        content->wrapped = json_is_true(wrapped);
        status = mark_scalars(file, scalars, content);
    }
    json_decref(description);
    return status;
}

drift_status drift_artifact_to_folder(const struct drift_artifact *artifact, const char *folder)
{
    const struct drift_safetensors *file = &artifact->file;
    if (!file->path)
        return drift_fail(DRIFT_INVALID, "%s: expected a safetensors file", artifact->folder);
    struct drift_msgpack content = {.count = file->count,
                                    .tensors = file->tensors,
                                    .scalars = calloc(file->count + 1, 1),
                                    .chunk_bytes = DRIFT_MSGPACK_CHUNK};
    if (!content.scalars)
        return drift_fail_memory(file->path, file->count);
    drift_status status = read_description(file, &content);
    if (!status)
        status = drift_artifact_write(folder, artifact->text, &content);
    free(content.scalars);
    return status;
}
