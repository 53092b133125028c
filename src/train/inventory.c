/* Models on the counting backend: shapes without memory. */
#include "train/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "nn/artifact.h"
#include "recipe/model.h"

enum { CELLS = 32 /* the side of the released encoders' grids */ };

size_t drift_inventory_numbers(const drift_params *params, const char *name, size_t length)
{
    size_t sum = 0;
    for (size_t i = 0; i < params->count; i++)
        if (!strncmp(params->list[i]->name, name, length))
            sum += drift_tensor_elements(&params->list[i]->tensor);
    return sum;
}

static void start(struct drift_inventory *inventory)
{
    memset(inventory, 0, sizeof *inventory);
    inventory->backend = drift_count_backend(DRIFT_F32, &inventory->count);
}

void drift_inventory_close(struct drift_inventory *inventory)
{
    if (inventory->model == DRIFT_MODEL_MAE)
        drift_mae_free(&inventory->mae);
    if (inventory->mae_params.backend)
        drift_params_free(&inventory->mae_params);
    drift_generator_free(&inventory->generator);
    memset(inventory, 0, sizeof *inventory);
}

/* ---- generators ---- */

static drift_status count_sample(struct drift_inventory *inventory)
{
    static const struct drift_generator_stream stream = {.temperature = 1};
    struct drift_generator *g = &inventory->generator;
    struct drift_generator_input input;
    drift_tape *tape = g->tape;
    drift_tape_pause(tape);
    drift_generator_condition(g, tape, 1, (const int32_t[]){0}, (const float[]){1}, &input);
    drift_generator_draw(g, tape, &stream, 0, 1, &input);
    const double before = inventory->count.flop;
    drift_generator_forward(g, tape, &input);
    inventory->forward_flop = inventory->count.flop - before;
    return drift_tape_status(tape);
}

static drift_status open_generator(const struct drift_recipe *recipe, const struct drift_sample_shape *shape,
                                   struct drift_inventory *inventory)
{
    drift_status status = drift_generator_new(&inventory->generator, recipe, shape, &inventory->backend);
    if (status)
        return status;
    inventory->model = (enum drift_recipe_model)recipe->model.name;
    inventory->shape = *shape;
    inventory->classes = inventory->generator.classes;
    inventory->params = &inventory->generator.params;
    return count_sample(inventory);
}

/* ---- encoders ---- */

static drift_status count_image(struct drift_inventory *inventory, drift_tape *tape)
{
    const struct drift_sample_shape *s = &inventory->shape;
    struct drift_mae_maps maps;
    drift_tape_pause(tape);
    drift_tensor *image = drift_tape_tensor(tape, 4, (const size_t[]){1, s->height, s->width, s->channels});
    const double before = inventory->count.flop;
    drift_mae_encode(&inventory->mae, tape, drift_mae_grid(&inventory->mae, tape, image), &maps);
    inventory->encoder_flop = inventory->count.flop - before;
    drift_mae_decode(&inventory->mae, tape, &maps);
    drift_mae_classify(&inventory->mae, tape, &maps);
    inventory->forward_flop = inventory->count.flop - before;
    return drift_tape_status(tape);
}

static drift_status open_encoder(const drift_mae_config *config, const struct drift_sample_shape *shape,
                                 struct drift_inventory *inventory)
{
    const size_t side = CELLS * config->input_patch_size;
    drift_tape *tape;
    drift_params_new(&inventory->mae_params, &inventory->backend);
    drift_status status = drift_mae_new(&inventory->mae, config, 1, &inventory->mae_params);
    if (status)
        return status;
    inventory->model = DRIFT_MODEL_MAE;
    inventory->shape = (struct drift_sample_shape){side * side * config->in_channels, side, side, config->in_channels};
    if (shape)
        inventory->shape = *shape;
    inventory->classes = config->num_classes;
    inventory->params = &inventory->mae_params;
    status = drift_params_allocate(&inventory->mae_params);
    if (!status)
        status = drift_tape_new(&inventory->backend, &tape);
    if (status)
        return status;
    status = count_image(inventory, tape);
    drift_tape_free(tape);
    return status;
}

/* ---- where the model comes from ---- */

static drift_status open_recipe(const struct drift_recipe *recipe, const struct drift_sample_shape *shape,
                                struct drift_inventory *inventory)
{
    const drift_mae_config config = drift_recipe_mae(recipe);
    return recipe->model.name == DRIFT_MODEL_MAE ? open_encoder(&config, shape, inventory)
                                                 : open_generator(recipe, shape, inventory);
}

static drift_status open_released(const char *path, struct drift_inventory *inventory)
{
    struct drift_artifact artifact;
    drift_dit_config dit;
    drift_mae_config mae;
    struct drift_recipe recipe;
    drift_status status = drift_artifact_open(path, &artifact);
    if (status)
        return status;
    if (artifact.kind == DRIFT_ARTIFACT_MAE) {
        if (!(status = drift_artifact_mae_config(&artifact, &mae)))
            status = open_encoder(&mae, NULL, inventory);
    } else if (!(status = drift_artifact_dit_config(&artifact, &dit))) {
        drift_recipe_of_dit(&dit, &recipe);
        const struct drift_sample_shape shape = drift_generator_shape(&recipe);
        status = open_generator(&recipe, &shape, inventory);
    }
    if (!status)
        status = drift_artifact_match(&artifact, inventory->params, &inventory->surplus);
    drift_artifact_close(&artifact);
    return status;
}

/* A model file, or an encoder's checkpoint, which has no shape of samples. */
static drift_status open_own(const struct drift_safetensors *file, struct drift_inventory *inventory)
{
    struct drift_recipe recipe;
    struct drift_sample_shape shape = {0};
    drift_status status = drift_generator_describe(file, &recipe, &shape);
    if (status)
        return status;
    status = open_recipe(&recipe, shape.dim ? &shape : NULL, inventory);
    return status ? drift_fail_context(status, "%s", file->path) : DRIFT_OK;
}

drift_status drift_inventory_of_recipe(const struct drift_recipe *recipe, const struct drift_sample_shape *shape,
                                       struct drift_inventory *inventory)
{
    start(inventory);
    drift_status status = open_recipe(recipe, shape, inventory);
    if (status)
        drift_inventory_close(inventory);
    return status;
}

static drift_status open_file(const char *path, struct drift_inventory *inventory)
{
    struct drift_safetensors file;
    if (drift_artifact_is_folder(path))
        return open_released(path, inventory);
    drift_status status = drift_safetensors_read(path, &file);
    if (status)
        return status;
    const int released = drift_artifact_is_converted(&file);
    if (!released)
        status = open_own(&file, inventory);
    drift_safetensors_free(&file);
    return released ? open_released(path, inventory) : status;
}

drift_status drift_inventory_of_file(const char *path, struct drift_inventory *inventory)
{
    char *file;
    start(inventory);
    drift_status status = drift_generator_find(path, &file);
    if (!status) {
        status = open_file(file, inventory);
        free(file);
    }
    if (status)
        drift_inventory_close(inventory);
    return status;
}
