/* Kind recipe: NAME.yaml is read as NAME.json says. No safetensors: the two files are the case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/golden.h"
#include "io/yaml.h"

/* Whether a scalar is the same value of the same type; integers and decimals are both numbers. */
static int same_scalar(const struct drift_yaml *node, const json_t *value)
{
    switch (node->kind) {
    case DRIFT_YAML_NULL: return json_is_null(value);
    case DRIFT_YAML_BOOL: return json_is_boolean(value) && json_is_true(value) == (node->integer != 0);
    case DRIFT_YAML_STRING: return json_is_string(value) && !strcmp(json_string_value(value), node->text);
    case DRIFT_YAML_INTEGER:
        if (json_is_integer(value))
            return json_integer_value(value) == node->integer;
        return json_is_real(value) && json_real_value(value) == node->number;
    case DRIFT_YAML_NUMBER: return json_is_number(value) && json_number_value(value) == node->number;
    default: return 0;
    }
}

/* Compares the trees and counts values; the first that differs is kept by its path. */
static void compare(const struct drift_yaml *node, const json_t *value, drift_golden_result *result)
{
    const int map = node->kind == DRIFT_YAML_MAP, list = node->kind == DRIFT_YAML_LIST;
    int same = map    ? json_is_object(value) && json_object_size(value) == node->count
               : list ? json_is_array(value) && json_array_size(value) == node->count
                      : same_scalar(node, value);
    size_t i = 0;
    result->compared++;
    for (const struct drift_yaml *child = node->child; same && child; child = child->next)
        compare(child, map ? json_object_get(value, child->key) : json_array_get(value, i++), result);
    if (same || result->verdict == DRIFT_GOLDEN_OFF)
        return;
    result->verdict = DRIFT_GOLDEN_OFF;
    result->error = 1;
    snprintf(result->tensor, sizeof result->tensor, "%s", *node->path ? node->path : "top");
}

drift_status drift_golden_recipe(const char *path, drift_golden_result *result)
{
    const char *end = strrchr(path, '.');
    const size_t stem = end ? (size_t)(end - path) : strlen(path);
    struct drift_yaml_file file;
    json_error_t error;
    char *name = malloc(stem + sizeof ".yaml");
    if (!name)
        return drift_fail_memory(path, stem);
    snprintf(result->kind, sizeof result->kind, "recipe");
    sprintf(name, "%.*s.yaml", (int)stem, path);
    drift_status status = drift_yaml_read(name, &file);
    sprintf(name, "%.*s.json", (int)stem, path);
    json_t *expected = status ? NULL : json_load_file(name, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!status && !expected)
        status = drift_fail(DRIFT_INVALID, "%s:%d: expected JSON (%s)", name, error.line, error.text);
    if (!status)
        compare(file.root, expected, result);
    json_decref(expected);
    drift_yaml_free(&file);
    free(name);
    return status;
}
