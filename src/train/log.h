/* The log of a run: a row of numbers each so many steps, in memory (a checkpoint has it) and as log.csv. */
#ifndef DRIFT_TRAIN_LOG_H
#define DRIFT_TRAIN_LOG_H

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

struct drift_log {
    size_t columns;     /* the first is the step */
    char (*names)[64];  /* [columns] */
    size_t count, room; /* of rows */
    double *rows;       /* [count, columns]; NaN where a row has none */
};

/* Writes the folder's log.csv as far as it is known, in place of what is there, and opens it to go on. */
drift_status drift_log_open(const struct drift_log *log, const char *folder, FILE **file);
/* A row [columns] more, in memory and in the file. */
drift_status drift_log_append(struct drift_log *log, const double *row, FILE *file);
/* Closes the file. Returns the status given, or where that is DRIFT_OK what closing came to. */
drift_status drift_log_close(FILE *file, drift_status status);

#endif
