/* The style sheet and the script of the page. */
#ifndef DRIFT_REPORT_STYLE_H
#define DRIFT_REPORT_STYLE_H

#include "report/text.h"

extern const char *const drift_report_script[]; /* JavaScript: the player; without it the page lacks nothing else */

/* The page's beginning, up to <body>. */
void drift_report_head(struct drift_text *page, const char *title);
/* Its last lines that are read: what wrote it, and whose method it is. */
void drift_report_footer(struct drift_text *page, const char *version);

#endif
