/* Features of all samples, the field of each, and the gradient through generator and encoder. */
#include "drifting/loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op/drift.h"

/* A step at work. Features of all samples of a kind: kept->x [samples, T, C]; those of the generated samples hold the
 * field in the end. */
struct step {
    drift_loss_memory *memory;
    const drift_field_config *config;
    const drift_encoder *encoder;
    const drift_loss_batch *batch;
    drift_loss_report *report;
    size_t part;            /* samples that pass generator and encoder at once */
    drift_features part_of; /* what the encoder gave for the part at work */
    drift_features generated, positive, negative;
    double slope[DRIFT_MAX_FEATURES];
};

drift_status drift_loss_memory_new(drift_loss_memory *memory, const drift_backend *backend)
{
    *memory = (drift_loss_memory){NULL, NULL, NULL};
    drift_status status = drift_tape_new(backend, &memory->work);
    if (!status)
        status = drift_tape_new(backend, &memory->kept);
    if (!status)
        status = drift_tape_new(backend, &memory->sorted);
    if (status)
        drift_loss_memory_free(memory);
    return status;
}

void drift_loss_memory_free(drift_loss_memory *memory)
{
    drift_tape_free(memory->work);
    drift_tape_free(memory->kept);
    drift_tape_free(memory->sorted);
    *memory = (drift_loss_memory){NULL, NULL, NULL};
}

/* ---- features of all samples ---- */

/* Rows first .. first + count - 1 of x, seen as a tensor of their own. */
static drift_tensor rows_of(const drift_tensor *x, size_t first, size_t count)
{
    drift_tensor rows = *x;
    const size_t bytes = drift_tensor_bytes(x) / (x->size[0] ? x->size[0] : 1);
    rows.data = (char *)x->data + first * bytes;
    rows.size[0] = count;
    return rows;
}

/* Copies a part's features to their places among those of all `total` samples. */
static void keep(struct step *s, size_t first, size_t total, drift_features *all)
{
    drift_tape *kept = s->memory->kept;
    const drift_backend *b = drift_tape_backend(kept);
    for (size_t f = 0; f < s->part_of.count; f++) {
        const drift_tensor *x = s->part_of.list[f].x;
        if (!first)
            drift_features_add(all, kept, s->part_of.list[f].name,
                               drift_tape_tensor(kept, 3, (const size_t[]){total, x->size[1], x->size[2]}));
        if (drift_tape_failed(kept))
            return;
        drift_tensor to = rows_of(all->list[f].x, first, x->size[0]);
        drift_tape_check(kept, b->copy(b, to.data, x->data, drift_tensor_bytes(x)), "features");
    }
}

static drift_status encode(struct step *s, drift_tensor *images)
{
    s->part_of.count = 0;
    s->encoder->encode(s->encoder->context, s->memory->work, images, &s->part_of);
    return drift_tape_status(s->memory->work);
}

/* Features of real samples, x [total, H, W, C] on the host. */
static drift_status encode_data(struct step *s, const float *x, size_t total, drift_features *all)
{
    const drift_loss_batch *batch = s->batch;
    const size_t numbers = batch->height * batch->width * batch->channels;
    drift_tape *work = s->memory->work;
    drift_status status = DRIFT_OK;
    for (size_t first = 0; first < total && !status; first += s->part) {
        const size_t n = total - first < s->part ? total - first : s->part;
        drift_tape_clear(work);
        drift_tape_pause(work);
        status = encode(s, drift_tape_input(work, 4, (const size_t[]){n, batch->height, batch->width, batch->channels},
                                            x ? x + first * numbers : NULL, 0));
        if (!status)
            keep(s, first, total, all);
    }
    return status ? status : drift_tape_status(s->memory->kept);
}

/* A part of the generated samples, through generator and encoder. */
static drift_status generate(struct step *s, size_t first, size_t n, int record)
{
    drift_tape_clear(s->memory->work);
    if (!record)
        drift_tape_pause(s->memory->work);
    return encode(s, s->batch->generate(s->batch->context, s->memory->work, first, n));
}

static size_t part_at(const struct step *s, size_t first)
{
    const size_t left = s->batch->entries * s->batch->generated - first;
    return left < s->part ? left : s->part;
}

static drift_status encode_generated(struct step *s)
{
    const size_t total = s->batch->entries * s->batch->generated;
    drift_status status = DRIFT_OK;
    for (size_t first = 0; first < total && !status; first += s->part) {
        status = generate(s, first, part_at(s, first), s->part == total);
        if (!status)
            keep(s, first, total, &s->generated);
    }
    return status ? status : drift_tape_status(s->memory->kept);
}

/* ---- the field ---- */

/* [entries samples, T, C] to [entries T, samples, C]. */
static drift_tensor *by_location(struct step *s, drift_tensor *x, size_t samples)
{
    drift_tape *tape = s->memory->sorted;
    const size_t entries = s->batch->entries, locations = x->size[1], channels = x->size[2];
    const size_t grouped[] = {entries * locations, samples, channels};
    if (locations > 1)
        x = drift_swap(tape, drift_reshape(tape, x, 4, (const size_t[]){entries, samples, locations, channels}));
    return drift_reshape(tape, x, 3, grouped);
}

/* w_neg [entries T, N]: each location's negatives weigh what their entry's do. */
static drift_tensor *weights(struct step *s, size_t locations)
{
    const drift_loss_batch *batch = s->batch;
    const size_t each = locations * batch->negatives, size[] = {batch->entries * locations, batch->negatives};
    float *w = malloc(batch->entries * each * sizeof *w);
    if (!w)
        return drift_tape_fail(s->memory->sorted, DRIFT_NO_MEMORY, "drift_loss: no memory for weights");
    for (size_t i = 0; i < batch->entries * each; i++)
        w[i] = batch->w_neg[i / each];
    drift_tensor *result = drift_tape_input(s->memory->sorted, 2, size, w, 0);
    free(w);
    return result;
}

/* Puts the field, which is sorted by location, in the place of the generated samples' feature. */
static void put_back(struct step *s, drift_tensor *v, drift_tensor *feature)
{
    drift_tape *tape = s->memory->sorted;
    const drift_backend *b = drift_tape_backend(tape);
    const size_t entries = s->batch->entries, locations = feature->size[1], channels = feature->size[2];
    if (locations > 1)
        v = drift_swap(tape,
                       drift_reshape(tape, v, 4, (const size_t[]){entries, locations, s->batch->generated, channels}));
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->copy(b, feature->data, v->data, drift_tensor_bytes(feature)), "drift_loss");
}

/* Whether any number of x is NaN or infinite. */
static int is_finite(const drift_tape *tape, const drift_tensor *x)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor sum = drift_tensor_of(b, 0, NULL);
    float value = NAN;
    if (b->alloc(b, drift_tensor_bytes(&sum), &sum.data))
        return 0;
    if (b->sum_squares(b, x, &sum) || drift_tensor_read_floats(&sum, &value))
        value = NAN;
    b->free(b, sum.data);
    return isfinite(value);
}

static drift_status feature_field(struct step *s, size_t f)
{
    drift_tape *tape = s->memory->sorted;
    const drift_loss_batch *batch = s->batch;
    drift_feature *feature = &s->generated.list[f];
    drift_field_report *report = &s->report->feature[f].field;
    drift_loss_input in = {.w_gen = NULL};
    drift_tape_clear(tape);
    drift_tape_pause(tape);
    in.gen = by_location(s, feature->x, batch->generated);
    in.pos = by_location(s, s->positive.list[f].x, batch->positives);
    if (batch->negatives) {
        in.neg = by_location(s, s->negative.list[f].x, batch->negatives);
        in.w_neg = batch->w_neg ? weights(s, feature->x->size[1]) : NULL;
    }
    drift_tensor *v = drift_loss_field(tape, s->config, &in, report);
    s->slope[f] = drift_loss_slope(v, report);
    drift_status status = drift_tape_status(tape);
    if (!status && !isfinite(report->loss))
        return drift_fail(DRIFT_NOT_FINITE, "the loss is not finite: %s of %s",
                          is_finite(tape, feature->x) ? "the field" : "the generated samples", feature->name);
    put_back(s, v, feature->x);
    memcpy(s->report->feature[f].name, feature->name, sizeof feature->name);
    s->report->feature[f].locations = feature->x->size[1];
    s->report->feature[f].channels = feature->x->size[2];
    s->report->loss += report->loss;
    return status ? status : drift_tape_status(tape);
}

static drift_status all_fields(struct step *s)
{
    drift_status status = DRIFT_OK;
    s->report->loss = 0;
    s->report->count = s->generated.count;
    for (size_t f = 0; f < s->generated.count && !status; f++)
        status = feature_field(s, f);
    return status;
}

/* ---- the gradient ---- */

/* The part's features, recorded, meet their slices of the field. */
static drift_status backward(struct step *s, size_t first, size_t n)
{
    drift_tape *work = s->memory->work;
    drift_tensor *total = NULL;
    for (size_t f = 0; f < s->part_of.count; f++) {
        const drift_tensor v = rows_of(s->generated.list[f].x, first, n);
        drift_tensor *loss =
            drift_linear_loss(work, s->report->feature[f].field.loss, s->slope[f], &v, s->part_of.list[f].x);
        total = total ? drift_add(work, total, loss) : loss;
    }
    if (total)
        drift_tape_backward(work, total, NULL);
    return drift_tape_status(work);
}

static drift_status all_gradients(struct step *s)
{
    const size_t total = s->batch->entries * s->batch->generated;
    drift_status status = DRIFT_OK;
    for (size_t first = 0; first < total && !status; first += s->part) {
        const size_t n = part_at(s, first);
        if (s->part < total)
            status = generate(s, first, n, 1);
        if (!status)
            status = backward(s, first, n);
    }
    return status;
}

static drift_status run(struct step *s)
{
    const drift_loss_batch *batch = s->batch;
    const size_t total = batch->entries * batch->generated;
    drift_tape_clear(s->memory->kept);
    drift_tape_pause(s->memory->kept);
    drift_status status = encode_data(s, batch->positive, batch->entries * batch->positives, &s->positive);
    if (!status)
        status = encode_data(s, batch->negative, batch->entries * batch->negatives, &s->negative);
    if (!status)
        status = encode_generated(s);
    if (!status && (!total || s->positive.count != s->generated.count))
        status = drift_fail(DRIFT_INVALID, "drift_loss: a step without samples");
    if (!status)
        status = all_fields(s);
    return status ? status : all_gradients(s);
}

drift_status drift_loss_gradients(drift_loss_memory *memory, const drift_field_config *config,
                                  const drift_encoder *encoder, const drift_loss_batch *batch, size_t parts,
                                  drift_loss_report *report)
{
    struct step *s = calloc(1, sizeof *s);
    if (!s)
        return drift_fail(DRIFT_NO_MEMORY, "drift_loss: no memory");
    const size_t total = batch->entries * batch->generated;
    *s = (struct step){.memory = memory, .config = config, .encoder = encoder, .batch = batch, .report = report};
    s->part = parts > 1 ? (total + parts - 1) / parts : total;
    if (!s->part)
        s->part = 1;
    drift_status status = run(s);
    free(s);
    return status;
}
