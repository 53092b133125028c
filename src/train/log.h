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

/* Writes the log as far as it is known, in place of what is there, and opens it to go on. */
drift_status drift_log_open(const struct drift_log *log, const char *path, FILE **file);
/* A row [columns] more, in memory and in the file. */
drift_status drift_log_append(struct drift_log *log, const double *row, FILE *file);

#endif
