/* Sums, differences, products of tensors of one shape, and a tensor times a number. */
#include "op/op.h"

/* The result of an elementwise op of a and b, or the empty tensor when their shapes differ. */
static drift_tensor *result(drift_tape *tape, const char *op, const drift_tensor *a, const drift_tensor *b)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!drift_tensor_same_shape(a, b))
        return drift_tape_fail(tape, DRIFT_INVALID, "%s: a is %s but b is %s", op, drift_tensor_shape(a),
                               drift_tensor_shape(b));
    return drift_tape_tensor(tape, a->dims, a->size);
}

/* dx += alpha dy, for the op's input x */
static void pass(drift_tape *tape, double alpha, const drift_tensor *y, drift_tensor *x, const char *op)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor dx, dy = drift_tensor_grad(y);
    if (drift_tape_grad(tape, x, &dx))
        drift_tape_check(tape, b->axpy(b, alpha, NULL, &dy, &dx), op);
}

static drift_backward add_backward, sub_backward, mul_backward, scale_backward;

drift_tensor *drift_add(drift_tape *tape, drift_tensor *a, drift_tensor *b)
{
    drift_tensor *y = result(tape, "add", a, b);
    const drift_backend *backend = drift_tape_backend(tape);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, backend->add(backend, a, b, y), "add");
    drift_tape_record(tape, add_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){a, b}, NULL, 0);
    return y;
}

/* da += dy, db += dy */
static void add_backward(drift_tape *tape, const drift_node *node)
{
    pass(tape, 1, node->y, node->x[0], "add");
    pass(tape, 1, node->y, node->x[1], "add");
}

drift_tensor *drift_sub(drift_tape *tape, drift_tensor *a, drift_tensor *b)
{
    drift_tensor *y = result(tape, "sub", a, b);
    const drift_backend *backend = drift_tape_backend(tape);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, backend->sub(backend, a, b, y), "sub");
    drift_tape_record(tape, sub_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){a, b}, NULL, 0);
    return y;
}

/* da += dy, db -= dy */
static void sub_backward(drift_tape *tape, const drift_node *node)
{
    pass(tape, 1, node->y, node->x[0], "sub");
    pass(tape, -1, node->y, node->x[1], "sub");
}

drift_tensor *drift_mul(drift_tape *tape, drift_tensor *a, drift_tensor *b)
{
    drift_tensor *y = result(tape, "mul", a, b);
    const drift_backend *backend = drift_tape_backend(tape);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, backend->mul(backend, a, b, y), "mul");
    drift_tape_record(tape, mul_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){a, b}, NULL, 0);
    return y;
}

/* da += b dy, db += a dy; a may be b: then both add to it, 2 a dy */
static void mul_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    for (int i = 0; i < 2; i++)
        if (drift_tape_grad(tape, node->x[i], &dx))
            drift_tape_check(tape, b->mul_backward(b, node->x[1 - i], &dy, &dx), "mul");
}

drift_tensor *drift_scale(drift_tape *tape, double alpha, drift_tensor *x)
{
    drift_tensor *y = result(tape, "scale", x, x);
    const drift_backend *backend = drift_tape_backend(tape);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, backend->scale(backend, alpha, x, y), "scale");
    drift_tape_record(tape, scale_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, &alpha, sizeof alpha);
    return y;
}

/* dx += alpha dy */
static void scale_backward(drift_tape *tape, const drift_node *node)
{
    const double *alpha = node->saved;
    pass(tape, *alpha, node->y, node->x[0], "scale");
}
