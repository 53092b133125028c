/* Training from the command line. */
#include "cli/run.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cpu/cpu.h"
#include "data/data.h"
#include "io/file.h"
#include "report/run.h"
#include "train/trainer.h"

static volatile sig_atomic_t asked_to_stop;

/* The second signal ends the program as it would without us. */
static void ask_to_stop(int number)
{
    asked_to_stop = 1;
    signal(number, SIG_DFL);
}

static void catch_signals(void)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = ask_to_stop;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN) /* as under nohup */
        sigaction(SIGHUP, &action, NULL);
}

struct progress {
    struct drift_log_line line;
    const struct drift_run_settings *settings;
};

static int show_progress(void *context, const struct drift_progress *p)
{
    struct progress *progress = context;
    const struct drift_run_settings *settings = progress->settings;
    const int last = p->step == p->total_steps && !settings->runs_after;
    double seconds = p->seconds_left;
    char left[32], energy[32] = "";
    if (!isnan(p->energy_distance2))
        snprintf(energy, sizeof energy, "  energy distance2 %.4f", p->energy_distance2);
    if (p->steps_per_second > 0)
        seconds += (double)(settings->runs_after * p->total_steps) / p->steps_per_second;
    drift_log_show(&progress->line, last, "%sstep %ld/%ld  %.1f steps/s  %s left  loss %.3g%s",
                   settings->label ? settings->label : "", (long)p->step, (long)p->total_steps, p->steps_per_second,
                   drift_duration(seconds, left), p->loss_ema, energy);
    return asked_to_stop;
}

static drift_status write_recipe(const struct drift_recipe *recipe, const char *folder)
{
    char *path, *text = drift_recipe_print(recipe, 1);
    drift_status status = drift_file_join(folder, "recipe.yaml", &path);
    if (!status && !text)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for the recipe");
    if (!status)
        status = drift_file_write(path, text, strlen(text));
    free(path);
    free(text);
    return status;
}

static drift_status name_recipe(drift_status status, const struct drift_run_settings *settings)
{
    return settings->recipe ? drift_fail_context(status, "%s", settings->recipe) : status;
}

static drift_status train(const struct drift_run_steps *steps, const struct drift_recipe *recipe,
                          const struct drift_run_settings *settings)
{
    struct progress progress = {.settings = settings};
    int found = 0;
    int64_t step = 0;
    drift_status status = DRIFT_OK;
    if (settings->resume)
        status = steps->load(steps->trainer, settings->out, &found, &step);
    if (!status && !found && steps->start && (status = steps->start(steps->trainer)))
        return name_recipe(status, settings);
    if (!status) /* nothing is touched before all that was asked for is known to fit */
        status = drift_folder_make(settings->out);
    if (!status)
        status = write_recipe(recipe, settings->out);
    if (status)
        return status;
    if (settings->resume && !settings->label)
        fprintf(stderr, found ? "going on at step %ld\n" : "nothing to resume; starting at step %ld\n", (long)step);
    catch_signals();
    drift_log_start(&progress.line);
    status = steps->run(steps->trainer, settings->out, show_progress, &progress);
    drift_log_end(&progress.line);
    return status;
}

int drift_run_steps(const struct drift_run_steps *steps, const struct drift_recipe *recipe,
                    const struct drift_run_settings *settings)
{
    drift_status status = train(steps, recipe, settings);
    if (!status)
        status = steps->finish(steps->trainer, settings->out, settings->command);
    if (!status) {
        if (!settings->label)
            steps->tell(steps->trainer, settings->out);
        return DRIFT_EXIT_YES;
    }
    if (status == DRIFT_INTERRUPTED) {
        fprintf(stderr, "%s and saved; to go on: %s%s\n", drift_message(), settings->command,
                settings->resume ? "" : " --resume");
        return DRIFT_EXIT_STOPPED;
    }
    drift_error_kept();
    return status == DRIFT_NOT_FINITE ? DRIFT_EXIT_NO : DRIFT_EXIT_BAD;
}

int drift_run_refused(drift_status status, const struct drift_run_settings *settings)
{
    name_recipe(status, settings);
    return drift_error_kept();
}

/* ---- generators ---- */

static drift_status load_generator(void *context, const char *folder, int *found, int64_t *step)
{
    struct drift_trainer *trainer = context;
    drift_status status = drift_trainer_load(trainer, folder, found);
    *step = trainer->step;
    return status;
}

static drift_status start_generator(void *trainer) { return drift_trainer_start(trainer); }

static drift_status run_generator(void *trainer, const char *folder, drift_progress_function *progress, void *context)
{
    return drift_trainer_run(trainer, folder, progress, context);
}

static void show_report(void *context, const char *what, int64_t done, int64_t total)
{
    drift_log_show(context, done == total, "report: %s %ld/%ld", what, (long)done, (long)total);
}

static drift_status finish_generator(void *trainer, const char *folder, const char *command)
{
    struct drift_log_line line;
    drift_log_start(&line);
    const drift_status status = drift_report_run(trainer, folder, command, show_report, &line);
    drift_log_end(&line);
    return status;
}

void drift_run_tell_memory(double step_memory)
{
    char step[32], run[32];
    if (step_memory > 0)
        fprintf(stderr, "memory: %s with a training step, %s with evaluation and report\n",
                drift_bytes_text(step_memory, step), drift_bytes_text(drift_peak_memory(), run));
}

static void tell_generator(const void *context, const char *folder)
{
    const struct drift_trainer *trainer = context;
    drift_run_tell_memory(trainer->step_memory);
    printf("%s/report.html shows what was learnt; %s/model.safetensors is the model\n", folder, folder);
}

int drift_run_recipe(const struct drift_recipe *recipe, const struct drift_run_settings *settings)
{
    struct drift_trainer *trainer;
    if (recipe->model.name == DRIFT_MODEL_MAE)
        return drift_run_encoder(recipe, settings);
    const drift_status status = drift_trainer_new(recipe, &trainer);
    if (status)
        return drift_run_refused(status, settings);
    const struct drift_run_steps steps = {trainer,       load_generator,   start_generator,
                                          run_generator, finish_generator, tell_generator};
    const int exit_status = drift_run_steps(&steps, &trainer->recipe, settings);
    drift_trainer_free(trainer);
    return exit_status;
}

/* ---- recipes and command lines ---- */

char *drift_command_line(int argc, char **argv)
{
    size_t size = sizeof "drift";
    for (int i = 0; i < argc; i++)
        size += 4 * strlen(argv[i]) + 4;
    char *line = malloc(size);
    if (!line)
        return NULL;
    char *end = line + sprintf(line, "drift");
    for (int i = 0; i < argc; i++) {
        int plain = *argv[i] && !strpbrk(argv[i], " \t\n\"'\\$&|;<>()[]{}*?!#~`");
        end += sprintf(end, plain ? " " : " '");
        for (const char *p = argv[i]; *p; p++)
            end += sprintf(end, *p == '\'' ? "'\\''" : "%c", *p);
        if (!plain)
            end += sprintf(end, "'");
    }
    return line;
}

drift_status drift_run_set(struct drift_recipe *recipe, const struct drift_option_texts *sets)
{
    for (int i = 0; i < sets->count; i++) {
        char key[256];
        const char *equals = strchr(sets->items[i], '=');
        if (!equals || equals - sets->items[i] >= (long)sizeof key)
            return drift_fail(DRIFT_INVALID, "--set %s: expected key=value", sets->items[i]);
        snprintf(key, sizeof key, "%.*s", (int)(equals - sets->items[i]), sets->items[i]);
        drift_status status = drift_recipe_set(recipe, key, equals + 1);
        if (status)
            return drift_fail_context(status, "--set");
    }
    return DRIFT_OK;
}

int drift_run_print(const struct drift_recipe *recipe)
{
    char *text = drift_recipe_print(recipe, 1);
    if (!text)
        return drift_error("no memory for the recipe");
    fputs(text, stdout);
    free(text);
    return DRIFT_EXIT_YES;
}

drift_status drift_run_open_encoder(const char *model, const struct drift_option_texts *sets,
                                    const struct drift_data *images, struct drift_feature_encoder *encoder)
{
    struct drift_recipe recipe;
    const int convnext = drift_ends_with(model, ".safetensors");
    if (!images->size || !images->height)
        return drift_fail(DRIFT_INVALID, "%s: expected a set of images", images->name);
    drift_recipe_defaults_of(&recipe, DRIFT_MODEL_DIT);
    recipe.feature.use_convnext = convnext;
    drift_status status = drift_recipe_set(&recipe, convnext ? "feature.convnext_path" : "feature.mae_path", model);
    if (!status && sets)
        status = drift_run_set(&recipe, sets);
    return status ? status
                  : drift_feature_encoder_open(&recipe, images->height, images->width, images->channels,
                                               drift_cpu_backend(DRIFT_F32), encoder);
}
