/* Memory that is taken piece by piece and given back all at once, to a mark. The arena keeps what the backend gave it,
 * so that after a first step (warm-up) a step asks the backend for nothing.
 *
 *     chunk 0  [ a | b | c ....... ]          a mark is (chunk, used bytes);
 *     chunk 1  [ d (larger than a chunk) ]    release moves back to it
 *
 * A piece may be given back alone before that: pieces taken later lie in it, as long as nothing is released. */
#ifndef DRIFT_TENSOR_ARENA_H
#define DRIFT_TENSOR_ARENA_H

#include <stddef.h>

#include "base/status.h"
#include "tensor/tensor.h"

typedef struct drift_arena_chunk drift_arena_chunk;

struct drift_arena_piece {
    char *memory;
    size_t bytes;
};

typedef struct drift_arena {
    const drift_backend *backend; /* NULL: the host's own memory (malloc) */
    drift_arena_chunk *chunks;
    size_t count, capacity;          /* of chunks */
    size_t current;                  /* the chunk that is being filled */
    size_t used, peak;               /* bytes in use now, and most so far */
    struct drift_arena_piece *given; /* back, and not taken again */
    size_t given_count, given_capacity;
} drift_arena;

typedef struct drift_arena_mark {
    size_t chunk, chunk_used, used;
} drift_arena_mark;

/* An empty arena; nothing is allocated yet. */
void drift_arena_init(drift_arena *arena, const drift_backend *backend);
void drift_arena_free(drift_arena *arena);

/* *memory: `bytes` bytes aligned to 64, not cleared. DRIFT_NO_MEMORY where the backend has none. */
drift_status drift_arena_take(drift_arena *arena, size_t bytes, void **memory);

/* Gives back a piece of so many bytes, which nobody reads any more. */
void drift_arena_give(drift_arena *arena, void *memory, size_t bytes);

drift_arena_mark drift_arena_here(const drift_arena *arena);
/* Gives back all that was taken since the mark. What was given back alone before the mark is free again only when an
 * earlier mark, or all, is released. */
void drift_arena_release(drift_arena *arena, drift_arena_mark mark);

#endif
