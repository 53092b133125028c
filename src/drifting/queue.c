/* Rings of samples: push, and draws by counter. */
#include "drifting/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

drift_status drift_queue_new(struct drift_queue *queue, size_t classes, size_t size, size_t dim)
{
    *queue = (struct drift_queue){.classes = classes, .size = size, .dim = dim};
    if (!classes || !size || !dim || size > UINT32_MAX)
        return drift_fail(DRIFT_INVALID, "queue: %zu rings of %zu samples of %zu numbers", classes, size, dim);
    if (size <= SIZE_MAX / sizeof(float) / dim / classes) {
        queue->rows = calloc(classes * size * dim, sizeof *queue->rows);
        queue->next = calloc(classes, sizeof *queue->next);
        queue->count = calloc(classes, sizeof *queue->count);
    }
    if (queue->rows && queue->next && queue->count)
        return DRIFT_OK;
    drift_queue_free(queue);
    return drift_fail(DRIFT_NO_MEMORY, "queue: no memory for %zu rings of %zu samples of %zu numbers", classes, size,
                      dim);
}

void drift_queue_free(struct drift_queue *queue)
{
    free(queue->rows);
    free(queue->next);
    free(queue->count);
    *queue = (struct drift_queue){0};
}

static float *row_of(const struct drift_queue *queue, size_t class, size_t row)
{
    return queue->rows + (class * queue->size + row) * queue->dim;
}

drift_status drift_queue_push(struct drift_queue *queue, size_t n, const int32_t *label, const float *x)
{
    for (size_t i = 0; label && i < n; i++)
        if (label[i] < 0 || (size_t)label[i] >= queue->classes)
            return drift_fail(DRIFT_INVALID, "queue: label %ld is not within 0 .. %zu", (long)label[i],
                              queue->classes - 1);
    for (size_t i = 0; i < n; i++) {
        const size_t class = label ? (size_t)label[i] : 0;
        memcpy(row_of(queue, class, (size_t)queue->next[class]), x + i * queue->dim, queue->dim * sizeof *x);
        queue->next[class] = (queue->next[class] + 1) % (int64_t)queue->size;
        queue->count[class] += queue->count[class] < (int64_t)queue->size;
    }
    return DRIFT_OK;
}

/* Without replacement: the first n steps of Fisher and Yates' shuffle of 0 .. held - 1. */
static drift_status shuffle(size_t held, size_t n, uint64_t seed, uint32_t purpose, uint32_t step, uint64_t first,
                            size_t *row)
{
    size_t *all = malloc(held * sizeof *all);
    if (!all)
        return drift_fail(DRIFT_NO_MEMORY, "queue: no memory to draw of %zu", held);
    for (size_t i = 0; i < held; i++)
        all[i] = i;
    for (size_t i = 0; i < n; i++) {
        const size_t other = i + drift_random_below(seed, purpose, step, first + i, (uint32_t)(held - i));
        row[i] = all[other];
        all[other] = all[i];
    }
    free(all);
    return DRIFT_OK;
}

drift_status drift_queue_draw(const struct drift_queue *queue, size_t class, size_t n, uint64_t seed, uint32_t purpose,
                              uint32_t step, uint64_t first, size_t *row)
{
    const size_t held = class < queue->classes ? (size_t)queue->count[class] : 0;
    if (!held)
        return drift_fail(DRIFT_INVALID, "queue: class %zu has no sample", class);
    if (n <= held)
        return shuffle(held, n, seed, purpose, step, first, row);
    for (size_t i = 0; i < n; i++)
        row[i] = drift_random_below(seed, purpose, step, first + i, (uint32_t)held);
    return DRIFT_OK;
}

drift_status drift_queue_draw_samples(const struct drift_queue *queue, size_t class, size_t n, uint64_t seed,
                                      uint32_t purpose, uint32_t step, uint64_t first, float *x)
{
    size_t *row = malloc((n + 1) * sizeof *row);
    if (!row)
        return drift_fail(DRIFT_NO_MEMORY, "queue: no memory to draw %zu", n);
    drift_status status = drift_queue_draw(queue, class, n, seed, purpose, step, first, row);
    for (size_t i = 0; i < n && !status; i++)
        memcpy(x + i * queue->dim, row_of(queue, class, row[i]), queue->dim * sizeof *x);
    free(row);
    return status;
}

int drift_queue_sound(const struct drift_queue *queue)
{
    const int64_t size = (int64_t)queue->size;
    for (size_t c = 0; c < queue->classes; c++) {
        const int64_t next = queue->next[c], count = queue->count[c];
        if (count < 0 || count > size || next < 0 || next >= size || (count < size && next != count))
            return 0;
    }
    return 1;
}
