/* Numbers in JSON and whole files of it, by jansson. */
#include "io/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

json_t *drift_json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

drift_status drift_json_write(const char *path, json_t *json, int digits)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION((size_t)digits)) : NULL;
    drift_status status = text ? drift_file_write(path, text, strlen(text))
                               : drift_fail(DRIFT_INVALID, "%s: a name in it is not UTF-8", path);
    free(text);
    json_decref(json);
    return status;
}
