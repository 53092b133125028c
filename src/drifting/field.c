/* The public field: defaults, the checks of a configuration, and the call. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "cpu/field.h"
#include "drifting/field.h"

drift_field_config drift_field_defaults(drift_form form)
{
    drift_field_config config = {
        .form = form, .self = DRIFT_SELF_MASKED, .taus = 1, .tau = {0.05}, .attraction = 1, .repulsion = 1};
    if (form == DRIFT_NORMALIZED) {
        const double released[] = {0.02, 0.05, 0.2};
        memcpy(config.tau, released, sizeof released);
        config.taus = 3;
        config.floor = 1e-6;
        config.normalize_features = config.normalize_drift = 1;
    }
    return config;
}

drift_status drift_field_check(const drift_field_config *config)
{
    if ((int)config->form < DRIFT_EXACT || config->form > DRIFT_NORMALIZED)
        return drift_fail(DRIFT_INVALID, "drift_field: form %d: expected exact, joint or normalized",
                          (int)config->form);
    if ((int)config->self < DRIFT_SELF_MASKED || config->self > DRIFT_SELF_NONE)
        return drift_fail(DRIFT_INVALID, "drift_field: self %d: expected masked, kept or none", (int)config->self);
    if (config->taus < 1 || config->taus > DRIFT_MAX_TAUS)
        return drift_fail(DRIFT_INVALID, "drift_field: %d temperatures: expected 1 to %d", config->taus,
                          DRIFT_MAX_TAUS);
    for (int t = 0; t < config->taus; t++)
        if (!(config->tau[t] > 0) || !isfinite(config->tau[t]))
            return drift_fail(DRIFT_INVALID, "drift_field: temperature %g: expected > 0", config->tau[t]);
    if (!(config->floor >= 0) || !isfinite(config->floor))
        return drift_fail(DRIFT_INVALID, "drift_field: floor %g: expected >= 0", config->floor);
    if (config->form == DRIFT_EXACT && config->floor != 0)
        return drift_fail(DRIFT_INVALID, "drift_field: floor %g: the exact form has none", config->floor);
    if (!isfinite(config->attraction) || !isfinite(config->repulsion))
        return drift_fail(DRIFT_INVALID, "drift_field: attraction and repulsion must be finite");
    return DRIFT_OK;
}

static drift_status check(const drift_field_config *config, const drift_field_shape *shape, int weights)
{
    if (!shape->batches || !shape->generated || !shape->positives || !shape->dim)
        return drift_fail(DRIFT_INVALID,
                          "drift_field: %zu batches, %zu generated, %zu positives, %zu numbers each: expected at least "
                          "1 of all",
                          shape->batches, shape->generated, shape->positives, shape->dim);
    if (weights && config->form == DRIFT_JOINT)
        return drift_fail(DRIFT_INVALID, "drift_field: the joint form takes no weights");
    return drift_field_check(config);
}

drift_status drift_field(const drift_field_config *config, const drift_field_shape *shape, const float *generated,
                         const float *positives, const float *negatives, const float *w_generated,
                         const float *w_positives, const float *w_negatives, float *v, drift_field_report *report)
{
    drift_status status = check(config, shape, w_generated || w_positives || (w_negatives && shape->negatives));
    if (status)
        return status;
    return drift_cpu_field_f32(config, shape, generated, positives, negatives, w_generated, w_positives, w_negatives, v,
                               report);
}

drift_status drift_field_f64(const drift_field_config *config, const drift_field_shape *shape, const double *generated,
                             const double *positives, const double *negatives, const double *w_generated,
                             const double *w_positives, const double *w_negatives, double *v,
                             drift_field_report *report)
{
    drift_status status = check(config, shape, w_generated || w_positives || (w_negatives && shape->negatives));
    if (status)
        return status;
    return drift_cpu_field_f64(config, shape, generated, positives, negatives, w_generated, w_positives, w_negatives, v,
                               report);
}
