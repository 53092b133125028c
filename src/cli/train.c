/* drift train: a recipe file. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/run.h"

struct settings {
    const char *out, *data;
    struct drift_option_texts set;
    int resume, print, dry;
};

static int run(int argc, char **argv)
{
    struct settings settings = {.out = "out"};
    struct drift_recipe recipe;
    char *line = drift_command_line(argc, argv);
    int status = drift_options_parse(&drift_command_train, &argc, argv, 1, 1, &settings);
    if (status < 0) {
        drift_status bad = drift_recipe_open(&recipe, argv[1]);
        if (!bad && settings.data)
            bad = drift_recipe_set(&recipe, "dataset.name", settings.data);
        if (!bad)
            bad = drift_run_set(&recipe, &settings.set);
        if (!bad && (bad = drift_recipe_check(&recipe)))
            drift_fail_context(bad, "%s", argv[1]);
        const struct drift_run_settings how = {
            .out = settings.out, .command = line ? line : "drift train", .recipe = argv[1], .resume = settings.resume};
        status = bad              ? drift_error_kept()
                 : settings.print ? drift_run_print(&recipe)
                 : settings.dry   ? drift_run_plan(&recipe, argv[1])
                                  : drift_run_recipe(&recipe, &how);
    }
    free(line);
    return status;
}

static const struct drift_option options[] = {
    {"set", "KEY=VALUE", DRIFT_OPTION_REPEATED, offsetof(struct settings, set),
     "change one key of the recipe, as in --set train.seed=1; may be repeated", 0, 0},
    {"data", "NAME|FILE", DRIFT_OPTION_TEXT, offsetof(struct settings, data), "train on this instead (dataset.name)", 0,
     0},
    {"out", "DIR", DRIFT_OPTION_TEXT, offsetof(struct settings, out), "where everything is written (default: out)", 0,
     0},
    {"resume", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, resume), "go on from the checkpoint in DIR", 0, 0},
    {"print-recipe", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, print),
     "print the recipe with all keys and their meaning, and stop", 0, 0},
    {"dry-run", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, dry),
     "print parameters, memory, FLOP and an estimate of the time, and stop", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_train = {
    .name = "train",
    .summary = "train a generator, or an encoder, by a recipe",
    .arguments = "RECIPE.yaml [options]",
    .text = "Trains the generator that the recipe describes and writes into DIR: report.html (data beside samples, "
            "evolution, curves, figures), report.json, curves.svg, evolution.png, samples.png, samples.npy, log.csv, "
            "recipe.yaml, "
            "model.safetensors (for drift sample) and checkpoint.safetensors (for --resume).\n\n"
            "Ctrl-C finishes the step and saves. A run that was stopped or killed and resumed ends with the same bytes "
            "in model.safetensors as one that was not.\n\n"
            "RECIPE is a file, or the name of a built-in recipe (checkerboard, swiss_roll, digits, digits-dit, "
            "mnist-dit, rings-guided, mnist-feature, cifar10-feature). digits-mae, mnist-mae and cifar10-mae train "
            "encoders instead, in whose feature "
            "space a generator may learn (feature.mae_path): the encoder then lies in DIR/params_ema.",
    .options = options,
    .examples = {{"drift train digits --out demo", "the built-in 8x8 digits, in under a minute"},
                 {"drift train data/recipes/swiss_roll.yaml --set train.seed=1 --out roll", "another seed"},
                 {"drift train digits --data mine.npy --out mine", "the digits' recipe on one's own points or images"},
                 {"drift train digits --out demo --resume", "go on after Ctrl-C"},
                 {"drift train digits --print-recipe", "every key, its value and its meaning"}},
    .run = run,
};
