/* A released generator as the generator of a recipe: the recipe has the model's settings, the rest are its defaults. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "nn/artifact.h"
#include "recipe/model.h"
#include "train/generator.h"

/* An artefact has one running mean: of the decay that its metadata has, in float32's digits. */
static drift_status check_weights(const struct drift_artifact *artifact, const char *weights)
{
    char *end;
    if (!weights || ((float)strtod(weights, &end) == (float)artifact->ema_decay && !*end && end != weights))
        return DRIFT_OK;
    return drift_fail(DRIFT_INVALID, "%s: no running mean with decay %s; a released model has that of %.7g alone",
                      artifact->folder, weights, artifact->ema_decay);
}

/* Whether all parameters are there, before memory is taken for them. */
static drift_status check_parameters(const struct drift_artifact *artifact, const drift_dit_config *config,
                                     struct drift_surplus *surplus)
{
    drift_params params;
    drift_dit dit;
    drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
    drift_status status = drift_dit_new(&dit, config, &params);
    if (!status)
        status = params.status;
    if (!status)
        status = drift_artifact_match(artifact, &params, surplus);
    drift_params_free(&params);
    return status;
}

static drift_status build(const struct drift_artifact *artifact, struct drift_generator *generator,
                          struct drift_recipe *recipe)
{
    drift_dit_config config;
    struct drift_surplus surplus;
    drift_status status = drift_artifact_dit_config(artifact, &config);
    if (!status)
        status = check_parameters(artifact, &config, &surplus);
    if (status)
        return status;
    drift_recipe_of_dit(&config, recipe);
    recipe->train.ema_decay = (struct drift_recipe_numbers){isnan(artifact->ema_decay) ? 0 : 1, {artifact->ema_decay}};
    const struct drift_sample_shape shape = drift_generator_shape(recipe);
    if ((status = drift_generator_new(generator, recipe, &shape, drift_cpu_backend(DRIFT_F32))))
        return drift_fail_context(status, "%s", artifact->folder);
    generator->surplus = surplus;
    status = drift_artifact_fill(artifact, &generator->params, &generator->params.values);
    if (status)
        drift_generator_free(generator);
    return status;
}

drift_status drift_generator_load_artifact(const char *path, const char *weights, struct drift_generator *generator,
                                           struct drift_recipe *recipe)
{
    struct drift_artifact artifact;
    memset(generator, 0, sizeof *generator);
    drift_status status = drift_artifact_open(path, &artifact);
    if (status)
        return status;
    status = check_weights(&artifact, weights);
    if (!status)
        status = build(&artifact, generator, recipe);
    drift_artifact_close(&artifact);
    return status;
}

/* ---- and the other way ---- */

/* The step in a model file's metadata; 0 where it has none. */
static drift_status read_step(const char *path, int64_t *step)
{
    struct drift_safetensors file;
    drift_status status = drift_safetensors_read(path, &file);
    if (status)
        return status;
    const char *text = drift_safetensors_metadata(&file, "step");
    *step = text ? (int64_t)strtoll(text, NULL, 10) : 0;
    drift_safetensors_free(&file);
    return DRIFT_OK;
}

drift_status drift_generator_export(const char *path, const char *weights, const char *folder)
{
    struct drift_generator generator;
    struct drift_recipe recipe;
    int64_t step;
    drift_status status = read_step(path, &step);
    if (!status)
        status = drift_generator_load(path, weights, &generator, &recipe);
    if (status)
        return status;
    const struct drift_recipe_numbers *decays = &recipe.train.ema_decay;
    const double decay = weights ? strtod(weights, NULL) : decays->count ? decays->items[0] : 0; /* "none": 0 */
    if (generator.model != DRIFT_MODEL_DIT)
        status = drift_fail(DRIFT_INVALID, "%s: released models are DiTs, and this one is an MLP", path);
    else
        status = drift_artifact_save_dit(folder, &generator.dit.config, decay, step, &generator.params,
                                         &generator.params.values);
    drift_generator_free(&generator);
    return status;
}
