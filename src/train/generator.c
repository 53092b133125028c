/* Building, sampling and reading the generator. */
#include "train/generator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "io/file.h"
#include "op/op.h"
#include "recipe/model.h"

/* Samples that go through the network at once: enough for the products to be fast, few enough to stay in the cache. */
enum { BATCH = 128 };

static drift_status build_mlp(struct drift_generator *generator, const struct drift_recipe *recipe)
{
    static const drift_unary_kind activations[] = {DRIFT_RELU,      DRIFT_SILU, DRIFT_GELU,
                                                   DRIFT_GELU_TANH, DRIFT_TANH, DRIFT_SIGMOID};
    int hidden = recipe->model.hidden_size.count;
    drift_mlp_config config = {.layers = hidden + 1, .init = DRIFT_INIT_UNIFORM};
    if (config.layers > DRIFT_MLP_MAX_LAYERS)
        return drift_fail(DRIFT_INVALID, "model.hidden_size: more than %d layers", DRIFT_MLP_MAX_LAYERS - 1);
    generator->noise_dim = (size_t)recipe->model.noise_dim;
    generator->noise_size = 1;
    config.size[0] = generator->noise_dim;
    for (int i = 0; i < hidden; i++)
        config.size[i + 1] = (size_t)recipe->model.hidden_size.items[i];
    config.size[hidden + 1] = generator->shape.dim;
    config.activation = activations[recipe->model.activation];
    return drift_mlp_new(&generator->mlp, &config, &generator->params);
}

/* Samples of a DiT are images of input_size with out_channels; points where input_size is 1. */
static drift_status check_shape(const drift_dit_config *config, const struct drift_sample_shape *s)
{
    const size_t height = s->height ? s->height : 1, width = s->width ? s->width : 1,
                 channels = s->height ? s->channels : s->dim;
    if (height != config->input_size || width != config->input_size)
        return drift_fail(DRIFT_INVALID, "model.input_size: %zu, but samples are %zu x %zu", config->input_size, height,
                          width);
    if (channels != config->out_channels)
        return drift_fail(DRIFT_INVALID, "model.out_channels: %zu, but samples have %zu", config->out_channels,
                          channels);
    return DRIFT_OK;
}

/* Samples that go through together: their activations, one block's and what lies between blocks, stay below 64 million
 * numbers, as blocks are computed without keeping theirs. */
static size_t dit_batch(const drift_dit_config *c)
{
    const double grid = (double)(c->input_size / c->patch_size), tokens = grid * grid + (double)c->n_cls_tokens;
    const double each = tokens * (double)c->hidden_size * ((double)c->depth + 12 + 3 * c->mlp_ratio);
    const double most = 6.4e7 / each;
    return most >= BATCH ? BATCH : most >= 1 ? (size_t)most : 1;
}

static drift_status build_dit(struct drift_generator *generator, const struct drift_recipe *recipe)
{
    const drift_dit_config config = drift_recipe_dit(recipe);
    drift_status status = drift_dit_check(&config);
    if (status)
        return drift_fail_context(status, "model");
    status = check_shape(&config, &generator->shape);
    if (status)
        return status;
    generator->noise_size = config.input_size;
    generator->noise_dim = config.input_size * config.input_size * config.in_channels;
    generator->classes = config.num_classes;
    generator->styles = config.noise_classes ? config.noise_coords : 0;
    generator->style_rows = config.noise_classes;
    generator->batch = dit_batch(&config);
    return drift_dit_new(&generator->dit, &config, &generator->params);
}

struct drift_sample_shape drift_generator_shape(const struct drift_recipe *recipe)
{
    const size_t side = (size_t)recipe->model.input_size, channels = (size_t)recipe->model.out_channels;
    if (side == 1)
        return (struct drift_sample_shape){channels, 0, 0, 0};
    return (struct drift_sample_shape){side * side * channels, side, side, channels};
}

drift_status drift_generator_new(struct drift_generator *generator, const struct drift_recipe *recipe,
                                 const struct drift_sample_shape *shape, const drift_backend *backend)
{
    memset(generator, 0, sizeof *generator);
    generator->shape = *shape;
    generator->batch = BATCH;
    generator->model = (enum drift_recipe_model)recipe->model.name;
    drift_params_new(&generator->params, backend);
    drift_status status =
        generator->model == DRIFT_MODEL_DIT ? build_dit(generator, recipe) : build_mlp(generator, recipe);
    if (!status)
        status = drift_params_allocate(&generator->params);
    if (!status)
        status = drift_tape_new(backend, &generator->tape);
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

drift_tensor *drift_generator_forward(const struct drift_generator *generator, drift_tape *tape,
                                      const struct drift_generator_input *input)
{
    const struct drift_sample_shape *s = &generator->shape;
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (generator->model == DRIFT_MODEL_DIT)
        return drift_dit_forward(&generator->dit, tape, input->noise, input->label, input->cfg_scale, input->style);
    const size_t n = input->noise->size[0];
    const size_t image[] = {n, s->height ? s->height : 1, s->width ? s->width : 1, s->channels ? s->channels : s->dim};
    drift_tensor *noise = drift_reshape(tape, input->noise, 2, (const size_t[]){n, generator->noise_dim});
    return drift_reshape(tape, drift_mlp_forward(&generator->mlp, tape, noise), 4, image);
}

/* ---- noise, styles, classes ---- */

static void noise_shape(const struct drift_generator *generator, size_t n, size_t size[4])
{
    const size_t side = generator->noise_size, shape[] = {n, side, side, generator->noise_dim / (side * side)};
    memcpy(size, shape, sizeof shape);
}

/* Indices of samples first .. first + n - 1: number k of sample i is element i styles + k of the stream. */
static drift_tensor *draw_styles(const struct drift_generator *generator, drift_tape *tape,
                                 const struct drift_generator_stream *stream, uint64_t first, size_t n)
{
    const size_t count = n * generator->styles;
    int32_t *index = malloc((count + 1) * sizeof *index);
    if (!index)
        return drift_tape_fail(tape, DRIFT_NO_MEMORY, "no memory for the styles of %zu samples", n);
    for (size_t i = 0; i < count; i++)
        index[i] = (int32_t)drift_random_below(stream->seed, stream->style, stream->step, first * generator->styles + i,
                                               (uint32_t)generator->style_rows);
    drift_tensor *style = drift_tape_indices(tape, 2, (const size_t[]){n, generator->styles}, index);
    free(index);
    return style;
}

void drift_generator_draw(const struct drift_generator *generator, drift_tape *tape,
                          const struct drift_generator_stream *stream, uint64_t first, size_t n,
                          struct drift_generator_input *input)
{
    const drift_backend *b = generator->params.backend;
    const drift_stream noise = {stream->seed, stream->noise, stream->step, first * generator->noise_dim};
    size_t size[4];
    noise_shape(generator, n, size);
    input->noise = drift_tape_tensor(tape, 4, size);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, b->random_normal(b, &noise, stream->temperature, input->noise), "noise");
    input->style = generator->styles ? draw_styles(generator, tape, stream, first, n) : NULL;
}

void drift_generator_condition(const struct drift_generator *generator, drift_tape *tape, size_t n,
                               const int32_t *label, const float *scale, struct drift_generator_input *input)
{
    input->label = generator->classes ? drift_tape_indices(tape, 1, &n, label) : NULL;
    input->cfg_scale = generator->classes ? drift_tape_input(tape, 1, &n, scale, 0) : NULL;
}

/* ---- sampling ---- */

/* Samples done .. done + n - 1 of a call, n <= BATCH. */
static drift_status sample_batch(struct drift_generator *generator, const struct drift_sampling *how, size_t done,
                                 size_t n, float *x)
{
    const struct drift_generator_stream stream = {how->seed, DRIFT_RANDOM_SAMPLE, DRIFT_RANDOM_SAMPLE_STYLE, 0,
                                                  how->temperature};
    struct drift_generator_input input = {NULL, NULL, NULL, NULL};
    drift_tape *tape = generator->tape;
    size_t size[4];
    int32_t label[BATCH];
    float scale[BATCH];
    drift_tape_clear(tape);
    drift_tape_pause(tape);
    for (size_t i = 0; i < n && generator->classes; i++) {
        const uint64_t sample = how->first + done + i;
        label[i] = how->label ? how->label[done + i] : (int32_t)(sample % generator->classes);
        scale[i] = how->scales ? how->scales[done + i] : (float)how->cfg_scale;
    }
    drift_generator_condition(generator, tape, n, label, scale, &input);
    if (!how->noise || (generator->styles && !how->style))
        drift_generator_draw(generator, tape, &stream, how->first + done, n, &input);
    noise_shape(generator, n, size);
    if (how->noise)
        input.noise = drift_tape_input(tape, 4, size, how->noise + done * generator->noise_dim, 0);
    if (how->style && generator->styles)
        input.style =
            drift_tape_indices(tape, 2, (const size_t[]){n, generator->styles}, how->style + done * generator->styles);
    drift_tensor *y = drift_generator_forward(generator, tape, &input);
    drift_status status = drift_tape_status(tape);
    return status ? status : drift_tensor_read_floats(y, x + done * generator->shape.dim);
}

drift_status drift_generator_sample(struct drift_generator *generator, const struct drift_sampling *how, size_t n,
                                    float *x)
{
    const int remat = generator->dit.config.use_remat;
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < n && how->label && generator->classes; i++)
        if (how->label[i] < 0 || (size_t)how->label[i] >= generator->classes)
            return drift_fail(DRIFT_INVALID, "class %ld: expected 0 .. %zu", (long)how->label[i],
                              generator->classes - 1);
    generator->dit.config.use_remat = 1; /* a block's activations are dropped when it has run */
    for (size_t done = 0; done < n && !status; done += generator->batch)
        status = sample_batch(generator, how, done, n - done < generator->batch ? n - done : generator->batch, x);
    generator->dit.config.use_remat = remat;
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

/* "dim height width channels" of the metadata, the last three 0 for points. */
static drift_status read_shape(const struct drift_safetensors *file, struct drift_sample_shape *shape)
{
    const char *text = drift_safetensors_metadata(file, "sample_shape");
    unsigned long dim, height, width, channels;
    if (!text || sscanf(text, "%lu %lu %lu %lu", &dim, &height, &width, &channels) != 4 || !dim)
        return drift_fail(DRIFT_INVALID, "%s: not a model of drift: no sample_shape in its metadata", file->path);
    if (height && (!width || !channels || dim / height / width / channels != 1 || dim % (height * width * channels)))
        return drift_fail(DRIFT_INVALID, "%s: sample_shape \"%s\" does not fit together", file->path, text);
    *shape = (struct drift_sample_shape){dim, height, width, channels};
    return DRIFT_OK;
}

drift_status drift_generator_describe(const struct drift_safetensors *file, struct drift_recipe *recipe,
                                      struct drift_sample_shape *shape)
{
    const char *text = drift_safetensors_metadata(file, "recipe");
    if (!text)
        return drift_fail(DRIFT_INVALID, "%s: not a model of drift: no recipe in its metadata", file->path);
    drift_recipe_defaults(recipe);
    drift_status status = drift_recipe_parse(recipe, text, strlen(text), file->path);
    if (status || recipe->model.name == DRIFT_MODEL_MAE)
        return status;
    return read_shape(file, shape);
}

static drift_status load(const struct drift_safetensors *file, const char *weights, struct drift_generator *generator,
                         struct drift_recipe *recipe)
{
    char prefix[DRIFT_PREFIX];
    struct drift_sample_shape shape;
    drift_status status = drift_generator_describe(file, recipe, &shape);
    if (!status && recipe->model.name == DRIFT_MODEL_MAE)
        status = drift_fail(DRIFT_INVALID, "%s: expected a generator, got an encoder", file->path);
    if (!status)
        status = choose_weights(file, recipe, weights, prefix);
    if (!status && (status = drift_generator_new(generator, recipe, &shape, drift_cpu_backend(DRIFT_F32))))
        return drift_fail_context(status, "%s", file->path);
    if (status)
        return status;
    status = drift_generator_read_block(file, prefix, &generator->params, &generator->params.values);
    if (status)
        drift_generator_free(generator);
    return status;
}

drift_status drift_generator_find(const char *path, char **file)
{
    struct stat info;
    drift_status status = drift_file_join(path, "model.safetensors", file);
    if (status || !stat(*file, &info))
        return status;
    free(*file);
    *file = strdup(path);
    return *file ? DRIFT_OK : drift_fail_memory(path, strlen(path));
}

static drift_status load_found(const char *path, const char *weights, struct drift_generator *generator,
                               struct drift_recipe *recipe)
{
    struct drift_safetensors file;
    if (drift_artifact_is_folder(path))
        return drift_generator_load_artifact(path, weights, generator, recipe);
    drift_status status = drift_safetensors_read(path, &file);
    if (status)
        return status;
    const int released = drift_artifact_is_converted(&file);
    if (!released)
        status = load(&file, weights, generator, recipe);
    drift_safetensors_free(&file);
    return released ? drift_generator_load_artifact(path, weights, generator, recipe) : status;
}

drift_status drift_generator_load(const char *path, const char *weights, struct drift_generator *generator,
                                  struct drift_recipe *recipe)
{
    char *file;
    memset(generator, 0, sizeof *generator);
    drift_status status = drift_generator_find(path, &file);
    if (status)
        return status;
    status = load_found(file, weights, generator, recipe);
    free(file);
    return status;
}

/* Whether two models have the same parameters, by name and shape; else which of `a` differs. */
static drift_status same_parameters(const char *path, const drift_params *a, const drift_params *b)
{
    for (size_t i = 0; i < a->count || i < b->count; i++) {
        const drift_param *have = i < a->count ? a->list[i] : NULL, *want = i < b->count ? b->list[i] : NULL;
        if (!have || !want || strcmp(have->name, want->name) || !drift_tensor_same_shape(&have->tensor, &want->tensor))
            return drift_fail(DRIFT_INVALID, "%s: has %s %s where the recipe's model has %s %s", path,
                              have ? have->name : "no parameter", have ? drift_tensor_shape(&have->tensor) : "",
                              want ? want->name : "none", want ? drift_tensor_shape(&want->tensor) : "");
    }
    return DRIFT_OK;
}

drift_status drift_generator_init_from(const char *path, struct drift_generator *generator)
{
    struct drift_generator other;
    struct drift_recipe recipe;
    drift_params *params = &generator->params;
    drift_status status = drift_generator_load(path, NULL, &other, &recipe);
    if (status)
        return status;
    status = same_parameters(path, &other.params, params);
    if (!status)
        status = params->backend->copy(params->backend, params->values.data, other.params.values.data,
                                       drift_tensor_bytes(&params->values));
    drift_generator_free(&other);
    return status;
}
