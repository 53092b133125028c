/* The generator of a recipe: noise in, samples out; built for training or read from a model file. */
#ifndef DRIFT_TRAIN_GENERATOR_H
#define DRIFT_TRAIN_GENERATOR_H

#include "io/safetensors.h"
#include "nn/mlp.h"
#include "nn/params.h"
#include "tape/tape.h"
#include "train/recipe.h"

struct drift_generator {
    drift_params params;
    drift_mlp mlp;
    drift_tape *tape; /* for sampling */
    size_t noise_dim, dim;
    size_t height, width, channels; /* of images; 0 for points */
};

/* Builds the recipe's generator of samples of `dim` numbers, its parameters zero. On failure there is nothing to free.
 */
drift_status drift_generator_new(struct drift_generator *generator, const struct drift_recipe *recipe, size_t dim);
void drift_generator_free(struct drift_generator *generator);

/* x[batch, dim] of noise[batch, noise_dim], recorded where the tape records. */
drift_tensor *drift_generator_forward(const struct drift_generator *generator, drift_tape *tape, drift_tensor *noise);

/* x[n, dim]: samples first .. first + n - 1 of this seed. Sample i depends on seed, i and temperature (the deviation of
 * the noise) alone. Memory beside x is bounded. */
drift_status drift_generator_sample(struct drift_generator *generator, uint64_t seed, uint64_t first, size_t n,
                                    double temperature, float *x);

/* Reads a model file: generator and recipe. `weights` is "none" for the parameters as trained, a decay ("0.99") for
 * that running mean, NULL for the first running mean, or the parameters where the file has none. */
drift_status drift_generator_load(const char *path, const char *weights, struct drift_generator *generator,
                                  struct drift_recipe *recipe);

/* "ema_0.99": what the tensors of a running mean are called in files, before "/parameter". The parameters as trained
 * have "params". */
enum { DRIFT_PREFIX = 64 };
void drift_ema_prefix(double decay, char prefix[DRIFT_PREFIX]);

/* Fills a block of the generator's parameters (params.values or one from drift_params_block) from the tensors
 * "PREFIX/parameter" of a file. */
drift_status drift_generator_read_block(const struct drift_safetensors *file, const char *prefix,
                                        const drift_params *params, drift_tensor *block);

#endif
