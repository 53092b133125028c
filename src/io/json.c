/* Numbers in JSON, by jansson. */
#include "io/json.h"

#include <math.h>

json_t *drift_json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }
