/* What the guidance scale does: a class-conditional generator's images at several scales, judged by a classifier of
 * real ones. Curves of class accuracy, Frechet distance, precision and recall over the scale, and pictures. */
#ifndef DRIFT_REPORT_SWEEP_H
#define DRIFT_REPORT_SWEEP_H

#include <jansson.h>

#include "judge/judge.h"
#include "report/report.h"
#include "report/text.h"
#include "train/trainer.h"

enum { DRIFT_SWEEP_SCALES = DRIFT_RECIPE_LIST + 5, DRIFT_SWEEP_ROWS = 8, DRIFT_SWEEP_COLUMNS = 16 };

struct drift_sweep {
    size_t n; /* images judged at each scale, and test images beside them */
    size_t scales, means;
    double scale[DRIFT_SWEEP_SCALES]; /* ascending */
    double decay[DRIFT_RECIPE_LIST];  /* of the running means; NaN: the parameters as trained */
    struct drift_judgement floor;
    struct drift_judgement found[DRIFT_RECIPE_LIST * DRIFT_SWEEP_SCALES]; /* [means, scales] */
    size_t columns;                                                       /* of the pictures: classes in turn */
    float *grids;                                                         /* [scales, DRIFT_SWEEP_ROWS, columns, dim] */
    float *one;                                                           /* [scales, columns, dim], of one noise */
};

/* Of `done` of `total` steps; `what` is done: "classifier". */
typedef void drift_sweep_progress(void *context, const char *what, int64_t done, int64_t total);

/* Whether there is anything to sweep: images by class with test rows, and two guidance scales in train.cfg_list. */
int drift_sweep_concerns(const struct drift_trainer *trainer);

/* Trains the classifier, judges the images of every running mean at the scales of train.cfg_list and at those of
 * 1, 1.5, 2, 3, 4 that were trained with; the pictures are of the first mean. At most train.eval_samples images a time.
 * Free the sweep, zero before, in any case. */
drift_status drift_sweep_run(struct drift_trainer *trainer, drift_sweep_progress *progress, void *context,
                             struct drift_sweep *sweep);
void drift_sweep_free(struct drift_sweep *sweep);

/* {"class_accuracy", "frechet_distance", "precision", "recall", "memorisation"}; null where there is none. */
json_t *drift_judgement_json(const struct drift_judgement *judgement);
/* {"n", "floor", "rows": [judgements with "cfg" and "ema"]} */
json_t *drift_sweep_json(const struct drift_sweep *sweep);

/* The page's section: curves, table and pictures of report->sweep; nothing where it is NULL. */
drift_status drift_page_sweep(struct drift_text *page, const drift_report *report);

#endif
