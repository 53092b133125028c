/* Kinds drift_exact, drift_joint, drift_normalized: the field, its loss and the gradient of the loss. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "golden/golden.h"

/* One problem and what came of it. */
struct problem {
    drift_field_config config;
    drift_field_shape shape;
    float *gen, *pos, *neg, *w_gen, *w_pos, *w_neg; /* NULL where the case has none */
    float *v, *gradient, *loss;                     /* loss: one per batch */
    drift_field_report report;
};

static void problem_free(struct problem *p)
{
    float *all[] = {p->gen, p->pos, p->neg, p->w_gen, p->w_pos, p->w_neg, p->v, p->gradient, p->loss};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* Reads gen, pos and neg ([rows, D], or [B, rows, D] where rank is 3) and checks that they belong together. */
static drift_status read_samples(drift_golden *golden, int rank, struct problem *p)
{
    size_t gen[3] = {SIZE_MAX, SIZE_MAX, SIZE_MAX}, *rows = gen + rank - 2;
    drift_status status = drift_golden_input(golden, "in/gen", rank, gen, NULL, &p->gen);
    if (status)
        return status;
    p->shape.batches = rank == 3 ? gen[0] : 1;
    p->shape.generated = rows[0];
    p->shape.dim = rows[1];

    size_t pos[3], neg[3];
    memcpy(pos, gen, sizeof pos);
    pos[rank - 2] = SIZE_MAX;
    memcpy(neg, pos, sizeof neg);
    int absent;
    if ((status = drift_golden_input(golden, "in/pos", rank, pos, NULL, &p->pos)) ||
        (status = drift_golden_input(golden, "in/neg", rank, neg, &absent, &p->neg)))
        return status;
    p->shape.positives = pos[rank - 2];
    p->shape.negatives = absent ? 0 : neg[rank - 2];
    return DRIFT_OK;
}

static drift_status read_weights(drift_golden *golden, int rank, const char *name, size_t rows, const struct problem *p,
                                 float **w)
{
    size_t shape[2] = {p->shape.batches, rows};
    int absent;
    return drift_golden_input(golden, name, rank, shape + 2 - rank, &absent, w);
}

/* V, the loss of each batch, and the gradient of their sum times `factor`. */
static drift_status run(struct problem *p, double factor)
{
    const size_t per_batch = p->shape.generated * p->shape.dim, n = p->shape.batches * per_batch;
    p->v = malloc(n * sizeof *p->v + 1);
    p->gradient = malloc(n * sizeof *p->gradient + 1);
    p->loss = malloc(p->shape.batches * sizeof *p->loss + 1);
    if (!p->v || !p->gradient || !p->loss)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", n);
    drift_status status =
        drift_field(&p->config, &p->shape, p->gen, p->pos, p->neg, p->w_gen, p->w_pos, p->w_neg, p->v, &p->report);
    if (status)
        return status;
    const double step = -2 * factor / ((double)per_batch * p->report.unit);
    for (size_t b = 0; b < p->shape.batches; b++) {
        double sum = 0;
        for (size_t i = b * per_batch; i < (b + 1) * per_batch; i++) {
            sum += (double)p->v[i] * p->v[i];
            p->gradient[i] = (float)(step * p->v[i]);
        }
        p->loss[b] = (float)(sum / (double)per_batch);
    }
    return DRIFT_OK;
}

/* What exact and joint share: tau, the field itself and a scalar loss. */
static drift_status verify_plain(drift_golden *golden, struct problem *p)
{
    drift_status status = drift_golden_number(golden, "tau", &p->config.tau[0]);
    if (status || (status = read_samples(golden, 2, p)) ||
        (status = read_weights(golden, 1, "in/w_neg", p->shape.negatives, p, &p->w_neg)) || (status = run(p, 1)))
        return status;
    const size_t n = p->shape.generated * p->shape.dim;
    if ((status = drift_golden_compare(golden, "out/V", n, p->v)) ||
        (status = drift_golden_compare(golden, "out/loss", 1, p->loss)))
        return status;
    return drift_golden_compare(golden, "grad/gen", n, p->gradient);
}

static drift_status set_exact(drift_golden *golden, drift_field_config *config)
{
    static const char *const names[] = {
        [DRIFT_SELF_MASKED] = "masked", [DRIFT_SELF_KEPT] = "kept", [DRIFT_SELF_NONE] = "none"};
    const char *self;
    drift_status status = drift_golden_text(golden, "self", &self);
    if (status || (status = drift_golden_number(golden, "attraction", &config->attraction)) ||
        (status = drift_golden_number(golden, "repulsion", &config->repulsion)))
        return status;
    for (int i = DRIFT_SELF_MASKED; i <= DRIFT_SELF_NONE; i++)
        if (!strcmp(self, names[i])) {
            config->self = (drift_self)i;
            return DRIFT_OK;
        }
    return drift_fail(DRIFT_INVALID, "%s: config: self: expected masked, kept or none", golden->file->path);
}

drift_status drift_golden_drift_exact(drift_golden *golden)
{
    struct problem p = {.config = drift_field_defaults(DRIFT_EXACT)};
    drift_status status = set_exact(golden, &p.config);
    if (!status)
        status = verify_plain(golden, &p);
    problem_free(&p);
    return status;
}

drift_status drift_golden_drift_joint(drift_golden *golden)
{
    struct problem p = {.config = drift_field_defaults(DRIFT_JOINT)};
    drift_status status = drift_golden_number(golden, "floor", &p.config.floor);
    if (!status)
        status = verify_plain(golden, &p);
    problem_free(&p);
    return status;
}

drift_status drift_golden_taus(drift_golden *golden, const char *key, drift_field_config *config)
{
    const json_t *taus = json_object_get(golden->config, key);
    if (!json_is_array(taus) || json_array_size(taus) < 1 || json_array_size(taus) > DRIFT_MAX_TAUS)
        return drift_fail(DRIFT_INVALID, "%s: config: %s: expected 1 to %d numbers", golden->file->path, key,
                          DRIFT_MAX_TAUS);
    config->taus = (int)json_array_size(taus);
    for (int i = 0; i < config->taus; i++)
        config->tau[i] = json_number_value(json_array_get(taus, (size_t)i));
    return DRIFT_OK;
}

static drift_status verify_normalized(drift_golden *golden, struct problem *p)
{
    const char *loss;
    drift_status status = drift_golden_taus(golden, "taus", &p->config);
    if (status || (status = drift_golden_text(golden, "loss", &loss)) || (status = read_samples(golden, 3, p)) ||
        (status = read_weights(golden, 2, "in/w_gen", p->shape.generated, p, &p->w_gen)) ||
        (status = read_weights(golden, 2, "in/w_pos", p->shape.positives, p, &p->w_pos)) ||
        (status = read_weights(golden, 2, "in/w_neg", p->shape.negatives, p, &p->w_neg)))
        return status;
    const int mean = !strncmp(loss, "mean", 4);
    if ((status = run(p, mean ? 1 / (double)p->shape.batches : 1)))
        return status;

    float raw[DRIFT_MAX_TAUS], scale = (float)p->report.scale;
    for (int i = 0; i < p->config.taus; i++)
        raw[i] = (float)p->report.raw[i];
    if ((status = drift_golden_compare(golden, "out/loss", p->shape.batches, p->loss)) ||
        (status = drift_golden_compare(golden, "out/scale", 1, &scale)) ||
        (status = drift_golden_compare(golden, "out/loss_tau", (size_t)p->config.taus, raw)))
        return status;
    return drift_golden_compare(golden, "grad/gen", p->shape.batches * p->shape.generated * p->shape.dim, p->gradient);
}

drift_status drift_golden_drift_normalized(drift_golden *golden)
{
    struct problem p = {.config = drift_field_defaults(DRIFT_NORMALIZED)};
    drift_status status = verify_normalized(golden, &p);
    problem_free(&p);
    return status;
}
