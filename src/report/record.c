/* figures.json, by jansson. Its doubles have 17 digits, so what is read is what was written. */
#include "report/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/json.h"

static double value_of(const json_t *json) { return json_is_number(json) ? json_number_value(json) : NAN; }

/* Of this recipe and scale? */
static int matches(const json_t *json, const char *recipe, double cfg_scale)
{
    const char *text = json_string_value(json_object_get(json, "recipe"));
    return text && !strcmp(text, recipe) && value_of(json_object_get(json, "cfg")) == cfg_scale;
}

static int take(const json_t *json, size_t count, const enum drift_figure *figures, struct drift_figure_values *values)
{
    const json_t *found = json_object_get(json, "figures"), *floors = json_object_get(json, "floors");
    for (size_t i = 0; i < count; i++) {
        const char *key = drift_figure_texts[figures[i]].key;
        if (!json_object_get(found, key))
            return 0;
        values->value[figures[i]] = value_of(json_object_get(found, key));
        values->floor[figures[i]] = value_of(json_object_get(floors, key));
    }
    return 1;
}

drift_status drift_record_read(const char *path, const char *recipe, double cfg_scale, size_t count,
                               const enum drift_figure *figures, struct drift_figure_values *values, int *found)
{
    FILE *there = fopen(path, "rb");
    json_error_t error;
    *found = 0;
    if (!there)
        return DRIFT_OK;
    json_t *json = json_loadf(there, JSON_REJECT_DUPLICATES, &error);
    fclose(there);
    if (!json)
        return drift_fail(DRIFT_INVALID, "%s:%d: %s", path, error.line, error.text);
    *found = matches(json, recipe, cfg_scale) && take(json, count, figures, values);
    json_decref(json);
    return DRIFT_OK;
}

drift_status drift_record_write(const char *path, const char *recipe, double cfg_scale, size_t count,
                                const enum drift_figure *figures, const struct drift_figure_values *values)
{
    json_t *json = json_object(), *found = json_object(), *floors = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *key = drift_figure_texts[figures[i]].key;
        json_object_set_new(found, key, drift_json_number(values->value[figures[i]]));
        json_object_set_new(floors, key, drift_json_number(values->floor[figures[i]]));
    }
    json_object_set_new(json, "cfg", drift_json_number(cfg_scale));
    json_object_set_new(json, "figures", found);
    json_object_set_new(json, "floors", floors);
    json_object_set_new(json, "recipe", json_string(recipe));
    return drift_json_write(path, json, 0);
}
