/* A mask over the locations of an image: [batch, H, W, 1], 1 where hidden. It takes no gradient. */
#include "op/op.h"

static drift_backward hide_backward, masked_error_backward;

static int fits(const drift_tensor *x, const drift_tensor *mask)
{
    return x->dims >= 2 && drift_tensor_elements(mask) == drift_tensor_rows(x);
}

drift_tensor *drift_hide(drift_tape *tape, drift_tensor *x, drift_tensor *mask)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!fits(x, mask))
        return drift_tape_fail(tape, DRIFT_INVALID, "hide: x is %s but mask is %s", drift_tensor_shape(x),
                               drift_tensor_shape(mask));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->hide(b, x, mask, 0, y), "hide");
    drift_tape_record(tape, hide_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, &mask, sizeof mask);
    return y;
}

/* y = x (1 - mask): dx += dy (1 - mask) */
static void hide_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *const *mask = node->saved;
    drift_tensor grad, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad_or_new(tape, node->x[0], &grad, &accumulate))
        drift_tape_check(tape, b->hide(b, &dy, *mask, accumulate, &grad), "hide");
}

struct masked_error {
    double epsilon;
    drift_tensor *mask;
};

drift_tensor *drift_masked_error(drift_tape *tape, double epsilon, drift_tensor *a, drift_tensor *b, drift_tensor *mask)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!drift_tensor_same_shape(a, b) || !fits(a, mask))
        return drift_tape_fail(tape, DRIFT_INVALID, "masked_error: a is %s, b %s and mask %s", drift_tensor_shape(a),
                               drift_tensor_shape(b), drift_tensor_shape(mask));
    const drift_backend *backend = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, 1, a->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, backend->masked_error(backend, epsilon, a, b, mask, y), "masked_error");
    const struct masked_error saved = {epsilon, mask};
    drift_tape_record(tape, masked_error_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){a, b}, &saved, sizeof saved);
    return y;
}

/* y = sum mask (a - b)^2 / (sum mask + epsilon): da += 2 mask (a - b) dy / (sum mask + epsilon), db -= the same */
static void masked_error_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const struct masked_error *saved = node->saved;
    drift_tensor ga, gb, dy = drift_tensor_grad(node->y);
    drift_tensor *da = drift_tape_grad(tape, node->x[0], &ga), *db = drift_tape_grad(tape, node->x[1], &gb);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape,
                         b->masked_error_backward(b, saved->epsilon, node->x[0], node->x[1], saved->mask, &dy, da, db),
                         "masked_error");
}
