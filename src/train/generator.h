/* The generator of a recipe: noise in, samples out; built for training or read from a model file.
 *
 * Samples are images [n, height, width, channels]; points are images of one pixel whose channels are the coordinates.
 * An MLP takes noise alone; a DiT takes a class, a guidance scale and style indices too. */
#ifndef DRIFT_TRAIN_GENERATOR_H
#define DRIFT_TRAIN_GENERATOR_H

#include "io/safetensors.h"
#include "nn/artifact.h"
#include "nn/dit.h"
#include "nn/mlp.h"
#include "nn/params.h"
#include "recipe/recipe.h"
#include "tape/tape.h"
#include "train/draft.h"

/* What a sample is: `dim` numbers, height width channels of them, or a point (height, width and channels 0). */
struct drift_sample_shape {
    size_t dim, height, width, channels;
};

struct drift_generator {
    drift_params params;
    enum drift_recipe_model model;
    drift_mlp mlp; /* the one that the model says */
    drift_dit dit;
    drift_tape *tape; /* for sampling */
    struct drift_sample_shape shape;
    size_t batch;                 /* samples that pass the network at once */
    size_t noise_dim, noise_size; /* numbers of noise of a sample; height and width of the noise, 1 of an MLP's */
    size_t classes;               /* 0: samples have no class (MLP) */
    size_t styles, style_rows;    /* style indices of a sample, 0 without; each below style_rows */
    struct drift_surplus surplus; /* arrays of the file that it was read from, which no parameter asked for */
};

/* What a DiT's recipe makes: images of input_size with out_channels; points where input_size is 1. */
struct drift_sample_shape drift_generator_shape(const struct drift_recipe *recipe);

/* Builds the recipe's generator of such samples on this backend, its parameters zero. dataset.num_classes is known. On
 * failure there is nothing to free. */
drift_status drift_generator_new(struct drift_generator *generator, const struct drift_recipe *recipe,
                                 const struct drift_sample_shape *shape, const drift_backend *backend);
void drift_generator_free(struct drift_generator *generator);

/* What n samples are made of. Without classes there is noise alone. */
struct drift_generator_input {
    drift_tensor *noise;     /* [n, noise_size, noise_size, noise_dim / noise_size^2] */
    drift_tensor *label;     /* I32 [n] */
    drift_tensor *cfg_scale; /* [n] */
    drift_tensor *style;     /* I32 [n, styles]; NULL without */
};

/* Images [n, height, width, channels] (points: [n, 1, 1, dim]), recorded where the tape records. */
drift_tensor *drift_generator_forward(const struct drift_generator *generator, drift_tape *tape,
                                      const struct drift_generator_input *input);

/* Where noise and style indices come from. */
struct drift_generator_stream {
    uint64_t seed;
    uint32_t noise, style, step; /* purposes (drift_purpose), and the step */
    double temperature;          /* deviation of the noise */
};

/* Puts noise and styles of samples first .. first + n - 1 of a stream into the input; and classes and scales of n. */
void drift_generator_draw(const struct drift_generator *generator, drift_tape *tape,
                          const struct drift_generator_stream *stream, uint64_t first, size_t n,
                          struct drift_generator_input *input);
void drift_generator_condition(const struct drift_generator *generator, drift_tape *tape, size_t n,
                               const int32_t *label, const float *scale, struct drift_generator_input *input);

/* How samples are made. */
struct drift_sampling {
    uint64_t seed, first;
    double temperature;   /* deviation of the noise, 1 as trained */
    double cfg_scale;     /* guidance scale of all; */
    const float *scales;  /* [n]: of each instead; NULL */
    const int32_t *label; /* [n]; NULL: sample i has class i modulo classes */
    const float *noise;   /* [n, noise_dim] instead of drawn noise, temperature not applied; NULL */
    const int32_t *style; /* [n, styles] instead of drawn indices; NULL */
};

/* x[n, dim]: samples first .. first + n - 1 of this seed. Sample i depends on seed, i, its class, its scale and the
 * temperature alone. Memory beside x is bounded. A label that is no class is DRIFT_INVALID. */
drift_status drift_generator_sample(struct drift_generator *generator, const struct drift_sampling *how, size_t n,
                                    float *x);

/* The model's file, where `path` is the folder of a run of drift train; else `path` itself. To be freed. */
drift_status drift_generator_find(const char *path, char **file);

/* Reads a model file (drift_generator_find), or a released model (a folder, hf://NAME, or what drift convert makes of
 * it): generator and recipe. `weights` is "none" for the parameters as trained, a decay ("0.99") for that running mean,
 * NULL for the first running mean, or the parameters where the file has none. */
drift_status drift_generator_load(const char *path, const char *weights, struct drift_generator *generator,
                                  struct drift_recipe *recipe);

/* The same for a released model alone. */
drift_status drift_generator_load_artifact(const char *path, const char *weights, struct drift_generator *generator,
                                           struct drift_recipe *recipe);

/* The recipe in a model file's metadata, and the shape of its samples; an encoder's has none, and *shape stays. */
drift_status drift_generator_describe(const struct drift_safetensors *file, struct drift_recipe *recipe,
                                      struct drift_sample_shape *shape);

/* Writes a DiT's model file as a released model's folder: one of its running means, as drift_generator_load takes it.
 */
drift_status drift_generator_export(const char *path, const char *weights, const char *folder);

/* Copies the parameters of a model on disk (drift_generator_load, its first running mean) into `generator`. Another
 * model, one whose parameters have other names or shapes, is DRIFT_INVALID. */
drift_status drift_generator_init_from(const char *path, struct drift_generator *generator);

/* "ema_0.99": what the tensors of a running mean are called in files, before "/parameter". The parameters as trained
 * have "params". */
void drift_ema_prefix(double decay, char prefix[DRIFT_PREFIX]);

/* Fills a block of the generator's parameters (params.values or one from drift_params_block) from the tensors
 * "PREFIX/parameter" of a file. */
drift_status drift_generator_read_block(const struct drift_safetensors *file, const char *prefix,
                                        const drift_params *params, drift_tensor *block);

#endif
