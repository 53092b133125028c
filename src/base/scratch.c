#include "base/scratch.h"

#include <pthread.h>
#include <stdlib.h>

struct block {
    size_t size;
    void *memory;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void release(void *value)
{
    struct block *block = value;
    free(block->memory);
    free(block);
}

static void make_key(void)
{
    pthread_key_create(&key, release);
}

void *drift_scratch(size_t bytes)
{
    pthread_once(&once, make_key);
    struct block *block = pthread_getspecific(key);
    if (!block) {
        block = calloc(1, sizeof *block);
        if (!block || pthread_setspecific(key, block)) {
            free(block);
            return NULL;
        }
    }
    if (block->size < bytes) {
        free(block->memory);
        block->size = 0;
        if (posix_memalign(&block->memory, 64, bytes)) {
            block->memory = NULL;
            return NULL;
        }
        block->size = bytes;
    }
    return block->memory;
}
