/* figures.json: what was measured of a run, and of which run, so that it need not be done again. */
#ifndef DRIFT_REPORT_RECORD_H
#define DRIFT_REPORT_RECORD_H

#include "judge/figures.h"

/* Reads the figures that are asked for. *found is 0, and nothing else is said, where there is no file, or it is of
 * another recipe (its text) or guidance scale, or lacks one of the figures. */
drift_status drift_record_read(const char *path, const char *recipe, double cfg_scale, size_t count,
                               const enum drift_figure *figures, struct drift_figure_values *values, int *found);

/* Writes those asked for. */
drift_status drift_record_write(const char *path, const char *recipe, double cfg_scale, size_t count,
                                const enum drift_figure *figures, const struct drift_figure_values *values);

#endif
