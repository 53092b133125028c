/* Encoders: what their configuration allows, their first values, their files, and that a frozen one gives gradients to
 * images and none to weights. Values are held by tests/golden. */
#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "drifting/convnext_features.h"
#include "drifting/mae_features.h"
#include "nn/artifact.h"
#include "tests/support/fenced.h"

static const drift_mae_config small = {.num_classes = 3,
                                       .in_channels = 2,
                                       .base_channels = 6,
                                       .patch_size = 2,
                                       .layers = {1, 2, 1, 1},
                                       .input_patch_size = 2};

START_TEST(groups)
{
    const size_t channels[] = {1, 12, 32, 36, 37, 40, 62, 64, 72, 640},
                 groups[] = {1, 12, 32, 18, 1, 20, 31, 32, 24, 32};
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        ck_assert_uint_eq(drift_mae_groups(channels[i]), groups[i]);
}
END_TEST

START_TEST(settings)
{
    drift_mae_config config = small;
    ck_assert_int_eq(drift_mae_check(&config), DRIFT_OK);
    config.layers[2] = 0;
    ck_assert_int_eq(drift_mae_check(&config), DRIFT_INVALID);
    ck_assert_str_eq(drift_message(), "mae: layers: stage 3 has 0 blocks, expected 1 to 64");
    config = small;
    config.base_channels = (size_t)1 << 40;
    ck_assert_int_eq(drift_mae_check(&config), DRIFT_INVALID);
    config = small;
    config.dropout_prob = 0.1;
    ck_assert_int_eq(drift_mae_check(&config), DRIFT_INVALID);
}
END_TEST

/* A cell is masked where its draw is below the ratio, strictly; every location of a cell with it. */
START_TEST(masks)
{
    const drift_mae_config config = {.patch_size = 2};
    const float ratio[] = {0, 0.5F, 1}, cell[] = {0.25F, 0.4F, 0, 1, 0.25F, 0.4F, 0, 1, 0.25F, 0.4F, 0, 1};
    const float wanted[] = {1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0}; /* ratio 0.3: cells 0.25 and 0 */
    float mask[3 * 16];
    drift_mae_mask(&config, 3, 4, 4, 0, 0.6, ratio, cell, mask);
    for (int i = 0; i < 16; i++) {
        ck_assert_float_eq(mask[i], 0); /* even 0 is not below 0 */
        ck_assert_float_eq(mask[16 + i], wanted[i]);
        ck_assert_float_eq(mask[32 + i], i % 4 < 2 || i < 8); /* 0.6 */
    }
}
END_TEST

/* First values of the encoder, by this many threads. */
static float *first_values(int threads, size_t *n)
{
    drift_params params;
    drift_mae mae;
    drift_mae_config config = small;
    config.base_channels = 40; /* kernels of several blocks of the driver */
    omp_set_num_threads(threads);
    drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
    ck_assert_int_eq(drift_mae_new(&mae, &config, 0, &params), DRIFT_OK);
    ck_assert_int_eq(drift_params_allocate(&params), DRIFT_OK);
    ck_assert_int_eq(drift_params_init(&params, 5), DRIFT_OK);
    *n = drift_tensor_elements(&params.values);
    float *values = malloc(*n * sizeof *values);
    ck_assert_int_eq(drift_tensor_read_floats(&params.values, values), DRIFT_OK);
    const drift_param *p = drift_params_find(&params, "encoder/stages_3/layers_0/conv2/kernel");
    const double sigma = 1 / sqrt(9.0 * 320), most = 2.2737 * sigma;
    double sum = 0, squares = 0, largest = 0;
    const double count = (double)drift_tensor_elements(&p->tensor);
    for (size_t i = 0; i < drift_tensor_elements(&p->tensor); i++) {
        const double x = (double)values[p->offset + i];
        sum += x, squares += x * x;
        largest = fmax(largest, fabs(x));
    }
    ck_assert(fabs(sum / count) <= 5 * sigma / sqrt(count));
    ck_assert(fabs(sqrt(squares / count) - sigma) <= 5 * sigma / sqrt(2 * count));
    ck_assert(largest <= most && largest > 0.999 * most);
    drift_mae_free(&mae);
    drift_params_free(&params);
    return values;
}

START_TEST(first_values_do_not_depend_on_threads)
{
    size_t n;
    float *one = first_values(1, &n), *three = first_values(3, &n);
    ck_assert(!memcmp(one, three, n * sizeof *one));
    free(one);
    free(three);
}
END_TEST

struct encoder {
    drift_params params;
    drift_mae mae;
    drift_convnext net;
    drift_mae_encoder context;
};

static void open_config(struct encoder *e, const drift_mae_config *config, int whole, const drift_backend *backend)
{
    drift_params_new(&e->params, backend);
    ck_assert_int_eq(drift_mae_new(&e->mae, config, whole, &e->params), DRIFT_OK);
    ck_assert_int_eq(drift_params_allocate(&e->params), DRIFT_OK);
    ck_assert_int_eq(drift_params_init(&e->params, 5), DRIFT_OK);
    e->context = (drift_mae_encoder){&e->mae, drift_feature_defaults()};
}

static void open_mae(struct encoder *e, int whole) { open_config(e, &small, whole, drift_cpu_backend(DRIFT_F32)); }

static drift_tensor *image(drift_tape *tape, size_t side, size_t channels)
{
    const size_t n = 2 * side * side * channels;
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(2 * drift_random_uniform_at(3, DRIFT_RANDOM_TEST, 0, i) - 1);
    drift_tensor *image = drift_tape_input(tape, 4, (const size_t[]){2, side, side, channels}, x, 1);
    free(x);
    return image;
}

static double size_of(const drift_tensor *x)
{
    const size_t n = drift_tensor_elements(x);
    float *values = malloc(n * sizeof *values);
    double sum = 0;
    ck_assert_int_eq(drift_tensor_read_floats(x, values), DRIFT_OK);
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)values[i]);
    free(values);
    return sum;
}

START_TEST(frozen)
{
    struct encoder e;
    drift_tape *tape;
    drift_features features = {.count = 0};
    open_mae(&e, 0);
    drift_params_freeze(&e.params, 1);
    ck_assert_int_eq(drift_tape_new(e.params.backend, &tape), DRIFT_OK);
    drift_tensor *x = image(tape, 16, 2);
    drift_encode_mae(&e.context, tape, x, &features);
    ck_assert_msg(!drift_tape_status(tape), "%s", drift_message());
    for (size_t i = 0; i < features.count; i++)
        if (strcmp(features.list[i].name, "global"))
            drift_tape_backward(tape, features.list[i].x, NULL);
    const drift_tensor dx = drift_tensor_grad(x), weights = drift_tensor_grad(&e.params.values);
    ck_assert(size_of(&dx) > 1 && isfinite(size_of(&dx)));
    ck_assert(size_of(&weights) == 0);
    drift_tape_free(tape);
    drift_mae_free(&e.mae);
    drift_params_free(&e.params);
}
END_TEST

static size_t rounded(size_t numbers) { return (numbers * sizeof(float) + 63) / 64 * 64; }

/* Bytes of what the backward of a frozen encoder reads, of one image of [side, side, 2]: of each convolution its
 * result, which the norm reads, with the norm's statistics; of each block its result, which says where relu passes; and
 * the maps themselves. */
static size_t wanted_bytes(const drift_mae_config *c, size_t side)
{
    size_t h = side / c->input_patch_size, bytes = rounded(h * h * c->in_channels * 4);
    bytes += 2 * rounded(h * h * c->base_channels) + rounded(3 * drift_mae_groups(c->base_channels)); /* conv1 */
    for (int stage = 0; stage < DRIFT_MAE_STAGES; stage++) {
        const size_t width = c->base_channels << stage, statistics = rounded(3 * drift_mae_groups(width));
        h = stage ? (h + 1) / 2 : h;
        const size_t map = rounded(h * h * width);
        for (size_t i = 0; i < c->layers[stage]; i++)
            bytes += (stage && !i ? 3 : 2) * (map + statistics) + map;
        bytes += map + statistics; /* layerK */
    }
    return bytes;
}

/* Bytes that the tape holds: a tensor larger than all that was ever taken makes the peak. */
static size_t held(drift_tape *tape)
{
    const size_t numbers = drift_tape_peak(tape);
    drift_tape_tensor(tape, 1, &numbers);
    return drift_tape_peak(tape) - rounded(numbers);
}

/* A frozen encoder keeps what its backward reads and nothing else, has no memory for gradients of weights, and gives
 * the features and the gradient of one that keeps all. Without recording it keeps less. */
START_TEST(frozen_memory)
{
    enum { SIDE = 32 };
    size_t kept[3];
    float *gradient[2];
    const size_t n = SIDE * SIDE * 2;
    for (int how = 0; how < 3; how++) {
        struct encoder e;
        drift_tape *tape;
        struct drift_mae_maps maps;
        drift_params_new(&e.params, drift_cpu_backend(DRIFT_F32));
        drift_params_freeze(&e.params, how > 0);
        ck_assert_int_eq(drift_mae_new(&e.mae, &small, 0, &e.params), DRIFT_OK);
        ck_assert_int_eq(drift_params_allocate(&e.params), DRIFT_OK);
        ck_assert_int_eq(drift_params_init(&e.params, 5), DRIFT_OK);
        ck_assert(!e.params.values.grad == (how > 0));
        ck_assert_int_eq(drift_tape_new(e.params.backend, &tape), DRIFT_OK);
        float x[SIDE * SIDE * 2];
        for (size_t i = 0; i < n; i++)
            x[i] = (float)(2 * drift_random_uniform_at(3, DRIFT_RANDOM_TEST, 0, i) - 1);
        drift_tensor *image = drift_tape_input(tape, 4, (const size_t[]){1, SIDE, SIDE, 2}, x, 1);
        if (how == 2)
            drift_tape_pause(tape);
        drift_mae_encode(&e.mae, tape, drift_mae_grid(&e.mae, tape, image), &maps);
        ck_assert_msg(!drift_tape_status(tape), "%s", drift_message());
        kept[how] = held(tape) - 2 * rounded(n); /* the image and its gradient */
        if (how < 2) {
            drift_tape_backward(tape, maps.layer[3], maps.layer[3]);
            const drift_tensor grad = drift_tensor_grad(image);
            gradient[how] = malloc(n * sizeof(float));
            ck_assert_int_eq(drift_tensor_read_floats(&grad, gradient[how]), DRIFT_OK);
        }
        drift_tape_free(tape);
        drift_mae_free(&e.mae);
        drift_params_free(&e.params);
    }
    const size_t wanted = wanted_bytes(&small, SIDE);
    ck_assert_msg(kept[1] == wanted, "%zu bytes, expected %zu", kept[1], wanted);
    ck_assert_msg(kept[2] < kept[1] && kept[1] < kept[0], "%zu %zu %zu", kept[0], kept[1], kept[2]);
    ck_assert(!memcmp(gradient[0], gradient[1], n * sizeof(float)));
    free(gradient[0]);
    free(gradient[1]);
}
END_TEST

/* Rounding gives the nearest bfloat16 number and passes the gradient as it is. */
START_TEST(round_bf16)
{
    const size_t n = 3;
    const float x[] = {1.00390625F, 1.01171875F, -3.0e38F}, wanted[] = {1, 1.015625F, -3.0040553e38F};
    float y[3], dx[3];
    drift_tape *tape;
    ck_assert_int_eq(drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape), DRIFT_OK);
    drift_tensor *leaf = drift_tape_input(tape, 1, &n, x, 1), *cotangent = drift_tape_input(tape, 1, &n, x, 0);
    drift_tensor *rounded = drift_round_bf16(tape, leaf), *here = drift_scale(tape, 1, leaf);
    ck_assert_ptr_eq(drift_round_bf16_here(tape, here), here);
    drift_tape_backward(tape, rounded, cotangent);
    drift_tape_backward(tape, here, cotangent);
    const drift_tensor grad = drift_tensor_grad(leaf), *results[] = {rounded, here};
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(drift_tensor_read_floats(results[k], y), DRIFT_OK);
        for (size_t i = 0; i < n; i++)
            ck_assert(fabsf(y[i] - wanted[i]) <= 1e-6F * fabsf(wanted[i]));
    }
    ck_assert_int_eq(drift_tensor_read_floats(&grad, dx), DRIFT_OK);
    for (size_t i = 0; i < n; i++)
        ck_assert_float_eq(dx[i], 2 * x[i]);
    drift_tape_free(tape);
}
END_TEST

static size_t numbers_beyond_bf16(const float *x, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        count += (bits & 0xffff) != 0;
    }
    return count;
}

/* With use_bf16 all features but the image and the deviations are bfloat16 numbers, and near those of floats: within 3
 * % of their size, where each of the nine products rounds its factors by 2^-9 at most. Memory that the host cannot see
 * and threads change nothing. */
START_TEST(bf16)
{
    float *all[4][DRIFT_MAX_FEATURES];
    size_t count = 0, size[DRIFT_MAX_FEATURES];
    for (int how = 0; how < 4; how++) {
        struct encoder e;
        drift_tape *tape;
        drift_features features = {.count = 0};
        drift_mae_config config = small;
        const drift_backend fenced = fenced_backend(DRIFT_F32);
        config.base_channels = 40;
        config.use_bf16 = how > 0;
        omp_set_num_threads(how == 2 ? 3 : 1);
        open_config(&e, &config, 0, how == 3 ? &fenced : drift_cpu_backend(DRIFT_F32));
        ck_assert_int_eq(drift_tape_new(e.params.backend, &tape), DRIFT_OK);
        drift_encode_mae(&e.context, tape, image(tape, 16, 2), &features);
        ck_assert_msg(!drift_tape_status(tape), "%s", drift_message());
        count = features.count;
        for (size_t i = 0; i < count; i++) {
            const char *name = features.list[i].name;
            size[i] = drift_tensor_elements(features.list[i].x);
            all[how][i] = malloc(size[i] * sizeof(float));
            ck_assert_int_eq(drift_tensor_read_floats(features.list[i].x, all[how][i]), DRIFT_OK);
            const int stays = !how || strstr(name, "_std") || !strcmp(name, "global");
            ck_assert_msg(!numbers_beyond_bf16(all[how][i], size[i]) == !stays, "%s", name);
        }
        drift_tape_free(tape);
        drift_mae_free(&e.mae);
        drift_params_free(&e.params);
    }
    for (size_t i = 0; i < count; i++) {
        double error = 0, square = 0;
        for (size_t k = 0; k < size[i]; k++) {
            const double x = (double)all[0][i][k], d = (double)all[1][i][k] - x;
            error += d * d, square += x * x;
        }
        ck_assert_msg(error <= 0.03 * 0.03 * square, "feature %zu: %g", i, sqrt(error / square));
        ck_assert(!memcmp(all[1][i], all[2][i], size[i] * sizeof(float)));
        ck_assert(!memcmp(all[1][i], all[3][i], size[i] * sizeof(float)));
        for (int how = 0; how < 4; how++)
            free(all[how][i]);
    }
}
END_TEST

START_TEST(wrong_channels)
{
    struct encoder e;
    drift_tape *tape;
    drift_features features = {.count = 0};
    open_mae(&e, 0);
    ck_assert_int_eq(drift_tape_new(e.params.backend, &tape), DRIFT_OK);
    drift_encode_mae(&e.context, tape, image(tape, 16, 3), &features);
    ck_assert_int_eq(drift_tape_status(tape), DRIFT_INVALID);
    ck_assert_str_eq(drift_message(),
                     "mae: the image is [2,16,16,3], expected 2 channels and sides that are multiples of 2");
    drift_tape_free(tape);
    drift_mae_free(&e.mae);
    drift_params_free(&e.params);
}
END_TEST

/* Patches that do not divide both sides of a map are left out: of 16 x 12 cells, those of 4 divide only the first map.
 */
START_TEST(patches_that_divide)
{
    struct encoder e;
    drift_tape *tape;
    drift_features features = {.count = 0};
    static const float x[32 * 24 * 2];
    size_t conv1 = 0, layer2 = 0;
    open_mae(&e, 0);
    ck_assert_int_eq(drift_tape_new(e.params.backend, &tape), DRIFT_OK);
    drift_encode_mae(&e.context, tape, drift_tape_input(tape, 4, (const size_t[]){1, 32, 24, 2}, x, 0), &features);
    ck_assert_msg(!drift_tape_status(tape), "%s", drift_message());
    for (size_t i = 0; i < features.count; i++) {
        conv1 += !strcmp(features.list[i].name, "conv1_mean_4");
        layer2 += !strcmp(features.list[i].name, "layer2_mean_4"); /* 8 x 6 */
    }
    ck_assert_msg(conv1 == 1 && layer2 == 0, "%zu %zu", conv1, layer2);
    drift_tape_free(tape);
    drift_mae_free(&e.mae);
    drift_params_free(&e.params);
}
END_TEST

/* Written and read again the parameters are the same; features need the encoder's alone; hostile settings are refused.
 */
START_TEST(artefact)
{
    char folder[] = "/tmp/drift-encoder-XXXXXX", path[64], command[160];
    struct encoder e, read;
    ck_assert(mkdtemp(folder) != NULL);
    open_mae(&e, 1);
    ck_assert_int_eq(drift_artifact_save_mae(folder, &small, 0.999, 7, &e.params, &e.params.values), DRIFT_OK);
    for (int whole = 0; whole < 2; whole++) {
        drift_params_new(&read.params, drift_cpu_backend(DRIFT_F32));
        drift_status status = drift_artifact_load_mae(folder, whole, &read.mae, &read.params);
        ck_assert_msg(!status, "%s", drift_message());
        ck_assert_uint_eq(read.mae.config.layers[1], 2);
        ck_assert_uint_eq(read.mae.config.num_classes, 3); /* metadata does not say: the classifier's columns */
        for (size_t i = 0; i < read.params.count; i++) {
            const drift_tensor *x = &read.params.list[i]->tensor;
            const drift_param *p = drift_params_find(&e.params, read.params.list[i]->name);
            ck_assert(!memcmp(x->data, p->tensor.data, drift_tensor_bytes(x)));
        }
        drift_mae_free(&read.mae);
        drift_params_free(&read.params);
    }
    snprintf(path, sizeof path, "%s/metadata.json", folder);
    snprintf(command, sizeof command, "sed -i 's/\"base_channels\": 6/\"base_channels\": 1e15/' %s", path);
    ck_assert_int_eq(system(command), 0);
    drift_params_new(&read.params, drift_cpu_backend(DRIFT_F32));
    ck_assert_int_eq(drift_artifact_load_mae(folder, 0, &read.mae, &read.params), DRIFT_INVALID);
    ck_assert(strstr(drift_message(), "base_channels") != NULL);
    drift_params_free(&read.params);
    drift_mae_free(&e.mae);
    drift_params_free(&e.params);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* The public checkpoint's names and layouts, written here by hand: ours are those values turned to channels last. */
static const struct {
    const char *stored, *ours;
    int rank;
    size_t shape[4];
} some[] = {
    {"convnextv2.embeddings.patch_embeddings.weight", "downsample_layers_0/layers_0/kernel", 4, {4, 3, 4, 4}},
    {"convnextv2.embeddings.layernorm.weight", "downsample_layers_0/layers_1/weight", 1, {4}},
    {"convnextv2.encoder.stages.2.downsampling_layer.0.bias", "downsample_layers_2/layers_0/bias", 1, {5}},
    {"convnextv2.encoder.stages.2.downsampling_layer.1.weight", "downsample_layers_2/layers_1/kernel", 4, {6, 5, 2, 2}},
    {"convnextv2.encoder.stages.1.layers.0.dwconv.weight", "stages_1/layers_0/dwconv/kernel", 4, {5, 1, 7, 7}},
    {"convnextv2.encoder.stages.1.layers.0.pwconv1.weight", "stages_1/layers_0/pwconv1/kernel", 2, {20, 5}},
    {"convnextv2.encoder.stages.1.layers.0.layernorm.bias", "stages_1/layers_0/norm/bias", 1, {5}},
    {"convnextv2.encoder.stages.3.layers.1.grn.weight", "stages_3/layers_1/grn/gamma", 4, {1, 1, 1, 28}},
    {"convnextv2.encoder.stages.3.layers.1.grn.bias", "stages_3/layers_1/grn/beta", 4, {1, 1, 1, 28}},
    {"convnextv2.layernorm.weight", "norm/scale", 1, {7}},
    {"convnextv2.layernorm.bias", "norm/bias", 1, {7}},
};

static void part_name(const drift_param *p, char *name)
{
    static const char *const words[][2] = {{"/kernel", ".weight"}, {"/weight", ".weight"}, {"/scale", ".weight"},
                                           {"/gamma", ".weight"},  {"/beta", ".bias"},     {"/bias", ".bias"}};
    int stage, layer, end = 0, down = 0;
    const char *rest = p->name;
    if (sscanf(rest, "stages_%d/layers_%d%n", &stage, &layer, &end) == 2 && end)
        name += sprintf(name, "convnextv2.encoder.stages.%d.layers.%d", stage, layer);
    else if (sscanf(rest, "downsample_layers_%d/layers_%d%n", &stage, &layer, &down) == 2 && down)
        name += stage ? sprintf(name, "convnextv2.encoder.stages.%d.downsampling_layer.%d", stage, layer)
                      : sprintf(name, "convnextv2.embeddings.%s", layer ? "layernorm" : "patch_embeddings");
    else
        name += sprintf(name, "convnextv2.layernorm"), rest += 4;
    rest += end + down;
    const char *last = strrchr(rest, '/');
    name += sprintf(name, "%s%.*s", last > rest ? "." : "", last > rest ? (int)(last - rest - 1) : 0, rest + 1);
    for (size_t i = 0; i < 6; i++)
        if (!strcmp(last, words[i][0]))
            strcpy(name, words[i][1]);
}

START_TEST(convnext_checkpoint)
{
    const drift_convnext_config config = {{1, 1, 1, 2}, {4, 5, 6, 7}};
    char path[] = "/tmp/drift-convnext-XXXXXX";
    struct encoder e;
    struct drift_safetensors file;
    drift_params_new(&e.params, drift_cpu_backend(DRIFT_F32));
    ck_assert_int_eq(drift_convnext_new(&e.net, &config, &e.params), DRIFT_OK);
    ck_assert_int_eq(drift_params_allocate(&e.params), DRIFT_OK);
    const size_t count = e.params.count;
    struct drift_tensor_entry *tensors = calloc(count + 1, sizeof *tensors);
    char(*names)[160] = calloc(count, sizeof *names);
    float *values = malloc(20000 * sizeof *values);
    for (int i = 0; i < 20000; i++)
        values[i] = (float)i;
    for (size_t i = 0; i < count; i++) {
        const drift_param *p = e.params.list[i];
        const int dims = p->tensor.dims, kernel = strstr(p->name, "kernel") != NULL;
        size_t shape[4];
        part_name(p, names[i]);
        for (char *norm; (norm = strstr(names[i], ".norm.")); memcpy(norm, ".layernorm.", 11))
            memmove(norm + 11, norm + 6, strlen(norm + 6) + 1);
        for (int k = 0; k < dims; k++)
            shape[k] = p->tensor.size[kernel ? (k < 2 ? dims - 1 - k : k - 2) : k];
        tensors[i].name = names[i];
        tensors[i].array = drift_array_view(DRIFT_ARRAY_F32, dims, shape, values);
    }
    tensors[count].name = "classifier.weight"; /* dropped */
    tensors[count].array = drift_array_view(DRIFT_ARRAY_F32, 1, (const size_t[]){3}, values);
    close(mkstemp(path));
    ck_assert_int_eq(drift_safetensors_write(path, count + 1, tensors, 0, NULL), DRIFT_OK);
    ck_assert_int_eq(drift_safetensors_read(path, &file), DRIFT_OK);
    ck_assert_msg(!drift_convnext_load(&file, &e.params), "%s", drift_message());
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        const struct drift_array *stored;
        ck_assert_msg(!drift_safetensors_get(&file, some[i].stored, some[i].rank, some[i].shape, &stored), "%s",
                      drift_message());
        const drift_param *p = drift_params_find(&e.params, some[i].ours);
        ck_assert_msg(p != NULL, "%s", some[i].ours);
        const float *ours = p->tensor.data;
        const size_t *s = some[i].shape;
        const int kernel = strstr(some[i].ours, "kernel") != NULL;
        if (kernel && some[i].rank == 4) /* stored [o, i, y, x] is number ((o I + i) Y + y) X + x */
            ck_assert_float_eq(ours[((1 * s[3] + 1) * s[1] + 0) * s[0] + 2], (float)((2 * s[1] * s[2] + 1) * s[3] + 1));
        else if (kernel)
            ck_assert_float_eq(ours[3 * s[0] + 2], (float)(2 * s[1] + 3));
        else
            ck_assert_float_eq(ours[2], 2);
    }
    drift_safetensors_free(&file);
    ck_assert_int_eq(drift_safetensors_write(path, count - 1, tensors + 1, 0, NULL), DRIFT_OK);
    ck_assert_int_eq(drift_safetensors_read(path, &file), DRIFT_OK);
    ck_assert_int_eq(drift_convnext_load(&file, &e.params), DRIFT_INVALID);
    ck_assert(strstr(drift_message(), "convnextv2.embeddings.patch_embeddings.weight") != NULL);
    drift_safetensors_free(&file);
    remove(path);
    free(tensors);
    free(names);
    free(values);
    drift_convnext_free(&e.net);
    drift_params_free(&e.params);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encoder");
    TCase *tcase = tcase_create("encoder");
    tcase_add_test(tcase, groups);
    tcase_add_test(tcase, settings);
    tcase_add_test(tcase, masks);
    tcase_add_test(tcase, first_values_do_not_depend_on_threads);
    tcase_add_test(tcase, frozen);
    tcase_add_test(tcase, frozen_memory);
    tcase_add_test(tcase, round_bf16);
    tcase_add_test(tcase, bf16);
    tcase_add_test(tcase, wrong_channels);
    tcase_add_test(tcase, patches_that_divide);
    tcase_add_test(tcase, artefact);
    tcase_add_test(tcase, convnext_checkpoint);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
