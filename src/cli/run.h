/* What `drift toy` and `drift train` share: a recipe is trained in a folder, with progress, Ctrl-C and the report. */
#ifndef DRIFT_CLI_RUN_H
#define DRIFT_CLI_RUN_H

#include "cli/options.h"
#include "train/encoder.h"
#include "train/trainer.h"

struct drift_run_settings {
    const char *out;
    const char *command; /* as it was given, to say how to run or resume it */
    const char *recipe;  /* its file or name, for messages; NULL: none was given */
    int resume;
    /* Of a run among others: what stands before its progress (NULL: a run of its own, which says what it has written),
     * and how many like it are to follow, for the time that is left. */
    const char *label;
    int64_t runs_after;
};

/* Trains and writes all that belongs into the folder. Returns the exit status. */
int drift_run_recipe(const struct drift_recipe *recipe, const struct drift_run_settings *settings);

/* The same for a recipe of an encoder. */
int drift_run_encoder(const struct drift_recipe *recipe, const struct drift_run_settings *settings);

/* ---- for these two ---- */

/* Makes the folder, goes on from its checkpoint where asked to, writes recipe.yaml, trains with progress until the end
 * or a signal, and writes the report. */
struct drift_run_steps {
    void *trainer;
    drift_status (*load)(void *trainer, const char *folder, int *found, int64_t *step);
    drift_status (*start)(void *trainer); /* where there is nothing to go on from; NULL: nothing to do */
    drift_status (*run)(void *trainer, const char *folder, drift_progress_function *progress, void *context);
    drift_status (*finish)(void *trainer, const char *folder, const char *command); /* the report */
    void (*tell)(const void *trainer, const char *folder);                          /* what was written */
};
/* Says on stderr how much memory the process took, and how much of it with a step alone (0: nothing to say). */
void drift_run_tell_memory(double step_memory);
/* Returns the exit status. */
int drift_run_steps(const struct drift_run_steps *steps, const struct drift_recipe *recipe,
                    const struct drift_run_settings *settings);

/* Says why a trainer could not be made, and of which recipe. Returns the exit status. */
int drift_run_refused(drift_status status, const struct drift_run_settings *settings);

/* Prints what a run would need: parameters, memory, FLOP, time. Nothing is trained or written. `name` is the
 * recipe's, for messages; NULL: none. Returns the exit status. */
int drift_run_plan(const struct drift_recipe *recipe, const char *name);

/* The shape of a sample and the rows of a finite set, from the data set where the recipe names one, else from the
 * model; fills dataset.num_classes in where the recipe leaves it to the data. */
drift_status drift_run_look_at_data(struct drift_recipe *recipe, struct drift_sample_shape *shape, size_t *rows);

/* The command line as one would type it; to be freed. NULL without memory. */
char *drift_command_line(int argc, char **argv);

/* "--set key=value" of the command line. */
drift_status drift_run_set(struct drift_recipe *recipe, const struct drift_option_texts *sets);

/* Prints the recipe with the meaning of each key. Returns the exit status. */
int drift_run_print(const struct drift_recipe *recipe);

/* Opens the encoder that a command line names for the images of a set: a checkpoint of ConvNeXt (*.safetensors), else
 * an autoencoder's artefact or run; `sets` (NULL: none) choose its features. To be closed by the caller. */
drift_status drift_run_open_encoder(const char *model, const struct drift_option_texts *sets,
                                    const struct drift_data *images, struct drift_feature_encoder *encoder);

#endif
