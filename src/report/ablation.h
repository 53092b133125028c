/* The table of an ablation: table.csv, table.md, table.html. */
#ifndef DRIFT_REPORT_ABLATION_H
#define DRIFT_REPORT_ABLATION_H

#include "eval/eval.h"
#include "judge/ablation.h"

struct drift_ablation_table {
    const struct drift_ablation *ablation;
    const char *folder, *command;
    struct drift_figure_values *values; /* [rows, seeds]; NaN where a run has none */
    unsigned char *done;                /* [rows, seeds] */
    double floor[DRIFT_FIGURES];        /* what real data score; NaN where unknown */
};

/* A run's folder: "FOLDER/ROW/seed-N". */
void drift_ablation_run_path(const struct drift_ablation *ablation, size_t row, int64_t seed, const char *folder,
                             char *path, size_t size);

/* Mean and standard error of a row's figure over the seeds that are done. */
drift_spread drift_ablation_spread(const struct drift_ablation_table *table, size_t row, enum drift_figure figure);

/* How many standard errors of the difference the row's mean lies above the first row's; NaN where that is not known,
 * and for the first row. */
double drift_ablation_difference(const struct drift_ablation_table *table, size_t row, enum drift_figure figure);

/* Whether the paper reports something for a row. */
int drift_ablation_has_paper(const struct drift_ablation *ablation);

/* Writes the three files. The page has grid.png of each row's first seed beside it, where it is there.
 *
 * table.csv, a line for each row and figure: row, figure, n, mean, standard_error, difference (of the mean to the first
 * row's), standard_errors (the difference in standard errors of it), floor (of real data), paper, seed_N... (values).
 */
drift_status drift_ablation_write(const struct drift_ablation_table *table);

/* grid.png: six rows of images, ten to a row (or a class to a column), or a density of points. */
drift_status drift_ablation_grid(const struct drift_measure *measure, const char *path);

#endif
