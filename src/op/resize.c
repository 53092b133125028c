/* Bilinear resize of images, [batch, height, width, channels]. */
#include "op/op.h"

static drift_backward resize_backward;

drift_tensor *drift_resize(drift_tape *tape, drift_tensor *x, size_t height, size_t width)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims != 4 || !x->size[1] || !x->size[2] || !height || !width)
        return drift_tape_fail(tape, DRIFT_INVALID, "resize: x is %s, to %zu x %zu", drift_tensor_shape(x), height,
                               width);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, 4, (size_t[]){x->size[0], height, width, x->size[3]});
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->resize(b, x, y), "resize");
    drift_tape_record(tape, resize_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, NULL, 0);
    return y;
}

/* y_ik = sum_jl a_ij c_kl x_jl, so dx_jl += sum_ik a_ij c_kl dy_ik: the transposed weights, an axis at a time too */
static void resize_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor grad, dy = drift_tensor_grad(node->y), *dx = drift_tape_grad(tape, node->x[0], &grad);
    if (dx && !drift_tape_failed(tape))
        drift_tape_check(tape, b->resize_backward(b, &dy, dx), "resize");
}
