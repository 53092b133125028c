/* The files that a finished run leaves in its folder. */
#ifndef DRIFT_REPORT_RUN_H
#define DRIFT_REPORT_RUN_H

#include "train/trainer.h"

/* Evaluates the trainer's samples and writes samples.npy, report.json, samples.png, evolution.png and report.html.
 * `command` runs it again. */
drift_status drift_report_run(struct drift_trainer *trainer, const char *folder, const char *command);

#endif
