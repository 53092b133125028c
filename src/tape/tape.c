/* The tape: nodes, memory, the sticky failure, and the walk back. */
#include "tape/tape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drift_tape {
    const drift_backend *backend;
    drift_arena memory;  /* tensors' data, on the backend */
    drift_arena host;    /* drift_tensor structs, and what nodes save */
    drift_arena segment; /* what a recomputed segment takes, on the backend */
    drift_node *nodes;
    size_t count, capacity;
    int paused;
    int in_segment;
    drift_tensor empty;
    drift_status status;
    char line[256];
};

drift_status drift_tape_new(const drift_backend *backend, drift_tape **tape)
{
    drift_tape *t = calloc(1, sizeof *t);
    if (!t)
        return drift_fail(DRIFT_NO_MEMORY, "tape: no memory");
    t->backend = backend;
    drift_arena_init(&t->memory, backend);
    drift_arena_init(&t->segment, backend);
    drift_arena_init(&t->host, NULL);
    *tape = t;
    return DRIFT_OK;
}

void drift_tape_free(drift_tape *tape)
{
    if (!tape)
        return;
    drift_arena_free(&tape->memory);
    drift_arena_free(&tape->segment);
    drift_arena_free(&tape->host);
    free(tape->nodes);
    free(tape);
}

const drift_backend *drift_tape_backend(const drift_tape *tape) { return tape->backend; }

size_t drift_tape_peak(const drift_tape *tape) { return tape->memory.peak + tape->segment.peak; }

void drift_tape_clear(drift_tape *tape)
{
    drift_arena_release(&tape->memory, (drift_arena_mark){0});
    drift_arena_release(&tape->segment, (drift_arena_mark){0});
    drift_arena_release(&tape->host, (drift_arena_mark){0});
    tape->count = 0;
    tape->paused = 0;
    tape->status = DRIFT_OK;
}

void drift_tape_pause(drift_tape *tape) { tape->paused++; }

void drift_tape_resume(drift_tape *tape) { tape->paused--; }

int drift_tape_recording(const drift_tape *tape) { return !tape->paused; }

/* ---- failures ---- */

drift_status drift_tape_status(const drift_tape *tape)
{
    return tape->status ? drift_fail(tape->status, "%s", tape->line) : DRIFT_OK;
}

int drift_tape_failed(const drift_tape *tape) { return tape->status != DRIFT_OK; }

drift_tensor *drift_tape_empty(drift_tape *tape)
{
    tape->empty = (drift_tensor){.dims = 1, .dtype = tape->backend->real, .backend = tape->backend};
    return &tape->empty;
}

drift_tensor *drift_tape_fail(drift_tape *tape, drift_status status, const char *format, ...)
{
    if (!tape->status) {
        va_list args;
        va_start(args, format);
        vsnprintf(tape->line, sizeof tape->line, format, args);
        va_end(args);
        tape->status = drift_fail(status, "%s", tape->line);
    }
    return drift_tape_empty(tape);
}

void drift_tape_check(drift_tape *tape, drift_status status, const char *op)
{
    if (status)
        drift_tape_fail(tape, status, "%s: %s", op, drift_message());
}

/* ---- tensors ---- */

/* The tape's own zeroed host memory; NULL when it failed. */
static void *take_host(drift_tape *tape, size_t bytes)
{
    void *memory = NULL;
    drift_tape_check(tape, drift_arena_take(&tape->host, bytes, &memory), "tape");
    return memory ? memset(memory, 0, bytes) : NULL;
}

static drift_arena *arena_of(drift_tape *tape) { return tape->in_segment ? &tape->segment : &tape->memory; }

static void *take(drift_tape *tape, size_t bytes)
{
    void *memory = NULL;
    drift_tape_check(tape, drift_arena_take(arena_of(tape), bytes, &memory), "tape");
    return memory;
}

void drift_tape_drop(drift_tape *tape, drift_tensor *x)
{
    if (tape->status || !x->data)
        return;
    drift_arena_give(arena_of(tape), x->data, drift_tensor_bytes(x));
    x->data = NULL;
}

drift_tensor *drift_tape_alias(drift_tape *tape, const drift_tensor *x)
{
    drift_tensor *y = tape->status ? NULL : take_host(tape, sizeof *y);
    if (!y)
        return drift_tape_empty(tape);
    *y = *x;
    y->grad = NULL;
    y->needs_grad = 0;
    return y;
}

drift_tensor *drift_tape_tensor_as(drift_tape *tape, drift_dtype dtype, int dims, const size_t *size)
{
    if (tape->status)
        return drift_tape_empty(tape);
    drift_tensor x = drift_tensor_of(tape->backend, dims, size);
    x.dtype = dtype;
    x.data = take(tape, drift_tensor_bytes(&x));
    return drift_tape_alias(tape, &x);
}

drift_tensor *drift_tape_tensor(drift_tape *tape, int dims, const size_t *size)
{
    return drift_tape_tensor_as(tape, tape->backend->real, dims, size);
}

/* x with what its numbers were written with, and where it is a leaf its gradient. */
static drift_tensor *written(drift_tape *tape, drift_tensor *x, drift_status status, int needs_grad)
{
    drift_tape_check(tape, status, "input");
    if (needs_grad && (x->grad = take(tape, drift_tensor_bytes(x)))) {
        x->needs_grad = 1;
        drift_tape_check(tape, tape->backend->zero(tape->backend, x->grad, drift_tensor_bytes(x)), "input");
    }
    return x;
}

drift_tensor *drift_tape_input(drift_tape *tape, int dims, const size_t *size, const float *host, int needs_grad)
{
    drift_tensor *x = drift_tape_tensor(tape, dims, size);
    return tape->status ? x : written(tape, x, drift_tensor_write_floats(x, host), needs_grad);
}

drift_tensor *drift_tape_input_doubles(drift_tape *tape, int dims, const size_t *size, const double *host,
                                       int needs_grad)
{
    drift_tensor *x = drift_tape_tensor(tape, dims, size);
    return tape->status ? x : written(tape, x, drift_tensor_write_doubles(x, host), needs_grad);
}

drift_tensor *drift_tape_indices(drift_tape *tape, int dims, const size_t *size, const int32_t *host)
{
    drift_tensor *x = drift_tape_tensor_as(tape, DRIFT_I32, dims, size);
    if (!tape->status)
        drift_tape_check(tape, drift_tensor_write(x, host), "indices");
    return x;
}

/* ---- recording ---- */

static void append(drift_tape *tape, drift_backward *backward, drift_tensor *y,
                   drift_tensor *const x[DRIFT_NODE_INPUTS], const void *saved, size_t saved_bytes)
{
    if (tape->paused || tape->status)
        return;
    if (tape->count == tape->capacity) {
        size_t capacity = tape->capacity ? 2 * tape->capacity : 64;
        drift_node *nodes = realloc(tape->nodes, capacity * sizeof *nodes);
        if (!nodes) {
            drift_tape_fail(tape, DRIFT_NO_MEMORY, "tape: no memory for %zu nodes", capacity);
            return;
        }
        tape->nodes = nodes;
        tape->capacity = capacity;
    }
    drift_node node = {.backward = backward, .y = y};
    memcpy(node.x, x, sizeof node.x);
    if (saved_bytes) {
        void *copy = take_host(tape, saved_bytes);
        if (!copy)
            return;
        node.saved = memcpy(copy, saved, saved_bytes);
    }
    y->needs_grad = 1;
    tape->nodes[tape->count++] = node;
}

void drift_tape_record(drift_tape *tape, drift_backward *backward, drift_tensor *y,
                       drift_tensor *const x[DRIFT_NODE_INPUTS], const void *saved, size_t saved_bytes)
{
    int wanted = 0;
    for (int i = 0; i < DRIFT_NODE_INPUTS; i++)
        wanted |= x[i] && x[i]->needs_grad;
    if (wanted)
        append(tape, backward, y, x, saved, saved_bytes);
}

/* ---- backward ---- */

drift_tensor *drift_tape_grad_or_new(drift_tape *tape, drift_tensor *x, drift_tensor *grad, int *accumulate)
{
    if (!x || !x->needs_grad || tape->status)
        return NULL;
    *accumulate = x->grad != NULL;
    if (!x->grad && !(x->grad = take(tape, drift_tensor_elements(x) * drift_dtype_size(tape->backend->real))))
        return NULL;
    *grad = drift_tensor_grad(x);
    return grad;
}

drift_tensor *drift_tape_grad(drift_tape *tape, drift_tensor *x, drift_tensor *grad)
{
    int accumulate;
    if (!drift_tape_grad_or_new(tape, x, grad, &accumulate))
        return NULL;
    if (!accumulate)
        drift_tape_check(tape, tape->backend->zero(tape->backend, grad->data, drift_tensor_bytes(grad)), "backward");
    return grad;
}

drift_tensor *drift_tape_grad_in_place(drift_tape *tape, drift_tensor *x, const drift_tensor *y, drift_tensor *grad,
                                       int *accumulate)
{
    if (!x->needs_grad || tape->status)
        return NULL;
    *accumulate = x->grad != NULL;
    if (!x->grad)
        x->grad = y->grad; /* y's consumers are all done and its own node is the one that runs */
    *grad = drift_tensor_grad(x);
    return grad;
}

/* y->grad += dy, or ones */
static void seed(drift_tape *tape, drift_tensor *y, const drift_tensor *dy)
{
    const drift_backend *b = tape->backend;
    drift_tensor grad, *ones = NULL;
    if (!drift_tape_grad(tape, y, &grad))
        return;
    if (!dy) {
        dy = ones = drift_tape_tensor(tape, y->dims, y->size);
        if (tape->status)
            return;
        drift_tape_check(tape, b->fill(b, 1, ones), "backward");
    }
    drift_tape_check(tape, b->axpy(b, 1, NULL, dy, &grad), "backward");
}

/* Once a node has passed on the gradient of its result, nobody reads that again, unless an input took its memory over.
 */
static void drop_grad(drift_tape *tape, const drift_node *node)
{
    drift_tensor *y = node->y;
    int taken_over = 0;
    for (int i = 0; i < DRIFT_NODE_INPUTS; i++)
        taken_over |= node->x[i] && node->x[i]->grad == y->grad;
    if (!taken_over)
        drift_arena_give(arena_of(tape), y->grad, drift_tensor_elements(y) * drift_dtype_size(tape->backend->real));
    y->grad = NULL;
}

/* Runs the nodes from the last down to `first`. A node whose result got no gradient has nothing to pass on. */
static void walk(drift_tape *tape, size_t first)
{
    for (size_t i = tape->count; i-- > first && !tape->status;) {
        const drift_node node = tape->nodes[i]; /* a copy: a recomputed segment appends nodes meanwhile */
        if (!node.y->grad)
            continue;
        node.backward(tape, &node);
        drop_grad(tape, &node);
    }
}

/* Forgets the gradients of the results of these nodes: they lie in memory that is about to be released. */
static void forget(drift_tape *tape, size_t first)
{
    for (size_t i = first; i < tape->count; i++)
        tape->nodes[i].y->grad = NULL;
}

void drift_tape_backward(drift_tape *tape, drift_tensor *y, const drift_tensor *dy)
{
    if (tape->status)
        return;
    if (dy && !drift_tensor_same_shape(y, dy)) {
        drift_tape_fail(tape, DRIFT_INVALID, "backward: y is %s but dy is %s", drift_tensor_shape(y),
                        drift_tensor_shape(dy));
        return;
    }
    drift_arena_mark memory = drift_arena_here(&tape->memory), host = drift_arena_here(&tape->host);
    seed(tape, y, dy);
    walk(tape, 0);
    forget(tape, 0);
    drift_arena_release(&tape->memory, memory);
    drift_arena_release(&tape->host, host);
}

/* ---- recomputed segments ----
 * What a segment takes lies in an arena of its own, released when it has run. Only its result is copied to the tape's
 * memory. In backward the segment's nodes are appended, walked and taken off again; their gradients live there too. */

struct segment {
    drift_segment *model;
    const void *context;
};

/* Runs the segment; its tensors stay in tape->segment until end_segment. */
static drift_tensor *begin_segment(drift_tape *tape, const struct segment *s, drift_tensor *const x[DRIFT_NODE_INPUTS])
{
    tape->in_segment = 1;
    return s->model(s->context, tape, x);
}

static void end_segment(drift_tape *tape)
{
    tape->in_segment = 0;
    drift_arena_release(&tape->segment, (drift_arena_mark){0});
}

static void recompute_backward(drift_tape *tape, const drift_node *node)
{
    size_t first = tape->count;
    drift_arena_mark host = drift_arena_here(&tape->host);
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    /* inputs' gradients outlive the segment, so their memory is taken before */
    for (int i = 0; i < DRIFT_NODE_INPUTS; i++)
        drift_tape_grad(tape, node->x[i], &dx);
    drift_tensor *y = begin_segment(tape, node->saved, node->x);
    if (!tape->status && y->needs_grad) {
        seed(tape, y, &dy);
        walk(tape, first);
    }
    forget(tape, first);
    tape->count = first;
    end_segment(tape);
    drift_arena_release(&tape->host, host);
}

drift_tensor *drift_tape_recompute(drift_tape *tape, drift_segment *model, const void *context, size_t context_bytes,
                                   drift_tensor *const x[DRIFT_NODE_INPUTS])
{
    if (tape->status)
        return drift_tape_empty(tape);
    if (tape->in_segment)
        return model(context, tape, x);
    void *copy = take_host(tape, context_bytes);
    if (!copy)
        return drift_tape_empty(tape);
    if (context_bytes)
        memcpy(copy, context, context_bytes);
    const struct segment s = {model, copy};
    drift_tape_pause(tape);
    drift_tensor *inner = begin_segment(tape, &s, x);
    drift_tape_resume(tape);
    tape->in_segment = 0;
    drift_tensor *y = drift_tape_tensor(tape, inner->dims, inner->size);
    if (!tape->status)
        drift_tape_check(tape, tape->backend->copy(tape->backend, y->data, inner->data, drift_tensor_bytes(inner)),
                         "recompute");
    end_segment(tape);
    append(tape, recompute_backward, y, x, &s, sizeof s);
    return y;
}
