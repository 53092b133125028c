/* Guidance in the plane: samples at each guidance scale beside the law of the linear rule. */
#ifndef DRIFT_REPORT_GUIDED_H
#define DRIFT_REPORT_GUIDED_H

#include <jansson.h>

#include "report/canvas.h"
#include "report/text.h"
#include "train/trainer.h"

struct drift_guided_list {
    size_t count;
    drift_guided at[DRIFT_RECIPE_LIST];
    float *memory;
};

/* For each scale of train.cfg_list: n samples with the first running mean, and draws of the rule. None where the recipe
 * has no classes, or their density is not known. Close it whatever the result. */
drift_status drift_guided_make(struct drift_trainer *trainer, size_t n, struct drift_guided_list *list);
void drift_guided_close(struct drift_guided_list *list);

/* The figures, an object for each scale. */
json_t *drift_guided_json(const struct drift_guided_list *list);

/* Its section of the page; nothing where there are none. */
drift_status drift_page_guided(struct drift_text *page, const drift_report *report, const struct drift_view *view);

/* guidance.png: a column for each scale, samples above the rule. */
drift_status drift_report_guided(const drift_report *report, const char *path);

#endif
