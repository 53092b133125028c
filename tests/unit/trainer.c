/* A class-conditional run: what a batch holds, classes that must have samples, sampling by index, a step in parts,
 * where a run starts from, and that steps take no memory. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/interpolate.h"
#include "train/trainer.h"

#define OK(call) ck_assert_msg((call) == DRIFT_OK, "%s", drift_message())

static const char small[] =
    "dataset: {name: digits, batch_size: 40}\n"
    "model: {name: dit, cond_dim: 8, input_size: 8, in_channels: 1, out_channels: 1, patch_size: 4, "
    "hidden_size: 8, depth: 1, num_heads: 2, n_cls_tokens: 1, noise_classes: 3, noise_coords: 2}\n"
    "train: {seed: 3, train_batch_size: 6, pos_per_sample: 5, neg_per_sample: 3, "
    "positive_bank_size: 7, negative_bank_size: 50, push_per_step: 60, "
    "forward_dict: {gen_per_label: 4}, ema_decay: [0.9, 0.99]}\n";

static struct drift_recipe recipe;
static struct drift_trainer *trainer;

static void start(void)
{
    drift_recipe_defaults(&recipe);
    OK(drift_recipe_parse(&recipe, small, strlen(small), "small"));
    trainer = NULL;
}

static void set(const char *key, const char *value) { OK(drift_recipe_set(&recipe, key, value)); }

static void make(void) { OK(drift_trainer_new(&recipe, &trainer)); }

static void end(void)
{
    if (trainer)
        drift_trainer_free(trainer);
}

static void steps(int n)
{
    for (int i = 0; i < n; i++)
        OK(drift_trainer_step(trainer));
}

static void refused(const char *message)
{
    ck_assert_int_eq(drift_trainer_new(&recipe, &trainer), DRIFT_INVALID);
    ck_assert_msg(strstr(drift_message(), message) != NULL, "\"%s\" lacks \"%s\"", drift_message(), message);
    trainer = NULL;
}

static void remove_folder(const char *folder)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* ---- the batch ---- */

/* The row of the training data that x is, or is the mirror image of (*mirrored). */
static size_t row_of(const float *x, int *mirrored)
{
    const struct drift_data *data = trainer->data;
    for (size_t i = 0; i < data->size; i++) {
        const float *row = data->rows + i * 64;
        int same = 1, mirror = 1;
        for (size_t k = 0; k < 64 && (same || mirror); k++) {
            same &= x[k] == row[k];
            mirror &= x[k] == row[k / 8 * 8 + 7 - k % 8];
        }
        if (same || mirror) {
            *mirrored = !same;
            return i;
        }
    }
    ck_abort_msg("no row of the data");
}

START_TEST(batches)
{
    int mirrored, mirrors = 0, count = 0, scales = 0;
    set("dataset.mirror", _i ? "true" : "false");
    set("train.forward_dict.no_cfg_frac", "0.5");
    make();
    const struct drift_batch *b = &trainer->batch;
    ck_assert(b->conditional && b->entries == 6 && b->push_size == 40 && b->pushes == 2);
    for (int64_t step = 0; step < 8; step++) {
        OK(drift_batch_draw(&trainer->batch, &trainer->recipe, trainer->data, step));
        ck_assert_int_eq(b->all.count[0], 50); /* two pushes of 40 fill it */
        for (size_t e = 0; e < 6; e++) {
            for (size_t i = 0; i < 5; i++, count++) {
                const size_t row = row_of(b->positive + (e * 5 + i) * 64, &mirrored);
                ck_assert_int_eq(trainer->data->labels[row], b->label[e]);
                mirrors += mirrored;
            }
            for (size_t i = 0; i < 3; i++)
                row_of(b->negative + (e * 3 + i) * 64, &mirrored);
            ck_assert(b->alpha[e] >= 1 && b->alpha[e] <= 4);
            ck_assert(fabsf(b->weight[e] - (b->alpha[e] - 1) * 3 / 3) < 1e-6F);
            scales += b->alpha[e] > 1;
        }
    }
    ck_assert(scales > 10 && scales < 38); /* of 48, half */
    ck_assert(_i ? mirrors > count / 4 && mirrors < 3 * count / 4 : !mirrors);
}
END_TEST

/* With use_aug a run sees parts of its images: other numbers, within theirs, the same for the same step. */
START_TEST(parts_of_images)
{
    set("dataset.use_aug", "true");
    make();
    const struct drift_data *data = trainer->data;
    float whole[40 * 64], x[40 * 64], again[40 * 64];
    int32_t label[40];
    size_t same = 0;
    OK(drift_data_draw_labelled(data, 40, 1, 5, DRIFT_RANDOM_DATA, whole, label));
    trainer->recipe.train.seed = 1;
    OK(drift_batch_data(&trainer->recipe, data, 5, 40, x, label));
    OK(drift_batch_data(&trainer->recipe, data, 5, 40, again, label));
    ck_assert(!memcmp(x, again, sizeof x));
    for (size_t i = 0; i < 40; i++) {
        same += !memcmp(x + i * 64, whole + i * 64, 64 * sizeof *x);
        for (size_t k = 0; k < 64; k++)
            ck_assert(x[i * 64 + k] >= -1 && x[i * 64 + k] <= 1);
    }
    ck_assert_msg(same < 8, "%zu images are whole", same);
}
END_TEST

START_TEST(classes)
{
    set("dataset.num_classes", "11");
    refused("digits: class 10 of dataset.num_classes 11 has no sample");
    set("dataset.num_classes", "9");
    refused("dataset.num_classes: 9, but digits has a sample of class 9");
    set("dataset.num_classes", "0");
    set("model.input_size", "16");
    refused("model.input_size: 16, but samples are 8 x 8");
    set("model.input_size", "8");
    set("model.out_channels", "3");
    refused("model.out_channels: 3, but samples have 1");
    set("model.out_channels", "1");
    set("model.patch_size", "3");
    refused("patch_size 3 does not divide input_size 8");
    set("model.patch_size", "4");
    set("model.num_heads", "3");
    refused("num_heads");
    set("model.num_heads", "2");
    set("dataset.name", "gaussians8");
    set("model.input_size", "1");
    set("model.patch_size", "1");
    set("model.out_channels", "2");
    set("dataset.num_classes", "9");
    refused("gaussians8: class 8 of dataset.num_classes 9 has no sample");
    set("dataset.num_classes", "7");
    refused("dataset.num_classes: 7, but gaussians8 has 8 classes");
    set("dataset.num_classes", "0");
    make();
    ck_assert_int_eq(trainer->recipe.dataset.num_classes, 8);
    drift_trainer_free(trainer);
    set("dataset.name", "tests/data/points.csv");
    set("dataset.split", "all");
    set("dataset.num_classes", "2");
    refused("class 1 of dataset.num_classes 2 has no sample: the set has no labels");
    set("dataset.num_classes", "0");
    make();
    ck_assert_int_eq(trainer->recipe.dataset.num_classes, 1);
}
END_TEST

/* ---- sampling ---- */

/* Random numbers in all parameters: an untrained DiT gives 0. */
static void shake(void)
{
    drift_params *params = &trainer->generator.params;
    OK(params->backend->random_normal(params->backend, &(drift_stream){9, 0, 0, 0}, 0.2, &params->values));
}

static void sample(const struct drift_sampling *how, size_t n, float *x)
{
    OK(drift_generator_sample(&trainer->generator, how, n, x));
}

START_TEST(samples)
{
    static float x[300 * 64], y[64], z[64];
    struct drift_sampling how = {.seed = 5, .temperature = 1, .cfg_scale = 2};
    make();
    shake();
    sample(&how, 300, x);
    for (size_t i = 0; i < 300; i += 37) {
        const int32_t label = (int32_t)(i % 10);
        struct drift_sampling one = how;
        one.first = i;
        sample(&one, 1, y);
        ck_assert(!memcmp(y, x + i * 64, sizeof y)); /* classes in turn */
        one.label = &label;
        sample(&one, 1, y);
        ck_assert(!memcmp(y, x + i * 64, sizeof y));
    }
    const int32_t other[] = {3}, bad[] = {10};
    const float scale[] = {3};
    how.label = other;
    sample(&how, 1, y);
    ck_assert(memcmp(y, x, sizeof y) != 0);
    how.scales = scale;
    sample(&how, 1, z);
    ck_assert(memcmp(y, z, sizeof y) != 0);
    how.scales = NULL;
    how.cfg_scale = 3;
    sample(&how, 1, y);
    ck_assert(!memcmp(y, z, sizeof y));
    const int32_t style[] = {2, 0};
    static const float noise[64] = {1, -1, 0.5F};
    how.noise = noise;
    how.style = style;
    how.seed = 6;
    sample(&how, 1, y);
    how.seed = 7; /* nothing is drawn */
    sample(&how, 1, z);
    ck_assert(!memcmp(y, z, sizeof y));
    how.label = bad;
    ck_assert_int_eq(drift_generator_sample(&trainer->generator, &how, 1, y), DRIFT_INVALID);
    ck_assert(strstr(drift_message(), "class 10: expected 0 .. 9") != NULL);
}
END_TEST

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < 64; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* From sample 4 to sample 9: the ends are these samples, and each step turns the noise by the same angle. */
START_TEST(interpolates)
{
    enum { STEPS = 5 };
    const struct drift_generator *g;
    static float noise[STEPS * 64], x[STEPS * 64], y[64];
    int32_t style[STEPS * 2];
    const int32_t label[STEPS] = {7, 7, 7, 7, 7};
    make();
    shake();
    g = &trainer->generator;
    OK(drift_interpolate(g, 5, 1.5, 4, 9, STEPS, noise, style));
    sample(&(struct drift_sampling){.label = label, .cfg_scale = 2, .noise = noise, .style = style}, STEPS, x);
    for (size_t end = 0; end < 2; end++) {
        const struct drift_sampling plain = {
            .seed = 5, .first = end ? 9 : 4, .temperature = 1.5, .cfg_scale = 2, .label = label};
        sample(&plain, 1, y);
        ck_assert(!memcmp(y, x + end * (STEPS - 1) * 64, sizeof y));
    }
    /* rounding to float moves a cosine by less than 64 of its units */
    for (int s = 1; s + 1 < STEPS; s++)
        ck_assert(fabs(cosine(noise + 64 * s, noise + 64 * (s + 1)) - cosine(noise, noise + 64)) <= 64 * 1.2e-7);
    ck_assert(cosine(noise, noise + 64) < 0.99);
    for (int k = 0; k < 2; k++) { /* each index changes once, the first of them first */
        int s = 1;
        while (s < STEPS && style[2 * s + k] == style[k])
            s++;
        for (; s < STEPS; s++)
            ck_assert_int_eq(style[2 * s + k], style[2 * (STEPS - 1) + k]);
    }
    OK(drift_interpolate(g, 5, 1, 4, 4, STEPS, noise, style));
    for (int s = 1; s < STEPS; s++)
        ck_assert(!memcmp(noise, noise + 64 * s, 64 * sizeof *noise));
}
END_TEST

/* ---- steps ---- */

/* The same step in one part and in three: the same loss, and parameters that differ by rounding. */
START_TEST(in_parts)
{
    static float whole[1 << 16], parts[1 << 16];
    double loss[2];
    for (int i = 0; i < 2; i++) {
        start();
        set("train.accumulate", i ? "3" : "1");
        set("train.activation_kwargs.has_scale", "true");
        make();
        shake();
        steps(1);
        loss[i] = trainer->last[DRIFT_LOG_LOSS];
        const drift_tensor gradient = drift_tensor_grad(&trainer->generator.params.values);
        ck_assert_uint_le(drift_tensor_elements(&gradient), 1 << 16);
        OK(drift_tensor_read_floats(&gradient, i ? parts : whole));
        if (!i)
            end();
    }
    double error = 0, size = 0;
    for (size_t k = 0; k < drift_tensor_elements(&trainer->generator.params.values); k++) {
        error += (double)(whole[k] - parts[k]) * (double)(whole[k] - parts[k]);
        size += (double)whole[k] * (double)whole[k];
    }
    ck_assert(loss[0] == loss[1]);
    ck_assert(size > 0 && sqrt(error / size) < 1e-5);
}
END_TEST

/* A thousand steps after ten: the process may not have grown by more than the allocator's slack, 1/4 kB a step.
 * Sanitizers (build/NAME, as in tests/run.sh) hold freed memory back, and find leaks themselves. */
START_TEST(no_leak)
{
    const char *build = getenv("BUILD");
    if (build && strchr(build, '/'))
        return;
    make();
    steps(10);
    const double before = drift_peak_memory();
    steps(1000);
    const double after = drift_peak_memory();
    ck_assert_msg(after - before <= 256e3, "grew by %.0f bytes", after - before);
    ck_assert(before > 0);
}
END_TEST

START_TEST(starts_from)
{
    char folder[] = "/tmp/drift-trainer-XXXXXX", path[64];
    ck_assert(mkdtemp(folder) != NULL);
    make();
    steps(3);
    OK(drift_trainer_save(trainer, folder));
    const size_t n = drift_tensor_elements(&trainer->generator.params.values), bytes = n * sizeof(float);
    float *mean = malloc(bytes), *now = malloc(bytes);
    OK(drift_tensor_read_floats(&trainer->averages[0], mean));
    drift_trainer_free(trainer);

    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    set("train.init_from", path);
    set("train.seed", "4");
    make();
    OK(drift_trainer_start(trainer));
    OK(drift_tensor_read_floats(&trainer->generator.params.values, now));
    ck_assert(!memcmp(mean, now, bytes));
    for (int i = 0; i < 2; i++) {
        OK(drift_tensor_read_floats(&trainer->averages[i], now));
        ck_assert(!memcmp(mean, now, bytes));
    }
    drift_trainer_free(trainer);
    set("model.depth", "2");
    make();
    ck_assert_int_eq(drift_trainer_start(trainer), DRIFT_INVALID);
    ck_assert_msg(strstr(drift_message(), "train.init_from: ") && strstr(drift_message(), "blocks_1"), "%s",
                  drift_message());
    free(mean);
    free(now);
    remove_folder(folder);
}
END_TEST

/* A checkpoint brings the rings back; one whose rings cannot be is refused. */
START_TEST(rings_on_disk)
{
    char folder[] = "/tmp/drift-trainer-XXXXXX", path[64];
    struct drift_safetensors file;
    int found;
    ck_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", folder);
    make();
    steps(3);
    OK(drift_trainer_save(trainer, folder));
    steps(2);
    const double loss = trainer->last[DRIFT_LOG_LOSS];
    drift_trainer_free(trainer);
    make();
    OK(drift_trainer_load(trainer, folder, &found));
    ck_assert(found && trainer->step == 3 && trainer->batch.all.count[0] == 50);
    steps(2);
    ck_assert(trainer->last[DRIFT_LOG_LOSS] == loss);

    static const char *const names[] = {"queue/next", "queue/count", "all/next", "queue/rows"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        int64_t wrong[10] = {1000};
        OK(drift_safetensors_read(path, &file));
        for (size_t i = 0; i < file.count; i++)
            if (!strcmp(file.tensors[i].name, names[k])) {
                const size_t n = k == 3 ? 3 : file.tensors[i].array.count;
                file.tensors[i].array = drift_array_view(DRIFT_ARRAY_I64, 1, &n, wrong);
            }
        snprintf(path, sizeof path, "%s/wrong/checkpoint.safetensors", folder);
        char inner[64];
        snprintf(inner, sizeof inner, "%s/wrong", folder);
        OK(drift_folder_make(inner));
        OK(drift_safetensors_write(path, file.count, file.tensors, file.metadata_count, file.metadata));
        drift_safetensors_free(&file);
        drift_trainer_free(trainer);
        make();
        ck_assert_int_eq(drift_trainer_load(trainer, inner, &found), DRIFT_INVALID);
        ck_assert_msg(strstr(drift_message(), "checkpoint.safetensors: ") != NULL &&
                          strstr(drift_message(), k == 2 ? "all/" : "queue/") != NULL,
                      "%s", drift_message());
        remove_folder(inner);
        snprintf(path, sizeof path, "%s/checkpoint.safetensors", folder);
    }
    remove_folder(folder);
}
END_TEST

START_TEST(not_finite)
{
    make();
    shake();
    drift_params *params = &trainer->generator.params;
    OK(params->backend->fill(params->backend, NAN, &drift_params_find(params, "Embed_0/embedding")->tensor));

    ck_assert_int_eq(drift_trainer_step(trainer), DRIFT_NOT_FINITE);
    ck_assert_str_eq(drift_message(), "step 1: the loss is not finite: the generated samples of global");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trainer");
    TCase *tests = tcase_create("trainer");
    tcase_add_checked_fixture(tests, start, end);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, batches, 0, 2);
    tcase_add_test(tests, parts_of_images);
    tcase_add_test(tests, classes);
    tcase_add_test(tests, samples);
    tcase_add_test(tests, in_parts);
    tcase_add_test(tests, no_leak);
    tcase_add_test(tests, interpolates);
    tcase_add_test(tests, starts_from);
    tcase_add_test(tests, rings_on_disk);
    tcase_add_test(tests, not_finite);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
