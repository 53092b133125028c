/* Kinds mae_init, mae_forward, mae_loss: the masked autoencoder. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "golden/draft.h"
#include "golden/mae.h"

static drift_status count_of(drift_golden *golden, const json_t *model, const char *key, size_t *value)
{
    const json_t *node = json_object_get(model, key);
    const double number = json_number_value(node);
    if (!json_is_number(node) || !(number >= 0 && number <= 1e9))
        return drift_fail(DRIFT_INVALID, "%s: config: model.%s: expected a number", golden->file->path, key);
    *value = (size_t)number;
    return DRIFT_OK;
}

drift_status drift_golden_mae_config(drift_golden *golden, const char *key, drift_mae_config *config)
{
    const json_t *model = json_object_get(golden->config, key), *layers = json_object_get(model, "layers");
    *config = (drift_mae_config){.dropout_prob = 0};
    drift_status status = count_of(golden, model, "num_classes", &config->num_classes);
    if (status || (status = count_of(golden, model, "in_channels", &config->in_channels)) ||
        (status = count_of(golden, model, "base_channels", &config->base_channels)) ||
        (status = count_of(golden, model, "patch_size", &config->patch_size)) ||
        (status = count_of(golden, model, "input_patch_size", &config->input_patch_size)))
        return status;
    config->use_bf16 = json_is_true(json_object_get(model, "use_bf16"));
    for (size_t stage = 0; stage < DRIFT_MAE_STAGES; stage++)
        config->layers[stage] = (size_t)json_integer_value(json_array_get(layers, stage));
    return drift_mae_check(config);
}

drift_status drift_golden_mae_open(drift_golden *golden, const char *key, const char *prefix, int whole,
                                   struct drift_golden_mae *model)
{
    drift_mae_config config;
    drift_params_new(&model->params, golden->backend);
    drift_status status = drift_golden_mae_config(golden, key, &config);
    if (!status)
        status = drift_mae_new(&model->mae, &config, whole, &model->params);
    return status || !prefix ? status : drift_golden_params(golden, prefix, &model->params);
}

void drift_golden_mae_close(struct drift_golden_mae *model)
{
    drift_mae_free(&model->mae);
    drift_params_free(&model->params);
}

static drift_status compute_mae_init(drift_golden *golden)
{
    struct drift_golden_mae model = {.mae = {.whole = 0}};
    drift_status status = drift_golden_mae_open(golden, "model", NULL, 1, &model);
    if (!status)
        status = drift_golden_init(golden, &model.params);
    drift_golden_mae_close(&model);
    return status;
}

const struct drift_golden_kind drift_golden_kind_mae_init = {
    .name = "mae_init",
    .what = "shapes and laws of the encoder's first parameters",
    .compute = compute_mae_init,
};

/* ---- mae_forward ---- */

static drift_status output_forward(drift_golden *golden, const struct drift_mae_maps *maps, const drift_tensor *recon,
                                   const drift_tensor *logits)
{
    static const char *const names[] = {"out/layer1", "out/layer2", "out/layer3", "out/layer4"};
    drift_status status = drift_golden_output_tensor(golden, "out/conv1", maps->conv1);
    for (int stage = 0; stage < DRIFT_MAE_STAGES && !status; stage++)
        status = drift_golden_output_tensor(golden, names[stage], maps->layer[stage]);
    if (!status)
        status = drift_golden_output_tensor(golden, "out/recon", recon);
    return status ? status : drift_golden_output_tensor(golden, "out/logits", logits);
}

static drift_status forward(drift_golden *golden, drift_tape *tape, void *context)
{
    struct drift_golden_mae *model = context;
    struct drift_mae_maps maps;
    drift_tensor *x = drift_golden_tensor(golden, tape, "in/x", 1),
                 *mask = drift_golden_tensor(golden, tape, "in/mask", 0);
    drift_mae_encode(&model->mae, tape, drift_hide(tape, drift_mae_grid(&model->mae, tape, x), mask), &maps);
    drift_tensor *recon = drift_mae_decode(&model->mae, tape, &maps),
                 *logits = drift_mae_classify(&model->mae, tape, &maps);
    drift_tape_backward(tape, recon, drift_golden_tensor(golden, tape, "in/cotangent/recon", 0));
    drift_tape_backward(tape, logits, drift_golden_tensor(golden, tape, "in/cotangent/logits", 0));
    drift_status status = drift_tape_status(tape);
    if (!status)
        status = output_forward(golden, &maps, recon, logits);
    if (!status)
        status = drift_golden_output_gradient(golden, "grad/x", x);
    const drift_tensor gradients = drift_tensor_grad(&model->params.values);
    return status ? status : drift_golden_output_block(golden, "grad", &model->params, &gradients);
}

static drift_status compute_mae_forward(drift_golden *golden)
{
    struct drift_golden_mae model = {.mae = {.whole = 0}};
    drift_status status = drift_golden_mae_open(golden, "model", "param", 1, &model);
    if (!status)
        status = drift_golden_run(golden, forward, &model);
    drift_golden_mae_close(&model);
    return status;
}

/* Declares the parameters of config's model without memory, and draws them. */
void drift_golden_draw_mae(drift_golden_draft *draft, const char *key, const char *prefix, int whole,
                           drift_mae_config *config)
{
    struct drift_golden_mae model = {.mae = {.whole = 0}};
    if (draft->status)
        return;
    draft->status = drift_golden_mae_open(&draft->golden, key, NULL, whole, &model);
    *config = model.mae.config;
    if (!draft->status)
        drift_golden_draw_params(draft, prefix, &model.params);
    drift_golden_mae_close(&model);
}

/* image [batch, height, width, channels] of config's shape, its sides multiples of `cell` locations; and its grid. */
static void image_of(drift_golden_draft *draft, const drift_mae_config *c, size_t cell, size_t image[4], size_t grid[2])
{
    image[0] = drift_golden_size(draft, "shape.batch");
    image[1] = drift_golden_size(draft, "shape.height");
    image[2] = drift_golden_size(draft, "shape.width");
    image[3] = c->in_channels;
    if (!draft->status && (image[1] % (c->input_patch_size * cell) || image[2] % (c->input_patch_size * cell)))
        draft->status =
            drift_fail(DRIFT_INVALID, "%s: config: shape: sides that are no multiples of the cells", draft->file.path);
    if (draft->status)
        return;
    grid[0] = image[1] / c->input_patch_size;
    grid[1] = image[2] / c->input_patch_size;
}

static void draw_forward(drift_golden_draft *draft)
{
    drift_mae_config c;
    size_t x[4], grid[2];
    drift_golden_draw_mae(draft, "model", "param", 1, &c);
    if (draft->status)
        return;
    image_of(draft, &c, 1, x, grid);
    if (draft->status)
        return;
    const size_t mask[] = {x[0], grid[0], grid[1], 1}, logits[] = {x[0], c.num_classes},
                 recon[] = {x[0], grid[0], grid[1], c.in_channels * c.input_patch_size * c.input_patch_size};
    drift_golden_draw(draft, "in/x", drift_golden_normal(0, 1), 4, x);
    drift_golden_draw(draft, "in/mask", drift_golden_choice(0.5), 4, mask);
    drift_golden_draw(draft, "in/cotangent/recon", drift_golden_normal(0, 1), 4, recon);
    drift_golden_draw(draft, "in/cotangent/logits", drift_golden_normal(0, 1), 2, logits);
}

const struct drift_golden_kind drift_golden_kind_mae_forward = {
    .name = "mae_forward",
    .what = "the masked autoencoder with a given mask, and every gradient",
    .compute = compute_mae_forward,
    .rounding = 0x1p-16,
    .inputs = draw_forward,
    .defaults = "{\"model\": {\"num_classes\": 7, \"in_channels\": 4, \"base_channels\": 5, \"patch_size\": 2, "
                "\"dropout_prob\": 0.0,"
                " \"layers\": [1, 2, 1, 1], \"use_bf16\": false, \"input_patch_size\": 1},"
                " \"shape\": {\"batch\": 2, \"height\": 16, \"width\": 12}, \"loss\": \"sum over NAME of sum(out/NAME "
                "* in/cotangent/NAME)\"}",
};

/* ---- mae_loss ---- */

/* A batch with its draws, or (batch->steps) as many of them as there are steps. */
drift_status drift_golden_mae_batch(drift_golden *golden, const drift_mae_config *config, double low, double high,
                                    struct drift_golden_batch *batch)
{
    const size_t p = config->input_patch_size, m = config->patch_size;
    const int rank = batch->steps ? 1 : 0;
    size_t x[5] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX}, *image = x + rank, *size = batch->size;
    drift_status status = drift_golden_input(golden, "in/x", rank + 4, x, NULL, &batch->x);
    if (status)
        return status;
    memcpy(size, image, 4 * sizeof *size);
    if (size[1] % (p * m) || size[2] % (p * m))
        return drift_fail(DRIFT_INVALID, "%s: in/x: sides that are no multiples of the cells", golden->file->path);
    batch->h = size[1] / p, batch->w = size[2] / p;
    size_t cells[4] = {x[0], size[0], batch->h / m, batch->w / m}, draws[2] = {x[0], size[0]};
    float *label = NULL, *ratio = NULL, *cell = NULL;
    const size_t steps = batch->steps ? x[0] : 1, rows = steps * size[0];
    batch->mask = malloc(rows * batch->h * batch->w * sizeof *batch->mask + 1);
    batch->label = malloc(rows * sizeof *batch->label + 1);
    if (!(status = drift_golden_input(golden, "in/label", rank + 1, draws + 1 - rank, NULL, &label)) &&
        !(status = drift_golden_input(golden, "in/ratio_draw", rank + 1, draws + 1 - rank, NULL, &ratio)) &&
        !(status = drift_golden_input(golden, "in/cell_draw", rank + 3, cells + 1 - rank, NULL, &cell)) &&
        (!batch->mask || !batch->label))
        status = drift_fail_memory(golden->file->path, rows);
    if (!status) {
        drift_mae_mask(config, rows, batch->h, batch->w, low, high, ratio, cell, batch->mask);
        for (size_t i = 0; i < rows; i++)
            batch->label[i] = (int32_t)label[i];
    }
    free(label);
    free(ratio);
    free(cell);
    return status;
}

void drift_golden_mae_batch_free(struct drift_golden_batch *batch)
{
    free(batch->x);
    free(batch->mask);
    free(batch->label);
}

/* Whether the largest logit of each image is its label's, and the masked share of its grid. */
static drift_status output_images(drift_golden *golden, const struct drift_golden_batch *batch,
                                  const drift_tensor *logits)
{
    const size_t n = batch->size[0], classes = drift_tensor_row_size(logits), grid = batch->h * batch->w;
    float *values = malloc((n * classes + 2 * n) * sizeof *values + 1);
    if (!values)
        return drift_fail_memory(golden->file->path, n * classes);
    float *right = values + n * classes, *share = right + n;
    drift_status status = drift_tensor_read_floats(logits, values);
    for (size_t i = 0; i < n && !status; i++) {
        size_t best = 0;
        double sum = 0;
        for (size_t c = 1; c < classes; c++)
            best = values[i * classes + c] > values[i * classes + best] ? c : best;
        for (size_t k = 0; k < grid; k++)
            sum += (double)batch->mask[i * grid + k];
        right[i] = best == (size_t)batch->label[i];
        share[i] = (float)(sum / (double)grid);
    }
    if (!status)
        status = drift_golden_output_exact(golden, "out/accuracy", DRIFT_ARRAY_F32, 1, &n, right);
    if (!status)
        status = drift_golden_output_floats(golden, "out/mask_ratio", 1, &n, share);
    if (!status)
        status = drift_golden_output_exact(golden, "out/mask", DRIFT_ARRAY_F32, 4,
                                           (const size_t[]){n, batch->h, batch->w, 1}, batch->mask);
    free(values);
    return status;
}

struct loss_case {
    struct drift_golden_mae model;
    struct drift_golden_batch batch;
    double lambda;
};

static drift_status loss(drift_golden *golden, drift_tape *tape, void *context)
{
    struct loss_case *c = context;
    struct drift_golden_batch *b = &c->batch;
    struct drift_mae_loss parts;
    drift_tensor *x = drift_tape_input(tape, 4, b->size, b->x, 0);
    drift_tensor *mask = drift_tape_input(tape, 4, (const size_t[]){b->size[0], b->h, b->w, 1}, b->mask, 0);
    drift_tensor *label = drift_tape_indices(tape, 1, b->size, b->label);
    drift_tape_backward(tape, drift_mae_loss(&c->model.mae, tape, x, mask, label, c->lambda, &parts), NULL);
    drift_status status = drift_tape_status(tape);
    if (!status)
        status = drift_golden_output_tensor(golden, "out/recon_loss", parts.recon_loss);
    if (!status)
        status = drift_golden_output_tensor(golden, "out/cls_loss", parts.cls_loss);
    if (!status)
        status = drift_golden_output_tensor(golden, "out/loss", parts.loss);
    if (!status)
        status = output_images(golden, b, parts.logits);
    const drift_tensor gradients = drift_tensor_grad(&c->model.params.values);
    return status ? status : drift_golden_output_block(golden, "grad", &c->model.params, &gradients);
}

static drift_status compute_mae_loss(drift_golden *golden)
{
    struct loss_case c = {.lambda = 0};
    double low, high;
    drift_status status = drift_golden_mae_open(golden, "model", "param", 1, &c.model);
    if (!status)
        status = drift_golden_number(golden, "mask_ratio_min", &low);
    if (!status)
        status = drift_golden_number(golden, "mask_ratio_max", &high);
    if (!status)
        status = drift_golden_number(golden, "lambda_cls", &c.lambda);
    if (!status)
        status = drift_golden_mae_batch(golden, &c.model.mae.config, low, high, &c.batch);
    if (!status)
        status = drift_golden_run(golden, loss, &c);
    drift_golden_mae_batch_free(&c.batch);
    drift_golden_mae_close(&c.model);
    return status;
}

void drift_golden_draw_batches(drift_golden_draft *draft, const drift_mae_config *c, size_t steps)
{
    const int lead = steps ? 1 : 0;
    size_t image[4], grid[2];
    if (!draft->status)
        image_of(draft, c, c->patch_size, image, grid);
    if (draft->status)
        return;
    const size_t x[] = {steps, image[0], image[1], image[2], image[3]},
                 cell[] = {steps, image[0], grid[0] / c->patch_size, grid[1] / c->patch_size};
    drift_golden_draw(draft, "in/x", drift_golden_normal(0, 1), 4 + lead, x + 1 - lead);
    drift_golden_draw(draft, "in/label", drift_golden_index(c->num_classes), 1 + lead, x + 1 - lead);
    drift_golden_draw_exact(draft, "in/ratio_draw", drift_golden_uniform(0, 1), 1 + lead, x + 1 - lead);
    drift_golden_draw_exact(draft, "in/cell_draw", drift_golden_uniform(0, 1), 3 + lead, cell + 1 - lead);
}

static void draw_loss(drift_golden_draft *draft)
{
    drift_mae_config c;
    drift_golden_draw_mae(draft, "model", "param", 1, &c);
    drift_golden_draw_batches(draft, &c, 0);
}

const struct drift_golden_kind drift_golden_kind_mae_loss = {
    .name = "mae_loss",
    .what = "masks of given draws, the loss of each image, every gradient",
    .compute = compute_mae_loss,
    .rounding = 0x1p-16,
    .inputs = draw_loss,
    .defaults = "{\"model\": {\"num_classes\": 7, \"in_channels\": 4, \"base_channels\": 5, \"patch_size\": 2, "
                "\"dropout_prob\": 0.0,"
                " \"layers\": [1, 2, 1, 1], \"use_bf16\": false, \"input_patch_size\": 1},"
                " \"mask_ratio_min\": 0.3, \"mask_ratio_max\": 0.7, \"lambda_cls\": 0.1,"
                " \"shape\": {\"batch\": 3, \"height\": 16, \"width\": 12}, \"loss\": \"mean(out/loss)\"}",
};
