/* Norms over the space of an image, [batch, height, width, channels]: GroupNorm, and the global response norm (GRN) of
 * ConvNeXt-V2. */
#include "op/op.h"

static drift_backward group_norm_backward, grn_backward;

static int fits(const drift_tensor *x, const drift_tensor *vector)
{
    return x->dims == 4 && x->size[1] && x->size[2] && drift_tensor_elements(vector) == x->size[3] &&
           drift_tensor_row_size(vector) == x->size[3];
}

struct group_norm {
    size_t groups;
    int relu;
    drift_tensor *statistics; /* [batch, groups, 3] */
};

drift_tensor *drift_group_norm(drift_tape *tape, double epsilon, size_t groups, int relu, drift_tensor *x,
                               drift_tensor *scale, drift_tensor *bias)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!fits(x, scale) || !fits(x, bias) || !groups || x->size[3] % groups)
        return drift_tape_fail(tape, DRIFT_INVALID, "group_norm: x is %s but scale is %s and bias %s, with %zu groups",
                               drift_tensor_shape(x), drift_tensor_shape(scale), drift_tensor_shape(bias), groups);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    struct group_norm saved = {groups, relu, drift_tape_tensor(tape, 3, (size_t[]){x->size[0], groups, 3})};
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->group_norm(b, epsilon, groups, relu, x, scale, bias, y, saved.statistics), "group_norm");
    drift_tape_record(tape, group_norm_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, scale, bias}, &saved,
                      sizeof saved);
    return y;
}

/* y = max(0, v) or v, v_c = h_c scale_c + bias_c, h = (x - m) r, m and r over the group's n numbers. With g_c = dy_c,
 * or 0 where the maximum is not v:
 *   dscale_c += sum over images and space of g_c h_c        dbias_c += the same of g_c
 *   dx_c += r (g_c scale_c - mean(g scale) - h_c mean(g scale h)), means over the group: as for layer_norm (norm.c) */
static void group_norm_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const struct group_norm *saved = node->saved;
    drift_tensor gx, gs, gb, dy = drift_tensor_grad(node->y);
    drift_tensor *dx = drift_tape_grad(tape, node->x[0], &gx), *ds = drift_tape_grad(tape, node->x[1], &gs),
                 *db = drift_tape_grad(tape, node->x[2], &gb);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape,
                         b->group_norm_backward(b, saved->groups, saved->relu, node->x[0], node->x[1], node->x[2],
                                                saved->statistics, &dy, dx, ds, db),
                         "group_norm");
}

struct grn {
    double epsilon;
    drift_tensor *sizes; /* [batch, channels] */
};

drift_tensor *drift_grn(drift_tape *tape, double epsilon, drift_tensor *x, drift_tensor *gamma, drift_tensor *beta)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!fits(x, gamma) || !fits(x, beta))
        return drift_tape_fail(tape, DRIFT_INVALID, "grn: x is %s but gamma is %s and beta %s", drift_tensor_shape(x),
                               drift_tensor_shape(gamma), drift_tensor_shape(beta));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    struct grn saved = {epsilon, drift_tape_tensor(tape, 2, (size_t[]){x->size[0], x->size[3]})};
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->grn(b, epsilon, x, gamma, beta, y, saved.sizes), "grn");
    drift_tape_record(tape, grn_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x, gamma, beta}, &saved, sizeof saved);
    return y;
}

/* y_c = gamma_c x_c n_c + beta_c + x_c,  n_c = s_c / M,  M = mean over channels of s + epsilon,  s_c the size of x_c
 * over space, s_c' = x_c / s_c. With sums over an image's space:
 *   dgamma_c += n_c sum dy_c x_c        dbeta_c += sum dy_c
 *   dn_c = gamma_c sum dy_c x_c         ds_c = dn_c / M - sum_k dn_k s_k / (M^2 C)
 *   dx_c += dy_c (1 + gamma_c n_c) + x_c ds_c / s_c */
static void grn_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const struct grn *saved = node->saved;
    drift_tensor gx, gg, gb, dy = drift_tensor_grad(node->y);
    drift_tensor *dx = drift_tape_grad(tape, node->x[0], &gx), *dg = drift_tape_grad(tape, node->x[1], &gg),
                 *db = drift_tape_grad(tape, node->x[2], &gb);
    if (!drift_tape_failed(tape))
        drift_tape_check(
            tape, b->grn_backward(b, saved->epsilon, node->x[0], node->x[1], saved->sizes, &dy, dx, dg, db), "grn");
}
