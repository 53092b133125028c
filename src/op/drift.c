/* The drifting loss: mean (gen - stopgrad(gen + V))^2 in units of the field, V the drifting field at gen. */
#include "op/drift.h"

static drift_backward linear_loss_backward;

/* x [B, n, D], or [n, D] beside gen [G, D]: the same batches and the same D. */
static int belongs(const drift_tensor *gen, const drift_tensor *x)
{
    return x->dims == gen->dims && x->size[x->dims - 1] == gen->size[gen->dims - 1] &&
           (gen->dims == 2 || x->size[0] == gen->size[0]) && drift_tensor_elements(x);
}

/* w [B, n], or [n]: a weight for each sample of x. */
static int weighs(const drift_tensor *x, const drift_tensor *w)
{
    return !w || (x && w->dims == x->dims - 1 && drift_tensor_elements(w) == drift_tensor_rows(x));
}

drift_tensor *drift_loss_field(drift_tape *tape, const drift_field_config *config, const drift_loss_input *in,
                               drift_field_report *report)
{
    *report = (drift_field_report){.scale = 1, .unit = 1};
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    drift_tensor *gen = in->gen;
    if ((gen->dims != 2 && gen->dims != 3) || !drift_tensor_elements(gen))
        return drift_tape_fail(tape, DRIFT_INVALID, "drift_loss: gen is %s, expected [G,D] or [B,G,D]",
                               drift_tensor_shape(gen));
    if (!belongs(gen, in->pos) || (in->neg && !belongs(gen, in->neg)))
        return drift_tape_fail(tape, DRIFT_INVALID, "drift_loss: gen is %s but %s is %s", drift_tensor_shape(gen),
                               belongs(gen, in->pos) ? "neg" : "pos",
                               drift_tensor_shape(belongs(gen, in->pos) ? in->neg : in->pos));
    if (!weighs(gen, in->w_gen) || !weighs(in->pos, in->w_pos) || !weighs(in->neg, in->w_neg))
        return drift_tape_fail(tape, DRIFT_INVALID, "drift_loss: weights are not one for each sample");

    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *v = drift_tape_tensor(tape, gen->dims, gen->size);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape,
                         b->drift_field(b, config, gen, in->pos, in->neg, in->w_gen, in->w_pos, in->w_neg, v, report),
                         "drift_loss");
    return v;
}

double drift_loss_slope(const drift_tensor *v, const drift_field_report *report)
{
    return -2 / ((double)drift_tensor_elements(v) * report->unit);
}

drift_tensor *drift_loss(drift_tape *tape, const drift_field_config *config, const drift_loss_input *in,
                         drift_field_report *report)
{
    drift_tensor *v = drift_loss_field(tape, config, in, report);
    return drift_linear_loss(tape, report->loss, drift_loss_slope(v, report), v, in->gen);
}

struct saved {
    drift_tensor gradient;
    double slope;
};

drift_tensor *drift_linear_loss(drift_tape *tape, double value, double slope, const drift_tensor *gradient,
                                drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (drift_tensor_elements(gradient) != drift_tensor_elements(x))
        return drift_tape_fail(tape, DRIFT_INVALID, "linear_loss: the gradient is %s but x is %s",
                               drift_tensor_shape(gradient), drift_tensor_shape(x));
    const drift_backend *b = drift_tape_backend(tape);
    const struct saved saved = {*gradient, slope};
    drift_tensor *y = drift_tape_tensor(tape, 0, NULL);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->fill(b, value, y), "linear_loss");
    drift_tape_record(tape, linear_loss_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, &saved, sizeof saved);
    return y;
}

/* dx += slope gradient dy. The drifting loss is y = 1/n sum (gen/unit - target)^2 with the constant target = gen/unit +
 * V: dgen -= 2/(n unit) V dy. */
static void linear_loss_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const struct saved *saved = node->saved;
    drift_tensor grad, dy = drift_tensor_grad(node->y);
    if (drift_tape_grad(tape, node->x[0], &grad))
        drift_tape_check(tape, b->axpy(b, saved->slope, &dy, &saved->gradient, &grad), "linear_loss");
}
