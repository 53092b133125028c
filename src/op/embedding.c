/* Rows of a table by their numbers: labels, style indices. */
#include "op/op.h"

static drift_backward embedding_backward;

static int fits(const drift_tensor *x, const drift_tensor *table, const drift_tensor *indices, size_t column)
{
    if (table->dims != 2 || indices->dtype != DRIFT_I32 || indices->dims < 1 || indices->dims > 2)
        return 0;
    if (column >= (indices->dims == 2 ? indices->size[1] : 1))
        return 0;
    return !x || (x->dims == 2 && x->size[0] == indices->size[0] && x->size[1] == table->size[1]);
}

drift_tensor *drift_embedding(drift_tape *tape, drift_tensor *x, drift_tensor *table, drift_tensor *indices,
                              size_t column)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!fits(x, table, indices, column))
        return drift_tape_fail(tape, DRIFT_INVALID, "embedding: table is %s but indices are %s%s%s",
                               drift_tensor_shape(table), drift_tensor_shape(indices), x ? " and x is " : "",
                               x ? drift_tensor_shape(x) : "");
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, 2, (const size_t[]){indices->size[0], table->size[1]});
    if (drift_tape_failed(tape))
        return y;
    if (x)
        drift_tape_check(tape, b->copy(b, y->data, x->data, drift_tensor_bytes(y)), "embedding");
    drift_tape_check(tape, b->embedding(b, table, indices, column, x != NULL, y), "embedding");
    drift_tape_record(tape, embedding_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){table, x, indices}, &column,
                      sizeof column);
    return y;
}

/* y_b = x_b + table[i_b]: dtable[i_b] += dy_b for every b, one after the other, and dx += dy */
static void embedding_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const size_t *column = node->saved;
    drift_tensor *x = node->x[1], grad, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad(tape, node->x[0], &grad))
        drift_tape_check(tape, b->embedding_backward(b, node->x[2], *column, &dy, &grad), "embedding");
    if (x && drift_tape_grad_in_place(tape, x, node->y, &grad, &accumulate) && accumulate)
        drift_tape_check(tape, b->axpy(b, 1, NULL, &dy, &grad), "embedding");
}
