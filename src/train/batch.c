/* Pushes and draws of a step. */
#include "train/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "data/augment.h"

static void *room(size_t n, size_t dim, size_t item)
{
    return n > SIZE_MAX / item / (dim + 1) ? NULL : malloc(n * dim * item + 1);
}

static drift_status no_memory(const struct drift_batch *b)
{
    return drift_fail(DRIFT_NO_MEMORY, "no memory for a batch of %zu entries with %zu positives and %zu negatives",
                      b->entries, b->positives, b->negatives);
}

drift_status drift_batch_sizes(struct drift_batch *batch, const struct drift_recipe *recipe, size_t dim)
{
    *batch = (struct drift_batch){.entries = 1, .dim = dim, .conditional = recipe->model.name == DRIFT_MODEL_DIT};
    batch->generated = (size_t)recipe->train.forward_dict.gen_per_label;
    batch->positives = (size_t)recipe->train.pos_per_sample;
    if (batch->conditional) {
        const size_t wanted = (size_t)recipe->train.push_per_step;
        batch->entries = (size_t)recipe->train.train_batch_size;
        batch->negatives = (size_t)recipe->train.neg_per_sample;
        batch->push_size = recipe->dataset.batch_size ? (size_t)recipe->dataset.batch_size : batch->entries;
        batch->pushes = wanted > batch->push_size ? (wanted + batch->push_size - 1) / batch->push_size : 1;
    }
    batch->label = calloc(batch->entries, sizeof *batch->label);
    batch->alpha = calloc(batch->entries, sizeof *batch->alpha);
    batch->weight = calloc(batch->entries, sizeof *batch->weight);
    if (batch->label && batch->alpha && batch->weight)
        return DRIFT_OK;
    no_memory(batch);
    drift_batch_free(batch);
    return DRIFT_NO_MEMORY;
}

double drift_batch_bytes(const struct drift_batch *b, const struct drift_recipe *recipe)
{
    double samples = (double)b->entries * (double)(b->positives + b->negatives) + (double)b->push_size;
    if (b->conditional)
        samples += (double)recipe->dataset.num_classes * (double)recipe->train.positive_bank_size +
                   (double)recipe->train.negative_bank_size;
    return samples * (double)b->dim * sizeof(float);
}

static drift_status take(struct drift_batch *b, const struct drift_recipe *recipe)
{
    drift_status status = DRIFT_OK;
    b->positive = room(b->entries * b->positives, b->dim, sizeof *b->positive);
    b->negative = room(b->entries * b->negatives, b->dim, sizeof *b->negative);
    b->pushed = room(b->push_size, b->dim, sizeof *b->pushed);
    b->pushed_label = room(b->push_size, 1, sizeof *b->pushed_label);
    if (!b->positive || !b->negative || !b->pushed || !b->pushed_label)
        return no_memory(b);
    if (b->conditional)
        status = drift_queue_new(&b->by_class, (size_t)recipe->dataset.num_classes,
                                 (size_t)recipe->train.positive_bank_size, b->dim);
    if (b->conditional && !status)
        status = drift_queue_new(&b->all, 1, (size_t)recipe->train.negative_bank_size, b->dim);
    return status;
}

drift_status drift_batch_new(struct drift_batch *batch, const struct drift_recipe *recipe, size_t dim)
{
    drift_status status = drift_batch_sizes(batch, recipe, dim);
    if (status)
        return status;
    status = take(batch, recipe);
    if (status)
        drift_batch_free(batch);
    return status;
}

void drift_batch_free(struct drift_batch *batch)
{
    void *all[] = {batch->pushed, batch->pushed_label, batch->positive, batch->negative,
                   batch->label,  batch->alpha,        batch->weight};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    drift_queue_free(&batch->by_class);
    drift_queue_free(&batch->all);
    memset(batch, 0, sizeof *batch);
}

/* Whether every class 0 .. classes - 1 has a row of a finite set. */
static drift_status check_rows(const struct drift_data *data, int64_t classes)
{
    size_t *count = calloc((size_t)classes, sizeof *count);
    drift_status status = DRIFT_OK;
    if (!count)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %ld classes", (long)classes);
    for (size_t i = 0; i < data->size && !status; i++) {
        const int label = data->labels ? data->labels[i] : 0;
        if (label >= classes)
            status = drift_fail(DRIFT_INVALID, "dataset.num_classes: %ld, but %s has a sample of class %d",
                                (long)classes, data->name, label);
        else
            count[label]++;
    }
    for (int64_t c = 0; c < classes && !status; c++)
        if (!count[c])
            status = drift_fail(DRIFT_INVALID, "%s: class %ld of dataset.num_classes %ld has no sample%s", data->name,
                                (long)c, (long)classes, data->labels ? "" : ": the set has no labels");
    free(count);
    return status;
}

drift_status drift_batch_classes(const struct drift_data *data, struct drift_recipe *recipe)
{
    const int64_t has = data->classes ? data->classes : 1;
    if (recipe->model.name != DRIFT_MODEL_DIT)
        return DRIFT_OK;
    if (!recipe->dataset.num_classes)
        recipe->dataset.num_classes = has;
    if (data->size)
        return check_rows(data, recipe->dataset.num_classes);
    if (recipe->dataset.num_classes > has)
        return drift_fail(DRIFT_INVALID, "%s: class %ld of dataset.num_classes %ld has no sample", data->name,
                          (long)has, (long)recipe->dataset.num_classes);
    if (recipe->dataset.num_classes < has)
        return drift_fail(DRIFT_INVALID, "dataset.num_classes: %ld, but %s has %ld classes",
                          (long)recipe->dataset.num_classes, data->name, (long)has);
    return DRIFT_OK;
}

/* ---- drawing ---- */

/* Changes n images as the recipe says: a random part of each; half of them mirrored. */
static drift_status augment(const struct drift_recipe *recipe, const struct drift_data *data, uint32_t number, size_t n,
                            float *x)
{
    const size_t height = data->height, width = data->width, channels = data->channels;
    const uint64_t seed = (uint64_t)recipe->train.seed;
    float *whole = recipe->dataset.use_aug ? malloc(data->dim * sizeof *whole) : NULL;
    if (recipe->dataset.use_aug && !whole)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for an image of %zu numbers", data->dim);
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < n && !status; i++, x += data->dim) {
        if (whole) {
            const struct drift_crop crop = drift_draw_crop(height, width, seed, number, i);
            memcpy(whole, x, data->dim * sizeof *x);
            status = drift_crop_image(&crop, height, width, channels, whole, x);
        }
        if ((whole || recipe->dataset.mirror) && !drift_random_below(seed, DRIFT_RANDOM_MIRROR, number, i, 2))
            drift_mirror_image(height, width, channels, x);
    }
    free(whole);
    return status;
}

drift_status drift_batch_data(const struct drift_recipe *recipe, const struct drift_data *data, uint32_t number,
                              size_t n, float *x, int32_t *label)
{
    drift_status status =
        drift_data_draw_labelled(data, n, (uint64_t)recipe->train.seed, number, DRIFT_RANDOM_DATA, x, label);
    return status || !data->height ? status : augment(recipe, data, number, n, x); /* a point has no sides */
}

static drift_status push(struct drift_batch *b, const struct drift_recipe *recipe, const struct drift_data *data,
                         int64_t step)
{
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < b->pushes && !status; i++) {
        const uint32_t number = (uint32_t)((uint64_t)step * b->pushes + i);
        status = drift_batch_data(recipe, data, number, b->push_size, b->pushed, b->pushed_label);
        if (!status)
            status = drift_queue_push(&b->by_class, b->push_size, b->pushed_label, b->pushed);
        if (!status)
            status = drift_queue_push(&b->all, b->push_size, NULL, b->pushed);
    }
    return status;
}

/* The entries' classes: those of places of the last push, drawn without replacement (the first steps of Fisher and
 * Yates' shuffle; the push's labels are shuffled in place, and not needed afterwards). */
static void choose_entries(struct drift_batch *b, uint64_t seed, uint32_t step)
{
    for (size_t i = 0; i < b->entries; i++) {
        const size_t other = i + drift_random_below(seed, DRIFT_RANDOM_ENTRY, step, i, (uint32_t)(b->push_size - i));
        b->label[i] = b->pushed_label[other];
        b->pushed_label[other] = b->pushed_label[i];
    }
}

static drift_status draw_samples(struct drift_batch *b, uint64_t seed, uint32_t step)
{
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < b->entries && !status; i++) {
        status = drift_queue_draw_samples(&b->by_class, (size_t)b->label[i], b->positives, seed, DRIFT_RANDOM_QUEUE,
                                          step, i * b->positives, b->positive + i * b->positives * b->dim);
        if (!status && b->negatives)
            status = drift_queue_draw_samples(&b->all, 0, b->negatives, seed, DRIFT_RANDOM_QUEUE_ALL, step,
                                              i * b->negatives, b->negative + i * b->negatives * b->dim);
    }
    return status;
}

drift_status drift_batch_draw(struct drift_batch *batch, const struct drift_recipe *recipe,
                              const struct drift_data *data, int64_t step)
{
    const uint64_t seed = (uint64_t)recipe->train.seed;
    const struct drift_guidance guidance = drift_recipe_guidance(recipe);
    if (!batch->conditional)
        return drift_batch_data(recipe, data, (uint32_t)step, batch->positives, batch->positive, NULL);
    drift_status status = push(batch, recipe, data, step);
    if (status)
        return status;
    choose_entries(batch, seed, (uint32_t)step);
    drift_guidance_draw(&guidance, seed, (uint32_t)step, batch->entries, batch->alpha);
    for (size_t i = 0; i < batch->entries; i++)
        batch->weight[i] = (float)drift_guidance_weight((double)batch->alpha[i], batch->generated, batch->negatives);
    return draw_samples(batch, seed, (uint32_t)step);
}
