/* drift ablate: a table of overrides of one recipe, several seeds each. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "io/file.h"
#include "report/ablation.h"
#include "report/record.h"

enum { FOLDER = 4096, PATH = FOLDER + 32, LABEL = 256, LONGEST_OUT = 2048 };

struct settings {
    const char *out;
    struct drift_option_texts set;
    struct drift_option_numbers seeds;
    int taken[DRIFT_OPTION_LIST]; /* of set: whether some model has the key */
};

/* A table that is being filled. */
struct job {
    struct drift_ablation ablation;
    struct drift_ablation_table table;
    struct settings *settings;
    struct drift_measure measure; /* opened when a run is measured for the first time */
    int with_measure;
    int64_t runs, run; /* of all training, and those behind us */
};

/* Whether "KEY=VALUE" is about a recipe's model; what is wrong with it is found where it is set. */
static int concerns(const struct drift_recipe *recipe, const char *assignment)
{
    const struct drift_recipe_key *key;
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(assignment, "="), assignment);
    return drift_recipe_find(name, &key) || drift_recipe_concerns(recipe, key);
}

/* --set, as far as the recipe's model has the keys: rows and encoders have others. */
static drift_status change(void *context, struct drift_recipe *recipe)
{
    struct settings *settings = context;
    drift_status status = DRIFT_OK;
    for (int i = 0; i < settings->set.count && !status; i++) {
        const struct drift_option_texts one = {1, {settings->set.items[i]}};
        if (concerns(recipe, settings->set.items[i])) {
            status = drift_run_set(recipe, &one);
            settings->taken[i] = 1;
        }
    }
    return status;
}

static drift_status all_taken(const struct settings *settings)
{
    for (int i = 0; i < settings->set.count; i++)
        if (!settings->taken[i])
            return drift_fail(DRIFT_INVALID, "--set %s: no model of the table has this key", settings->set.items[i]);
    return DRIFT_OK;
}

static const char *in_folder(const char *folder, const char *name, char path[PATH])
{
    snprintf(path, PATH, "%s/%s", folder, name);
    return path;
}

static int wants_judge(const struct drift_ablation *a)
{
    for (size_t i = 0; i < a->figure_count; i++)
        if (a->figures[i] >= DRIFT_FIGURE_ACCURACY)
            return 1;
    return 0;
}

static double scale_of(const struct drift_ablation_row *row, const struct drift_recipe *recipe)
{
    if (isfinite(row->cfg))
        return row->cfg;
    return recipe->model.name == DRIFT_MODEL_DIT && recipe->train.cfg_list.count ? recipe->train.cfg_list.items[0] : 1;
}

/* ---- training ---- */

/* Trains in `folder`, or goes on there. Returns the exit status. */
static int train(struct job *job, const struct drift_recipe *recipe, const char *folder, const char *what)
{
    char label[LABEL];
    snprintf(label, sizeof label, "%ld/%ld, %s: ", (long)++job->run, (long)job->runs, what);
    const struct drift_run_settings how = {
        .out = folder, .command = job->table.command, .resume = 1, .label = label, .runs_after = job->runs - job->run};
    return drift_run_recipe(recipe, &how);
}

static int train_encoder(struct job *job, size_t encoder)
{
    const struct drift_ablation *a = &job->ablation;
    struct drift_recipe recipe;
    struct drift_figure_values none;
    char folder[FOLDER], path[PATH], what[LABEL];
    int found = 0, result = DRIFT_EXIT_YES;
    drift_ablation_encoder_path(a, encoder, job->settings->out, folder, sizeof folder);
    drift_status status = drift_ablation_encoder(a, encoder, change, job->settings, &recipe);
    char *text = drift_recipe_print(&recipe, 0);
    if (!status && !text)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for the recipe");
    if (!status)
        status = drift_record_read(in_folder(folder, "figures.json", path), text, 1, 0, NULL, &none, &found);
    if (!status && !found) {
        snprintf(what, sizeof what, "encoder %s", a->encoders[encoder].name);
        result = train(job, &recipe, folder, what);
        if (!result)
            status = drift_record_write(path, text, 1, 0, NULL, &none);
    }
    free(text);
    return status ? drift_error_kept() : result;
}

/* ---- measuring ---- */

static void show_training(void *context, int64_t step, int64_t steps)
{
    drift_log_show(context, step == steps, "classifier that judges: step %ld/%ld", (long)step, (long)steps);
}

static drift_status open_measure(struct job *job)
{
    const struct drift_recipe *recipe = &job->ablation.recipe;
    struct drift_log_line line;
    if (job->with_measure)
        return DRIFT_OK;
    job->with_measure = 1;
    drift_log_start(&line);
    const drift_status status =
        drift_measure_new(&job->measure, recipe->dataset.name, (size_t)recipe->train.eval_samples,
                          wants_judge(&job->ablation), show_training, &line);
    drift_log_end(&line);
    return status;
}

/* A run that did not stay finite has no figure. */
static int is_lost(const struct job *job, const struct drift_figure_values *values)
{
    for (size_t i = 0; i < job->ablation.figure_count; i++)
        if (isfinite(values->value[job->ablation.figures[i]]))
            return 0;
    return 1;
}

/* Figures and grid of the model in `model` into `folder`. */
static drift_status measure(struct job *job, const char *model, const char *folder, int64_t seed, double cfg,
                            struct drift_figure_values *values)
{
    char path[PATH];
    drift_status status = open_measure(job);
    if (!status)
        status = drift_folder_make(folder);
    if (!status)
        status = drift_measure_model(&job->measure, in_folder(model, "model.safetensors", path), (uint64_t)seed, cfg,
                                     values);
    return status ? status : drift_ablation_grid(&job->measure, in_folder(folder, "grid.png", path));
}

/* ---- a run: trained, measured, and known in the table ---- */

struct run {
    size_t row, index, own; /* index: in the table; own: index of the run whose model it is */
    int64_t seed;
    struct drift_recipe recipe;
    double cfg;
    char folder[FOLDER], model[FOLDER], record[PATH];
    char *text; /* of the recipe */
};

/* What is known of a run beforehand, and whether its figures are there. run->text is to be freed even on failure. */
static drift_status look_up(struct job *job, size_t row, size_t seed, struct run *run, int *found)
{
    const struct drift_ablation *a = &job->ablation;
    const size_t own = a->rows[row].runs;
    *run = (struct run){.row = row, .index = row * a->seed_count + seed, .own = own * a->seed_count + seed};
    run->seed = a->seeds[seed];
    drift_status status = drift_ablation_recipe(a, row, run->seed, job->settings->out, &run->recipe);
    if (status)
        return status;
    run->cfg = scale_of(&a->rows[row], &run->recipe);
    drift_ablation_run_path(a, row, run->seed, job->settings->out, run->folder, sizeof run->folder);
    drift_ablation_run_path(a, own, run->seed, job->settings->out, run->model, sizeof run->model);
    run->text = drift_recipe_print(&run->recipe, 0);
    return run->text ? drift_record_read(in_folder(run->folder, "figures.json", run->record), run->text, run->cfg,
                                         a->figure_count, a->figures, &job->table.values[run->index], found)
                     : drift_fail(DRIFT_NO_MEMORY, "no memory for the recipe");
}

/* Takes a run's figures into the table and writes it. */
static drift_status keep(struct job *job, const struct run *run)
{
    const struct drift_ablation *a = &job->ablation;
    const struct drift_figure_values *values = &job->table.values[run->index];
    job->table.done[run->index] = 1;
    for (size_t i = 0; i < a->figure_count; i++)
        if (isfinite(values->floor[a->figures[i]]))
            job->table.floor[a->figures[i]] = values->floor[a->figures[i]];
    return drift_ablation_write(&job->table);
}

/* Returns the exit status. */
static int fill(struct job *job, struct run *run)
{
    const struct drift_ablation *a = &job->ablation;
    struct drift_figure_values *values = &job->table.values[run->index];
    char what[LABEL];
    int lost = 0;
    drift_status status = DRIFT_OK;
    drift_figures_forget(values);
    if (run->index == run->own) {
        snprintf(what, sizeof what, "%s, seed %ld", a->rows[run->row].name, (long)run->seed);
        const int result = train(job, &run->recipe, run->model, what);
        if (result && result != DRIFT_EXIT_NO)
            return result;
        lost = result == DRIFT_EXIT_NO;
    } else {
        lost = is_lost(job, &job->table.values[run->own]);
    }
    if (!lost)
        status = measure(job, run->model, run->folder, run->seed, run->cfg, values);
    else if (run->index != run->own)
        status = drift_folder_make(run->folder);
    if (!status)
        status = drift_record_write(run->record, run->text, run->cfg, a->figure_count, a->figures, values);
    if (!status)
        status = keep(job, run);
    return status ? drift_error_kept() : DRIFT_EXIT_YES;
}

static int do_run(struct job *job, size_t row, size_t seed)
{
    struct run run;
    int found = 0, result;
    const drift_status status = look_up(job, row, seed, &run, &found);
    if (status)
        result = drift_error_kept();
    else if (found)
        result = keep(job, &run) ? drift_error_kept() : DRIFT_EXIT_YES;
    else
        result = fill(job, &run);
    free(run.text);
    return result;
}

/* How many runs are still to be trained; encoders count, and are quickly passed where they are there. */
static drift_status count_runs(struct job *job)
{
    const struct drift_ablation *a = &job->ablation;
    drift_status status = DRIFT_OK;
    job->runs = (int64_t)a->encoder_count;
    for (size_t row = 0; row < a->row_count && !status; row++)
        for (size_t seed = 0; seed < a->seed_count && !status; seed++) {
            struct run run;
            int found = 0;
            status = look_up(job, row, seed, &run, &found);
            free(run.text);
            job->runs += !found && run.index == run.own;
        }
    return status;
}

/* All rows with the first seed, then with the next: a table that was stopped early says something of each row. */
static int do_all(struct job *job)
{
    const struct drift_ablation *a = &job->ablation;
    int result = count_runs(job) ? drift_error_kept() : DRIFT_EXIT_YES;
    for (size_t i = 0; i < a->encoder_count && !result; i++)
        result = train_encoder(job, i);
    for (size_t seed = 0; seed < a->seed_count && !result; seed++)
        for (size_t row = 0; row < a->row_count && !result; row++)
            result = do_run(job, row, seed);
    if (!result)
        printf("%s/table.html shows the table; table.csv and table.md have it too\n", job->settings->out);
    return result;
}

/* ---- the command ---- */

static drift_status take_seeds(const struct drift_option_numbers *seeds, struct drift_ablation *a)
{
    drift_status status = seeds->count ? drift_ablation_take_seeds(a, (size_t)seeds->count, seeds->items) : DRIFT_OK;
    return status ? drift_fail_context(status, "--seeds") : DRIFT_OK;
}

static int start(struct job *job)
{
    const struct drift_ablation *a = &job->ablation;
    drift_status status = all_taken(job->settings);
    if (!status)
        status = take_seeds(&job->settings->seeds, &job->ablation);
    const size_t runs = a->row_count * a->seed_count;
    job->table.ablation = a;
    job->table.folder = job->settings->out;
    job->table.values = calloc(runs, sizeof *job->table.values);
    job->table.done = calloc(runs, 1);
    for (int k = 0; k < DRIFT_FIGURES; k++)
        job->table.floor[k] = NAN;
    if (!status && (!job->table.values || !job->table.done))
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for a table of %zu runs", runs);
    if (!status && strlen(job->settings->out) > LONGEST_OUT)
        status = drift_fail(DRIFT_INVALID, "--out: expected at most %d characters", LONGEST_OUT);
    if (!status)
        status = drift_folder_make(job->settings->out);
    const int result = status ? drift_error_kept() : do_all(job);
    if (job->with_measure)
        drift_measure_free(&job->measure);
    free(job->table.values);
    free(job->table.done);
    return result;
}

static int run(int argc, char **argv)
{
    struct settings settings = {.out = "out"};
    char *line = drift_command_line(argc, argv);
    int status = drift_options_parse(&drift_command_ablate, &argc, argv, 1, 1, &settings);
    struct job *job = status < 0 ? calloc(1, sizeof *job) : NULL;
    if (status < 0 && !job)
        status = drift_error("no memory for a table");
    if (job) {
        job->settings = &settings;
        job->table.command = line ? line : "drift ablate";
        if (drift_ablation_read(&job->ablation, argv[1], change, &settings)) {
            status = drift_error_kept();
        } else {
            status = start(job);
            drift_ablation_free(&job->ablation);
        }
    }
    free(job);
    free(line);
    return status;
}

static const struct drift_option options[] = {
    {"out", "DIR", DRIFT_OPTION_TEXT, offsetof(struct settings, out), "where everything is written (default: out)", 0,
     0},
    {"seeds", "N[,N...]", DRIFT_OPTION_NUMBERS, offsetof(struct settings, seeds), "these seeds instead of the table's",
     0, 9e15},
    {"set", "KEY=VALUE", DRIFT_OPTION_REPEATED, offsetof(struct settings, set),
     "change one key of every run, encoders too, where its row does not set it; may be repeated", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_ablate = {
    .name = "ablate",
    .summary = "compare settings: a table of runs with several seeds",
    .arguments = "TABLE.yaml [options]",
    .text =
        "Trains one recipe with each row's overrides and each seed, measures every model, and writes into DIR: "
        "table.html (samples beside each row's figures), table.md and table.csv, with mean, standard error, and the "
        "difference to the first row in standard errors. Below DIR each run has a folder ROW/seed-N as drift train "
        "leaves it, with figures.json and grid.png; encoders that rows compare features by have encoders/NAME.\n\n"
        "The same command again goes on: finished runs stay, a broken one is resumed. Ctrl-C finishes the step and "
        "saves. A table that was stopped or killed ends with the same bytes as one that was not.\n\n"
        "TABLE is a file, or the name of a built-in table (anti-symmetry, temperatures, features, positives, style, "
        "encoder, guidance). Its keys: name, about, recipe, set, seeds, figures (energy_distance2, mmd2_laplace, "
        "sliced_wasserstein, one_nn_accuracy, memorisation; by a classifier of real images: class_accuracy, "
        "frechet_distance, precision, recall), encoders (name, recipe, set) and rows (name, set, encoder, cfg, paper).",
    .options = options,
    .examples = {{"drift ablate anti-symmetry --out anti-symmetry", "attraction against repulsion, on the digits"},
                 {"drift ablate anti-symmetry --out anti-symmetry", "go on after Ctrl-C, or with what was there"},
                 {"drift ablate positives --seeds 0 --set train.total_steps=300 --out quick", "a first look"}},
    .run = run,
};
