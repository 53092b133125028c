/* A piece of memory for each thread that calls ops, freed when the thread ends. */
#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cpu/cpu.h"

struct scratch {
    size_t bytes;
    void *memory;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int failed;

static void scratch_free(void *p)
{
    struct scratch *s = p;
    free(s->memory);
    free(s);
}

static void begin(void) { failed = pthread_key_create(&key, scratch_free) != 0; }

void *CPU(scratch)(size_t bytes)
{
    pthread_once(&once, begin);
    struct scratch *s = failed ? NULL : pthread_getspecific(key);
    if (!failed && !s) {
        s = calloc(1, sizeof *s);
        if (s && pthread_setspecific(key, s)) {
            free(s);
            s = NULL;
        }
    }
    if (!s)
        return NULL;
    if (s->bytes < bytes) {
        void *memory = drift_memory_take(64, bytes);
        if (!memory)
            return NULL;
        free(s->memory);
        s->memory = memory;
        s->bytes = bytes;
    }
    return s->memory;
}
