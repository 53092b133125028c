/* A norm whose scale and shift, and a residual branch whose gate, depend on the sample: "adaLN". */
#include "op/op.h"

struct norm_modulate {
    double epsilon;
    int rms;
    size_t shift, scale;
};

static drift_backward norm_modulate_backward, gated_add_backward;

/* Whether mod has a row number `place` for each sample of x. */
static int has_row(const drift_tensor *x, const drift_tensor *mod, size_t place)
{
    if (x->dims != 3 || mod->dims != 2 || mod->size[0] != x->size[0])
        return 0;
    return x->size[2] && mod->size[1] % x->size[2] == 0 && place < mod->size[1] / x->size[2];
}

drift_tensor *drift_norm_modulate(drift_tape *tape, double epsilon, int rms, int bf16, drift_tensor *x,
                                  drift_tensor *weight, drift_tensor *mod, size_t shift, size_t scale)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!has_row(x, mod, shift) || !has_row(x, mod, scale))
        return drift_tape_fail(tape, DRIFT_INVALID, "norm_modulate: x is %s but mod is %s (shift %zu, scale %zu)",
                               drift_tensor_shape(x), drift_tensor_shape(mod), shift, scale);
    if (weight && (weight->dims != 1 || weight->size[0] != x->size[2]))
        return drift_tape_fail(tape, DRIFT_INVALID, "norm_modulate: x is %s but weight is %s", drift_tensor_shape(x),
                               drift_tensor_shape(weight));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor_as(tape, bf16 ? DRIFT_BF16 : b->real, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    const struct norm_modulate how = {epsilon, rms, shift, scale};
    drift_tape_check(tape, b->norm_modulate(b, epsilon, rms, x, weight, mod, shift, scale, y), "norm_modulate");
    drift_tape_record(tape, norm_modulate_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, weight, mod}, &how,
                      sizeof how);
    return y;
}

/* y_tj = w'_j h_tj + s_j with h the row's normalised value and w'_j = w_j (1 + c_j): a norm with another weight and
 * bias for each sample. So dx as in norm.c with w' for w, and with P_j = sum_t dy_tj h_tj, the gradient of w':
 *   ds_j += sum_t dy_tj        dc_j += w_j P_j        dw_j += sum over samples of (1 + c_j) P_j */
static void norm_modulate_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const struct norm_modulate *how = node->saved;
    drift_tensor *x = node->x[0], *weight = node->x[1], *mod = node->x[2];
    drift_tensor gx, gw, gm, dy = drift_tensor_grad(node->y);
    drift_tensor *dx = drift_tape_grad(tape, x, &gx), *dw = drift_tape_grad(tape, weight, &gw),
                 *dmod = drift_tape_grad(tape, mod, &gm);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape,
                         b->norm_modulate_backward(b, how->epsilon, how->rms, x, weight, mod, how->shift, how->scale,
                                                   &dy, dx, dw, dmod),
                         "norm_modulate");
}

drift_tensor *drift_gated_add(drift_tape *tape, drift_tensor *x, drift_tensor *mod, size_t gate, drift_tensor *y)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!drift_tensor_same_shape(x, y) || !has_row(x, mod, gate))
        return drift_tape_fail(tape, DRIFT_INVALID, "gated_add: x is %s but y is %s and mod %s (gate %zu)",
                               drift_tensor_shape(x), drift_tensor_shape(y), drift_tensor_shape(mod), gate);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *z = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return z;
    drift_tape_check(tape, b->gated_add(b, x, mod, gate, y, z), "gated_add");
    drift_tape_record(tape, gated_add_backward, z, (drift_tensor *[DRIFT_NODE_INPUTS]){x, mod, y}, &gate, sizeof gate);
    return z;
}

/* z_tj = x_tj + g_j y_tj: dy_tj += g_j dz_tj, dg_j += sum_t dz_tj y_tj, and dx += dz */
static void gated_add_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const size_t *gate = node->saved;
    drift_tensor *x = node->x[0], *mod = node->x[1], *y = node->x[2], grad, gy, gm, dz = drift_tensor_grad(node->y);
    int accumulate = 0;
    drift_tensor *dy = drift_tape_grad_or_new(tape, y, &gy, &accumulate), *dmod = drift_tape_grad(tape, mod, &gm);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->gated_add_backward(b, mod, *gate, y, &dz, accumulate, dy, dmod), "gated_add");
    if (drift_tape_grad_in_place(tape, x, node->y, &grad, &accumulate) && accumulate) /* last: x takes dz's memory */
        drift_tape_check(tape, b->axpy(b, 1, NULL, &dz, &grad), "gated_add");
}
