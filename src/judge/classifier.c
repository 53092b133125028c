/* The classifier: its layers, its training, what it says of images. */
#include "judge/classifier.h"

#include <math.h> /* fabs, floor */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "eval/eval.h"
#include "op/op.h"
#include "train/optimizer.h"

enum { FEATURES = DRIFT_CLASSIFIER_FEATURES, CHANNELS = 24, BATCH = 256, ROUNDS = 200, MOST_STEPS = 1500 };

/* ---- the network ---- */

/* Small images keep their size in the first convolution. */
static size_t first_stride(const struct drift_classifier *c) { return c->height < 16 || c->width < 16 ? 1 : 2; }

/* Pixels along a side of `n` after a convolution with this stride, kernel 3, padding 1. */
static size_t strided(size_t n, size_t stride) { return (n - 1) / stride + 1; }

static void declare(struct drift_classifier *c)
{
    const size_t stride = first_stride(c), rows = strided(strided(c->height, stride), 2);
    const size_t columns = strided(strided(c->width, stride), 2), flat = rows * columns * 2 * CHANNELS;
    const size_t size[DRIFT_CLASSIFIER_LAYERS][4] = {
        {3, 3, c->channels, CHANNELS}, {3, 3, CHANNELS, 2 * CHANNELS}, {flat, FEATURES}, {FEATURES, c->classes}};
    for (int i = 0; i < DRIFT_CLASSIFIER_LAYERS; i++) {
        char name[32];
        const int dims = i < 2 ? 4 : 2;
        snprintf(name, sizeof name, "layers.%d.weight", i);
        c->weight[i] = drift_params_add(&c->params, name, dims, size[i], DRIFT_INIT_XAVIER, 1);
        snprintf(name, sizeof name, "layers.%d.bias", i);
        c->bias[i] = drift_params_add(&c->params, name, 1, &size[i][dims - 1], DRIFT_INIT_ZEROS, 1);
    }
}

static drift_status classifier_new(struct drift_classifier *c, const struct drift_data *data)
{
    memset(c, 0, sizeof *c);
    c->dim = data->dim;
    c->height = data->height;
    c->width = data->width;
    c->channels = data->channels;
    c->classes = (size_t)data->classes;
    drift_params_new(&c->params, drift_cpu_backend(DRIFT_F32));
    declare(c);
    drift_status status = drift_params_allocate(&c->params);
    if (!status)
        status = drift_tape_new(c->params.backend, &c->tape);
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
    const size_t n = x->size[0];
    x = drift_reshape(tape, x, 4, (const size_t[]){n, c->height, c->width, c->channels});
    for (int i = 0; i < 2; i++)
        x = drift_unary(
            tape, DRIFT_SILU,
            drift_conv2d(tape, x, &c->weight[i]->tensor, &c->bias[i]->tensor, i ? 2 : first_stride(c), 1, 1));
    x = drift_reshape(tape, x, 2, (const size_t[]){n, c->weight[2]->tensor.size[0]});
    *features = drift_unary(tape, DRIFT_SILU, drift_linear(tape, x, &c->weight[2]->tensor, &c->bias[2]->tensor));
    return drift_linear(tape, *features, &c->weight[3]->tensor, &c->bias[3]->tensor);
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
    size_t n; /* BATCH, or all rows of a smaller set */
    size_t index[BATCH];
    int32_t labels[BATCH];
    float *x; /* [n, dim] */
};

static drift_status draw(const struct drift_data *data, uint64_t seed, uint32_t step, struct batch *batch)
{
    drift_status status = drift_data_draw_indices(data, batch->n, seed, step, DRIFT_RANDOM_DATA, batch->index);
    if (status)
        return status;
#pragma omp parallel for schedule(static)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)batch->n; i++) {
        const float *row = data->rows + batch->index[i] * data->dim;
        float *x = batch->x + (size_t)i * data->dim;
        batch->labels[i] = data->labels[batch->index[i]];
        warp(data, row, seed, step, (size_t)i, x);
    }
    return DRIFT_OK;
}

static drift_status gradients(struct drift_classifier *c, const struct batch *batch)
{
    drift_tape *tape = c->tape;
    drift_tensor *features;
    const size_t size[] = {batch->n, c->dim};
    drift_tape_clear(tape);
    drift_tensor *x = drift_tape_input(tape, 2, size, batch->x, 0);
    drift_tensor *labels = drift_tape_indices(tape, 1, size, batch->labels);
    drift_tensor *loss = drift_cross_entropy(tape, forward(c, tape, x, &features), labels);
    drift_tape_backward(tape, drift_reduce(tape, DRIFT_MEAN, loss), NULL);
    return drift_tape_status(tape);
}

static int64_t steps_of(const struct drift_data *data, size_t batch)
{
    const size_t steps = ROUNDS * data->size / batch;
    return (int64_t)(steps < MOST_STEPS ? steps : MOST_STEPS);
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
    const int64_t steps = steps_of(data, batch->n);
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
    if (!data->height)
        return drift_fail(DRIFT_INVALID, "%s: has points: the classifier judges images", data->name);
    if (data->classes < 2)
        return drift_fail(DRIFT_INVALID, "%s: has one class alone, so there is nothing to tell apart", data->name);
    return DRIFT_OK;
}

drift_status drift_classifier_train(struct drift_classifier *c, const struct drift_data *data, uint64_t seed,
                                    drift_classifier_progress *progress, void *context)
{
    struct drift_optimizer optimizer;
    struct batch batch = {.n = data->size < BATCH ? data->size : BATCH};
    memset(c, 0, sizeof *c);
    drift_status status = check_data(data);
    if (!status)
        status = classifier_new(c, data);
    if (status)
        return status;
    status = drift_optimizer_new(&optimizer, &c->params);
    if (!status) {
        batch.x = malloc(batch.n * c->dim * sizeof *batch.x);
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
