/* Training an encoder from the command line. */
#include <stdio.h>

#include "cli/run.h"
#include "report/encoder.h"

static drift_status load(void *context, const char *folder, int *found, int64_t *step)
{
    struct drift_mae_trainer *trainer = context;
    drift_status status = drift_mae_trainer_load(trainer, folder, found);
    *step = trainer->step;
    return status;
}

static drift_status run(void *trainer, const char *folder, drift_progress_function *progress, void *context)
{
    return drift_mae_trainer_run(trainer, folder, progress, context);
}

static drift_status finish(void *trainer, const char *folder, const char *command)
{
    return drift_report_encoder(trainer, folder, command);
}

static void tell(const void *context, const char *folder)
{
    const struct drift_mae_trainer *trainer = context;
    drift_run_tell_memory(trainer->step_memory);
    printf("%s/report.html shows what was learnt; %s/params_ema is the encoder\n", folder, folder);
}

int drift_run_encoder(const struct drift_recipe *recipe, const struct drift_run_settings *settings)
{
    struct drift_mae_trainer *trainer;
    const drift_status status = drift_mae_trainer_new(recipe, &trainer);
    if (status)
        return drift_run_refused(status, settings);
    const struct drift_run_steps steps = {trainer, load, NULL, run, finish, tell};
    const int exit_status = drift_run_steps(&steps, &trainer->recipe, settings);
    drift_mae_trainer_free(trainer);
    return exit_status;
}
