/* Rows of the log, and their text. */
#include "train/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

/* A line of the file; `text` has room for 32 characters a column. */
static void row_text(const struct drift_log *log, const double *row, char *text)
{
    text += sprintf(text, "%.0f", row[0]);
    for (size_t i = 1; i < log->columns; i++)
        text += isnan(row[i]) ? sprintf(text, ",") : sprintf(text, ",%.9g", row[i]);
    sprintf(text, "\n");
}

static drift_status write_all(const struct drift_log *log, const char *path)
{
    struct drift_writer writer;
    char *text = malloc(32 * log->columns);
    if (!text)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a line of the log");
    drift_status status = drift_writer_open(&writer, path);
    if (!status) {
        for (size_t i = 0; i < log->columns; i++)
            drift_writer_print(&writer, "%s%s", log->names[i], i + 1 < log->columns ? "," : "\n");
        for (size_t i = 0; i < log->count; i++) {
            row_text(log, log->rows + i * log->columns, text);
            drift_writer_write(&writer, text, strlen(text));
        }
        status = drift_writer_commit(&writer);
    }
    free(text);
    return status;
}

drift_status drift_log_open(const struct drift_log *log, const char *folder, FILE **file)
{
    char *path;
    drift_status status = drift_file_join(folder, "log.csv", &path);
    if (!status)
        status = write_all(log, path);
    *file = status ? NULL : fopen(path, "a");
    if (!status && !*file)
        status = drift_fail(DRIFT_IO, "%s: cannot be opened to append", path);
    free(path);
    return status;
}

drift_status drift_log_close(FILE *file, drift_status status)
{
    return fclose(file) && !status ? drift_fail(DRIFT_IO, "log.csv: cannot be written") : status;
}

static drift_status keep_row(struct drift_log *log, const double *row)
{
    if (log->count == log->room) {
        size_t room = 2 * log->room + 256;
        void *rows = realloc(log->rows, room * log->columns * sizeof *log->rows);
        if (!rows)
            return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu rows of the log", room);
        log->rows = rows;
        log->room = room;
    }
    memcpy(log->rows + log->count++ * log->columns, row, log->columns * sizeof *row);
    return DRIFT_OK;
}

drift_status drift_log_append(struct drift_log *log, const double *row, FILE *file)
{
    char *text = malloc(32 * log->columns);
    if (!text)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for a line of the log");
    drift_status status = keep_row(log, row);
    row_text(log, row, text);
    if (!status && (fputs(text, file) < 0 || fflush(file)))
        status = drift_fail(DRIFT_IO, "log.csv: cannot be written: the disk is full, or gone");
    free(text);
    return status;
}
