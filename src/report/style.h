/* The style sheet and the script of the page. */
#ifndef DRIFT_REPORT_STYLE_H
#define DRIFT_REPORT_STYLE_H

extern const char *const drift_report_style[];  /* CSS: pieces, NULL at the end */
extern const char *const drift_report_script[]; /* JavaScript: the player; without it the page lacks nothing else */

#endif
