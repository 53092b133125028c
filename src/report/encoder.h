/* The files that a finished training of an encoder leaves in its folder. */
#ifndef DRIFT_REPORT_ENCODER_H
#define DRIFT_REPORT_ENCODER_H

#include "train/mae_trainer.h"

/* Writes report.json, samples.png (held-out images: as they are, as the encoder sees them, with the hidden cells filled
 * in) and report.html. `command` runs it again. */
drift_status drift_report_encoder(struct drift_mae_trainer *trainer, const char *folder, const char *command);

#endif
