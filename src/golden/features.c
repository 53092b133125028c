/* Kind drift_features: guidance, the loss over several features, its gradient with respect to the images, clipping. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "drifting/loss.h"
#include "golden/golden.h"

struct problem {
    drift_field_config config;
    struct drift_guidance guidance;
    drift_loss_batch batch;
    drift_loss_memory memory;
    drift_loss_report report;
    float *u, *off, *gen, *pos, *neg;
    float *alpha, *weight; /* [B] each */
    float *gradient;       /* of gen; then clipped */
    drift_tensor *leaf;    /* gen on the tape */
};

static void problem_free(struct problem *p)
{
    float *all[] = {p->u, p->off, p->gen, p->pos, p->neg, p->alpha, p->gradient};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
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
    p->alpha = malloc((2 * b->entries + 1) * sizeof *p->alpha);
    p->gradient = malloc((shape[1] * shape[2] * shape[3] * shape[4] + 1) * sizeof *p->gradient);
    return p->alpha && p->gradient ? DRIFT_OK : drift_fail_memory(golden->file->path, shape[1]);
}

static drift_status run(struct problem *p)
{
    drift_loss_batch *b = &p->batch;
    const drift_encoder encoder = {encode, NULL};
    p->weight = p->alpha + b->entries;
    for (size_t i = 0; i < b->entries; i++) {
        const double alpha = drift_guidance_scale(&p->guidance, (double)p->u[i], (double)p->off[i]);
        p->alpha[i] = (float)alpha;
        p->weight[i] = (float)drift_guidance_weight(alpha, b->generated, b->negatives);
    }
    b->positive = p->pos;
    b->negative = p->neg;
    b->w_neg = p->weight;
    b->generate = take_gen;
    b->context = p;
    drift_status status = drift_loss_memory_new(&p->memory, drift_cpu_backend(DRIFT_F32));
    if (!status)
        status = drift_loss_gradients(&p->memory, &p->config, &encoder, b, 1, &p->report);
    if (status)
        return status;
    const drift_tensor gradient = drift_tensor_grad(p->leaf);
    return drift_tensor_read_floats(&gradient, p->gradient);
}

static drift_status compare_features(drift_golden *golden, const struct problem *p)
{
    drift_status status = DRIFT_OK;
    float total = (float)p->report.loss;
    for (size_t f = 0; f < p->report.count && !status; f++) {
        const drift_field_report *field = &p->report.feature[f].field;
        float raw[DRIFT_MAX_TAUS], loss = (float)field->loss, scale = (float)field->scale;
        char name[80];
        for (int t = 0; t < p->config.taus; t++)
            raw[t] = (float)field->raw[t];
        snprintf(name, sizeof name, "out/loss/%s", p->report.feature[f].name);
        status = drift_golden_compare(golden, name, 1, &loss);
        snprintf(name, sizeof name, "out/scale/%s", p->report.feature[f].name);
        status = status ? status : drift_golden_compare(golden, name, 1, &scale);
        snprintf(name, sizeof name, "out/loss_tau/%s", p->report.feature[f].name);
        status = status ? status : drift_golden_compare(golden, name, (size_t)p->config.taus, raw);
    }
    return status ? status : drift_golden_compare(golden, "out/loss", 1, &total);
}

static drift_status compare_gradient(drift_golden *golden, struct problem *p)
{
    const size_t n = drift_tensor_elements(p->leaf);
    double most, sum = 0;
    drift_status status = drift_golden_number(golden, "max_grad_norm", &most);
    if (!status)
        status = drift_golden_compare(golden, "grad/gen", n, p->gradient);
    if (status)
        return status;
    for (size_t i = 0; i < n; i++)
        sum += (double)p->gradient[i] * (double)p->gradient[i];
    const float norm = (float)sqrt(sum), clip = norm >= most ? (float)most / norm : 1;
    for (size_t i = 0; i < n; i++)
        p->gradient[i] *= clip;
    status = drift_golden_compare(golden, "out/g_norm", 1, &norm);
    return status ? status : drift_golden_compare(golden, "out/clipped", n, p->gradient);
}

static drift_status verify(drift_golden *golden, struct problem *p)
{
    drift_status status = read_case(golden, p);
    if (!status)
        status = run(p);
    if (!status)
        status = drift_golden_compare(golden, "out/alpha", p->batch.entries, p->alpha);
    if (!status)
        status = drift_golden_compare(golden, "out/w_neg", p->batch.entries, p->weight);
    if (!status)
        status = compare_features(golden, p);
    return status ? status : compare_gradient(golden, p);
}

drift_status drift_golden_drift_features(drift_golden *golden)
{
    struct problem *p = calloc(1, sizeof *p);
    if (!p)
        return drift_fail_memory(golden->file->path, sizeof *p);
    drift_status status = verify(golden, p);
    problem_free(p);
    return status;
}
