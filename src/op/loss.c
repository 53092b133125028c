/* The mean square of a difference. */
#include "op/op.h"

static drift_backward mean_square_backward;

drift_tensor *drift_mean_square(drift_tape *tape, drift_tensor *a, drift_tensor *b)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!drift_tensor_same_shape(a, b) || !drift_tensor_elements(a))
        return drift_tape_fail(tape, DRIFT_INVALID, "mean_square: a is %s but b is %s", drift_tensor_shape(a),
                               drift_tensor_shape(b));
    const drift_backend *backend = drift_tape_backend(tape);
    drift_tensor *difference = drift_tape_tensor(tape, a->dims, a->size), *y = drift_tape_tensor(tape, 0, NULL);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, backend->sub(backend, a, b, difference), "mean_square");
    drift_tape_check(tape, backend->sum_squares(backend, difference, y), "mean_square");
    drift_tape_check(tape, backend->scale(backend, 1.0 / (double)drift_tensor_elements(a), y, y), "mean_square");
    drift_tape_record(tape, mean_square_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){a, b}, &difference,
                      sizeof difference);
    return y;
}

/* y = 1/n sum_i (a_i - b_i)^2: da_i += 2/n (a_i - b_i) dy, db_i -= the same. dy is one number on the device. */
static void mean_square_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *const *difference = node->saved;
    drift_tensor grad, dy = drift_tensor_grad(node->y);
    double alpha = 2.0 / (double)drift_tensor_elements(*difference);
    if (drift_tape_grad(tape, node->x[0], &grad))
        drift_tape_check(tape, b->axpy(b, alpha, &dy, *difference, &grad), "mean_square");
    if (drift_tape_grad(tape, node->x[1], &grad))
        drift_tape_check(tape, b->axpy(b, -alpha, &dy, *difference, &grad), "mean_square");
}
