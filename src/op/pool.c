/* Cells of an image, [batch, H, W, channels], to one number a channel. */
#include "op/op.h"

static drift_backward pool_backward;

struct pool {
    drift_pool_kind kind;
    size_t height, width;
    drift_tensor *mean; /* of each cell, where the kind needs it */
};

drift_tensor *drift_pool(drift_tape *tape, drift_pool_kind kind, double epsilon, drift_tensor *x, size_t height,
                         size_t width)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims != 4 || !height || !width || x->size[1] % height || x->size[2] % width || !x->size[1] || !x->size[2])
        return drift_tape_fail(tape, DRIFT_INVALID, "pool: x is %s, in cells of %zu x %zu", drift_tensor_shape(x),
                               height, width);
    const drift_backend *b = drift_tape_backend(tape);
    const size_t size[] = {x->size[0], x->size[1] / height * (x->size[2] / width), x->size[3]};
    drift_tensor *y = drift_tape_tensor(tape, 3, size);
    struct pool saved = {kind, height, width, kind == DRIFT_POOL_STD ? drift_tape_tensor(tape, 3, size) : NULL};
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->pool(b, kind, epsilon, height, width, x, saved.mean, y), "pool");
    drift_tape_record(tape, pool_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, &saved, sizeof saved);
    return y;
}

/* Over the n locations of a cell, y = mean x: dx += dy / n.   y = (mean (x - m)^2 + epsilon)^1/2, m = mean x: m's own
 * part is nothing, since the mean of x - m is 0, and dx += (x - m) dy / (n y).   y = (mean x^2 + epsilon)^1/2: the same
 * with m = 0. */
static void pool_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const struct pool *saved = node->saved;
    drift_tensor grad, dy = drift_tensor_grad(node->y), *dx = drift_tape_grad(tape, node->x[0], &grad);
    const int mean = saved->kind == DRIFT_POOL_MEAN;
    if (dx && !drift_tape_failed(tape))
        drift_tape_check(tape,
                         b->pool_backward(b, saved->kind, saved->height, saved->width, mean ? NULL : node->x[0],
                                          saved->mean, mean ? NULL : node->y, &dy, dx),
                         "pool");
}
