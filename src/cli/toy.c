/* drift toy: the 2D demo on any data set, with the settings one plays with as options. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/run.h"
#include "data/data.h"

struct settings {
    const char *out, *steps, *seed, *field, *tau, *batch, *floor, *self, *learning_rate;
    struct drift_option_texts set;
    int resume, print, dry;
};

#define SHORT(option, member, value, help)                                                                             \
    {                                                                                                                  \
        option, value, DRIFT_OPTION_TEXT, offsetof(struct settings, member), help, 0, 0                                \
    }

static const struct drift_option options[] = {
    SHORT("steps", steps, "N", "updates of the parameters (default: 2000)"),
    SHORT("seed", seed, "N", "of everything random (default: 0)"),
    SHORT("field", field, "joint|normalized|exact", "form of the drifting field (default: joint)"),
    SHORT("tau", tau, "T[,T...]", "temperatures (default: 0.05)"),
    SHORT("batch", batch, "N", "generated samples and data samples per step, each (default: 2048)"),
    SHORT("floor", floor, "A", "least affinity (default: 0)"),
    SHORT("self", self, "masked|kept|none", "a sample among its own negatives (default: masked)"),
    SHORT("learning-rate", learning_rate, "R", "of Adam (default: 1e-3)"),
    {"set", "KEY=VALUE", DRIFT_OPTION_REPEATED, offsetof(struct settings, set),
     "any other key of the recipe (see --print-recipe); may be repeated", 0, 0},
    {"out", "DIR", DRIFT_OPTION_TEXT, offsetof(struct settings, out), "where everything is written (default: out)", 0,
     0},
    {"resume", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, resume), "go on from the checkpoint in DIR", 0, 0},
    {"print-recipe", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, print),
     "print the recipe with all keys and their meaning, and stop", 0, 0},
    {"dry-run", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, dry),
     "print parameters, memory, FLOP and an estimate of the time, and stop", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

/* Each short option and the keys that it sets. */
static drift_status set_short(struct drift_recipe *recipe, const struct settings *s)
{
    const struct {
        const char *option, *key, *text;
    } shorts[] = {
        {"--steps", "train.total_steps", s->steps},
        {"--seed", "train.seed", s->seed},
        {"--field", "train.loss_kwargs.form", s->field},
        {"--tau", "train.loss_kwargs.R_list", s->tau},
        {"--batch", "train.forward_dict.gen_per_label", s->batch},
        {"--batch", "train.pos_per_sample", s->batch},
        {"--floor", "train.loss_kwargs.floor", s->floor},
        {"--self", "train.loss_kwargs.self", s->self},
        {"--learning-rate", "optimizer.lr_schedule.learning_rate", s->learning_rate},
    };
    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++) {
        drift_status status = shorts[i].text ? drift_recipe_set(recipe, shorts[i].key, shorts[i].text) : DRIFT_OK;
        if (status)
            return drift_fail_context(status, "%s", shorts[i].option);
    }
    return drift_run_set(recipe, &s->set);
}

/* The built-in recipe of that name where there is one, else the demo's settings with this data. */
static drift_status find_recipe(const char *name, struct drift_recipe *recipe)
{
    if (!strchr(name, '/') && !strchr(name, '.') && !drift_recipe_open(recipe, name))
        return DRIFT_OK;
    drift_recipe_defaults(recipe);
    return drift_recipe_set(recipe, "dataset.name", name);
}

static int run(int argc, char **argv)
{
    struct settings settings = {.out = "out"};
    struct drift_recipe recipe;
    char *line = drift_command_line(argc, argv);
    int status = drift_options_parse(&drift_command_toy, &argc, argv, 0, 1, &settings);
    if (status < 0 && argc < 2 && !settings.print)
        status = drift_error("usage: drift toy %s", drift_command_toy.arguments);
    if (status < 0) {
        drift_status bad = find_recipe(argc < 2 ? "checkerboard" : argv[1], &recipe);
        if (!bad)
            bad = set_short(&recipe, &settings);
        if (!bad)
            bad = drift_recipe_check(&recipe);
        const struct drift_run_settings how = {
            .out = settings.out, .command = line ? line : "drift toy", .resume = settings.resume};
        status = bad              ? drift_error_kept()
                 : settings.print ? drift_run_print(&recipe)
                 : settings.dry   ? drift_run_plan(&recipe, NULL)
                                  : drift_run_recipe(&recipe, &how);
    }
    free(line);
    return status;
}

const struct drift_command drift_command_toy = {
    .name = "toy",
    .summary = "train a small generator on points in the plane, or on any file of points or images",
    .arguments = "NAME|FILE [options]",
    .text =
        "Trains the authors' 2D demo: an MLP from 32 numbers of noise to a point, 2,000 steps of 2,048 generated and "
        "2,048 data samples. NAME is checkerboard, swiss_roll, two_moons, gaussians8, gaussians8_wide, gaussians25, "
        "spiral, pinwheel or digits; FILE is a picture whose dark pixels are the density (.png), points (.npy, .npz, "
        ".csv) or images (idx).\n\n"
        "It is a recipe like any other: --print-recipe prints it for drift train, which also says what is written "
        "into DIR.",
    .options = options,
    .examples = {{"drift toy swiss_roll --out roll", "train, then open roll/report.html"},
                 {"drift toy cat.png --steps 4000 --out cat", "learn the silhouette of a picture"},
                 {"drift toy checkerboard --field exact --tau 0.1 --out exact", "the field by its definition"},
                 {"drift toy checkerboard --field normalized --tau 0.02,0.05,0.2 --floor 1e-6 --out collapse",
                  "the published ImageNet loss in the plane: its floor keeps it from learning"},
                 {"drift toy swiss_roll --out roll --resume --steps 4000", "train a finished run further"},
                 {"drift toy two_moons --print-recipe > moons.yaml", "a recipe to change by hand"}},
    .run = run,
};
