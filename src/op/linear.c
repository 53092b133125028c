/* y = x w + bias: the product with the bias in its epilogue; the same in bfloat16; and the bias alone. */
#include <string.h>

#include "op/op.h"

static drift_backward linear_backward, linear_bf16_backward, add_bias_backward;

/* The result of a linear layer, not yet computed. */
static drift_tensor *result(drift_tape *tape, const drift_tensor *x, const drift_tensor *w, const drift_tensor *bias)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims < 1 || w->dims != 2 || drift_tensor_row_size(x) != w->size[0])
        return drift_tape_fail(tape, DRIFT_INVALID, "linear: x is %s but w is %s", drift_tensor_shape(x),
                               drift_tensor_shape(w));
    if (bias && (bias->dims != 1 || bias->size[0] != w->size[1]))
        return drift_tape_fail(tape, DRIFT_INVALID, "linear: w is %s but bias is %s", drift_tensor_shape(w),
                               drift_tensor_shape(bias));
    size_t size[DRIFT_MAX_DIMS];
    memcpy(size, x->size, sizeof size);
    size[x->dims - 1] = w->size[1];
    return drift_tape_tensor(tape, x->dims, size);
}

drift_tensor *drift_linear(drift_tape *tape, drift_tensor *x, drift_tensor *w, drift_tensor *bias)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = result(tape, x, w, bias);
    if (drift_tape_failed(tape))
        return y;
    drift_tensor x2 = drift_tensor_matrix(x), y2 = drift_tensor_matrix(y);
    drift_tape_check(tape, b->matmul(b, 0, 0, &x2, w, bias, 0, &y2), "linear");
    drift_tape_record(tape, linear_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, w, bias}, NULL, 0);
    return y;
}

/* y_ij = sum_k x_ik w_kj + bias_j, so
 *   dw_kj = sum_i x_ik dy_ij      dw += x^T dy
 *   dbias_j = sum_i dy_ij         a column sum
 *   dx_ik = sum_j dy_ij w_kj      dx += dy w^T, and not at all for a first layer */
static void linear_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *x = node->x[0], *w = node->x[1], *bias = node->x[2], grad;
    drift_tensor x2 = drift_tensor_matrix(x), y2 = drift_tensor_matrix(node->y), dy = drift_tensor_grad(&y2);
    int accumulate;
    if (drift_tape_grad_or_new(tape, w, &grad, &accumulate))
        drift_tape_check(tape, b->matmul(b, 1, 0, &x2, &dy, NULL, accumulate, &grad), "linear");
    if (drift_tape_grad(tape, bias, &grad))
        drift_tape_check(tape, b->column_sum(b, &dy, &grad), "linear");
    if (drift_tape_grad_or_new(tape, x, &grad, &accumulate)) {
        drift_tensor dx = drift_tensor_matrix(&grad);
        drift_tape_check(tape, b->matmul(b, 0, 1, &dy, w, NULL, accumulate, &dx), "linear");
    }
}

drift_tensor *drift_linear_bf16(drift_tape *tape, drift_tensor *x, drift_tensor *w, drift_tensor *bias)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = result(tape, x, w, bias);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->linear_bf16(b, x, w, bias, y), "linear");
    drift_tape_record(tape, linear_bf16_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, w, bias}, NULL, 0);
    return y;
}

/* As above with the rounded factors; rounding itself, flat with steps, counts as the identity. */
static void linear_bf16_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *x = node->x[0], *w = node->x[1], gx, gw, gb, dy = drift_tensor_grad(node->y);
    int accumulate_x = 0, accumulate_w = 0;
    if (drift_tape_grad(tape, node->x[2], &gb))
        drift_tape_check(tape, b->column_sum(b, &dy, &gb), "linear");
    drift_tensor *dx = drift_tape_grad_or_new(tape, x, &gx, &accumulate_x),
                 *dw = drift_tape_grad_or_new(tape, w, &gw, &accumulate_w);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->linear_bf16_backward(b, x, w, &dy, accumulate_x, dx, accumulate_w, dw), "linear");
}

drift_tensor *drift_add_bias(drift_tape *tape, drift_tensor *x, drift_tensor *bias)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (bias->dims != 1 || bias->size[0] != drift_tensor_row_size(x))
        return drift_tape_fail(tape, DRIFT_INVALID, "add_bias: x is %s but bias is %s", drift_tensor_shape(x),
                               drift_tensor_shape(bias));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->add_row(b, x, bias, y), "add_bias");
    drift_tape_record(tape, add_bias_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, bias}, NULL, 0);
    return y;
}

/* dx += dy, dbias_j += sum_i dy_ij */
static void add_bias_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor grad, dy = drift_tensor_grad(node->y);
    if (drift_tape_grad(tape, node->x[0], &grad))
        drift_tape_check(tape, b->axpy(b, 1, NULL, &dy, &grad), "add_bias");
    if (drift_tape_grad(tape, node->x[1], &grad))
        drift_tape_check(tape, b->column_sum(b, &dy, &grad), "add_bias");
}
