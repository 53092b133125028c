/* Kinds cfg, queue, schedule: what surrounds the loss in a training step. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drifting/guidance.h"
#include "drifting/queue.h"
#include "golden/golden.h"
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
        weight[i] = drift_guidance_weight(alpha[i], generated, negatives);
    }
    status = drift_golden_output_row(golden, "out/alpha", n, alpha);
    if (!status)
        status = drift_golden_output_row(golden, "out/w_neg", n, weight);
    free(alpha);
    return status;
}

drift_status drift_golden_cfg(drift_golden *golden)
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

drift_status drift_golden_queue(drift_golden *golden)
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

drift_status drift_golden_schedule(drift_golden *golden)
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
