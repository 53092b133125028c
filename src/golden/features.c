/* Kind drift_features: guidance, the loss over several features, its gradient with respect to the images, clipping. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "drifting/loss.h"
#include "golden/draft.h"
#include "golden/mistakes.h"

struct problem {
    drift_field_config config;
    struct drift_guidance guidance;
    drift_loss_batch batch;
    drift_loss_memory memory;
    drift_loss_report report;
    float *u, *off, *gen, *pos, *neg;
    double *alpha;      /* [B] */
    float *weight;      /* [B] */
    double *gradient;   /* of gen; then clipped */
    drift_tensor *leaf; /* gen on the tape */
};

static void problem_free(struct problem *p)
{
    float *all[] = {p->u, p->off, p->gen, p->pos, p->neg, p->weight};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(p->alpha);
    free(p->gradient);
    drift_loss_memory_free(&p->memory);
    free(p);
}

static drift_tensor *take_gen(void *context, drift_tape *tape, size_t first, size_t count)
{
    struct problem *p = context;
    const drift_loss_batch *b = &p->batch;
    p->leaf = drift_tape_input(tape, 4, (const size_t[]){count, b->height, b->width, b->channels},
                               p->gen + first * b->height * b->width * b->channels, 1);
    return p->leaf;
}

/* global; pixel, a location each; mean_2, the means of patches of 2x2: their pixels times [4 C, C] of 1/4. */
static void encode(const void *context, drift_tape *tape, drift_tensor *x, drift_features *features)
{
    const size_t n = x->size[0], space = x->size[1] * x->size[2], c = x->size[3];
    const int no_scale = 0;
    (void)context;
    drift_encode_image(&no_scale, tape, x, features);
    drift_features_add(features, tape, "pixel", drift_reshape(tape, x, 3, (const size_t[]){n, space, c}));
    float *mean = calloc(4 * c * c + 1, sizeof *mean);
    for (size_t i = 0; mean && i < 4 * c; i++)
        mean[i * c + i % c] = 0.25F;
    if (mean)
        drift_features_add(features, tape, "mean_2",
                           drift_linear(tape, drift_patchify(tape, 2, x),
                                        drift_tape_input(tape, 2, (const size_t[]){4 * c, c}, mean, 0), NULL));
    else
        drift_tape_fail(tape, DRIFT_NO_MEMORY, "no memory for means");
    free(mean);
}

static drift_status read_case(drift_golden *golden, struct problem *p)
{
    drift_loss_batch *b = &p->batch;
    size_t shape[5] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    p->config = drift_field_defaults(DRIFT_NORMALIZED);
    drift_status status = drift_golden_taus(golden, "taus", &p->config);
    if (status || (status = drift_golden_guidance(golden, &p->guidance)) ||
        (status = drift_golden_count(golden, "gen_per_label", &b->generated)) ||
        (status = drift_golden_input(golden, "in/pos", 5, shape, NULL, &p->pos)))
        return status;
    b->entries = shape[0], b->positives = shape[1];
    b->height = shape[2], b->width = shape[3], b->channels = shape[4];
    shape[1] = SIZE_MAX;
    if ((status = drift_golden_input(golden, "in/neg", 5, shape, NULL, &p->neg)))
        return status;
    b->negatives = shape[1];
    shape[1] = b->entries * b->generated;
    if ((status = drift_golden_input(golden, "in/gen", 4, shape + 1, NULL, &p->gen)) ||
        (status = drift_golden_input(golden, "in/u", 1, &b->entries, NULL, &p->u)) ||
        (status = drift_golden_input(golden, "in/switch", 1, &b->entries, NULL, &p->off)))
        return status;
    p->alpha = malloc((b->entries + 1) * sizeof *p->alpha);
    p->weight = malloc((b->entries + 1) * sizeof *p->weight);
    p->gradient = malloc((shape[1] * shape[2] * shape[3] * shape[4] + 1) * sizeof *p->gradient);
    return p->alpha && p->weight && p->gradient ? DRIFT_OK : drift_fail_memory(golden->file->path, shape[1]);
}

static drift_status run(drift_golden *golden, struct problem *p)
{
    drift_loss_batch *b = &p->batch;
    const struct drift_golden_encoder inner = {golden, {encode, NULL}};
    const drift_encoder encoder = {drift_golden_encode, &inner};
    for (size_t i = 0; i < b->entries; i++) {
        const double alpha = drift_guidance_scale(&p->guidance, (double)p->u[i], (double)p->off[i]);
        p->alpha[i] = alpha;
        p->weight[i] = (float)drift_golden_weight(golden, alpha, b->generated, b->negatives);
    }
    b->positive = p->pos;
    b->negative = p->neg;
    b->w_neg = p->weight;
    b->generate = take_gen;
    b->context = p;
    drift_status status = drift_loss_memory_new(&p->memory, golden->backend);
    if (!status)
        status = drift_loss_gradients(&p->memory, &p->config, &encoder, b, 1, &p->report);
    if (status)
        return status;
    const drift_tensor gradient = drift_tensor_grad(p->leaf);
    return drift_tensor_read_doubles(&gradient, p->gradient);
}

static drift_status output_features(drift_golden *golden, const struct problem *p)
{
    drift_status status = DRIFT_OK;
    for (size_t f = 0; f < p->report.count && !status; f++) {
        const drift_field_report *field = &p->report.feature[f].field;
        char name[80];
        snprintf(name, sizeof name, "out/loss/%s", p->report.feature[f].name);
        status = drift_golden_output(golden, name, 0, NULL, &field->loss);
        snprintf(name, sizeof name, "out/scale/%s", p->report.feature[f].name);
        status = status ? status : drift_golden_output(golden, name, 0, NULL, &field->scale);
        snprintf(name, sizeof name, "out/loss_tau/%s", p->report.feature[f].name);
        status = status ? status : drift_golden_output_row(golden, name, (size_t)p->config.taus, field->raw);
    }
    return status ? status : drift_golden_output(golden, "out/loss", 0, NULL, &p->report.loss);
}

static drift_status output_gradient(drift_golden *golden, struct problem *p)
{
    const size_t n = drift_tensor_elements(p->leaf);
    double most;
    drift_status status = drift_golden_number(golden, "max_grad_norm", &most);
    if (!status)
        status = drift_golden_output(golden, "grad/gen", p->leaf->dims, p->leaf->size, p->gradient);
    if (status)
        return status;
    const double norm = sqrt((double)n) * drift_golden_rms(n, p->gradient, NULL), clip = norm >= most ? most / norm : 1;
    for (size_t i = 0; i < n; i++)
        p->gradient[i] *= clip;
    status = drift_golden_output(golden, "out/g_norm", 0, NULL, &norm);
    return status ? status : drift_golden_output(golden, "out/clipped", p->leaf->dims, p->leaf->size, p->gradient);
}

static drift_status compute(drift_golden *golden, struct problem *p)
{
    drift_status status = read_case(golden, p);
    if (!status)
        status = run(golden, p);
    if (!status)
        status = drift_golden_output_row(golden, "out/alpha", p->batch.entries, p->alpha);
    if (!status)
        status = drift_golden_output_floats(golden, "out/w_neg", 1, &p->batch.entries, p->weight);
    if (!status)
        status = output_features(golden, p);
    return status ? status : output_gradient(golden, p);
}

static drift_status compute_drift_features(drift_golden *golden)
{
    struct problem *p = calloc(1, sizeof *p);
    if (!p)
        return drift_fail_memory(golden->file->path, sizeof *p);
    drift_status status = compute(golden, p);
    problem_free(p);
    return status;
}

static void draw_features(drift_golden_draft *draft)
{
    const size_t entries = drift_golden_size(draft, "shape.entries"), height = drift_golden_size(draft, "shape.height"),
                 width = drift_golden_size(draft, "shape.width"), channels = drift_golden_size(draft, "shape.channels"),
                 generated = drift_golden_size(draft, "gen_per_label");
    const size_t pos[] = {entries, drift_golden_size(draft, "shape.positives"), height, width, channels},
                 neg[] = {entries, drift_golden_size_or_none(draft, "shape.negatives"), height, width, channels},
                 gen[] = {entries * generated, height, width, channels};
    drift_golden_draw(draft, "in/u", drift_golden_uniform(0, 1), 1, &entries);
    drift_golden_draw_exact(draft, "in/switch", drift_golden_uniform(0, 1), 1, &entries);
    drift_golden_draw(draft, "in/gen", drift_golden_normal(0, 1), 4, gen);
    drift_golden_draw(draft, "in/pos", drift_golden_normal(0.4, 1), 5, pos);
    drift_golden_draw(draft, "in/neg", drift_golden_normal(0.2, 1), 5, neg);
}

const struct drift_golden_kind drift_golden_kind_drift_features = {
    .name = "drift_features",
    .what = "several features at once, guidance, clipping: a step up to the optimiser",
    .compute = compute_drift_features,
    .inputs = draw_features,
    .defaults = "{\"taus\": [0.02, 0.05, 0.2], \"max_grad_norm\": 0.02, \"gen_per_label\": 5, \"cfg_min\": 1.0, "
                "\"cfg_max\": 4.0,"
                " \"neg_cfg_pw\": 3.0, \"no_cfg_frac\": 0.2,"
                " \"shape\": {\"entries\": 3, \"positives\": 6, \"negatives\": 3, \"height\": 4, \"width\": 6, "
                "\"channels\": 3},"
                " \"loss\": \"out/loss\"}",
};
