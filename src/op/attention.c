/* Attention on packed qkv: the norm of q and k, the rotary embedding, and softmax(q k^T / sqrt d) v. */
#include "op/op.h"

static drift_backward head_norm_backward, rope_backward, attention_backward;

/* d, the size of a head; 0 where qkv is not [B, T, 3 heads d]. */
static size_t head_dim(size_t heads, const drift_tensor *qkv)
{
    return qkv->dims == 3 && heads && qkv->size[2] % (3 * heads) == 0 ? qkv->size[2] / (3 * heads) : 0;
}

static drift_tensor *fail_heads(drift_tape *tape, const char *op, size_t heads, const drift_tensor *qkv)
{
    return drift_tape_fail(tape, DRIFT_INVALID, "%s: qkv is %s, expected [batch,tokens,3 x %zu heads x their size]", op,
                           drift_tensor_shape(qkv), heads);
}

struct norm {
    double epsilon;
    int rms;
    size_t heads;
    drift_turn turn;
};

/* A weight is [d]; a bias is too, or NULL with rms. */
static int weight_fits(const drift_tensor *weight, size_t dim) { return weight->dims == 1 && weight->size[0] == dim; }
static int bias_fits(const drift_tensor *bias, int rms, size_t dim)
{
    return rms ? !bias : bias && weight_fits(bias, dim);
}

drift_tensor *drift_head_norm(drift_tape *tape, double epsilon, int rms, size_t heads, drift_turn turn,
                              drift_tensor *qkv, drift_tensor *q_weight, drift_tensor *q_bias, drift_tensor *k_weight,
                              drift_tensor *k_bias)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    const size_t dim = head_dim(heads, qkv);
    if (!dim)
        return fail_heads(tape, "head_norm", heads, qkv);
    if (!weight_fits(q_weight, dim) || !weight_fits(k_weight, dim))
        return drift_tape_fail(tape, DRIFT_INVALID, "head_norm: heads have %zu numbers but weights are %s and %s", dim,
                               drift_tensor_shape(q_weight), drift_tensor_shape(k_weight));
    if (!bias_fits(q_bias, rms, dim) || !bias_fits(k_bias, rms, dim))
        return drift_tape_fail(tape, DRIFT_INVALID, "head_norm: expected %s",
                               rms ? "no biases" : "biases like weights");
    if (turn && dim % 2)
        return drift_tape_fail(tape, DRIFT_INVALID, "head_norm: heads have %zu numbers, expected an even number", dim);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, qkv->dims, qkv->size);
    if (drift_tape_failed(tape))
        return y;
    const struct norm saved = {epsilon, rms, heads, turn};
    drift_tape_check(tape, b->head_norm(b, epsilon, rms, heads, turn, qkv, q_weight, q_bias, k_weight, k_bias, y),
                     "head_norm");
    drift_tape_record(tape, head_norm_backward, y,
                      (drift_tensor *[DRIFT_NODE_INPUTS]){qkv, q_weight, q_bias, k_weight, k_bias}, &saved,
                      sizeof saved);
    return y;
}

/* Of each head of q and k as of a row in norm.c, with the gradients of the weights summed over heads too; dv += dy's.
 * dy is first turned back where y was turned. */
static void head_norm_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const struct norm *s = node->saved;
    drift_tensor grad[5], *d[5], dy = drift_tensor_grad(node->y);
    int accumulate = 0;
    d[0] = drift_tape_grad_or_new(tape, node->x[0], &grad[0], &accumulate);
    for (int i = 1; i < 5; i++)
        d[i] = drift_tape_grad(tape, node->x[i], &grad[i]);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape,
                         b->head_norm_backward(b, s->epsilon, s->rms, s->heads, s->turn, node->x[0], node->x[1],
                                               node->x[3], &dy, accumulate, d[0], d[1], d[2], d[3], d[4]),
                         "head_norm");
}

struct rope {
    size_t heads;
    int bf16_angles;
};

drift_tensor *drift_rope(drift_tape *tape, size_t heads, int bf16_angles, drift_tensor *qkv)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    const size_t dim = head_dim(heads, qkv);
    if (!dim)
        return fail_heads(tape, "rope", heads, qkv);
    if (dim % 2)
        return drift_tape_fail(tape, DRIFT_INVALID, "rope: heads have %zu numbers, expected an even number", dim);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, qkv->dims, qkv->size);
    if (drift_tape_failed(tape))
        return y;
    const struct rope saved = {heads, bf16_angles};
    drift_tape_check(tape, b->rope(b, heads, bf16_angles, 0, qkv, 0, y), "rope");
    drift_tape_record(tape, rope_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){qkv}, &saved, sizeof saved);
    return y;
}

/* Each pair turns by a matrix [c, -s; s, c], whose transpose turns back. */
static void rope_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const struct rope *s = node->saved;
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad_in_place(tape, node->x[0], node->y, &dx, &accumulate))
        drift_tape_check(tape, b->rope(b, s->heads, s->bf16_angles, 1, &dy, accumulate, &dx), "rope");
}

drift_tensor *drift_attention(drift_tape *tape, size_t heads, drift_tensor *qkv)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!head_dim(heads, qkv))
        return fail_heads(tape, "attention", heads, qkv);
    const drift_backend *b = drift_tape_backend(tape);
    const size_t batch = qkv->size[0], tokens = qkv->size[1];
    drift_tensor *y = drift_tape_tensor(tape, 3, (size_t[]){batch, tokens, qkv->size[2] / 3});
    drift_tensor *log_sum = drift_tape_tensor(tape, 3, (size_t[]){batch, heads, tokens});
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->attention(b, heads, qkv, log_sum, y), "attention");
    drift_tape_record(tape, attention_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){qkv, log_sum}, NULL, 0);
    return y;
}

/* y_i = sum_j p_ij v_j, p_ij = e^(s_ij - l_i), s_ij = q_i . k_j / sqrt d, and l_i the log of the sum that is kept:
 *
 *   dv_j += sum_i p_ij dy_i                 g_ij = dy_i . v_j, the gradient of p_ij
 *   ds_ij = p_ij (g_ij - sum_j' p_ij' g_ij')    as of any softmax; and sum_j' p_ij' dy_i . v_j' = dy_i . y_i
 *   dq_i += sum_j ds_ij k_j / sqrt d        dk_j += sum_i ds_ij q_i / sqrt d
 *
 * p is computed again, a tile at a time, from q, k and l. */
static void attention_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const drift_tensor *log_sum = node->x[1];
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad_or_new(tape, node->x[0], &dx, &accumulate))
        drift_tape_check(tape,
                         b->attention_backward(b, log_sum->size[1], node->x[0], log_sum, node->y, &dy, accumulate, &dx),
                         "attention");
}
