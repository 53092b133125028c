/* Artefacts: settings from and to metadata.json, parameters by path, and samples to bytes. */
#include <check.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "eval/image.h"
#include "io/number.h"
#include "nn/artifact.h"

#define OK(call) ck_assert_msg((call) == DRIFT_OK, "%s", drift_message())
#define FAILS(call, with, line)                                                                                        \
    do {                                                                                                               \
        ck_assert_int_eq(call, with);                                                                                  \
        ck_assert_msg(strstr(drift_message(), line) != NULL, "got: %s", drift_message());                              \
    } while (0)

/* The settings of an encoder: a kind of each. */
struct mae {
    size_t base_channels, patch_size, layers[4], in_channels, input_patch_size, num_classes;
    double dropout_prob;
    int use_bf16;
};
#define AT(member) offsetof(struct mae, member)
static const struct drift_artifact_setting table[] = {
    {"base_channels", DRIFT_SETTING_COUNT, AT(base_channels), 0, 64},
    {"patch_size", DRIFT_SETTING_COUNT, AT(patch_size), 0, 4},
    {"dropout_prob", DRIFT_SETTING_NUMBER, AT(dropout_prob), 0, 0},
    {"layers", DRIFT_SETTING_COUNTS, AT(layers), 4, 2},
    {"in_channels", DRIFT_SETTING_COUNT, AT(in_channels), 0, 3},
    {"use_bf16", DRIFT_SETTING_FLAG, AT(use_bf16), 0, 0},
    {"input_patch_size", DRIFT_SETTING_COUNT, AT(input_patch_size), 0, 1},
    {NULL, DRIFT_SETTING_FLAG, 0, 0, 0},
};

static const char encoder[] = "tests/golden/artifact/mae_latent";

START_TEST(settings_there_and_back)
{
    struct drift_artifact artifact;
    struct mae mae;
    OK(drift_artifact_open(encoder, &artifact));
    ck_assert_int_eq(artifact.kind, DRIFT_ARTIFACT_MAE);
    ck_assert_double_eq(artifact.ema_decay, (double)0.999F);
    ck_assert_int_eq(artifact.step, 83104);
    OK(drift_artifact_settings(&artifact, table, &mae));
    ck_assert_uint_eq(mae.base_channels, 4);
    ck_assert_uint_eq(mae.layers[0], 1);
    ck_assert_uint_eq(mae.layers[1], 2);
    char *text = drift_artifact_metadata(DRIFT_ARTIFACT_MAE, 0.999, artifact.step, table, &mae);
    ck_assert_str_eq(text, artifact.text);
    free(text);
    drift_artifact_close(&artifact);
}
END_TEST

START_TEST(settings_absent_and_wrong)
{
    static const struct drift_artifact_setting needed[] = {{"patch_size", DRIFT_SETTING_COUNT, AT(patch_size), 0, -1},
                                                           {NULL, DRIFT_SETTING_FLAG, 0, 0, 0}};
    static const struct {
        const char *config, *line;
    } cases[] = {
        {"{\"patch_size\": 2.5}", "here: metadata: model_config.patch_size: expected an integer >= 0"},
        {"{\"patch_size\": -1}", "model_config.patch_size: expected an integer >= 0"},
        {"{\"patch_size\": \"2\"}", "model_config.patch_size: expected an integer >= 0"},
        {"{\"dropout_prob\": true}", "model_config.dropout_prob: expected a number"},
        {"{\"use_bf16\": 1}", "model_config.use_bf16: expected true or false"},
        {"{\"layers\": [1, 2, 3]}", "model_config.layers: expected a list"},
        {"{\"layers\": [1, 2, 3, 0.5]}", "model_config.layers: expected a list"},
        {"{\"layers\": 3}", "model_config.layers: expected a list"},
    };
    char here[] = "here";
    struct drift_artifact artifact = {.folder = here};
    struct mae mae;
    artifact.metadata = json_loads("{\"model_config\": {\"in_channels\": null, \"nobody\": [{}]}}", 0, NULL);
    OK(drift_artifact_settings(&artifact, table, &mae));
    ck_assert(mae.base_channels == 64 && mae.in_channels == 3 && mae.layers[3] == 2 && !mae.use_bf16);
    FAILS(drift_artifact_settings(&artifact, needed, &mae), DRIFT_INVALID, "model_config.patch_size: expected");
    json_decref(artifact.metadata);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        artifact.metadata = json_pack("{s:o}", "model_config", json_loads(cases[i].config, 0, NULL));
        FAILS(drift_artifact_settings(&artifact, table, &mae), DRIFT_INVALID, cases[i].line);
        json_decref(artifact.metadata);
    }
}
END_TEST

/* Parameters of the encoder's last layer. */
START_TEST(parameters_by_path)
{
    static const size_t kernel[] = {32, 1000}, wrong[] = {1000, 32};
    struct drift_artifact artifact;
    struct drift_surplus surplus;
    OK(drift_artifact_open(encoder, &artifact));
    for (int dtype = 0; dtype < 2; dtype++) {
        drift_params params;
        drift_params_new(&params, drift_cpu_backend(dtype ? DRIFT_F64 : DRIFT_F32));
        drift_param *bias = drift_params_add(&params, "fc/bias", 1, kernel + 1, DRIFT_INIT_ZEROS, 1);
        drift_params_add(&params, "fc/kernel", 2, kernel, DRIFT_INIT_ZEROS, 1);
        OK(drift_params_allocate(&params));
        OK(drift_artifact_match(&artifact, &params, &surplus));
        OK(drift_artifact_fill(&artifact, &params, &params.values));
        ck_assert_uint_eq(surplus.count, 87);
        ck_assert(strncmp(surplus.name, "fc/", 3));
        static float read[1000], held[1000];
        OK(drift_tensor_read_floats(&bias->tensor, held));
        drift_array_floats(
            drift_tensor_entry_find(artifact.params.content.count, artifact.params.content.tensors, "fc/bias"), read);
        ck_assert_mem_eq(read, held, sizeof read);
        drift_params_free(&params);
    }
    drift_params params;
    drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
    drift_params_add(&params, "fc/kernel", 2, wrong, DRIFT_INIT_ZEROS, 1);
    OK(drift_params_allocate(&params));
    FAILS(drift_artifact_fill(&artifact, &params, &params.values), DRIFT_INVALID,
          "mae_latent/params_ema/ema_params.msgpack: tensor fc/kernel: expected [1000,32] float32, got [32,1000]");
    drift_params_free(&params);
    drift_params_add(&params, "fc/scale", 1, kernel, DRIFT_INIT_ZEROS, 1);
    OK(drift_params_allocate(&params));
    FAILS(drift_artifact_fill(&artifact, &params, &params.values), DRIFT_INVALID,
          "ema_params.msgpack: expected a tensor named fc/scale");
    drift_params_free(&params);
    drift_artifact_close(&artifact);
}
END_TEST

/* ---- generators ---- */

static const char generator[] = "tests/golden/artifact/gen_latent";

static void expect_same_file(const char *folder, const char *name)
{
    char path[128];
    struct drift_bytes x, y;
    snprintf(path, sizeof path, "%s/params_ema/%s", generator, name);
    OK(drift_file_read(path, 1 << 20, &x));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    OK(drift_file_read(path, 1 << 20, &y));
    ck_assert_uint_eq(x.size, y.size);
    ck_assert_mem_eq(x.data, y.data, x.size);
    drift_bytes_free(&x);
    drift_bytes_free(&y);
}

START_TEST(generator_there_and_back)
{
    char folder[] = "/tmp/drift-artifact-XXXXXX", path[64];
    static const char *const names[] = {"ema_params.msgpack", "metadata.json"};
    struct drift_surplus surplus;
    drift_params params;
    drift_dit dit;
    drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
    OK(drift_artifact_load_dit(generator, &dit, &params, &surplus));
    ck_assert_uint_eq(surplus.count, 0);
    ck_assert_uint_eq(params.count, 196);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    OK(drift_artifact_save_dit(folder, &dit.config, 0.999, 43667, &params, &params.values));
    for (int i = 0; i < 2; i++) {
        expect_same_file(folder, names[i]);
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    drift_params_free(&params);
    drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
    FAILS(drift_artifact_load_dit(encoder, &dit, &params, NULL), DRIFT_INVALID, "expected a generator, got an encoder");
    drift_params_free(&params);
}
END_TEST

/* The generator's parameters, and settings that say something else. */
START_TEST(generator_of_other_settings)
{
    static const struct {
        const char *was, *is, *line; /* line NULL: taken, with surplus */
    } cases[] = {
        {"\"depth\": 11", "\"depth\": 12", "expected a tensor named LightningDiT_0/blocks_11/"},
        {"\"depth\": 11", "\"depth\": 10", NULL},
        {"\"num_classes\": 7", "\"num_classes\": 8",
         "tensor Embed_0/embedding: expected [8,16] float32, got [7,16] float32"},
        {"\"patch_size\": 2", "\"patch_size\": 3", "metadata: model_config: patch_size 3 does not divide input_size 8"},
        {"\"cond_dim\": 16,", "", "metadata: model_config.cond_dim: expected an integer >= 0"},
        {"\"use_rope\": true", "\"use_rope\": 1", "metadata: model_config.use_rope: expected true or false"},
        {"\"depth\": 11", "\"depth\": 100000000", "metadata: model_config: depth 100000000: expected 1 to 64"},
        {"\"hidden_size\": 16", "\"hidden_size\": 1048576", "tensor LightningDiT_0/pos_embed: expected [1,16,1048576]"},
    };
    char folder[] = "/tmp/drift-artifact-XXXXXX", metadata[64], link[64], here[512], model[640], text[2048];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    snprintf(model, sizeof model, "%s/%s/params_ema/ema_params.msgpack", here, generator);
    snprintf(link, sizeof link, "%s/ema_params.msgpack", folder);
    snprintf(metadata, sizeof metadata, "%s/metadata.json", folder);
    ck_assert_int_eq(symlink(model, link), 0);
    struct drift_artifact artifact;
    OK(drift_artifact_open(generator, &artifact));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drift_surplus surplus;
        drift_params params;
        drift_dit dit;
        const char *at = strstr(artifact.text, cases[i].was);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - artifact.text), artifact.text, cases[i].is,
                 at + strlen(cases[i].was));
        OK(drift_file_write(metadata, text, strlen(text)));
        drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
        drift_status status = drift_artifact_load_dit(folder, &dit, &params, &surplus);
        if (cases[i].line)
            FAILS(status, DRIFT_INVALID, cases[i].line);
        else
            ck_assert(!status && surplus.count == 16 && !strncmp(surplus.name, "LightningDiT_0/blocks_10/", 25));
        drift_params_free(&params);
    }
    drift_artifact_close(&artifact);
    unlink(metadata);
    unlink(link);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* Every byte of metadata.json changed, and every length: a result, or one line that names the folder. */
START_TEST(damaged_metadata)
{
    char folder[] = "/tmp/drift-artifact-XXXXXX", path[64];
    struct drift_bytes metadata, params;
    size_t settings = 0;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    drift_file_wait_for_disk(0);
    OK(drift_file_read("tests/data/small.msgpack", 1 << 20, &params));
    snprintf(path, sizeof path, "%s/ema_params.msgpack", folder);
    OK(drift_file_write(path, params.data, params.size));
    char source[128];
    snprintf(source, sizeof source, "%s/params_ema/metadata.json", generator);
    OK(drift_file_read(source, 1 << 20, &metadata));
    snprintf(path, sizeof path, "%s/metadata.json", folder);
    for (size_t at = 0; at < metadata.size; at++) {
        const unsigned char was = metadata.data[at],
                            values[] = {0, 0xff, was ^ 0x80, (unsigned char)(was + 1), '9', '-', '"', '}'};
        for (size_t k = 0; k <= sizeof values; k++) {
            drift_params holder;
            drift_dit dit;
            metadata.data[at] = k < sizeof values ? values[k] : was;
            OK(drift_file_write(path, metadata.data, k < sizeof values ? metadata.size : at));
            drift_params_new(&holder, drift_cpu_backend(DRIFT_F32));
            drift_status status = drift_artifact_load_dit(folder, &dit, &holder, NULL);
            ck_assert_int_eq(status, DRIFT_INVALID); /* the parameters are others */
            ck_assert_msg(!strncmp(drift_message(), folder, strlen(folder)) && !strpbrk(drift_message(), "\n\r\t\x1b"),
                          "byte %zu: %s", at, drift_message());
            settings += strstr(drift_message(), "model_config") != NULL;
            drift_params_free(&holder);
        }
    }
    ck_assert_uint_ge(settings, 100);
    drift_bytes_free(&metadata);
    drift_bytes_free(&params);
    unlink(path);
    snprintf(path, sizeof path, "%s/ema_params.msgpack", folder);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(numbers_like_python)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {4, "4.0"},
                 {40, "40.0"},
                 {0.1, "0.1"},
                 {1e-4, "0.0001"},
                 {1e-5, "1e-05"},
                 {-2.5e-7, "-2.5e-07"},
                 {123456, "123456.0"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {1e300, "1e+300"},
                 {(double)0.999F, "0.9990000128746033"},
                 {1.0 / 3, "0.3333333333333333"}};
    char text[DRIFT_NUMBER_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(drift_number_print_double(cases[i].x, text), cases[i].text);
}
END_TEST

START_TEST(bytes_of_samples)
{
    const float x[] = {
        -1, 1, 0, -1.5F, 2, NAN, -NAN, INFINITY, -INFINITY, 0.999F, -0.99F, 1 - 0x1p-22F, 2 * 200 / 255.0F - 1};
    const unsigned char want[] = {0, 255, 127, 0, 255, 0, 0, 255, 0, 254, 1, 254, 200};
    unsigned char bytes[sizeof want];
    drift_image_bytes(sizeof want, x, bytes);
    for (size_t i = 0; i < sizeof want; i++)
        ck_assert_msg(bytes[i] == want[i], "%g: %d, expected %d", (double)x[i], bytes[i], want[i]);
    OK(drift_image_check(3));
    OK(drift_image_check(1));
    FAILS(drift_image_check(4), DRIFT_INVALID, "decoder of the Stable Diffusion VAE");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("artifact");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, settings_there_and_back);
    tcase_add_test(cases, settings_absent_and_wrong);
    tcase_add_test(cases, parameters_by_path);
    tcase_add_test(cases, generator_there_and_back);
    tcase_add_test(cases, generator_of_other_settings);
    tcase_add_test(cases, damaged_metadata);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, numbers_like_python);
    tcase_add_test(cases, bytes_of_samples);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
