/* Putting files of tensors together, and taking tensors out of them. */
#include "train/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

drift_status drift_draft_new(struct drift_draft *draft, size_t blocks, const drift_params *params)
{
    memset(draft, 0, sizeof *draft);
    draft->room = 32 + blocks * params->count;
    draft->tensors = calloc(draft->room, sizeof *draft->tensors);
    draft->names = calloc(draft->room, sizeof *draft->names);
    draft->blocks = calloc(blocks, sizeof *draft->blocks);
    if (draft->tensors && draft->names && draft->blocks)
        return DRIFT_OK;
    return drift_fail(DRIFT_NO_MEMORY, "no memory for a checkpoint");
}

void drift_draft_free(struct drift_draft *draft)
{
    for (size_t i = 0; draft->blocks && i < draft->block_count; i++)
        free(draft->blocks[i]);
    free(draft->blocks);
    free(draft->names);
    free(draft->tensors);
}

void drift_draft_add(struct drift_draft *draft, const char *name, enum drift_array_type type, int rank,
                     const size_t *shape, const void *data)
{
    snprintf(draft->names[draft->count], sizeof *draft->names, "%s", name);
    draft->tensors[draft->count].name = draft->names[draft->count];
    draft->tensors[draft->count++].array = drift_array_view(type, rank, shape, data);
}

drift_status drift_draft_add_block(struct drift_draft *draft, const char *prefix, const drift_params *params,
                                   const drift_tensor *block)
{
    float *host = malloc(drift_tensor_elements(block) * sizeof *host);
    draft->blocks[draft->block_count++] = host;
    if (!host)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a checkpoint");
    drift_status status = drift_tensor_read_floats(block, host);
    for (size_t i = 0; i < params->count && !status; i++) {
        const drift_param *param = params->list[i];
        char name[DRIFT_PARAM_NAME + DRIFT_PREFIX];
        snprintf(name, sizeof name, "%s/%s", prefix, param->name);
        drift_draft_add(draft, name, DRIFT_ARRAY_F32, param->tensor.dims, param->tensor.size, host + param->offset);
    }
    return status;
}

drift_status drift_draft_copy(const struct drift_safetensors *file, const char *name, enum drift_array_type type,
                              int rank, const size_t *shape, void *items)
{
    const struct drift_array *array;
    if (!drift_safetensors_find(file, name))
        return DRIFT_OK;
    drift_status status = drift_safetensors_get(file, name, rank, shape, &array);
    if (status)
        return status;
    if (array->type != type)
        return drift_fail(DRIFT_INVALID, "%s: %s: expected %s", file->path, name, drift_array_type_name(type));
    size_t size = array->count * drift_array_item_size(type);
    void *copy = malloc(size + 1);
    if (!copy)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %s", name);
    if (size)
        memcpy(copy, array->data, size);
    memcpy(items, &copy, sizeof copy);
    return DRIFT_OK;
}

size_t drift_draft_rows(const struct drift_safetensors *file, const char *name)
{
    const struct drift_array *array = drift_safetensors_find(file, name);
    return array && array->rank ? array->shape[0] : 0;
}

drift_status drift_draft_read(const struct drift_safetensors *file, const char *name, enum drift_array_type type,
                              int rank, const size_t *shape, void *items)
{
    const struct drift_array *array;
    drift_status status = drift_safetensors_get(file, name, rank, shape, &array);
    if (!status && array->type != type)
        status = drift_fail(DRIFT_INVALID, "%s: %s: expected %s", file->path, name, drift_array_type_name(type));
    if (!status)
        memcpy(items, array->data, array->count * drift_array_item_size(type));
    return status;
}

/* Whether a run of this recipe may go on from the file. */
static drift_status check_recipe(const struct drift_safetensors *file, const struct drift_recipe *recipe)
{
    struct drift_recipe then;
    const char *text = drift_safetensors_metadata(file, "recipe");
    if (!text)
        return drift_fail(DRIFT_INVALID, "%s: not a checkpoint of drift: no recipe in its metadata", file->path);
    drift_recipe_defaults(&then);
    drift_status status = drift_recipe_parse(&then, text, strlen(text), file->path);
    if (!status && (status = drift_recipe_resumable(&then, recipe)))
        return drift_fail_context(status, "%s", file->path);
    return status;
}

drift_status drift_draft_open(const char *folder, const struct drift_recipe *recipe, struct drift_safetensors *file,
                              int *found)
{
    char *path;
    *found = 0;
    drift_status status = drift_file_join(folder, "checkpoint.safetensors", &path);
    FILE *there = status ? NULL : fopen(path, "rb");
    if (there) {
        fclose(there);
        status = drift_safetensors_read(path, file);
        if (!status && (status = check_recipe(file, recipe)))
            drift_safetensors_free(file);
        *found = !status;
    }
    free(path);
    return status;
}
