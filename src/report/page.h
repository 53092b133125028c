/* What the files that write parts of the page share: pictures within it. */
#ifndef DRIFT_REPORT_PAGE_H
#define DRIFT_REPORT_PAGE_H

#include "report/canvas.h"
#include "report/text.h"

/* A canvas as <img src="data:...">; takes the canvas, whatever the result. */
drift_status drift_page_picture(struct drift_text *page, struct drift_picture *canvas, const char *alternative);

/* The first of n images as a grid of at most columns x rows. */
drift_status drift_page_images(struct drift_text *page, const drift_report *report, size_t columns, size_t rows,
                               size_t n, const float *images, const char *alternative);

#endif
