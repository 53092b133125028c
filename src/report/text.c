#include "report/text.h"

#include <math.h> /* isfinite */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct drift_text *text, size_t more)
{
    if (text->failed)
        return 0;
    if (text->size + more + 1 > text->room) {
        size_t room = 2 * (text->size + more + 1);
        char *data = realloc(text->data, room);
        if (!data) {
            text->failed = 1;
            return 0;
        }
        text->data = data;
        text->room = room;
    }
    return 1;
}

static void append(struct drift_text *text, const char *s, size_t n)
{
    if (!grow(text, n))
        return;
    memcpy(text->data + text->size, s, n);
    text->size += n;
    text->data[text->size] = 0;
}

void drift_text_put(struct drift_text *text, const char *s) { append(text, s, strlen(s)); }

void drift_text_print(struct drift_text *text, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int n = vsnprintf(NULL, 0, format, list);
    if (n >= 0 && grow(text, (size_t)n)) {
        vsnprintf(text->data + text->size, (size_t)n + 1, format, again);
        text->size += (size_t)n;
    }
    va_end(again);
    va_end(list);
}

void drift_text_escape(struct drift_text *text, const char *s)
{
    for (; s && *s; s++)
        switch (*s) {
        case '&': drift_text_put(text, "&amp;"); break;
        case '<': drift_text_put(text, "&lt;"); break;
        case '>': drift_text_put(text, "&gt;"); break;
        case '"': drift_text_put(text, "&quot;"); break;
        case '\'': drift_text_put(text, "&#39;"); break;
        default: append(text, (unsigned char)*s < ' ' && *s != '\n' ? " " : s, 1);
        }
}

void drift_text_base64(struct drift_text *text, const unsigned char *bytes, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned b = i + 1 < n ? bytes[i + 1] : 0, c = i + 2 < n ? bytes[i + 2] : 0;
        unsigned long w = (unsigned long)bytes[i] << 16 | b << 8 | c;
        char out[4] = {digit[w >> 18], digit[w >> 12 & 63], digit[w >> 6 & 63], digit[w & 63]};
        if (i + 2 >= n)
            out[3] = '=';
        if (i + 1 >= n)
            out[2] = '=';
        append(text, out, 4);
    }
}

void drift_text_image(struct drift_text *text, const char *alternative, const unsigned char *png, size_t n)
{
    drift_text_put(text, "<img alt=\"");
    drift_text_escape(text, alternative);
    drift_text_put(text, "\" src=\"data:image/png;base64,");
    drift_text_base64(text, png, n);
    drift_text_put(text, "\">");
}

void drift_text_count(struct drift_text *text, size_t n)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%zu", n);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            append(text, ",", 1);
        append(text, digits + i, 1);
    }
}

void drift_text_number(struct drift_text *text, double value)
{
    char written[40], *exponent;
    if (!isfinite(value)) {
        drift_text_put(text, "\xe2\x80\x93");
        return;
    }
    snprintf(written, sizeof written, "%.3g", value);
    exponent = strchr(written, 'e');
    const char *sign = *written == '-' ? "\xe2\x88\x92" : "", *digits = written + (*written == '-');
    if (!exponent) {
        drift_text_print(text, "%s%s", sign, digits);
        return;
    }
    *exponent = 0;
    int power = atoi(exponent + 1);
    drift_text_print(text,
                     "%s%s\xc2\xb7"
                     "10<sup>%s%d</sup>",
                     sign, digits, power < 0 ? "\xe2\x88\x92" : "", abs(power));
}

void drift_text_cell(struct drift_text *text, double value)
{
    drift_text_put(text, "<td class=\"num\">");
    drift_text_number(text, value);
    drift_text_put(text, "</td>");
}
