/* Building, sampling and reading the generator. */
#include "train/generator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpu/cpu.h"

/* Rows that go through the network at once: enough for the products to be fast, few enough to stay in the cache. */
enum { BATCH = 128 };

static drift_status build(struct drift_generator *generator, const struct drift_recipe *recipe)
{
    static const drift_unary_kind activations[] = {DRIFT_RELU,      DRIFT_SILU, DRIFT_GELU,
                                                   DRIFT_GELU_TANH, DRIFT_TANH, DRIFT_SIGMOID};
    int hidden = recipe->model.hidden_size.count;
    if (recipe->model.name == DRIFT_MODEL_DIT)
        return drift_fail(DRIFT_UNAVAILABLE, "model.name: dit: not yet");
    drift_mlp_config config = {.layers = hidden + 1, .init = DRIFT_INIT_UNIFORM};
    if (config.layers > DRIFT_MLP_MAX_LAYERS)
        return drift_fail(DRIFT_INVALID, "model.hidden_size: more than %d layers", DRIFT_MLP_MAX_LAYERS - 1);
    config.size[0] = generator->noise_dim;
    for (int i = 0; i < hidden; i++)
        config.size[i + 1] = (size_t)recipe->model.hidden_size.items[i];
    config.size[hidden + 1] = generator->dim;
    config.activation = activations[recipe->model.activation];
    drift_status status = drift_mlp_new(&generator->mlp, &config, &generator->params);
    if (!status)
        status = drift_params_allocate(&generator->params);
    if (!status)
        status = drift_tape_new(generator->params.backend, &generator->tape);
    return status;
}

drift_status drift_generator_new(struct drift_generator *generator, const struct drift_recipe *recipe, size_t dim)
{
    memset(generator, 0, sizeof *generator);
    generator->noise_dim = (size_t)recipe->model.noise_dim;
    generator->dim = dim;
    drift_params_new(&generator->params, drift_cpu_backend(DRIFT_F32));
    drift_status status = build(generator, recipe);
    if (status)
        drift_generator_free(generator);
    return status;
}

void drift_generator_free(struct drift_generator *generator)
{
    if (generator->tape)
        drift_tape_free(generator->tape);
    if (generator->params.backend)
        drift_params_free(&generator->params);
    memset(generator, 0, sizeof *generator);
}

drift_tensor *drift_generator_forward(const struct drift_generator *generator, drift_tape *tape, drift_tensor *noise)
{
    return drift_mlp_forward(&generator->mlp, tape, noise);
}

static drift_status sample_batch(struct drift_generator *generator, const drift_stream *stream, size_t n,
                                 double temperature, float *x)
{
    drift_tape *tape = generator->tape;
    const drift_backend *backend = generator->params.backend;
    drift_tape_clear(tape);
    drift_tensor *noise = drift_tape_tensor(tape, 2, (size_t[]){n, generator->noise_dim});
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, backend->random_normal(backend, stream, temperature, noise), "noise");
    drift_tensor *y = drift_generator_forward(generator, tape, noise);
    drift_status status = drift_tape_status(tape);
    return status ? status : drift_tensor_read_floats(y, x);
}

drift_status drift_generator_sample(struct drift_generator *generator, uint64_t seed, uint64_t first, size_t n,
                                    double temperature, float *x)
{
    drift_status status = DRIFT_OK;
    drift_tape_pause(generator->tape);
    for (size_t done = 0; done < n && !status; done += BATCH) {
        size_t rows = n - done < BATCH ? n - done : BATCH;
        drift_stream stream = {seed, DRIFT_RANDOM_SAMPLE, 0, (first + done) * generator->noise_dim};
        status = sample_batch(generator, &stream, rows, temperature, x + done * generator->dim);
    }
    drift_tape_resume(generator->tape);
    return status;
}

/* ---- model files ---- */

drift_status drift_generator_read_block(const struct drift_safetensors *file, const char *prefix,
                                        const drift_params *params, drift_tensor *block)
{
    for (size_t i = 0; i < params->count; i++) {
        char name[DRIFT_PARAM_NAME + DRIFT_PREFIX];
        const struct drift_array *array;
        drift_tensor view = drift_params_view(params, block, i);
        snprintf(name, sizeof name, "%s/%s", prefix, params->list[i]->name);
        drift_status status = drift_safetensors_get(file, name, view.dims, view.size, &array);
        if (status)
            return status;
        float *values = malloc((array->count + !array->count) * sizeof *values);
        if (!values)
            return drift_fail(DRIFT_NO_MEMORY, "no memory for %s", name);
        drift_array_floats(array, values);
        status = drift_tensor_write_floats(&view, values);
        free(values);
        if (status)
            return status;
    }
    return DRIFT_OK;
}

void drift_ema_prefix(double decay, char prefix[DRIFT_PREFIX]) { snprintf(prefix, DRIFT_PREFIX, "ema_%.15g", decay); }

/* "params", or "ema_DECAY" of the decay asked for. */
static drift_status choose_weights(const struct drift_safetensors *file, const struct drift_recipe *recipe,
                                   const char *weights, char prefix[DRIFT_PREFIX])
{
    const struct drift_recipe_numbers *decays = &recipe->train.ema_decay;
    char *end;
    snprintf(prefix, DRIFT_PREFIX, "params");
    if (weights ? !strcmp(weights, "none") : !decays->count)
        return DRIFT_OK;
    double wanted = weights ? strtod(weights, &end) : decays->items[0];
    for (int i = 0; i < decays->count; i++)
        if (decays->items[i] == wanted && !(weights && (*end || end == weights))) {
            drift_ema_prefix(decays->items[i], prefix);
            return DRIFT_OK;
        }
    char known[512] = "none";
    for (int i = 0; i < decays->count; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), ", %.15g", decays->items[i]);
    return drift_fail(DRIFT_INVALID, "%s: no running mean with decay %s; there is %s", file->path, weights, known);
}

static drift_status load(const struct drift_safetensors *file, const char *weights, struct drift_generator *generator,
                         struct drift_recipe *recipe)
{
    char prefix[DRIFT_PREFIX];
    const char *text = drift_safetensors_metadata(file, "recipe");
    const char *shape = drift_safetensors_metadata(file, "sample_shape");
    unsigned long dim, height, width, channels;
    if (!text || !shape || sscanf(shape, "%lu %lu %lu %lu", &dim, &height, &width, &channels) != 4 || !dim)
        return drift_fail(DRIFT_INVALID, "%s: not a model of drift: no recipe in its metadata", file->path);
    if (height && (!width || !channels || dim / height / width / channels != 1 || dim % (height * width * channels)))
        return drift_fail(DRIFT_INVALID, "%s: sample_shape \"%s\" does not fit together", file->path, shape);
    drift_recipe_defaults(recipe);
    drift_status status = drift_recipe_parse(recipe, text, strlen(text), file->path);
    if (!status)
        status = choose_weights(file, recipe, weights, prefix);
    if (!status)
        status = drift_generator_new(generator, recipe, dim);
    if (status)
        return status;
    generator->height = height;
    generator->width = width;
    generator->channels = channels;
    status = drift_generator_read_block(file, prefix, &generator->params, &generator->params.values);
    if (status)
        drift_generator_free(generator);
    return status;
}

drift_status drift_generator_load(const char *path, const char *weights, struct drift_generator *generator,
                                  struct drift_recipe *recipe)
{
    struct drift_safetensors file;
    memset(generator, 0, sizeof *generator);
    drift_status status = drift_safetensors_read(path, &file);
    if (status)
        return status;
    status = load(&file, weights, generator, recipe);
    drift_safetensors_free(&file);
    return status;
}
