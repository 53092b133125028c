/* The table of an ablation as a page. */
#ifndef DRIFT_REPORT_ABLATION_PAGE_H
#define DRIFT_REPORT_ABLATION_PAGE_H

#include "report/ablation.h"
#include "report/text.h"

/* One self-contained file (no network), light and dark, screen and paper. */
void drift_ablation_page(struct drift_text *page, const struct drift_ablation_table *table);

#endif
