/* y = f(x), element by element; and the gate of a SwiGLU layer. */
#include "op/op.h"

static drift_backward unary_backward, swiglu_backward;

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

/* dx += f'(x) dy; some f' are cheaper from y: exp' = y, sqrt' = 1 / (2 y), tanh' = 1 - y^2, sigmoid' = y (1 - y); and
 * relu' = 1 where y > 0, so that x need not be kept */
static void unary_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const drift_unary_kind *kind = node->saved;
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad_in_place(tape, node->x[0], node->y, &dx, &accumulate))
        drift_tape_check(tape, b->unary_backward(b, *kind, node->x[0], node->y, &dy, accumulate, &dx), "unary");
}

drift_tensor *drift_swiglu(drift_tape *tape, int bf16, drift_tensor *a, drift_tensor *b)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!drift_tensor_same_shape(a, b))
        return drift_tape_fail(tape, DRIFT_INVALID, "swiglu: a is %s but b is %s", drift_tensor_shape(a),
                               drift_tensor_shape(b));
    const drift_backend *backend = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor_as(tape, bf16 ? DRIFT_BF16 : backend->real, a->dims, a->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, backend->swiglu(backend, a, b, y), "swiglu");
    drift_tape_record(tape, swiglu_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){a, b}, NULL, 0);
    return y;
}

/* y = silu(a) b: da += dy b silu'(a), db += dy silu(a). The result is not needed: both come from a and b again. */
static void swiglu_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *backend = drift_tape_backend(tape);
    drift_tensor *a = node->x[0], *b = node->x[1], a_grad, b_grad, dy = drift_tensor_grad(node->y);
    int accumulate_a = 0, accumulate_b = 0;
    drift_tensor *da = drift_tape_grad_or_new(tape, a, &a_grad, &accumulate_a),
                 *db = drift_tape_grad_or_new(tape, b, &b_grad, &accumulate_b);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, backend->swiglu_backward(backend, a, b, &dy, accumulate_a, da, accumulate_b, db),
                         "swiglu");
}
