/* What the files that write parts of the page share. */
#ifndef DRIFT_REPORT_PAGE_H
#define DRIFT_REPORT_PAGE_H

#include "io/png.h"
#include "report/text.h"

/* A canvas as <img src="data:...">; takes the canvas, whatever the result. */
drift_status drift_page_picture(struct drift_text *page, struct drift_picture *canvas, const char *alternative);

#endif
