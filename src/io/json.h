/* What JSON lacks. */
#ifndef DRIFT_IO_JSON_H
#define DRIFT_IO_JSON_H

#include <jansson.h>

/* null where x is not finite, which JSON has no number for. */
json_t *drift_json_number(double x);

#endif
