/* Numbers as text, the same whatever the locale. */
#ifndef DRIFT_IO_NUMBER_H
#define DRIFT_IO_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum drift_number_kind { DRIFT_NO_NUMBER, DRIFT_INTEGER, DRIFT_DECIMAL };

/* Reads all of text[0..length): [+-] digits, or a decimal such as 1.5, .5, 1e-4. *value is the nearest double (one too
 * large is no number), *integer the exact value of an INTEGER; digits beyond 64 bits are a DECIMAL. */
enum drift_number_kind drift_number_parse(const char *text, size_t length, double *value, int64_t *integer);

/* The shortest of %.6g to %.9g that reads back as x; "nan", "inf", "-inf". Returns `text`. */
enum { DRIFT_NUMBER_TEXT = 32 };
const char *drift_number_print(float x, char text[DRIFT_NUMBER_TEXT]);

/* The shortest decimals that read back as the finite x, laid out as Python does: 4.0, 0.001, 1e-05, 1e+16. */
const char *drift_number_print_double(double x, char text[DRIFT_NUMBER_TEXT]);

#endif
