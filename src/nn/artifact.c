/* Finding, reading and writing the two files of an artefact. */
#include "nn/artifact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/spelling.h"

static const char hub[] = "hf://", params_name[] = "ema_params.msgpack", metadata_name[] = "metadata.json";

/* ---- where ---- */

static int is_folder(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* Replaces *folder by *folder/name where that is a folder. */
static drift_status descend(char **folder, const char *name, int *found)
{
    char *inner;
    drift_status status = drift_file_join(*folder, name, &inner);
    if (status)
        return status;
    *found = is_folder(inner);
    if (*found) {
        free(*folder);
        *folder = inner;
    } else {
        free(inner);
    }
    return DRIFT_OK;
}

/* The folder of a released model below $HF_ROOT. */
static drift_status resolve_hub(const char *path, const char *name, char **folder)
{
    static const char *const kinds[] = {"gen", "mae"};
    const char *root = getenv("HF_ROOT");
    if (!root || !*root)
        return drift_fail(DRIFT_INVALID, "%s: expected $HF_ROOT, the folder that holds models/gen/jax/NAME", path);
    if (!(*folder = strdup(root)))
        return drift_fail_memory(path, strlen(root));
    drift_status status = DRIFT_OK;
    int found = 0;
    for (int i = 0; i < 2 && !status && !found; i++) {
        char *tail;
        const size_t room = strlen(name) + sizeof "models/gen/jax/";
        if (!(tail = malloc(room)))
            return drift_fail_memory(path, room);
        snprintf(tail, room, "models/%s/jax/%s", kinds[i], name);
        status = descend(folder, tail, &found);
        int again;
        if (!status && found)
            status = descend(folder, tail, &again);
        free(tail);
    }
    if (!status && !found)
        status = drift_fail(DRIFT_IO, "%s: %s/models/{gen,mae}/jax/%s: no such folder", path, root, name);
    return status;
}

int drift_artifact_is_folder(const char *path) { return !strncmp(path, hub, strlen(hub)) || is_folder(path); }

/* The folder that `path` means; to be freed. */
static drift_status resolve(const char *path, char **folder)
{
    drift_status status = DRIFT_OK;
    int found;
    *folder = NULL;
    if (!strncmp(path, hub, strlen(hub)))
        status = resolve_hub(path, path + strlen(hub), folder);
    else if (!(*folder = strdup(path)))
        status = drift_fail_memory(path, strlen(path));
    if (!status)
        status = descend(folder, "params_ema", &found);
    if (!status && !is_folder(*folder))
        status = drift_fail(DRIFT_IO, "%s: expected a folder with %s and %s", path, params_name, metadata_name);
    if (status) {
        free(*folder);
        *folder = NULL;
    }
    return status;
}

/* The path of one of the files: under its older name where only that is there. */
static drift_status find_file(const char *folder, const char *name, const char *older, char **path)
{
    struct stat info;
    drift_status status = drift_file_join(folder, name, path);
    if (status || !stat(*path, &info))
        return status;
    char *other;
    if ((status = drift_file_join(folder, older, &other))) {
        free(*path);
    } else if (!stat(other, &info)) {
        free(*path);
        *path = other;
    } else {
        free(other); /* the new name is what will be missed */
    }
    return status;
}

/* ---- metadata.json ---- */

static drift_status fail_metadata(const struct drift_artifact *artifact, const char *key, const char *what)
{
    return drift_fail(DRIFT_INVALID, "%s: metadata: %s: expected %s", artifact->folder, key, what);
}

static drift_status read_fields(struct drift_artifact *artifact)
{
    const char *kind = json_string_value(json_object_get(artifact->metadata, "kind"));
    const json_t *decay = json_object_get(artifact->metadata, "ema_decay");
    const json_t *step = json_object_get(artifact->metadata, "step");
    if (!kind || (strcmp(kind, "gen") && strcmp(kind, "mae")))
        return fail_metadata(artifact, "kind", "\"gen\" or \"mae\"");
    artifact->kind = strcmp(kind, "gen") ? DRIFT_ARTIFACT_MAE : DRIFT_ARTIFACT_GEN;
    if (decay && !json_is_null(decay) && !json_is_number(decay))
        return fail_metadata(artifact, "ema_decay", "a number");
    artifact->ema_decay = json_is_number(decay) ? json_number_value(decay) : NAN;
    if (step && !json_is_null(step) && !(json_is_integer(step) && json_integer_value(step) >= 0))
        return fail_metadata(artifact, "step", "an integer >= 0");
    artifact->step = json_integer_value(step);
    if (!json_is_object(json_object_get(artifact->metadata, "model_config")))
        return fail_metadata(artifact, "model_config", "an object");
    return DRIFT_OK;
}

/* Of artifact->text; `path` is where it stands. */
static drift_status parse_metadata(struct drift_artifact *artifact, const char *path)
{
    json_error_t error;
    artifact->metadata = json_loads(artifact->text, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(artifact->metadata))
        return drift_fail(DRIFT_INVALID, "%s:%d: expected a JSON object (%s)", path,
                          artifact->metadata ? 1 : error.line, artifact->metadata ? "another value" : error.text);
    return read_fields(artifact);
}

static drift_status read_metadata(struct drift_artifact *artifact, const char *path)
{
    enum { LARGEST = 1 << 20 };
    struct drift_bytes bytes;
    drift_status status = drift_file_read(path, LARGEST, &bytes);
    if (status)
        return status;
    artifact->text = (char *)bytes.data; /* a 0 follows the bytes */
    if (strlen(artifact->text) != bytes.size)
        return drift_fail(DRIFT_INVALID, "%s: expected text without zero bytes", path);
    return parse_metadata(artifact, path);
}

/* ---- both ---- */

int drift_artifact_is_converted(const struct drift_safetensors *file)
{
    return drift_safetensors_metadata(file, metadata_name) != NULL;
}

static drift_status read_folder(struct drift_artifact *artifact, const char *name)
{
    char *path;
    drift_status status = resolve(name, &artifact->folder);
    if (status || (status = find_file(artifact->folder, metadata_name, "ema_model.metadata.json", &path)))
        return status;
    status = read_metadata(artifact, path);
    free(path);
    if (status || (status = find_file(artifact->folder, params_name, "ema_model.msgpack", &path)))
        return status;
    status = drift_msgpack_read(path, &artifact->params);
    free(path);
    artifact->path = artifact->params.path;
    artifact->count = artifact->params.content.count;
    artifact->tensors = artifact->params.content.tensors;
    return status;
}

static drift_status read_safetensors(struct drift_artifact *artifact, const char *path)
{
    drift_status status = drift_safetensors_read(path, &artifact->file);
    if (status)
        return status;
    const char *text = drift_safetensors_metadata(&artifact->file, metadata_name);
    if (!text)
        return drift_fail(DRIFT_INVALID, "%s: __metadata__: expected %s, as drift convert keeps it there", path,
                          metadata_name);
    artifact->folder = strdup(path);
    artifact->text = strdup(text);
    if (!artifact->folder || !artifact->text)
        return drift_fail_memory(path, strlen(text));
    artifact->path = artifact->file.path;
    artifact->count = artifact->file.count;
    artifact->tensors = artifact->file.tensors;
    return parse_metadata(artifact, path);
}

drift_status drift_artifact_open(const char *path, struct drift_artifact *artifact)
{
    const int file = drift_ends_with(path, ".safetensors") && !is_folder(path);
    memset(artifact, 0, sizeof *artifact);
    drift_status status = (file ? read_safetensors : read_folder)(artifact, path);
    if (status)
        drift_artifact_close(artifact);
    return status;
}

void drift_artifact_close(struct drift_artifact *artifact)
{
    drift_msgpack_free(&artifact->params);
    drift_safetensors_free(&artifact->file);
    json_decref(artifact->metadata);
    free(artifact->text);
    free(artifact->folder);
    memset(artifact, 0, sizeof *artifact);
}

drift_status drift_artifact_write(const char *folder, const char *metadata, const struct drift_msgpack *params)
{
    char *params_path = NULL, *metadata_path = NULL;
    drift_status status = drift_folder_make(folder);
    if (!status)
        status = drift_file_join(folder, params_name, &params_path);
    if (!status)
        status = drift_file_join(folder, metadata_name, &metadata_path);
    if (!status)
        status = drift_msgpack_write(params_path, params);
    if (!status)
        status = drift_file_write(metadata_path, metadata, strlen(metadata));
    free(params_path);
    free(metadata_path);
    return status;
}

/* Every parameter as a view of the block's copy on the host. */
static void list_arrays(const drift_params *params, const float *host, struct drift_tensor_entry *entries)
{
    for (size_t i = 0; i < params->count; i++) {
        const drift_param *p = params->list[i];
        entries[i].name = p->name;
        entries[i].array = drift_array_view(DRIFT_ARRAY_F32, p->tensor.dims, p->tensor.size, host + p->offset);
    }
}

drift_status drift_artifact_save(const char *folder, const char *metadata, const drift_params *params,
                                 const drift_tensor *block)
{
    float *host = malloc(drift_tensor_elements(block) * sizeof *host + 1);
    struct drift_tensor_entry *entries = malloc((params->count + 1) * sizeof *entries);
    const struct drift_msgpack content = {
        .count = params->count, .tensors = entries, .chunk_bytes = DRIFT_MSGPACK_CHUNK};
    drift_status status = DRIFT_OK;
    if (!host || !entries)
        status = drift_fail_memory(folder, drift_tensor_elements(block) * sizeof *host);
    if (!status)
        status = drift_tensor_read_floats(block, host);
    if (!status) {
        list_arrays(params, host, entries);
        status = drift_artifact_write(folder, metadata, &content);
    }
    free(host);
    free(entries);
    return status;
}
