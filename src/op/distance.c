/* d_ij = |x_i - y_j|: the Euclidean distance of every row of x to every row of y. */
#include "op/op.h"

static drift_backward distance_backward;

drift_tensor *drift_distance(drift_tape *tape, drift_tensor *x, drift_tensor *y)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims != 2 || y->dims != 2 || x->size[1] != y->size[1])
        return drift_tape_fail(tape, DRIFT_INVALID, "distance: x is %s but y is %s", drift_tensor_shape(x),
                               drift_tensor_shape(y));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *d = drift_tape_tensor(tape, 2, (const size_t[]){x->size[0], y->size[0]});
    if (drift_tape_failed(tape))
        return d;
    drift_tape_check(tape, b->distance(b, x, y, d), "distance");
    drift_tape_record(tape, distance_backward, d, (drift_tensor *[DRIFT_NODE_INPUTS]){x, y}, NULL, 0);
    return d;
}

/* d_ij^2 = sum_k (x_ik - y_jk)^2, so dx_ik += sum_j dd_ij (x_ik - y_jk) / d_ij, and dy_jk -= the same summed over i.
 * Where d_ij = 0 there is no derivative; 0 is taken. */
static void distance_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor gx, gy, dd = drift_tensor_grad(node->y);
    drift_tensor *dx = drift_tape_grad(tape, node->x[0], &gx), *dy = drift_tape_grad(tape, node->x[1], &gy);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->distance_backward(b, node->x[0], node->x[1], node->y, &dd, dx, dy), "distance");
}
