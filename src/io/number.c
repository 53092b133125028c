/* strtod and printf use the locale's decimal point, files a dot. */
#include "io/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 400 }; /* no number worth reading is longer */

static size_t digits(const char *text, size_t length, size_t at)
{
    size_t i = at;
    while (i < length && text[i] >= '0' && text[i] <= '9')
        i++;
    return i - at;
}

static size_t sign(const char *text, size_t length, size_t at)
{
    return at < length && (text[at] == '-' || text[at] == '+');
}

/* The grammar alone. */
static enum drift_number_kind classify(const char *text, size_t length)
{
    size_t at = sign(text, length, 0), whole = digits(text, length, at), fraction = 0;
    at += whole;
    if (at == length)
        return whole ? DRIFT_INTEGER : DRIFT_NO_NUMBER;
    if (text[at] == '.') {
        fraction = digits(text, length, at + 1);
        at += 1 + fraction;
    }
    if (!whole && !fraction)
        return DRIFT_NO_NUMBER;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at += 1 + sign(text, length, at + 1);
        size_t exponent = digits(text, length, at);
        if (!exponent)
            return DRIFT_NO_NUMBER;
        at += exponent;
    }
    return at == length ? DRIFT_DECIMAL : DRIFT_NO_NUMBER;
}

static char decimal_point(void) { return *localeconv()->decimal_point; }

enum drift_number_kind drift_number_parse(const char *text, size_t length, double *value, int64_t *integer)
{
    char copy[LONGEST + 1], *dot;
    enum drift_number_kind kind = length <= LONGEST ? classify(text, length) : DRIFT_NO_NUMBER;
    if (!kind)
        return kind;
    memcpy(copy, text, length);
    copy[length] = 0;
    if (kind == DRIFT_INTEGER) {
        errno = 0;
        long long exact = strtoll(copy, NULL, 10);
        if (errno)
            kind = DRIFT_DECIMAL;
        else
            *integer = exact;
    }
    if ((dot = strchr(copy, '.')))
        *dot = decimal_point();
    *value = strtod(copy, NULL);
    return isfinite(*value) ? kind : DRIFT_NO_NUMBER;
}

const char *drift_number_print(float x, char text[DRIFT_NUMBER_TEXT])
{
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(text, DRIFT_NUMBER_TEXT, "%.*g", precision, (double)x);
        if (!(strtof(text, NULL) != x))
            break;
    }
    char *point = strchr(text, decimal_point());
    if (point)
        *point = '.';
    return text;
}

const char *drift_number_print_double(double x, char text[DRIFT_NUMBER_TEXT])
{
    int digits = 0, exponent;
    do
        snprintf(text, DRIFT_NUMBER_TEXT, "%.*e", digits, x);
    while (strtod(text, NULL) != x && ++digits < 17);
    exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -4 && exponent < 16)
        snprintf(text, DRIFT_NUMBER_TEXT, "%.*f", digits > exponent ? digits - exponent : 1, x);
    char *point = strchr(text, decimal_point());
    if (point)
        *point = '.';
    return text;
}
