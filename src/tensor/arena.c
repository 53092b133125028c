/* Chunks of backend memory, filled from the front, given back to a mark. */
#include "tensor/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "tensor/backend.h"

enum { ALIGNMENT = 64, CHUNK = 1 << 20 };

struct drift_arena_chunk {
    void *memory;          /* as the backend gave it */
    size_t shift;          /* bytes to the first aligned address */
    size_t capacity, used; /* beyond `shift` */
};

void drift_arena_init(drift_arena *arena, const drift_backend *backend) { *arena = (drift_arena){.backend = backend}; }

void drift_arena_free(drift_arena *arena)
{
    for (size_t i = 0; i < arena->count; i++) {
        if (arena->backend)
            arena->backend->free(arena->backend, arena->chunks[i].memory);
        else
            free(arena->chunks[i].memory);
    }
    free(arena->chunks);
    free(arena->given);
    drift_arena_init(arena, arena->backend);
}

/* Appends a chunk with room for `bytes`: an eighth of all before, so that large arenas are of few chunks. */
static drift_status grow(drift_arena *arena, size_t bytes)
{
    size_t capacity = bytes > CHUNK ? bytes : CHUNK, held = 0;
    for (size_t i = 0; i < arena->count; i++)
        held += arena->chunks[i].capacity;
    capacity = capacity > held / 8 ? capacity : held / 8;
    if (arena->count == arena->capacity) {
        const size_t most = arena->capacity ? 2 * arena->capacity : 8;
        drift_arena_chunk *chunks = realloc(arena->chunks, most * sizeof *chunks);
        if (!chunks)
            return drift_fail(DRIFT_NO_MEMORY, "arena: no memory for %zu chunks", most);
        arena->chunks = chunks;
        arena->capacity = most;
    }
    drift_arena_chunk chunk = {.capacity = capacity};
    drift_status status = DRIFT_OK;
    if (arena->backend)
        status = arena->backend->alloc(arena->backend, chunk.capacity + ALIGNMENT, &chunk.memory);
    else if (!(chunk.memory = malloc(chunk.capacity + ALIGNMENT)))
        status = drift_fail(DRIFT_NO_MEMORY, "arena: no memory for %zu bytes", chunk.capacity);
    if (status)
        return status;
    chunk.shift = (ALIGNMENT - (uintptr_t)chunk.memory % ALIGNMENT) % ALIGNMENT;
    arena->chunks[arena->count++] = chunk;
    return DRIFT_OK;
}

static size_t rounded(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

/* The front of the smallest piece given back that is large enough; NULL where there is none. */
static void *take_given(drift_arena *arena, size_t bytes)
{
    struct drift_arena_piece *best = NULL;
    for (size_t i = 0; i < arena->given_count; i++)
        if (arena->given[i].bytes >= bytes && (!best || arena->given[i].bytes < best->bytes))
            best = &arena->given[i];
    if (!best || !bytes)
        return NULL;
    void *memory = best->memory;
    best->memory += bytes;
    best->bytes -= bytes;
    if (!best->bytes)
        *best = arena->given[--arena->given_count];
    return memory;
}

void drift_arena_give(drift_arena *arena, void *memory, size_t bytes)
{
    bytes = rounded(bytes);
    if (arena->given_count == arena->given_capacity) {
        const size_t capacity = arena->given_capacity ? 2 * arena->given_capacity : 16;
        struct drift_arena_piece *given = realloc(arena->given, capacity * sizeof *given);
        if (!given)
            return; /* the piece stays taken until a release */
        arena->given = given;
        arena->given_capacity = capacity;
    }
    arena->given[arena->given_count++] = (struct drift_arena_piece){memory, bytes};
    arena->used -= bytes;
}

static void count(drift_arena *arena, size_t bytes)
{
    arena->used += bytes;
    if (arena->used > arena->peak)
        arena->peak = arena->used;
}

drift_status drift_arena_take(drift_arena *arena, size_t bytes, void **memory)
{
    if (bytes > SIZE_MAX / 2)
        return drift_fail(DRIFT_NO_MEMORY, "arena: no memory for %zu bytes", bytes);
    bytes = rounded(bytes);
    if ((*memory = take_given(arena, bytes))) {
        count(arena, bytes);
        return DRIFT_OK;
    }
    size_t i = arena->current;
    while (i < arena->count && arena->chunks[i].capacity - arena->chunks[i].used < bytes)
        i++;
    if (i == arena->count) {
        drift_status status = grow(arena, bytes);
        if (status)
            return status;
    }
    drift_arena_chunk *chunk = &arena->chunks[i];
    *memory = (char *)chunk->memory + chunk->shift + chunk->used;
    chunk->used += bytes;
    arena->current = i;
    count(arena, bytes);
    return DRIFT_OK;
}

drift_arena_mark drift_arena_here(const drift_arena *arena)
{
    size_t i = arena->current;
    return (drift_arena_mark){i, i < arena->count ? arena->chunks[i].used : 0, arena->used};
}

void drift_arena_release(drift_arena *arena, drift_arena_mark mark)
{
    for (size_t i = mark.chunk; i < arena->count; i++)
        arena->chunks[i].used = i == mark.chunk ? mark.chunk_used : 0;
    arena->current = mark.chunk;
    arena->used = mark.used;
    arena->given_count = 0;
}
