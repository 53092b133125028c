/* Kinds cfg, queue, schedule: what surrounds the loss in a training step. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drifting/guidance.h"
#include "drifting/queue.h"
#include "golden/draft.h"
#include "golden/mistakes.h"
#include "train/schedule.h"

/* ---- cfg: guidance scales and the negatives' weights of given uniform numbers ---- */

drift_status drift_golden_guidance(drift_golden *golden, struct drift_guidance *guidance)
{
    drift_status status = drift_golden_number(golden, "cfg_min", &guidance->low);
    if (!status)
        status = drift_golden_number(golden, "cfg_max", &guidance->high);
    if (!status)
        status = drift_golden_number(golden, "neg_cfg_pw", &guidance->power);
    if (!status)
        status = drift_golden_number(golden, "no_cfg_frac", &guidance->off_fraction);
    return status ? status : drift_guidance_check(guidance);
}

static drift_status output_guidance(drift_golden *golden, const struct drift_guidance *guidance, size_t n,
                                    const float *u, const float *off)
{
    size_t generated, negatives;
    drift_status status = drift_golden_count(golden, "gen_per_label", &generated);
    if (!status)
        status = drift_golden_count(golden, "neg_per_sample", &negatives);
    if (status)
        return status;
    double *alpha = malloc(2 * n * sizeof *alpha + 1), *weight = alpha + n;
    if (!alpha)
        return drift_fail_memory(golden->file->path, n);
    for (size_t i = 0; i < n; i++) {
        alpha[i] = drift_guidance_scale(guidance, (double)u[i], (double)off[i]);
        weight[i] = drift_golden_weight(golden, alpha[i], generated, negatives);
    }
    status = drift_golden_output_row(golden, "out/alpha", n, alpha);
    if (!status)
        status = drift_golden_output_row(golden, "out/w_neg", n, weight);
    free(alpha);
    return status;
}

static drift_status compute_cfg(drift_golden *golden)
{
    struct drift_guidance guidance;
    size_t n = SIZE_MAX;
    float *u = NULL, *off = NULL;
    drift_status status = drift_golden_guidance(golden, &guidance);
    if (!status)
        status = drift_golden_input(golden, "in/u", 1, &n, NULL, &u);
    if (!status)
        status = drift_golden_input(golden, "in/switch", 1, &n, NULL, &off);
    if (!status)
        status = output_guidance(golden, &guidance, n, u, off);
    free(u);
    free(off);
    return status;
}

static void draw_cfg(drift_golden_draft *draft)
{
    const size_t n = drift_golden_size(draft, "shape.count");
    drift_golden_draw(draft, "in/u", drift_golden_uniform(0, 1), 1, &n);
    drift_golden_draw_exact(draft, "in/switch", drift_golden_uniform(0, 1), 1, &n);
}

const struct drift_golden_kind drift_golden_kind_cfg = {
    .name = "cfg",
    .what = "guidance scales and negatives' weights of given uniform numbers",
    .compute = compute_cfg,
    .inputs = draw_cfg,
    .defaults = "{\"cfg_min\": 1.0, \"cfg_max\": 4.0, \"neg_cfg_pw\": 3.0, \"no_cfg_frac\": 0.2, \"gen_per_label\": 64,"
                " \"neg_per_sample\": 16, \"shape\": {\"count\": 40}}",
};

/* ---- queue: what each ring holds after a sequence of pushes ---- */

/* A case: samples come one after the other, `pushes` of them at a time. A row of the queue is a sample's number,
 * counted from 1, and the sample. */
struct pushes {
    struct drift_queue queue;
    size_t samples, dim, count; /* pushes */
    float *x, *sizes;
    int32_t *label;
    float *next, *held; /* [pushes, classes] after each */
};

static void pushes_free(struct pushes *p)
{
    drift_queue_free(&p->queue);
    free(p->x);
    free(p->sizes);
    free(p->label);
    free(p->next);
    free(p->held);
}

/* x[samples, 1 + dim] and the labels. */
static drift_status read_samples(drift_golden *golden, struct pushes *p)
{
    const struct drift_array *x;
    float *label, *values;
    drift_status status = drift_safetensors_get(golden->file, "in/samples", -1, NULL, &x);
    if (!status && (x->rank < 1 || x->rank >= DRIFT_ARRAY_RANK || !x->count))
        status = drift_fail(DRIFT_INVALID, "%s: in/samples: expected samples", golden->file->path);
    if (status)
        return status;
    p->samples = x->shape[0];
    p->dim = x->count / p->samples;
    status = drift_golden_input(golden, "in/label", 1, &p->samples, NULL, &label);
    if (status)
        return status;
    values = malloc(x->count * sizeof *values);
    p->x = malloc((x->count + p->samples) * sizeof *p->x);
    p->label = malloc(p->samples * sizeof *p->label);
    if (values && p->x && p->label) {
        drift_array_floats(x, values);
        for (size_t i = 0; i < p->samples; i++) {
            p->label[i] = label[i] >= 0 && label[i] < 1e9f ? (int32_t)label[i] : -1;
            p->x[i * (1 + p->dim)] = (float)(i + 1);
            for (size_t k = 0; k < p->dim; k++)
                p->x[i * (1 + p->dim) + 1 + k] = values[i * p->dim + k];
        }
    } else {
        status = drift_fail_memory(golden->file->path, x->count);
    }
    free(values);
    free(label);
    return status;
}

static drift_status open_queue(drift_golden *golden, struct pushes *p)
{
    size_t classes, size;
    p->count = SIZE_MAX;
    drift_status status = drift_golden_count(golden, "num_classes", &classes);
    if (!status)
        status = drift_golden_count(golden, "max_size", &size);
    if (!status)
        status = drift_golden_input(golden, "in/pushes", 1, &p->count, NULL, &p->sizes);
    if (!status)
        status = drift_queue_new(&p->queue, classes, size, 1 + p->dim);
    if (status)
        return status;
    p->next = calloc(p->count * p->queue.classes + 1, sizeof *p->next);
    p->held = calloc(p->count * p->queue.classes + 1, sizeof *p->held);
    return p->next && p->held ? DRIFT_OK : drift_fail_memory(golden->file->path, p->count * p->queue.classes);
}

static drift_status push_all(drift_golden *golden, struct pushes *p)
{
    size_t done = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (!(p->sizes[i] >= 0 && (double)p->sizes[i] <= (double)(p->samples - done)))
            return drift_fail(DRIFT_INVALID, "%s: in/pushes: more than the %zu samples", golden->file->path,
                              p->samples);
        const size_t n = (size_t)p->sizes[i];
        drift_status status = drift_queue_push(&p->queue, n, p->label + done, p->x + done * (1 + p->dim));
        if (status)
            return drift_fail_context(status, "%s", golden->file->path);
        done += n;
        for (size_t c = 0; c < p->queue.classes; c++) {
            p->next[i * p->queue.classes + c] = (float)p->queue.next[c];
            p->held[i * p->queue.classes + c] = (float)p->queue.count[c];
        }
    }
    return DRIFT_OK;
}

static drift_status output_rings(drift_golden *golden, const struct pushes *p)
{
    const size_t rows = p->queue.classes * p->queue.size;
    float *number = malloc(rows * (1 + p->dim) * sizeof *number), *bank = number + rows;
    if (!number)
        return drift_fail_memory(golden->file->path, rows);
    for (size_t i = 0; i < rows; i++) {
        number[i] = p->queue.rows[i * (1 + p->dim)] - 1;
        for (size_t k = 0; k < p->dim; k++)
            bank[i * p->dim + k] = p->queue.rows[i * (1 + p->dim) + 1 + k];
    }
    const struct drift_array samples =
        *drift_safetensors_find(golden->file, "in/samples"); /* whose shape the bank has */
    size_t shape[DRIFT_ARRAY_RANK + 1] = {p->queue.classes, p->queue.size};
    memcpy(shape + 2, samples.shape + 1, sizeof *shape * (size_t)(samples.rank - 1));
    const size_t table[] = {p->count, p->queue.classes};
    drift_status status = drift_golden_output_exact(golden, "out/rows", DRIFT_ARRAY_I32, 2, shape, number);
    if (!status)
        status = drift_golden_output_exact(golden, "out/bank", DRIFT_ARRAY_F32, samples.rank + 1, shape, bank);
    if (!status)
        status = drift_golden_output_exact(golden, "out/next", DRIFT_ARRAY_I32, 2, table, p->next);
    if (!status)
        status = drift_golden_output_exact(golden, "out/count", DRIFT_ARRAY_I32, 2, table, p->held);
    free(number);
    return status;
}

static drift_status compute_queue(drift_golden *golden)
{
    struct pushes p = {.samples = 0};
    drift_status status = read_samples(golden, &p);
    if (!status)
        status = open_queue(golden, &p);
    if (!status)
        status = push_all(golden, &p);
    if (!status)
        status = output_rings(golden, &p);
    pushes_free(&p);
    return status;
}

/* Pushes of as many samples each, the rest in the last. */
static void draw_queue(drift_golden_draft *draft)
{
    const size_t classes = drift_golden_size(draft, "num_classes"), samples = drift_golden_size(draft, "shape.samples"),
                 pushes = drift_golden_size(draft, "shape.pushes"),
                 shape[] = {samples, drift_golden_size(draft, "shape.dim")};
    int32_t *sizes = malloc(pushes * sizeof *sizes + 1);
    for (size_t i = 0; i < pushes && sizes; i++)
        sizes[i] = (int32_t)(samples / pushes + (i + 1 == pushes ? samples % pushes : 0));
    drift_golden_draw_exact(draft, "in/samples", drift_golden_normal(0, 1), 2, shape);
    drift_golden_draw(draft, "in/label", drift_golden_index(classes), 1, &samples);
    if (sizes)
        drift_golden_put(draft, "in/pushes", pushes, sizes);
    else
        draft->status = drift_fail_memory(draft->file.path, pushes);
    free(sizes);
}

const struct drift_golden_kind drift_golden_kind_queue = {
    .name = "queue",
    .what = "what each ring holds after a sequence of pushes",
    .compute = compute_queue,
    .inputs = draw_queue,
    .defaults = "{\"num_classes\": 5, \"max_size\": 4, \"shape\": {\"samples\": 24, \"pushes\": 4, \"dim\": 3}}",
};

/* ---- schedule: the learning rate at given steps ---- */

static drift_status read_schedule(drift_golden *golden, struct drift_schedule *schedule)
{
    const char *kind;
    size_t warmup, total;
    drift_status status = drift_golden_number(golden, "learning_rate", &schedule->learning_rate);
    if (!status)
        status = drift_golden_count(golden, "warmup_steps", &warmup);
    if (!status)
        status = drift_golden_count(golden, "total_steps", &total);
    if (!status)
        status = drift_golden_text(golden, "lr_schedule", &kind);
    if (status)
        return status;
    schedule->warmup_steps = (int64_t)warmup;
    schedule->total_steps = (int64_t)total;
    return drift_schedule_kind(kind, &schedule->kind);
}

static drift_status compute_schedule(drift_golden *golden)
{
    struct drift_schedule schedule;
    size_t n = SIZE_MAX;
    float *step;
    drift_status status = read_schedule(golden, &schedule);
    if (!status)
        status = drift_golden_input(golden, "in/step", 1, &n, NULL, &step);
    if (status)
        return status;
    double *rate = malloc(n * sizeof *rate + 1);
    for (size_t i = 0; i < n && rate; i++)
        rate[i] = drift_schedule_rate(&schedule, (int64_t)step[i]);
    status = rate ? drift_golden_output_row(golden, "out/learning_rate", n, rate)
                  : drift_fail_memory(golden->file->path, n * sizeof *rate);
    free(rate);
    free(step);
    return status;
}

/* The steps where the rule changes, and more on the way. */
static void draw_schedule(drift_golden_draft *draft)
{
    enum { CORNERS = 6 };
    const size_t n = drift_golden_size(draft, "shape.count"), total = drift_golden_size(draft, "total_steps");
    const int32_t warmup = (int32_t)drift_golden_size_or_none(draft, "warmup_steps"), last = (int32_t)total;
    const int32_t corners[CORNERS] = {0, 1, warmup > 0 ? warmup - 1 : 0, warmup, warmup + 1, last};
    int32_t *steps = malloc((n + CORNERS) * sizeof *steps);
    if (!steps) {
        draft->status = drift_fail_memory(draft->file.path, n);
        return;
    }
    memcpy(steps, corners, sizeof corners);
    for (size_t i = 0; i < n; i++)
        steps[CORNERS + i] = (int32_t)(total * i / n);
    drift_golden_put(draft, "in/step", CORNERS + n, steps);
    free(steps);
}

const struct drift_golden_kind drift_golden_kind_schedule = {
    .name = "schedule",
    .what = "the learning rate at given steps",
    .compute = compute_schedule,
    .inputs = draw_schedule,
    .defaults =
        "{\"learning_rate\": 0.0004, \"warmup_steps\": 10000, \"total_steps\": 100000, \"lr_schedule\": \"cosine\","
        " \"shape\": {\"count\": 16}}",
};
