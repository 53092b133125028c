/* Each row to one number: sum, mean, max, log of the sum of exp. */
#include "op/op.h"

static drift_backward reduce_backward;

drift_tensor *drift_reduce(drift_tape *tape, drift_reduce_kind kind, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims < 1 || !drift_tensor_row_size(x))
        return drift_tape_fail(tape, DRIFT_INVALID, "reduce: x is %s, without a row", drift_tensor_shape(x));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims - 1, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->reduce(b, kind, x, y), "reduce");
    drift_tape_record(tape, reduce_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, &kind, sizeof kind);
    return y;
}

/* y = sum x: dx_j = dy.   mean: dx_j = dy / n.   max: dx_j = dy at the first place of the maximum.
 * y = log sum exp x_j: dx_j = exp(x_j - y) dy */
static void reduce_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const drift_reduce_kind *kind = node->saved;
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    if (drift_tape_grad(tape, node->x[0], &dx))
        drift_tape_check(tape, b->reduce_backward(b, *kind, node->x[0], node->y, &dy, &dx), "reduce");
}
