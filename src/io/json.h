/* What JSON lacks. */
#ifndef DRIFT_IO_JSON_H
#define DRIFT_IO_JSON_H

#include <jansson.h>

#include "base/status.h"

/* null where x is not finite, which JSON has no number for. */
json_t *drift_json_number(double x);

/* Writes the file, numbers with so many digits (0: all). Takes json over, which may be NULL where memory lacked. */
drift_status drift_json_write(const char *path, json_t *json, int digits);

#endif
