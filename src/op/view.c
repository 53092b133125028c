/* The same memory, seen otherwise: another shape, or as a constant. */
#include "op/op.h"

static drift_backward reshape_backward;

drift_tensor *drift_reshape(drift_tape *tape, drift_tensor *x, int dims, const size_t *size)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    drift_tensor view = drift_tensor_view(x, dims, size);
    if (drift_tensor_elements(&view) != drift_tensor_elements(x))
        return drift_tape_fail(tape, DRIFT_INVALID, "reshape: %s has not the elements of %s", drift_tensor_shape(x),
                               drift_tensor_shape(&view));
    drift_tensor *y = drift_tape_alias(tape, &view);
    if (!drift_tape_failed(tape))
        drift_tape_record(tape, reshape_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, NULL, 0);
    return y;
}

/* dx += dy, whatever the shapes */
static void reshape_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad_in_place(tape, node->x[0], node->y, &dx, &accumulate) && accumulate)
        drift_tape_check(tape, b->axpy(b, 1, NULL, &dy, &dx), "reshape");
}

drift_tensor *drift_stop_gradient(drift_tape *tape, drift_tensor *x)
{
    return drift_tape_failed(tape) ? drift_tape_empty(tape) : drift_tape_alias(tape, x);
}
