/* y = f(x), element by element. */
#include "op/op.h"

static drift_backward unary_backward;

drift_tensor *drift_unary(drift_tape *tape, drift_unary_kind kind, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->unary(b, kind, x, y), "unary");
    drift_tape_record(tape, unary_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, &kind, sizeof kind);
    return y;
}

/* dx += f'(x) dy; some f' are cheaper from y: exp' = y, sqrt' = 1 / (2 y), tanh' = 1 - y^2, sigmoid' = y (1 - y) */
static void unary_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const drift_unary_kind *kind = node->saved;
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad_in_place(tape, node->x[0], node->y, &dx, &accumulate))
        drift_tape_check(tape, b->unary_backward(b, *kind, node->x[0], node->y, &dy, accumulate, &dx), "unary");
}
