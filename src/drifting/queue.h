/* The sample queue (paper, appendix; spec: drifting): a ring of real samples for each class. Ring 0 of a queue of one
 * class is the queue of unconditional samples.
 *
 *     ring of class c   [ row 0 | row 1 | ... | row size-1 ]    next[c]: where the next sample goes; when the ring is
 *                                                               full, that is the oldest; count[c]: rows held */
#ifndef DRIFT_DRIFTING_QUEUE_H
#define DRIFT_DRIFTING_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct drift_queue {
    size_t classes, size, dim;
    float *rows;           /* [classes, size, dim]; 0 where nothing was written yet */
    int64_t *next, *count; /* [classes] */
};

/* Empty rings. On failure there is nothing to free. */
drift_status drift_queue_new(struct drift_queue *queue, size_t classes, size_t size, size_t dim);
void drift_queue_free(struct drift_queue *queue);

/* Stores x[n, dim] one by one, in order: sample i in the ring of label[i], or of class 0 where `label` is NULL. A label
 * that is none of the classes is DRIFT_INVALID, and nothing is stored. */
drift_status drift_queue_push(struct drift_queue *queue, size_t n, const int32_t *label, const float *x);

/* Draws n rows held by a class's ring: without replacement, or with it where fewer than n are held. Draw i is made of
 * element first + i of the stream (seed, purpose, step). An empty ring is DRIFT_INVALID. */
drift_status drift_queue_draw(const struct drift_queue *queue, size_t class, size_t n, uint64_t seed, uint32_t purpose,
                              uint32_t step, uint64_t first, size_t *row);

/* The same, and the rows themselves: x[n, dim]. */
drift_status drift_queue_draw_samples(const struct drift_queue *queue, size_t class, size_t n, uint64_t seed,
                                      uint32_t purpose, uint32_t step, uint64_t first, float *x);

/* Whether next and count, as read from a file, can be those of this queue. */
int drift_queue_sound(const struct drift_queue *queue);

#endif
