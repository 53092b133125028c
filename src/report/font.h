/* A small built-in font for captions in pictures. */
#ifndef DRIFT_REPORT_FONT_H
#define DRIFT_REPORT_FONT_H

enum { DRIFT_FONT_HEIGHT = 22, DRIFT_FONT_SPACE = 7 };

struct drift_glyph {
    char letter;
    int width;
    const char *shade; /* [DRIFT_FONT_HEIGHT,width] hexadecimal digits, 0 paper to f ink */
};

/* NULL: a space. */
const struct drift_glyph *drift_glyph_of(char letter);

#endif
