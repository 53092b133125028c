/* Kinds drift_exact, drift_joint, drift_normalized: the field, its loss and the gradient of the loss. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drifting/field.h"
#include "golden/draft.h"
#include "golden/mistakes.h"
#include "op/drift.h"

/* One problem and what came of it. */
struct problem {
    drift_field_config config;
    int rank;                    /* of the samples: 2, or 3 with batches */
    size_t batches, per_batch;   /* per_batch: numbers of the generated samples */
    size_t shape[3];             /* of the generated samples */
    int mean;                    /* the gradient is that of the mean over batches, not of the sum */
    double *v, *gradient, *loss; /* loss: one per batch */
    drift_field_report report;
};

static void problem_free(struct problem *p)
{
    free(p->v);
    free(p->gradient);
    free(p->loss);
}

/* Samples of the file, [rows, D] or [B, rows, D], or their weights; NULL where there are none. */
static drift_tensor *read_optional(drift_golden *golden, drift_tape *tape, const char *name)
{
    const struct drift_array *array = drift_safetensors_find(golden->file, name);
    return array && array->count ? drift_golden_tensor(golden, tape, name, 0) : NULL;
}

static drift_status read_input(drift_golden *golden, drift_tape *tape, struct problem *p, drift_loss_input *in)
{
    const struct drift_array *gen;
    drift_status status = drift_safetensors_get(golden->file, "in/gen", -1, NULL, &gen);
    if (!status && (gen->rank != p->rank || !gen->count))
        status = drift_fail(DRIFT_INVALID, "%s: in/gen: expected %s", golden->file->path,
                            p->rank == 2 ? "[G,D]" : "[B,G,D]");
    if (status)
        return status;
    memcpy(p->shape, gen->shape, sizeof *p->shape * (size_t)p->rank);
    p->batches = p->rank == 3 ? gen->shape[0] : 1;
    p->per_batch = gen->count / p->batches;
    in->gen = drift_golden_tensor(golden, tape, "in/gen", 0);
    in->pos = drift_golden_tensor(golden, tape, "in/pos", 0);
    in->neg = read_optional(golden, tape, "in/neg");
    in->w_neg = in->neg ? read_optional(golden, tape, "in/w_neg") : NULL;
    in->w_gen = read_optional(golden, tape, "in/w_gen");
    in->w_pos = read_optional(golden, tape, "in/w_pos");
    if (in->w_neg && p->config.form == DRIFT_JOINT)
        return drift_fail(DRIFT_INVALID, "%s: in/w_neg: the joint form takes no weights", golden->file->path);
    return drift_tape_status(tape);
}

/* The field in v (what a mistake of the gradient pulls by: see golden.h), and the report of the call. */
static drift_status field(drift_golden *golden, drift_tape *tape, void *context)
{
    struct problem *p = context;
    drift_loss_input in = {.gen = NULL};
    drift_status status = drift_field_check(&p->config);
    if (!status)
        status = read_input(golden, tape, p, &in);
    if (status)
        return status;
    drift_tensor *v = drift_loss_field(tape, &p->config, &in, &p->report);
    p->v = malloc(p->batches * p->per_batch * sizeof *p->v + 1);
    if (!p->v)
        return drift_fail_memory(golden->file->path, p->batches * p->per_batch);
    status = drift_tape_status(tape);
    return status ? status : drift_tensor_read_doubles(v, p->v);
}

/* A mistake: the sum of the losses of single temperatures. */
static drift_status losses_per_tau(drift_golden *golden, struct problem *p)
{
    drift_status status = DRIFT_OK;
    memset(p->loss, 0, p->batches * sizeof *p->loss);
    for (int t = 0; t < p->config.taus && !status; t++) {
        drift_golden forward = *golden;
        struct problem single = {.config = p->config, .rank = p->rank};
        single.config.taus = 1;
        single.config.tau[0] = p->config.tau[t];
        forward.backend = golden->forward;
        status = drift_golden_run(&forward, field, &single);
        for (size_t b = 0; b < p->batches && !status; b++) {
            const double size = drift_golden_rms(p->per_batch, single.v + b * p->per_batch, NULL);
            p->loss[b] += size * size;
        }
        problem_free(&single);
    }
    return status;
}

/* V, the loss of each batch, and the gradient of their sum or mean. */
static drift_status run(drift_golden *golden, struct problem *p)
{
    drift_status status = drift_golden_run(golden, field, p);
    if (status)
        return status;
    const size_t n = p->batches * p->per_batch;
    const double step = -2 / ((double)p->per_batch * p->report.unit) / (p->mean ? (double)p->batches : 1);
    p->gradient = malloc(n * sizeof *p->gradient + 1);
    p->loss = malloc(p->batches * sizeof *p->loss + 1);
    if (!p->gradient || !p->loss)
        return drift_fail_memory(golden->file->path, n);
    for (size_t i = 0; i < n; i++)
        p->gradient[i] = step * p->v[i];
    if (golden->forward != golden->backend) {
        drift_golden forward = *golden;
        forward.backend = golden->forward;
        free(p->v);
        p->v = NULL;
        if ((status = drift_golden_run(&forward, field, p)))
            return status;
    }
    if (golden->mistakes & DRIFT_MISTAKE(LOSS_PER_TAU))
        return losses_per_tau(golden, p);
    for (size_t b = 0; b < p->batches; b++) {
        const double size = drift_golden_rms(p->per_batch, p->v + b * p->per_batch, NULL);
        p->loss[b] = size * size;
    }
    return DRIFT_OK;
}

/* What exact and joint share: tau, the field itself and a scalar loss. */
static drift_status compute_plain(drift_golden *golden, struct problem *p)
{
    p->rank = 2;
    drift_status status = drift_golden_number(golden, "tau", &p->config.tau[0]);
    if (status || (status = run(golden, p)) || (status = drift_golden_output(golden, "out/V", 2, p->shape, p->v)) ||
        (status = drift_golden_output(golden, "out/loss", 0, NULL, p->loss)))
        return status;
    return drift_golden_output(golden, "grad/gen", 2, p->shape, p->gradient);
}

/* gen, pos and neg around different middles: [rows, D], with batches [B, rows, D] and their weights. */
static void draw_samples(drift_golden_draft *draft, size_t batches)
{
    static const char *const names[] = {"gen", "pos", "neg"}, *const sizes[] = {"generated", "positives", "negatives"};
    const int rank = batches ? 3 : 2;
    const size_t dim = drift_golden_size(draft, "shape.dim");
    for (int i = 0; i < 3; i++) {
        char key[32], name[16];
        snprintf(key, sizeof key, "shape.%s", sizes[i]);
        const size_t rows = i < 2 ? drift_golden_size(draft, key) : drift_golden_size_or_none(draft, key),
                     shape[] = {batches, rows, dim};
        snprintf(name, sizeof name, "in/%s", names[i]);
        drift_golden_draw(draft, name, drift_golden_normal(0.4 * i, 1), rank, shape + 3 - rank);
        snprintf(name, sizeof name, "in/w_%s", names[i]);
        if (batches || (i == 2 && json_object_get(draft->golden.config, "self")))
            drift_golden_draw(draft, name, drift_golden_uniform(0.5, 2), rank - 1, shape + 3 - rank);
    }
}

static void draw_plain(drift_golden_draft *draft) { draw_samples(draft, 0); }

static void draw_normalized(drift_golden_draft *draft)
{
    draw_samples(draft, drift_golden_size(draft, "shape.batches"));
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

static drift_status compute_drift_exact(drift_golden *golden)
{
    struct problem p = {.config = drift_field_defaults(DRIFT_EXACT)};
    drift_status status = set_exact(golden, &p.config);
    if (!status)
        status = compute_plain(golden, &p);
    problem_free(&p);
    return status;
}

const struct drift_golden_kind drift_golden_kind_drift_exact = {
    .name = "drift_exact",
    .what = "form 1 of the field: its definition; loss and gradient",
    .compute = compute_drift_exact,
    .inputs = draw_plain,
    .defaults = "{\"tau\": 0.7, \"self\": \"masked\", \"attraction\": 1.0, \"repulsion\": 1.0,"
                " \"shape\": {\"generated\": 7, \"positives\": 9, \"negatives\": 5, \"dim\": 3},"
                " \"loss\": \"mean((gen - stopgrad(gen + out/V))^2)\"}",
};

static drift_status compute_drift_joint(drift_golden *golden)
{
    struct problem p = {.config = drift_field_defaults(DRIFT_JOINT)};
    drift_status status = drift_golden_number(golden, "floor", &p.config.floor);
    if (!status)
        status = compute_plain(golden, &p);
    problem_free(&p);
    return status;
}

const struct drift_golden_kind drift_golden_kind_drift_joint = {
    .name = "drift_joint",
    .what = "form 2 of the field: Algorithm 2 of the paper; loss and gradient",
    .compute = compute_drift_joint,
    .inputs = draw_plain,
    .defaults =
        "{\"tau\": 0.7, \"floor\": 0.0, \"shape\": {\"generated\": 7, \"positives\": 9, \"negatives\": 5, \"dim\": 3},"
        " \"loss\": \"mean((gen - stopgrad(gen + out/V))^2)\"}",
};

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

static drift_status compute_normalized(drift_golden *golden, struct problem *p)
{
    const char *loss;
    drift_status status = drift_golden_taus(golden, "taus", &p->config);
    if (status || (status = drift_golden_text(golden, "loss", &loss)))
        return status;
    p->rank = 3;
    p->mean = !strncmp(loss, "mean", 4);
    if ((status = run(golden, p)) || (status = drift_golden_output_row(golden, "out/loss", p->batches, p->loss)) ||
        (status = drift_golden_output(golden, "out/scale", 0, NULL, &p->report.scale)) ||
        (status = drift_golden_output_row(golden, "out/loss_tau", (size_t)p->config.taus, p->report.raw)))
        return status;
    return drift_golden_output(golden, "grad/gen", 3, p->shape, p->gradient);
}

static drift_status compute_drift_normalized(drift_golden *golden)
{
    struct problem p = {.config = drift_field_defaults(DRIFT_NORMALIZED)};
    drift_status status = compute_normalized(golden, &p);
    problem_free(&p);
    return status;
}

const struct drift_golden_kind drift_golden_kind_drift_normalized = {
    .name = "drift_normalized",
    .what = "form 3: the released loss with its report and gradient",
    .compute = compute_drift_normalized,
    .inputs = draw_normalized,
    .defaults = "{\"taus\": [0.02, 0.05, 0.2], \"shape\": {\"batches\": 3, \"generated\": 7, \"positives\": 6, "
                "\"negatives\": 4, \"dim\": 12},"
                " \"loss\": \"mean over b of out/loss\"}",
};
