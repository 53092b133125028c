/* Rounding to bfloat16, for layers whose numbers are stored so. */
#include "op/op.h"

static drift_backward round_bf16_backward;

drift_tensor *drift_round_bf16(drift_tape *tape, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, x->dims, x->size);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->round_bf16(b, x, y), "round_bf16");
    drift_tape_record(tape, round_bf16_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, NULL, 0);
    return y;
}

/* dx += dy: rounding, flat with steps, counts as the identity */
static void round_bf16_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    if (drift_tape_grad(tape, node->x[0], &dx))
        drift_tape_check(tape, b->axpy(b, 1, NULL, &dy, &dx), "round_bf16");
}

drift_tensor *drift_round_bf16_here(drift_tape *tape, drift_tensor *x)
{
    const drift_backend *b = drift_tape_backend(tape);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->round_bf16(b, x, x), "round_bf16");
    return x;
}
