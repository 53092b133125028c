/* 2D convolution, channels last. */
#include <stdint.h>

#include "op/op.h"

static drift_backward conv2d_backward;

static int sizes_fit(const drift_tensor *x, const drift_tensor *kernel, const drift_tensor *bias,
                     const drift_conv *conv)
{
    if (x->dims != 4 || kernel->dims != 4 || (bias && (bias->dims != 1 || bias->size[0] != kernel->size[3])))
        return 0;
    const size_t channels = x->size[3], side[2] = {x->size[1], x->size[2]};
    for (int i = 0; i < 2; i++)
        if (!kernel->size[i] || !kernel->size[3] || conv->padding > SIZE_MAX / 4 ||
            side[i] + 2 * conv->padding < kernel->size[i])
            return 0;
    return conv->stride &&
           (conv->groups == 1 ? kernel->size[2] == channels
                              : conv->groups == channels && kernel->size[2] == 1 && kernel->size[3] == channels);
}

drift_tensor *drift_conv2d(drift_tape *tape, drift_tensor *x, drift_tensor *kernel, drift_tensor *bias, size_t stride,
                           size_t padding, size_t groups)
{
    const drift_conv conv = {stride, padding, groups};
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!sizes_fit(x, kernel, bias, &conv))
        return drift_tape_fail(tape, DRIFT_INVALID,
                               "conv2d: x is %s but kernel is %s and bias %s (stride %zu, padding %zu, groups %zu)",
                               drift_tensor_shape(x), drift_tensor_shape(kernel),
                               bias ? drift_tensor_shape(bias) : "absent", stride, padding, groups);
    const drift_backend *b = drift_tape_backend(tape);
    const size_t size[] = {x->size[0], (x->size[1] + 2 * padding - kernel->size[0]) / stride + 1,
                           (x->size[2] + 2 * padding - kernel->size[1]) / stride + 1, kernel->size[3]};
    drift_tensor *y = drift_tape_tensor(tape, 4, size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->conv2d(b, &conv, x, kernel, bias, y), "conv2d");
    drift_tape_record(tape, conv2d_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, kernel, bias}, &conv,
                      sizeof conv);
    return y;
}

/* With i = s o + k - padding, the row (and likewise the column) of x that output row o sees through kernel row k:
 *   y_o,n = sum_k,c x_i,c w_k,c,n + bias_n          over those i that lie in x; so
 *   dw_k,c,n = sum_o x_i,c dy_o,n                   over the same pairs
 *   dx_i,c = sum_k,n dy_o,n w_k,c,n                 over the k for which o = (i + padding - k) / s is whole and in y
 *   dbias_n = sum_o dy_o,n
 * Depthwise the same without the sums over c and n, n = c. x serves dw alone: a frozen kernel does not read it. */
static void conv2d_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const drift_conv *conv = node->saved;
    drift_tensor *x = node->x[0], *kernel = node->x[1], grad, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad_or_new(tape, kernel, &grad, &accumulate))
        drift_tape_check(tape, b->conv2d_backward_kernel(b, conv, x, &dy, accumulate, &grad), "conv2d");
    if (drift_tape_grad(tape, node->x[2], &grad))
        drift_tape_check(tape, b->column_sum(b, &dy, &grad), "conv2d");
    if (drift_tape_grad_or_new(tape, x, &grad, &accumulate))
        drift_tape_check(tape, b->conv2d_backward_x(b, conv, kernel, &dy, accumulate, &grad), "conv2d");
}
