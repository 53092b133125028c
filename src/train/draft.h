/* Files of training state: tensors gathered under names, parameters' blocks among them, written as one safetensors
 * file; and back. */
#ifndef DRIFT_TRAIN_DRAFT_H
#define DRIFT_TRAIN_DRAFT_H

#include "io/safetensors.h"
#include "nn/params.h"
#include "recipe/recipe.h"

enum { DRIFT_PREFIX = 64 }; /* of a block's names, before "/parameter" */

/* The entries of a file that is being put together, with the memory they point to. */
struct drift_draft {
    size_t count, room;
    struct drift_tensor_entry *tensors;
    char (*names)[DRIFT_PARAM_NAME + DRIFT_PREFIX];
    float **blocks;
    size_t block_count;
};

/* Room for so many blocks of these parameters and 32 tensors beside. To be freed even on failure. */
drift_status drift_draft_new(struct drift_draft *draft, size_t blocks, const drift_params *params);
void drift_draft_free(struct drift_draft *draft);

/* A tensor whose data stays the caller's until the file is written. */
void drift_draft_add(struct drift_draft *draft, const char *name, enum drift_array_type type, int rank,
                     const size_t *shape, const void *data);
/* Every parameter's part of a block, as "PREFIX/parameter". */
drift_status drift_draft_add_block(struct drift_draft *draft, const char *prefix, const drift_params *params,
                                   const drift_tensor *block);

/* ---- and back ---- */

/* Opens a run's folder's checkpoint.safetensors, where a run of this recipe may go on from it. *found is 0, and nothing
 * is open, where there is none. To be closed by drift_safetensors_free where found. */
drift_status drift_draft_open(const char *folder, const struct drift_recipe *recipe, struct drift_safetensors *file,
                              int *found);

/* A copy of a tensor's items in memory of its own; *items stays NULL where the file has no such tensor. */
drift_status drift_draft_copy(const struct drift_safetensors *file, const char *name, enum drift_array_type type,
                              int rank, const size_t *shape, void *items);
/* Items of this type into memory that is there. */
drift_status drift_draft_read(const struct drift_safetensors *file, const char *name, enum drift_array_type type,
                              int rank, const size_t *shape, void *items);
/* The first size of a tensor; 0 where there is none. */
size_t drift_draft_rows(const struct drift_safetensors *file, const char *name);

#endif
