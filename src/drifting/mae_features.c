/* The maps of the encoder, pooled in several ways. */
#include "drifting/mae_features.h"

#include <stdio.h>

static const double epsilon = 1e-6; /* below the roots */

drift_feature_options drift_feature_defaults(void)
{
    return (drift_feature_options){.patch_means = 2,
                                   .patch_stds = 2,
                                   .patch_mean_size = {2, 4},
                                   .patch_std_size = {2, 4},
                                   .use_mean = 1,
                                   .use_std = 1,
                                   .every_k_block = 2};
}

/* Where features go. */
struct sink {
    drift_tape *tape;
    drift_features *features;
    int bf16; /* means and norm_x are rounded */
};

static drift_tensor *pool(const struct sink *sink, drift_pool_kind kind, drift_tensor *x, size_t h, size_t w)
{
    drift_tensor *y = drift_pool(sink->tape, kind, epsilon, x, h, w);
    return sink->bf16 && kind != DRIFT_POOL_STD ? drift_round_bf16(sink->tape, y) : y;
}

/* MAPKIND, or MAPKIND_SIZE unless size is 0. */
static void add(const struct sink *sink, const char *map, const char *kind, size_t size, drift_tensor *x)
{
    char name[DRIFT_FEATURE_NAME];
    if (size)
        snprintf(name, sizeof name, "%s%s_%zu", map, kind, size);
    else
        snprintf(name, sizeof name, "%s%s", map, kind);
    drift_features_add(sink->features, sink->tape, name, x);
}

/* Means or deviations over patches of these sizes, as far as they divide the map. */
static void add_patches(const struct sink *sink, const char *map, drift_pool_kind kind, size_t count,
                        const size_t *sizes, drift_tensor *x)
{
    const int mean = kind == DRIFT_POOL_MEAN;
    for (size_t i = 0; i < count; i++)
        if (sizes[i] && x->size[1] % sizes[i] == 0 && x->size[2] % sizes[i] == 0)
            add(sink, map, mean ? "_mean" : "_std", sizes[i], pool(sink, kind, x, sizes[i], sizes[i]));
}

static void add_map(const struct sink *sink, const drift_feature_options *options, const char *name, drift_tensor *x)
{
    drift_tape *tape = sink->tape;
    if (drift_tape_failed(tape))
        return;
    const size_t h = x->size[1], w = x->size[2];
    add(sink, name, "", 0, drift_reshape(tape, x, 3, (const size_t[]){x->size[0], h * w, x->size[3]}));
    if (options->use_mean)
        add(sink, name, "_mean", 0, pool(sink, DRIFT_POOL_MEAN, x, h, w));
    if (options->use_std)
        add(sink, name, "_std", 0, pool(sink, DRIFT_POOL_STD, x, h, w));
    add_patches(sink, name, DRIFT_POOL_MEAN, options->patch_means, options->patch_mean_size, x);
    add_patches(sink, name, DRIFT_POOL_STD, options->patch_stds, options->patch_std_size, x);
}

void drift_encode_mae(const void *context, drift_tape *tape, drift_tensor *images, drift_features *features)
{
    const drift_mae_encoder *encoder = context;
    const drift_mae *mae = encoder->mae;
    const drift_feature_options *options = &encoder->options;
    const struct sink sink = {tape, features, mae->config.use_bf16};
    struct drift_mae_maps maps;
    drift_tensor *grid = drift_mae_grid(mae, tape, images);
    if (drift_tape_failed(tape))
        return;
    drift_mae_encode(mae, tape, grid, &maps);
    if (drift_tape_failed(tape))
        return;
    add_map(&sink, options, "conv1", maps.conv1);
    for (int stage = 0; stage < DRIFT_MAE_STAGES; stage++) {
        char name[DRIFT_FEATURE_NAME];
        for (size_t k = 1; options->every_k_block && k <= mae->config.layers[stage]; k++)
            if (k % options->every_k_block == 0) {
                snprintf(name, sizeof name, "layer%d_blk%zu", stage + 1, k);
                add_map(&sink, options, name, maps.block[stage][k - 1]);
            }
        snprintf(name, sizeof name, "layer%d", stage + 1);
        add_map(&sink, options, name, maps.layer[stage]);
    }
    add(&sink, "norm_x", "", 0, pool(&sink, DRIFT_POOL_RMS, grid, grid->size[1], grid->size[2]));
    const size_t n = images->size[0], numbers = n ? drift_tensor_elements(images) / n : 0;
    add(&sink, "global", "", 0, drift_reshape(tape, images, 3, (const size_t[]){n, 1, numbers}));
}
