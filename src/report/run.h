/* The files that a finished run leaves in its folder. */
#ifndef DRIFT_REPORT_RUN_H
#define DRIFT_REPORT_RUN_H

#include "report/sweep.h"
#include "report/report.h"
#include "train/trainer.h"

/* A recipe's keys and values as rows of a report; returns how many. */
enum { DRIFT_REPORT_SETTINGS = 128 };
size_t drift_report_settings(const struct drift_recipe *recipe, char (*values)[2 * DRIFT_RECIPE_TEXT],
                             drift_setting *settings);

/* Evaluates the trainer's samples and writes samples.npy, report.json, samples.png, evolution.png and report.html.
 * `command` runs it again. Where there are classes and guidance scales to compare (drift_sweep_concerns) that takes
 * longer, and `progress`, which may be NULL, is told. */
drift_status drift_report_run(struct drift_trainer *trainer, const char *folder, const char *command,
                              drift_sweep_progress *progress, void *context);

#endif
