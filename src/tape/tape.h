/* The eager tape: an op runs at once and, where a gradient is wanted, leaves a node; backward walks the nodes in
 * reverse. Backward ACCUMULATES into the gradients of leaves (parameters, inputs); gradients of what lies between live
 * only during one backward.
 *
 *     drift_tensor *y = drift_mlp_forward(mlp, tape, x);          forward: ops check shapes, run, record
 *     drift_tensor *loss = drift_mean_square(tape, y, target);
 *     drift_tape_backward(tape, loss, NULL);                      backward
 *     if (drift_tape_status(tape)) ...                            the first failure of all of these, or DRIFT_OK
 *     drift_tape_clear(tape);                                     a step gives back all that it took
 *
 * Errors are sticky: the first op that fails sets the status and its line ("linear: x is [4,3] but w is [2,5]"); every
 * later op is a no-op that returns an empty tensor, never NULL. So the caller checks once.
 *
 * Stop-gradient is not recording: drift_tape_pause, or drift_stop_gradient for one tensor. A frozen parameter
 * (needs_grad 0) takes no gradient, but what flows through its op to other tensors is recorded. */
#ifndef DRIFT_TAPE_TAPE_H
#define DRIFT_TAPE_TAPE_H

#include "base/status.h"
#include "tensor/arena.h"
#include "tensor/backend.h"
#include "tensor/tensor.h"

typedef struct drift_tape drift_tape;

drift_status drift_tape_new(const drift_backend *backend, drift_tape **tape);
void drift_tape_free(drift_tape *tape);

const drift_backend *drift_tape_backend(const drift_tape *tape);
/* The first failure since the tape was new or cleared; its line is kept with the tape and made drift_message() again.
 */
drift_status drift_tape_status(const drift_tape *tape);
/* Most bytes of backend memory that were in use at once. */
size_t drift_tape_peak(const drift_tape *tape);

/* Forgets all nodes and tensors of the tape and the failure, and gives their memory back to the arena. */
void drift_tape_clear(drift_tape *tape);

/* Between these ops are not recorded (pairs may nest). */
void drift_tape_pause(drift_tape *tape);
void drift_tape_resume(drift_tape *tape);
int drift_tape_recording(const drift_tape *tape);

/* A tensor of the backend's precision in the tape's arena, not initialised, without gradient. */
drift_tensor *drift_tape_tensor(drift_tape *tape, int dims, const size_t *size);
/* The same of another type: DRIFT_BF16, what ops that store in 16 bits write. */
drift_tensor *drift_tape_tensor_as(drift_tape *tape, drift_dtype dtype, int dims, const size_t *size);
/* x's memory as a tensor of the tape in the shape that x has, without gradient. */
drift_tensor *drift_tape_alias(drift_tape *tape, const drift_tensor *x);
/* Gives x's memory to tensors that are made later: nobody reads x's numbers any more, no view of them, no backward that
 * is recorded (a frozen kernel's, relu's and GroupNorm's do not read what they were given, or made). Gradients still
 * pass through x. */
void drift_tape_drop(drift_tape *tape, drift_tensor *x);
/* A new tensor, filled from floats on the host. With needs_grad it is a leaf: its gradient is zeroed memory that stays
 * readable until drift_tape_clear. */
drift_tensor *drift_tape_input(drift_tape *tape, int dims, const size_t *size, const float *host, int needs_grad);
/* The same from doubles, of which a tape in double loses no digit. */
drift_tensor *drift_tape_input_doubles(drift_tape *tape, int dims, const size_t *size, const double *host,
                                       int needs_grad);

/* A new tensor of type I32, filled from host: labels, rows of a table. It never has a gradient. */
drift_tensor *drift_tape_indices(drift_tape *tape, int dims, const size_t *size, const int32_t *host);

/* Adds d(y . dy)/d(leaf) to the gradient of every leaf below y. dy has y's shape; NULL means ones. */
void drift_tape_backward(drift_tape *tape, drift_tensor *y, const drift_tensor *dy);

enum { DRIFT_NODE_INPUTS = 6 };

/* A segment that keeps only its result: forward runs `model` without recording and drops all that it took; backward
 * runs it again, recording. `model` must be a pure function of x, context and parameters, and x must name every tensor
 * of the tape that it reads (NULL where there are fewer). `context_bytes` bytes at context are copied: the copy is what
 * model gets. One inside of another is a part of it. Where the tape does not record, a segment still drops what it
 * took. */
typedef drift_tensor *drift_segment(const void *context, drift_tape *tape, drift_tensor *const x[DRIFT_NODE_INPUTS]);
drift_tensor *drift_tape_recompute(drift_tape *tape, drift_segment *model, const void *context, size_t context_bytes,
                                   drift_tensor *const x[DRIFT_NODE_INPUTS]);

/* ---- for ops ---- */

typedef struct drift_node drift_node;
typedef void drift_backward(drift_tape *tape, const drift_node *node);

struct drift_node {
    drift_backward *backward;
    drift_tensor *y;                    /* its gradient is there when backward is called */
    drift_tensor *x[DRIFT_NODE_INPUTS]; /* inputs, NULL where an optional one is absent */
    const void *saved;                  /* what backward needs beside, in the tape's host memory */
};

/* Sets the sticky failure (unless one is set) and returns the empty tensor: what an op returns when shapes do not fit.
 */
drift_tensor *drift_tape_fail(drift_tape *tape, drift_status status, const char *format, ...) DRIFT_PRINTF(3, 4);
/* Takes a status of a backend's op into the tape. */
void drift_tape_check(drift_tape *tape, drift_status status, const char *op);
/* Whether the tape has failed: an op then returns drift_tape_empty(tape) at once. */
int drift_tape_failed(const drift_tape *tape);
drift_tensor *drift_tape_empty(drift_tape *tape);

/* Records y = op(x0, x1, x2, x3) if the tape is recording and an input needs a gradient; then y needs one too.
 * `saved_bytes` bytes at `saved` are copied into the node. */
void drift_tape_record(drift_tape *tape, drift_backward *backward, drift_tensor *y,
                       drift_tensor *const x[DRIFT_NODE_INPUTS], const void *saved, size_t saved_bytes);

/* In a backward: the gradient of the node's input i as a tensor to add to; cleared where none had arrived. Returns NULL
 * where x is NULL or needs none: what backend ops take for "not wanted". `*grad` is the caller's. */
drift_tensor *drift_tape_grad(drift_tape *tape, drift_tensor *x, drift_tensor *grad);
/* The same for ops that can overwrite as well as add: *accumulate 0 says that the memory is not initialised. */
drift_tensor *drift_tape_grad_or_new(drift_tape *tape, drift_tensor *x, drift_tensor *grad, int *accumulate);
/* The same for y = op(x) with as many elements: where none had arrived x takes over the memory of y's gradient, which
 * no one needs after this node, and *accumulate 0 says that it holds dy still. */
drift_tensor *drift_tape_grad_in_place(drift_tape *tape, drift_tensor *x, const drift_tensor *y, drift_tensor *grad,
                                       int *accumulate);

#endif
