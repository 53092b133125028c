/* RMSNorm and LayerNorm over the last dimension. Backward computes the row's statistics again: cheaper than keeping. */
#include "op/op.h"

static drift_backward rms_norm_backward, layer_norm_backward;

static int fits(const drift_tensor *x, const drift_tensor *weight)
{
    return x->dims >= 1 && weight->dims == 1 && weight->size[0] == drift_tensor_row_size(x);
}

drift_tensor *drift_rms_norm(drift_tape *tape, double epsilon, drift_tensor *x, drift_tensor *weight)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!fits(x, weight))
        return drift_tape_fail(tape, DRIFT_INVALID, "rms_norm: x is %s but weight is %s", drift_tensor_shape(x),
                               drift_tensor_shape(weight));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->rms_norm(b, epsilon, x, weight, y), "rms_norm");
    drift_tape_record(tape, rms_norm_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, weight}, &epsilon,
                      sizeof epsilon);
    return y;
}

/* y_j = w_j x_j r, r = (mean x^2 + epsilon)^-1/2, dr/dx_k = -r^3 x_k / n. With g_j = w_j dy_j:
 *   dx_k += r g_k - r^3 x_k / n sum_j g_j x_j        dw_j += sum over rows of dy_j x_j r */
static void rms_norm_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const double *epsilon = node->saved;
    drift_tensor gx, gw, dy = drift_tensor_grad(node->y);
    drift_tensor *dx = drift_tape_grad(tape, node->x[0], &gx), *dw = drift_tape_grad(tape, node->x[1], &gw);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->rms_norm_backward(b, *epsilon, node->x[0], node->x[1], &dy, dx, dw), "rms_norm");
}

drift_tensor *drift_layer_norm(drift_tape *tape, double epsilon, drift_tensor *x, drift_tensor *weight,
                               drift_tensor *bias)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!fits(x, weight) || !fits(x, bias))
        return drift_tape_fail(tape, DRIFT_INVALID, "layer_norm: x is %s but weight is %s and bias %s",
                               drift_tensor_shape(x), drift_tensor_shape(weight), drift_tensor_shape(bias));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->layer_norm(b, epsilon, x, weight, bias, y), "layer_norm");
    drift_tape_record(tape, layer_norm_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, weight, bias}, &epsilon,
                      sizeof epsilon);
    return y;
}

/* y_j = w_j h_j + b_j, h_j = (x_j - mean) r, r = (variance + epsilon)^-1/2. With g_j = w_j dy_j:
 *   dx_k += r (g_k - mean_j g_j - h_k mean_j g_j h_j)        dw_j += sum over rows of dy_j h_j        db_j += dy_j */
static void layer_norm_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const double *epsilon = node->saved;
    drift_tensor gx, gw, gb, dy = drift_tensor_grad(node->y);
    drift_tensor *dx = drift_tape_grad(tape, node->x[0], &gx), *dw = drift_tape_grad(tape, node->x[1], &gw),
                 *db = drift_tape_grad(tape, node->x[2], &gb);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->layer_norm_backward(b, *epsilon, node->x[0], node->x[1], &dy, dx, dw, db),
                         "layer_norm");
}

static drift_backward standardize_backward;

drift_tensor *drift_standardize(drift_tape *tape, double epsilon, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims < 1)
        return drift_tape_fail(tape, DRIFT_INVALID, "standardize: x is %s, without a row", drift_tensor_shape(x));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->standardize(b, epsilon, x, y), "standardize");
    drift_tape_record(tape, standardize_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, &epsilon, sizeof epsilon);
    return y;
}

/* y_j = c_j f, c = x - mean, f = 1 / (s + epsilon), s = (mean c^2)^1/2, ds/dc_j = c_j / (n s). The gradient of c is
 * f g_j - f^2 c_j mean(g c) / s, and that of x takes its mean away, c having none:
 *   dx_j += f (g_j - mean g) - f^2 c_j mean(g c) / s, and 0 where s = 0 */
static void standardize_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const double *epsilon = node->saved;
    drift_tensor grad, dy = drift_tensor_grad(node->y), *dx = drift_tape_grad(tape, node->x[0], &grad);
    if (dx && !drift_tape_failed(tape))
        drift_tape_check(tape, b->standardize_backward(b, *epsilon, node->x[0], &dy, dx), "standardize");
}
