/* y_j = exp(x_j) / sum_k exp(x_k) over the last dimension. */
#include "op/op.h"

static drift_backward softmax_backward;

drift_tensor *drift_softmax(drift_tape *tape, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->softmax(b, x, y), "softmax");
    drift_tape_record(tape, softmax_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, NULL, 0);
    return y;
}

/* dy_k/dx_j = y_k ([j = k] - y_j), so dx_j += y_j (dy_j - sum_k y_k dy_k) */
static void softmax_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    if (drift_tape_grad(tape, node->x[0], &dx))
        drift_tape_check(tape, b->softmax_backward(b, node->y, &dy, &dx), "softmax");
}
