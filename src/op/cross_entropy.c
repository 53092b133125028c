/* The loss of a classifier: the surprise -log softmax(logits)[label] of each row. */
#include <string.h>

#include "op/op.h"

static drift_backward cross_entropy_backward;

static int labels_fit(const drift_tensor *logits, const drift_tensor *labels)
{
    return logits->dims >= 1 && labels->dtype == DRIFT_I32 && labels->dims == logits->dims - 1 &&
           !memcmp(labels->size, logits->size, sizeof *labels->size * (size_t)labels->dims);
}

drift_tensor *drift_cross_entropy(drift_tape *tape, drift_tensor *logits, drift_tensor *labels)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (!labels_fit(logits, labels))
        return drift_tape_fail(tape, DRIFT_INVALID, "cross_entropy: logits are %s but labels are %s%s",
                               drift_tensor_shape(logits), drift_tensor_shape(labels),
                               labels->dtype == DRIFT_I32 ? "" : ", not integers");
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, labels->dims, labels->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->cross_entropy(b, logits, labels, y), "cross_entropy");
    drift_tape_record(tape, cross_entropy_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){logits, labels}, NULL, 0);
    return y;
}

/* y = log sum_k e^(x_k) - x_label, so dx_j += dy (softmax(x)_j - [j = label]) */
static void cross_entropy_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    if (drift_tape_grad(tape, node->x[0], &dx))
        drift_tape_check(tape, b->cross_entropy_backward(b, node->x[0], node->x[1], &dy, &dx), "cross_entropy");
}
