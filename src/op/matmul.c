/* c = op(a) op(b), one product or a batch of them. */
#include "op/op.h"

struct form {
    int transpose_a, transpose_b;
};

static drift_backward matmul_backward;

drift_tensor *drift_matmul(drift_tape *tape, int transpose_a, int transpose_b, drift_tensor *a, drift_tensor *b)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    int n = a->dims;
    int fits = n == b->dims && (n == 2 || (n == 3 && a->size[0] == b->size[0])) &&
               a->size[transpose_a ? n - 2 : n - 1] == b->size[transpose_b ? n - 1 : n - 2];
    if (!fits)
        return drift_tape_fail(tape, DRIFT_INVALID, "matmul: a is %s%s but b is %s%s", drift_tensor_shape(a),
                               transpose_a ? " transposed" : "", drift_tensor_shape(b),
                               transpose_b ? " transposed" : "");
    const drift_backend *backend = drift_tape_backend(tape);
    size_t size[DRIFT_MAX_DIMS] = {a->size[0]};
    size[n - 2] = a->size[transpose_a ? n - 1 : n - 2];
    size[n - 1] = b->size[transpose_b ? n - 2 : n - 1];
    drift_tensor *c = drift_tape_tensor(tape, n, size);
    if (drift_tape_failed(tape))
        return c;
    drift_tape_check(tape, backend->matmul(backend, transpose_a, transpose_b, a, b, NULL, 0, c), "matmul");
    struct form form = {transpose_a, transpose_b};
    drift_tape_record(tape, matmul_backward, c, (drift_tensor *[DRIFT_NODE_INPUTS]){a, b}, &form, sizeof form);
    return c;
}

/* With A = op(a), B = op(b): dA = dc B^T, dB = A^T dc. Where a was transposed, da = dA^T = B dc^T; likewise
 * db = dc^T A. Each is again a product of two of the three, transposed or not. */
static void matmul_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *backend = drift_tape_backend(tape);
    const struct form *form = node->saved;
    int ta = form->transpose_a, tb = form->transpose_b, accumulate;
    drift_tensor *a = node->x[0], *b = node->x[1], grad, dc = drift_tensor_grad(node->y);
    if (drift_tape_grad_or_new(tape, a, &grad, &accumulate))
        drift_tape_check(tape,
                         ta ? backend->matmul(backend, tb, 1, b, &dc, NULL, accumulate, &grad)
                            : backend->matmul(backend, 0, !tb, &dc, b, NULL, accumulate, &grad),
                         "matmul");
    if (drift_tape_grad_or_new(tape, b, &grad, &accumulate))
        drift_tape_check(tape,
                         tb ? backend->matmul(backend, 1, ta, &dc, a, NULL, accumulate, &grad)
                            : backend->matmul(backend, !ta, 0, a, &dc, NULL, accumulate, &grad),
                         "matmul");
}
