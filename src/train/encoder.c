/* Opening the encoders of a recipe. */
#include "train/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "nn/artifact.h"

static size_t take_sizes(const struct drift_recipe_integers *from, size_t *sizes)
{
    for (int i = 0; i < from->count; i++)
        sizes[i] = (size_t)from->items[i];
    return (size_t)from->count;
}

drift_feature_options drift_recipe_features(const struct drift_recipe *recipe)
{
    const double every = recipe->train.activation_kwargs.every_k_block;
    drift_feature_options options = {.use_mean = recipe->train.activation_kwargs.use_mean,
                                     .use_std = recipe->train.activation_kwargs.use_std,
                                     .every_k_block = every >= 1 && every <= DRIFT_MAE_MAX_BLOCKS ? (size_t)every : 0};
    options.patch_means = take_sizes(&recipe->train.activation_kwargs.patch_mean_size, options.patch_mean_size);
    options.patch_stds = take_sizes(&recipe->train.activation_kwargs.patch_std_size, options.patch_std_size);
    return options;
}

/* drift_encode of a drift_feature_encoder */
static void encode(const void *context, drift_tape *tape, drift_tensor *images, drift_features *features)
{
    const struct drift_feature_encoder *e = context;
    if (e->with_mae)
        drift_encode_mae(&e->mae_encoder, tape, images, features);
    else
        drift_encode_image(&e->has_scale, tape, images, features);
    if (e->with_convnext)
        drift_encode_convnext(&e->convnext, tape, images, features);
}

static drift_status open_mae(const struct drift_recipe *recipe, const char *path, size_t height, size_t width,
                             size_t channels, struct drift_feature_encoder *e)
{
    drift_status status = drift_artifact_load_mae(path, 0, &e->mae, &e->mae_params);
    if (status)
        return status;
    const size_t p = e->mae.config.input_patch_size;
    e->with_mae = 1;
    e->mae_encoder = (drift_mae_encoder){&e->mae, drift_recipe_features(recipe)};
    if (channels != e->mae.config.in_channels || !height || height % p || width % p)
        return drift_fail(
            DRIFT_INVALID,
            "%s: expected images of %zu channels with sides that are multiples of %zu, not %zu x %zu x %zu", path,
            e->mae.config.in_channels, p, height, width, channels);
    return DRIFT_OK;
}

static drift_status open_convnext(const char *path, size_t height, size_t channels, struct drift_feature_encoder *e)
{
    struct drift_safetensors file;
    drift_convnext_config config;
    if (!*path)
        return drift_fail(DRIFT_INVALID, "feature.convnext_path: expected the safetensors file of ConvNeXt-V2");
    if (!height || channels != 3)
        return drift_fail(DRIFT_INVALID, "feature.use_convnext: expected images of 3 channels, not %zu", channels);
    drift_status status = drift_safetensors_read(path, &file);
    if (status)
        return status;
    status = drift_convnext_measure(&file, &config);
    if (!status && !(status = drift_convnext_new(&e->convnext, &config, &e->convnext_params))) {
        e->with_convnext = 1;
        if (!(status = drift_params_allocate(&e->convnext_params)))
            status = drift_convnext_load(&file, &e->convnext_params);
    }
    drift_safetensors_free(&file);
    return status;
}

drift_status drift_feature_encoder_open(const struct drift_recipe *recipe, size_t height, size_t width, size_t channels,
                                        const drift_backend *backend, struct drift_feature_encoder *e)
{
    char path[DRIFT_RECIPE_TEXT + 8];
    drift_status status = DRIFT_OK;
    memset(e, 0, sizeof *e);
    e->encoder = (drift_encoder){encode, e};
    e->has_scale = recipe->train.activation_kwargs.has_scale;
    drift_params_new(&e->mae_params, backend);
    drift_params_new(&e->convnext_params, backend);
    drift_params_freeze(&e->mae_params, 1);
    drift_params_freeze(&e->convnext_params, 1);
    drift_recipe_encoder(recipe, path);
    if (*path && (status = open_mae(recipe, path, height, width, channels, e)))
        status = drift_fail_context(status, "feature.mae_path");
    if (!status && recipe->feature.use_convnext)
        status = open_convnext(recipe->feature.convnext_path, height, channels, e);
    if (status)
        drift_feature_encoder_close(e);
    return status;
}

void drift_feature_encoder_close(struct drift_feature_encoder *e)
{
    if (e->with_mae)
        drift_mae_free(&e->mae);
    if (e->with_convnext)
        drift_convnext_free(&e->convnext);
    if (e->mae_params.backend)
        drift_params_free(&e->mae_params);
    if (e->convnext_params.backend)
        drift_params_free(&e->convnext_params);
    memset(e, 0, sizeof *e);
}
