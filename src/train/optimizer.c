/* The optimiser's step; see docs of drift_adam_step for the formula. */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

drift_status drift_optimizer_new(struct drift_optimizer *optimizer, const drift_params *params)
{
    const drift_backend *backend = params->backend;
    memset(optimizer, 0, sizeof *optimizer);
    drift_status status = drift_params_block(params, &optimizer->m);
    if (!status)
        status = drift_params_block(params, &optimizer->v);
    if (!status) {
        optimizer->sum = drift_tensor_of(backend, 0, NULL);
        status = backend->alloc(backend, drift_tensor_bytes(&optimizer->sum), &optimizer->sum.data);
    }
    if (status)
        drift_optimizer_free(optimizer, params);
    return status;
}

void drift_optimizer_free(struct drift_optimizer *optimizer, const drift_params *params)
{
    if (optimizer->sum.data)
        params->backend->free(params->backend, optimizer->sum.data);
    if (optimizer->m.data)
        drift_params_block_free(params, &optimizer->m);
    if (optimizer->v.data)
        drift_params_block_free(params, &optimizer->v);
    memset(optimizer, 0, sizeof *optimizer);
}

static drift_status norm(struct drift_optimizer *optimizer, const drift_tensor *x, double *result)
{
    float sum = 0;
    drift_status status = x->backend->sum_squares(x->backend, x, &optimizer->sum);
    if (!status)
        status = drift_tensor_read_floats(&optimizer->sum, &sum);
    *result = sqrt(sum);
    return status;
}

static drift_status not_finite(struct drift_optimizer *optimizer, const drift_params *params)
{
    drift_tensor gradients = drift_tensor_grad(&params->values);
    for (size_t i = 0; i < params->count; i++) {
        double size;
        drift_tensor gradient = drift_params_view(params, &gradients, i);
        drift_status status = norm(optimizer, &gradient, &size);
        if (status)
            return status;
        if (!isfinite(size))
            return drift_fail(DRIFT_NOT_FINITE, "the gradient of %s is not finite", params->list[i]->name);
    }
    return drift_fail(DRIFT_NOT_FINITE, "the gradient's norm is not finite");
}

/* The decay to the power t, by squaring: exact in order, so the same everywhere. */
static double power(double decay, int64_t t)
{
    double result = 1;
    for (; t; t >>= 1, decay *= decay)
        if (t & 1)
            result *= decay;
    return result;
}

drift_status drift_optimizer_step(struct drift_optimizer *optimizer, const struct drift_recipe *recipe, int64_t step,
                                  drift_params *params, struct drift_optimizer_report *report)
{
    int64_t end = recipe->optimizer.lr_schedule.total_steps;
    struct drift_schedule schedule = {
        .kind = recipe->optimizer.lr_schedule.lr_schedule,
        .learning_rate = recipe->optimizer.lr_schedule.learning_rate,
        .warmup_steps = recipe->optimizer.lr_schedule.warmup_steps,
        .total_steps = end ? end : recipe->train.total_steps,
    };
    drift_tensor gradients = drift_tensor_grad(&params->values);
    drift_status status = norm(optimizer, &gradients, &report->grad_norm);
    if (status)
        return status;
    if (!isfinite(report->grad_norm))
        return not_finite(optimizer, params);
    report->learning_rate = drift_schedule_rate(&schedule, step);
    double most = recipe->train.max_grad_norm;
    drift_adam_step adam = {
        .learning_rate = report->learning_rate,
        .beta1 = recipe->optimizer.adam_b1,
        .beta2 = recipe->optimizer.adam_b2,
        .epsilon = recipe->optimizer.adam_eps,
        .weight_decay = recipe->optimizer.weight_decay,
        .correction1 = 1 - power(recipe->optimizer.adam_b1, step + 1),
        .correction2 = 1 - power(recipe->optimizer.adam_b2, step + 1),
        .gradient_scale = most > 0 && report->grad_norm >= most ? most / report->grad_norm : 1,
    };
    return params->backend->adam(params->backend, &adam, &gradients, &optimizer->m, &optimizer->v, &params->values);
}
