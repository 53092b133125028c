/* Recipes: defaults, text both ways, ranges, unknown keys, what may change on resume. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe/model.h"

static struct drift_recipe recipe;

static void start(void) { drift_recipe_defaults(&recipe); }

static void refused(drift_status status, const char *message)
{
    ck_assert_int_eq(status, DRIFT_INVALID);
    ck_assert_msg(strstr(drift_message(), message) != NULL, "\"%s\" lacks \"%s\"", drift_message(), message);
}

static drift_status parse(const char *text) { return drift_recipe_parse(&recipe, text, strlen(text), "a.yaml"); }

START_TEST(defaults)
{
    ck_assert_str_eq(recipe.dataset.name, "checkerboard");
    ck_assert_int_eq(recipe.model.hidden_size.count, 3);
    ck_assert_int_eq(recipe.model.hidden_size.items[2], 256);
    ck_assert(recipe.optimizer.lr_schedule.learning_rate == 1e-3);
    ck_assert(recipe.train.loss_kwargs.R_list.count == 1 && recipe.train.loss_kwargs.R_list.items[0] == 0.05);
    ck_assert_int_eq(recipe.train.loss_kwargs.form, DRIFT_JOINT);
    ck_assert_int_eq(recipe.train.loss_kwargs.self, DRIFT_SELF_MASKED);
    ck_assert_int_eq(drift_recipe_check(&recipe), DRIFT_OK);
    for (const struct drift_recipe_key *key = drift_recipe_keys; key->key; key++)
        ck_assert_msg(drift_recipe_set(&recipe, key->key, key->initial) == DRIFT_OK, "%s", drift_message());
}
END_TEST

START_TEST(from_yaml)
{
    ck_assert_int_eq(parse("train:\n  R_list_is_below: loss_kwargs\n"), DRIFT_INVALID);
    ck_assert_int_eq(
        parse("name: it's\ntrain:\n  total_steps: 7\n  loss_kwargs: {R_list: [0.2, .05, 2e-2], form: exact}\n"
              "  ema_decay: 0.99\nmodel:\n  hidden_size: []\n"),
        DRIFT_OK);
    ck_assert_str_eq(recipe.name, "it's");
    ck_assert_int_eq(recipe.train.total_steps, 7);
    ck_assert(recipe.train.loss_kwargs.R_list.count == 3 && recipe.train.loss_kwargs.R_list.items[2] == 0.02);
    ck_assert(recipe.train.ema_decay.count == 1 && recipe.train.ema_decay.items[0] == 0.99);
    ck_assert_int_eq(recipe.model.hidden_size.count, 0);
    ck_assert_int_eq(recipe.train.loss_kwargs.form, DRIFT_EXACT);
}
END_TEST

START_TEST(there_and_back)
{
    for (int comments = 0; comments < 2; comments++) {
        struct drift_recipe other;
        drift_recipe_set(&recipe, "optimizer.lr_schedule.learning_rate", "0.1234567890123456789");
        drift_recipe_set(&recipe, "dataset.name", "a 'file' # of: mine.npy");
        drift_recipe_set(&recipe, "train.ema_decay", "[0.9, 0.999]");
        char *text = drift_recipe_print(&recipe, comments);
        drift_recipe_defaults(&other);
        ck_assert_msg(!drift_recipe_parse(&other, text, strlen(text), "text"), "%s", drift_message());
        ck_assert_int_eq(memcmp(&recipe, &other, sizeof other), 0);
        free(text);
    }
}
END_TEST

START_TEST(errors)
{
    refused(parse("train:\n  seed: 1\n  total_step: 3\n"),
            "a.yaml:3: unknown key train.total_step; did you mean train.total_steps?");
    refused(parse("\ntrian:\n  seed: 1\n"), "a.yaml:2");
    refused(parse("train: 3\n"), "a.yaml:1: train: expected a map");
    refused(parse("train:\n  total_steps: many\n"), "a.yaml:2: train.total_steps: expected a number");
    refused(parse("train:\n  total_steps: 1.5\n"), "expected a whole number");
    refused(parse("train:\n  total_steps: [1]\n"), "expected one value");
    refused(parse("train:\n  loss_kwargs: {R_list: [0.1, -1]}\n"), "R_list: -1 is not within");
    refused(parse("model:\n  activation: sliu\n"), "expected relu|silu|");
    refused(drift_recipe_set(&recipe, "learning_rate", "1"), "did you mean optimizer.lr_schedule.learning_rate?");
    refused(drift_recipe_set(&recipe, "train", "1"), "has keys below it");
    refused(drift_recipe_set(&recipe, "train.seed", "nan"), "expected a number");
    refused(drift_recipe_set(&recipe, "train.seed", ""), "expected a number");
    drift_recipe_set(&recipe, "train.loss_kwargs.R_list", "[]");
    refused(drift_recipe_check(&recipe), "R_list");
    start();
    drift_recipe_set(&recipe, "train.loss_kwargs.form", "exact");
    drift_recipe_set(&recipe, "train.loss_kwargs.floor", "1e-6");
    refused(drift_recipe_check(&recipe), "train.loss_kwargs");
}
END_TEST

START_TEST(resuming)
{
    struct drift_recipe then = recipe;
    drift_recipe_set(&recipe, "train.total_steps", "4000");
    ck_assert_int_eq(drift_recipe_resumable(&then, &recipe), DRIFT_OK);
    drift_recipe_set(&recipe, "train.seed", "1");
    refused(drift_recipe_resumable(&then, &recipe), "train.seed = 0, not 1");
}
END_TEST

/* The authors' files name no model and leave keys out: their code's defaults hold, and all is there after a round trip.
 */
START_TEST(of_a_dit)
{
    struct drift_recipe other;
    ck_assert_int_eq(
        parse("model:\n  depth: 2\n  hidden_size: 64\n  num_heads: 4\ntrain:\n  forward_dict: {cfg_max: 3.0}\n"
              "  ema_decay: 0.9\n"),
        DRIFT_OK);
    ck_assert_int_eq(recipe.model.name, DRIFT_MODEL_DIT);
    ck_assert_int_eq(recipe.model.hidden_size.items[0], 64);
    ck_assert_int_eq(recipe.optimizer.name, DRIFT_OPTIMIZER_ADAMW);
    ck_assert_int_eq(recipe.train.loss_kwargs.form, DRIFT_NORMALIZED);
    ck_assert_int_eq(recipe.train.forward_dict.gen_per_label, 8);
    ck_assert(recipe.train.max_grad_norm == 2 && recipe.train.loss_kwargs.floor == 1e-6);
    ck_assert(recipe.train.ema_decay.items[0] == 0.9 && recipe.optimizer.adam_b2 == 0.95);
    ck_assert_msg(!drift_recipe_check(&recipe), "%s", drift_message());
    char *text = drift_recipe_print(&recipe, 1);
    ck_assert(strstr(text, "noise_dim") == NULL && strstr(text, "  depth: 2") != NULL);
    drift_recipe_defaults(&other);
    ck_assert_msg(!drift_recipe_parse(&other, text, strlen(text), "text"), "%s", drift_message());
    ck_assert_int_eq(memcmp(&recipe, &other, sizeof other), 0);
    free(text);

    start();
    ck_assert_int_eq(parse("model: {depth: 2}\ntrain: {seed: 1}\n"), DRIFT_OK);
    ck_assert_int_eq(recipe.train.forward_dict.gen_per_label, 16);
    start();
    ck_assert_int_eq(parse("model: {name: mlp, depth: 2}\n"), DRIFT_OK);
    refused(drift_recipe_check(&recipe), "model.depth: model.name is mlp, which does not have it");
    start();
    ck_assert_int_eq(parse("model: {name: dit, activation: relu, hidden_size: 8}\n"), DRIFT_OK);
    refused(drift_recipe_check(&recipe), "model.activation: model.name is dit");
    start();
    ck_assert_int_eq(parse("model: {name: dit, hidden_size: [8, 8]}\n"), DRIFT_OK);
    refused(drift_recipe_check(&recipe), "model.hidden_size: a dit has one width");
    drift_recipe_set(&recipe, "model.hidden_size", "8");
    drift_recipe_set(&recipe, "train.forward_dict.cfg_min", "5");
    refused(drift_recipe_check(&recipe), "train.forward_dict: guidance from 5 to 4");
    drift_recipe_set(&recipe, "train.forward_dict.cfg_min", "1");
    drift_recipe_set(&recipe, "dataset.batch_size", "63");
    refused(drift_recipe_check(&recipe), "dataset.batch_size: 63 is less than the 64");
    drift_recipe_set(&recipe, "dataset.batch_size", "0");
    drift_recipe_set(&recipe, "train.loss_kwargs.form", "joint");
    refused(drift_recipe_check(&recipe), "joint takes no weighted negatives");
    drift_recipe_set(&recipe, "train.loss_kwargs.form", "normalized");
    drift_recipe_set(&recipe, "train.cfg_list", "[]");
    refused(drift_recipe_check(&recipe), "train.cfg_list");
}
END_TEST

/* What is not supported, each in a line; and the first as a failure. */
static void expect_missing(const char *lines)
{
    char *missing = drift_recipe_missing(&recipe);
    drift_status status = drift_recipe_able(&recipe);
    ck_assert_str_eq(missing ? missing : "", lines);
    ck_assert_int_eq(status, missing ? DRIFT_INVALID : DRIFT_OK);
    if (missing)
        ck_assert(!strncmp(drift_message(), lines, strlen(drift_message())) && !strchr(drift_message(), '\n'));
    free(missing);
}

START_TEST(of_the_authors)
{
    static const char latents[] = "dataset.use_cache: true needs a cache of latents, not supported yet\n";
    static const struct {
        const char *name, *missing, *width;
        int64_t hidden, depth;
        double rate;
        size_t parameters;
    } models[] = {
        {"latent_ablation", latents, "256", 768, 12, 2e-4, 132708880},
        {"latent_sota_B", latents, "640", 768, 12, 4e-4, 132708880},
        {"latent_sota_L", latents, "640", 1024, 24, 4e-4, 462909456},
        {"pixel_sota_B", "", "640", 768, 12, 2e-4, 133864704},
        {"pixel_sota_L", "", "640", 1024, 24, 4e-4, 464450304},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct drift_recipe other;
        char path[128], encoder[DRIFT_RECIPE_TEXT + 8];
        start();
        snprintf(path, sizeof path, "data/recipes/authors/%s.yaml", models[i].name);
        ck_assert_msg(!drift_recipe_read(&recipe, path), "%s", drift_message());
        ck_assert_msg(!drift_recipe_check(&recipe), "%s: %s", path, drift_message());
        ck_assert_int_eq(recipe.model.name, DRIFT_MODEL_DIT);
        ck_assert_int_eq(recipe.model.hidden_size.items[0], models[i].hidden);
        ck_assert_int_eq(recipe.model.depth, models[i].depth);
        ck_assert(recipe.optimizer.lr_schedule.learning_rate == models[i].rate);
        size_t parameters;
        ck_assert_msg(!drift_recipe_parameters(&recipe, &parameters), "%s", drift_message());
        ck_assert_uint_eq(parameters, models[i].parameters);
        ck_assert(recipe.train.forward_dict.gen_per_label == 64 && recipe.train.keep_last == 2);
        expect_missing(models[i].missing);
        drift_recipe_encoder(&recipe, encoder);
        ck_assert(strstr(encoder, "hf://mae_") == encoder && strstr(encoder, models[i].width));
        char *text = drift_recipe_print(&recipe, i % 2);
        drift_recipe_defaults(&other);
        ck_assert_msg(!drift_recipe_parse(&other, text, strlen(text), "text"), "%s", drift_message());
        ck_assert_int_eq(memcmp(&recipe, &other, sizeof other), 0);
        free(text);
    }
}
END_TEST

START_TEST(of_the_authors_encoders)
{
    static const char *const names[] = {"latent_ablation_256", "latent_640", "pixel_640"};
    static const int64_t last[] = {0, 3000, 3000};
    static const size_t parameters[] = {431354348, 2687866604, 2689069992}; /* as the spec has them */
    for (int i = 0; i < 3; i++) {
        struct drift_recipe other;
        char path[128];
        start();
        snprintf(path, sizeof path, "data/recipes/authors/%s.yaml", names[i]);
        ck_assert_msg(!drift_recipe_read(&recipe, path), "%s", drift_message());
        ck_assert_msg(!drift_recipe_check(&recipe), "%s: %s", path, drift_message());
        ck_assert_int_eq(recipe.model.name, DRIFT_MODEL_MAE);
        ck_assert_int_eq(recipe.model.base_channels, i ? 640 : 256);
        ck_assert(recipe.model.layers.count == 4 && recipe.model.layers.items[2] == 6);
        ck_assert_int_eq(recipe.train.finetune_last_steps, last[i]);
        size_t count;
        ck_assert_msg(!drift_recipe_parameters(&recipe, &count), "%s", drift_message());
        ck_assert_uint_eq(count, parameters[i]);
        ck_assert(recipe.train.ema_decay.items[0] == 0.9995 && recipe.train.max_grad_norm == 2);
        ck_assert(recipe.optimizer.name == DRIFT_OPTIMIZER_ADAMW && recipe.optimizer.adam_b2 == 0.95);
        ck_assert(recipe.dataset.use_aug);
        expect_missing(i < 2 ? "dataset.use_latent: true needs the encoder of the Stable Diffusion VAE, not supported "
                               "yet\n"
                             : "");
        char *text = drift_recipe_print(&recipe, i % 2);
        ck_assert(!strstr(text, "loss_kwargs") && !strstr(text, "cfg_list"));
        drift_recipe_defaults(&other);
        ck_assert_msg(!drift_recipe_parse(&other, text, strlen(text), "text"), "%s", drift_message());
        ck_assert_int_eq(memcmp(&recipe, &other, sizeof other), 0);
        free(text);
    }
    drift_recipe_set(&recipe, "model.layers", "[3, 4, 6]");
    refused(drift_recipe_check(&recipe), "model.layers: expected the blocks of 4 stages");
    drift_recipe_set(&recipe, "model.layers", "[3, 4, 6, 3]");
    drift_recipe_set(&recipe, "train.forward_dict.mask_ratio_min", "0.6");
    refused(drift_recipe_check(&recipe), "mask_ratio_min: is more than mask_ratio_max");
    start();
    ck_assert_int_eq(parse("model: {base_channels: 8, patch_size: 3, depth: 2}\n"), DRIFT_OK); /* a DiT's */
    refused(drift_recipe_check(&recipe), "model.base_channels: model.name is dit");
}
END_TEST

/* Blocks of every k-th, and the other way to name an encoder. */
START_TEST(features)
{
    char path[DRIFT_RECIPE_TEXT + 8];
    ck_assert_int_eq(parse("model: {depth: 1}\ntrain: {activation_kwargs: {every_k_block: .inf}}\n"), DRIFT_OK);
    ck_assert(isinf(recipe.train.activation_kwargs.every_k_block));
    char *text = drift_recipe_print(&recipe, 0);
    ck_assert(strstr(text, "every_k_block: .inf\n") != NULL);
    free(text);
    ck_assert_int_eq(parse("model: {depth: 1}\ntrain: {activation_kwargs: {every_k_block: null}}\n"), DRIFT_OK);
    ck_assert(recipe.train.activation_kwargs.every_k_block == 0);
    ck_assert_int_eq(parse("model: {depth: 1}\ntrain: {activation_kwargs: {use_mean: null}}\n"), DRIFT_OK);
    ck_assert(recipe.train.activation_kwargs.every_k_block == 2 && recipe.train.activation_kwargs.use_mean);
    refused(drift_recipe_set(&recipe, "train.max_grad_norm", ".inf"), "expected a number");
    expect_missing("");
    drift_recipe_encoder(&recipe, path);
    ck_assert_str_eq(path, "");
    ck_assert_int_eq(parse("model: {depth: 1}\nfeature: {load_dict: {source: hf, hf_model_name: mae_x}}\n"), DRIFT_OK);
    drift_recipe_encoder(&recipe, path);
    ck_assert_str_eq(path, "hf://mae_x");
    expect_missing("");
    ck_assert_int_eq(parse("model: {depth: 1}\nfeature: {load_dict: {source: local, path: runs/a}}\n"), DRIFT_OK);
    drift_recipe_encoder(&recipe, path);
    ck_assert_str_eq(path, "runs/a");
    drift_recipe_set(&recipe, "feature.use_mae", "false");
    drift_recipe_encoder(&recipe, path);
    ck_assert_str_eq(path, "");
    expect_missing("");
    drift_recipe_set(&recipe, "logging.use_wandb", "true");
    drift_recipe_set(&recipe, "dataset.use_latent", "true");
    expect_missing("dataset.use_latent: true needs the encoder of the Stable Diffusion VAE, not supported yet\n"
                   "logging.use_wandb: true needs a web logger, not supported yet\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recipe");
    TCase *test = tcase_create("recipe");
    tcase_add_checked_fixture(test, start, NULL);
    tcase_add_test(test, defaults);
    tcase_add_test(test, from_yaml);
    tcase_add_test(test, there_and_back);
    tcase_add_test(test, errors);
    tcase_add_test(test, resuming);
    tcase_add_test(test, of_a_dit);
    tcase_add_test(test, of_the_authors);
    tcase_add_test(test, of_the_authors_encoders);
    tcase_add_test(test, features);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
