/* A text that grows: what a page is written into before it goes to its file in one step. */
#ifndef DRIFT_REPORT_TEXT_H
#define DRIFT_REPORT_TEXT_H

#include <stddef.h>

#include "base/status.h"

struct drift_text {
    char *data; /* ends with 0; NULL before the first character */
    size_t size, room;
    int failed; /* sticky: no memory */
};

void drift_text_print(struct drift_text *text, const char *format, ...) DRIFT_PRINTF(2, 3);
void drift_text_put(struct drift_text *text, const char *s);
/* With & < > " ' escaped, for text and attributes of HTML and SVG; control characters become spaces. NULL is "". */
void drift_text_escape(struct drift_text *text, const char *s);
void drift_text_base64(struct drift_text *text, const unsigned char *bytes, size_t n);
/* <img> with a PNG's bytes in it. */
void drift_text_image(struct drift_text *text, const char *alternative, const unsigned char *png, size_t n);
/* 1797 as 1,797. */
void drift_text_count(struct drift_text *text, size_t n);
/* Three significant digits, a power of ten as such, a dash for what is not finite. HTML. */
void drift_text_number(struct drift_text *text, double value);
/* That number as a cell of a table. */
void drift_text_cell(struct drift_text *text, double value);

#endif
