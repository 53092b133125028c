/* The classifier: its layers, its training, what it says of images. */
#include "train/classifier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "train/optimizer.h"

enum { HIDDEN = 512, FEATURES = DRIFT_CLASSIFIER_FEATURES, BATCH = 256 };

/* ---- the network ---- */

static drift_status build(struct drift_classifier *c)
{
    const drift_mlp_config config = {
        .layers = 2, .size = {c->dim, HIDDEN, FEATURES}, .activation = DRIFT_SILU, .init = DRIFT_INIT_XAVIER};
    const size_t weight[] = {FEATURES, c->classes};
    drift_status status = drift_mlp_new(&c->body, &config, &c->params);
    if (status)
        return status;
    c->head_weight = drift_params_add(&c->params, "head.weight", 2, weight, DRIFT_INIT_XAVIER, 1);
    c->head_bias = drift_params_add(&c->params, "head.bias", 1, &c->classes, DRIFT_INIT_ZEROS, 1);
    status = drift_params_allocate(&c->params);
    return status ? status : drift_tape_new(c->params.backend, &c->tape);
}

static drift_status classifier_new(struct drift_classifier *c, size_t dim, size_t classes)
{
    memset(c, 0, sizeof *c);
    c->dim = dim;
    c->classes = classes;
    drift_params_new(&c->params, drift_cpu_backend(DRIFT_F32));
    drift_status status = build(c);
    if (status)
        drift_classifier_free(c);
    return status;
}

void drift_classifier_free(struct drift_classifier *c)
{
    drift_tape_free(c->tape);
    if (c->params.backend)
        drift_params_free(&c->params);
    memset(c, 0, sizeof *c);
}

/* logits[n, classes] of x[n, dim]; *features[n, FEATURES] on the way. */
static drift_tensor *forward(const struct drift_classifier *c, drift_tape *tape, drift_tensor *x,
                             drift_tensor **features)
{
    *features = drift_unary(tape, DRIFT_SILU, drift_mlp_forward(&c->body, tape, x));
    return drift_linear(tape, *features, &c->head_weight->tensor, &c->head_bias->tensor);
}

/* ---- training ---- */

/* An image seen through a plane map near the identity, with black outside: pixel (row, column) shows what is at
 *   centre + (1 + u0) dr + u1 dc + u4,   centre + u2 dr + (1 + u3) dc + u5,   (dr, dc) from the centre,
 * the u uniform, those of the matrix within 0.15, the shifts within a twelfth of the side. */
static void warp(const struct drift_data *data, const float *from, uint64_t seed, uint32_t step, size_t place,
                 float *to)
{
    const double side = data->height > data->width ? data->height : data->width;
    const double middle_r = ((double)data->height - 1) / 2, middle_c = ((double)data->width - 1) / 2;
    double u[6];
    for (size_t k = 0; k < 6; k++)
        u[k] = (2 * drift_random_uniform_at(seed, DRIFT_RANDOM_WARP, step, 6 * place + k) - 1) *
               (k < 4 ? 0.15 : side / 12);
    for (size_t i = 0; i < data->height; i++)
        for (size_t j = 0; j < data->width; j++) {
            const double dr = (double)i - middle_r, dc = (double)j - middle_c;
            const double r = middle_r + (1 + u[0]) * dr + u[1] * dc + u[4],
                         q = middle_c + u[2] * dr + (1 + u[3]) * dc + u[5];
            const double top = floor(r), left = floor(q);
            for (size_t k = 0; k < data->channels; k++) {
                double sum = 0;
                for (int corner = 0; corner < 4; corner++) {
                    const double y = top + (corner >> 1), x = left + (corner & 1);
                    const double weight = (1 - fabs(r - y)) * (1 - fabs(q - x));
                    const int inside = y >= 0 && x >= 0 && y < (double)data->height && x < (double)data->width;
                    sum += weight *
                           (inside ? (double)from[((size_t)y * data->width + (size_t)x) * data->channels + k] : -1);
                }
                *to++ = (float)sum;
            }
        }
}

struct batch {
    size_t index[BATCH];
    int32_t labels[BATCH];
    float *x; /* [BATCH, dim] */
};

static drift_status draw(const struct drift_data *data, uint64_t seed, uint32_t step, struct batch *batch)
{
    drift_status status = drift_data_draw_indices(data, BATCH, seed, step, DRIFT_RANDOM_DATA, batch->index);
    if (status)
        return status;
#pragma omp parallel for schedule(static)
    for (ptrdiff_t i = 0; i < BATCH; i++) {
        const float *row = data->rows + batch->index[i] * data->dim;
        float *x = batch->x + (size_t)i * data->dim;
        batch->labels[i] = data->labels[batch->index[i]];
        if (data->height)
            warp(data, row, seed, step, (size_t)i, x);
        else
            memcpy(x, row, data->dim * sizeof *x);
    }
    return DRIFT_OK;
}

static drift_status gradients(struct drift_classifier *c, const struct batch *batch)
{
    drift_tape *tape = c->tape;
    drift_tensor *features;
    const size_t size[] = {BATCH, c->dim};
    drift_tape_clear(tape);
    drift_tensor *x = drift_tape_input(tape, 2, size, batch->x, 0);
    drift_tensor *labels = drift_tape_indices(tape, 1, size, batch->labels);
    drift_tensor *loss = drift_cross_entropy(tape, forward(c, tape, x, &features), labels);
    drift_tape_backward(tape, drift_reduce(tape, DRIFT_MEAN, loss), NULL);
    return drift_tape_status(tape);
}

/* 200 rounds of a small set, 3,000 steps of a large one. */
static int64_t steps_of(const struct drift_data *data)
{
    const size_t steps = 200 * data->size / BATCH;
    return steps < 300 ? 300 : steps > 3000 ? 3000 : (int64_t)steps;
}

static drift_status settings(struct drift_recipe *recipe, int64_t steps)
{
    const char *const keys[][2] = {{"optimizer.name", "adamw"},
                                   {"optimizer.weight_decay", "0.05"},
                                   {"optimizer.lr_schedule.learning_rate", "2e-3"},
                                   {"optimizer.lr_schedule.warmup_steps", "100"},
                                   {"optimizer.lr_schedule.lr_schedule", "cosine"}};
    drift_status status = DRIFT_OK;
    drift_recipe_defaults(recipe);
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !status; i++)
        status = drift_recipe_set(recipe, keys[i][0], keys[i][1]);
    recipe->optimizer.lr_schedule.total_steps = steps;
    return status;
}

static drift_status train(struct drift_classifier *c, const struct drift_data *data, uint64_t seed,
                          struct drift_optimizer *optimizer, struct batch *batch, drift_classifier_progress *progress,
                          void *context)
{
    struct drift_recipe recipe;
    struct drift_optimizer_report report;
    const int64_t steps = steps_of(data);
    drift_status status = settings(&recipe, steps);
    if (!status)
        status = drift_params_init(&c->params, seed);
    for (int64_t step = 0; step < steps && !status; step++) {
        status = draw(data, seed, (uint32_t)step, batch);
        if (!status)
            status = drift_params_zero_grad(&c->params);
        if (!status)
            status = gradients(c, batch);
        if (!status)
            status = drift_optimizer_step(optimizer, &recipe, step, &c->params, &report);
        if (!status && progress)
            progress(context, step + 1, steps);
    }
    return status ? drift_fail_context(status, "classifier") : DRIFT_OK;
}

static drift_status check_data(const struct drift_data *data)
{
    if (!data->size || !data->labels)
        return drift_fail(DRIFT_INVALID, "%s: has no labels, which a classifier is trained with", data->name);
    if (data->classes < 2)
        return drift_fail(DRIFT_INVALID, "%s: has one class alone, so there is nothing to tell apart", data->name);
    return DRIFT_OK;
}

drift_status drift_classifier_train(struct drift_classifier *c, const struct drift_data *data, uint64_t seed,
                                    drift_classifier_progress *progress, void *context)
{
    struct drift_optimizer optimizer;
    struct batch batch = {.x = NULL};
    memset(c, 0, sizeof *c);
    drift_status status = check_data(data);
    if (!status)
        status = classifier_new(c, data->dim, (size_t)data->classes);
    if (status)
        return status;
    status = drift_optimizer_new(&optimizer, &c->params);
    if (!status) {
        batch.x = malloc(BATCH * c->dim * sizeof *batch.x);
        status = batch.x ? train(c, data, seed, &optimizer, &batch, progress, context)
                         : drift_fail(DRIFT_NO_MEMORY, "classifier: no memory for a batch");
        free(batch.x);
        drift_optimizer_free(&optimizer, &c->params);
    }
    if (status)
        drift_classifier_free(c);
    return status;
}

/* ---- what it says ---- */

int drift_most_likely(size_t classes, const float *logits)
{
    size_t best = 0;
    for (size_t j = 1; j < classes; j++)
        if (logits[j] > logits[best])
            best = j;
    return (int)best;
}

/* One batch; `logits` has room for it. */
static drift_status apply_batch(struct drift_classifier *c, size_t n, const float *x, float *features, float *logits)
{
    drift_tensor *inner;
    drift_tape_clear(c->tape);
    drift_tape_pause(c->tape);
    drift_tensor *y = forward(c, c->tape, drift_tape_input(c->tape, 2, (size_t[]){n, c->dim}, x, 0), &inner);
    drift_status status = drift_tape_status(c->tape);
    if (!status && features)
        status = drift_tensor_read_floats(inner, features);
    return status ? status : drift_tensor_read_floats(y, logits);
}

drift_status drift_classifier_apply(struct drift_classifier *c, size_t n, const float *x, float *features, int *labels)
{
    drift_status status = DRIFT_OK;
    float *logits = malloc(BATCH * c->classes * sizeof *logits);
    if (!logits)
        return drift_fail(DRIFT_NO_MEMORY, "classifier: no memory for a batch");
    for (size_t done = 0; done < n && !status; done += BATCH) {
        const size_t rows = n - done < BATCH ? n - done : BATCH;
        status = apply_batch(c, rows, x + done * c->dim, features ? features + done * FEATURES : NULL, logits);
        for (size_t i = 0; i < rows && labels && !status; i++)
            labels[done + i] = drift_most_likely(c->classes, logits + i * c->classes);
    }
    drift_tape_clear(c->tape);
    free(logits);
    return status;
}
