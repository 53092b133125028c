/* The tree: making and freeing nodes, typed access, --set, unknown keys. */
#include "io/yaml_node.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spelling.h"
#include "io/file.h"

/* With all below and after it. */
static void node_free(struct drift_yaml *node)
{
    while (node) {
        struct drift_yaml *next = node->next;
        node_free(node->child);
        for (size_t i = 0; i < node->asked_count; i++)
            free(node->asked[i]);
        free(node->asked);
        free(node->path);
        free(node->key);
        free(node->text);
        free(node);
        node = next;
    }
}

struct drift_yaml *drift_yaml_node_new(const struct drift_yaml *parent, const char *key, int line)
{
    const char *above = parent->path ? parent->path : "";
    size_t room = strlen(above) + (key ? strlen(key) : 0) + 32;
    struct drift_yaml *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->file = parent->file;
    node->line = line;
    node->path = malloc(room);
    node->key = key ? strdup(key) : NULL;
    if (!node->path || (key && !node->key)) {
        node_free(node);
        return NULL;
    }
    if (key)
        snprintf(node->path, room, "%s%s%s", above, *above ? "." : "", key);
    else if (parent->path)
        snprintf(node->path, room, "%s[%zu]", above, parent->count);
    else
        *node->path = 0;
    return node;
}

void drift_yaml_free(struct drift_yaml_file *file)
{
    node_free(file->root);
    free(file->name);
    *file = (struct drift_yaml_file){NULL, NULL};
}

drift_status drift_yaml_fail(const struct drift_yaml *node, const char *format, ...)
{
    char line[512], place[32] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (node->line > 0)
        snprintf(place, sizeof place, ":%d", node->line);
    return drift_fail(DRIFT_INVALID, "%s%s: %.200s%s%s", node->file, place, node->path, *node->path ? ": " : "", line);
}

struct drift_yaml *drift_yaml_child(const struct drift_yaml *map, const char *key)
{
    struct drift_yaml *child = map->child;
    while (child && !(child->key && !strcmp(child->key, key)))
        child = child->next;
    return child;
}

/* Remembers that a key was asked for, to propose it. Without memory the proposal is lost, nothing else. */
static void remember(struct drift_yaml *map, const char *key)
{
    for (size_t i = 0; i < map->asked_count; i++)
        if (!strcmp(map->asked[i], key))
            return;
    char **asked = realloc(map->asked, (map->asked_count + 1) * sizeof *asked);
    if (!asked)
        return;
    map->asked = asked;
    if ((asked[map->asked_count] = strdup(key)))
        map->asked_count++;
}

struct drift_yaml *drift_yaml_get(struct drift_yaml *map, const char *key)
{
    if (!map)
        return NULL;
    remember(map, key);
    struct drift_yaml *child = drift_yaml_child(map, key);
    if (child)
        child->used = 1;
    return child;
}

/* The value where there is one that is not null. */
static const struct drift_yaml *given(struct drift_yaml *map, const char *key)
{
    const struct drift_yaml *node = drift_yaml_get(map, key);
    return node && node->kind != DRIFT_YAML_NULL ? node : NULL;
}

/* The text of a value for a message: what the user wrote, or what it is. */
static const char *shown(const struct drift_yaml *node)
{
    return node->kind == DRIFT_YAML_LIST ? "a list" : node->kind == DRIFT_YAML_MAP ? "a map" : node->text;
}

drift_status drift_yaml_bool(struct drift_yaml *map, const char *key, int *value)
{
    const struct drift_yaml *node = given(map, key);
    if (!node)
        return DRIFT_OK;
    if (node->kind != DRIFT_YAML_BOOL)
        return drift_yaml_fail(node, "expected true or false, got %.100s", shown(node));
    *value = (int)node->integer;
    return DRIFT_OK;
}

drift_status drift_yaml_integer(struct drift_yaml *map, const char *key, int64_t low, int64_t high, int64_t *value)
{
    const struct drift_yaml *node = given(map, key);
    if (!node)
        return DRIFT_OK;
    if (node->kind != DRIFT_YAML_INTEGER || node->integer < low || node->integer > high) {
        if (high == INT64_MAX)
            return drift_yaml_fail(node, "expected an integer >= %" PRId64 ", got %.100s", low, shown(node));
        return drift_yaml_fail(node, "expected an integer from %" PRId64 " to %" PRId64 ", got %.100s", low, high,
                               shown(node));
    }
    *value = node->integer;
    return DRIFT_OK;
}

static drift_status check_number(const struct drift_yaml *node, double low, double high, double *value)
{
    int number = node->kind == DRIFT_YAML_INTEGER || node->kind == DRIFT_YAML_NUMBER;
    if (number && node->number >= low && node->number <= high) {
        *value = node->number;
        return DRIFT_OK;
    }
    char range[80] = "";
    if (isfinite(low) && isfinite(high))
        snprintf(range, sizeof range, " from %g to %g", low, high);
    else if (isfinite(low))
        snprintf(range, sizeof range, " >= %g", low);
    return drift_yaml_fail(node, "expected a number%s, got %.100s", range, shown(node));
}

drift_status drift_yaml_number(struct drift_yaml *map, const char *key, double low, double high, double *value)
{
    const struct drift_yaml *node = given(map, key);
    return node ? check_number(node, low, high, value) : DRIFT_OK;
}

drift_status drift_yaml_string(struct drift_yaml *map, const char *key, const char **value)
{
    const struct drift_yaml *node = given(map, key);
    if (!node)
        return DRIFT_OK;
    if (!node->text)
        return drift_yaml_fail(node, "expected a text, got %s", shown(node));
    *value = node->text;
    return DRIFT_OK;
}

drift_status drift_yaml_numbers(struct drift_yaml *map, const char *key, double low, double high, size_t most,
                                double *values, size_t *count)
{
    const struct drift_yaml *node = given(map, key);
    if (!node)
        return DRIFT_OK;
    size_t n = 0;
    if (node->kind == DRIFT_YAML_LIST ? node->count > most : most < 1)
        return drift_yaml_fail(node, "expected at most %zu numbers, got %zu", most, node->count);
    const struct drift_yaml *item = node->kind == DRIFT_YAML_LIST ? node->child : node;
    for (; item; item = node->kind == DRIFT_YAML_LIST ? item->next : NULL) {
        drift_status status = check_number(item, low, high, &values[n++]);
        if (status)
            return status;
    }
    *count = n;
    return DRIFT_OK;
}

drift_status drift_yaml_word(struct drift_yaml *map, const char *key, const char *const *words, int *value)
{
    const struct drift_yaml *node = given(map, key);
    const char *nearest = NULL;
    char list[256] = "";
    if (!node)
        return DRIFT_OK;
    for (int i = 0; words[i]; i++) {
        if (node->text && !strcmp(node->text, words[i])) {
            *value = i;
            return DRIFT_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
        if (node->text)
            drift_nearest_word(node->text, words[i], &nearest);
    }
    return drift_yaml_fail(node, "expected one of %s, got %.60s%s%s%s", list, shown(node),
                           nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

drift_status drift_yaml_map(struct drift_yaml *map, const char *key, struct drift_yaml **value)
{
    struct drift_yaml *node = drift_yaml_get(map, key);
    *value = NULL;
    if (!node || node->kind == DRIFT_YAML_NULL)
        return DRIFT_OK;
    if (node->kind != DRIFT_YAML_MAP)
        return drift_yaml_fail(node, "expected keys below it, got %.100s", shown(node));
    *value = node;
    return DRIFT_OK;
}

static drift_status fail_unknown(const struct drift_yaml *map, const struct drift_yaml *child)
{
    const char *nearest = NULL;
    for (size_t i = 0; i < map->asked_count; i++)
        drift_nearest_word(child->key, map->asked[i], &nearest);
    return nearest ? drift_yaml_fail(child, "unknown key; did you mean %s?", nearest)
                   : drift_yaml_fail(child, "unknown key");
}

drift_status drift_yaml_unknown(const struct drift_yaml *map)
{
    for (const struct drift_yaml *child = map ? map->child : NULL; child; child = child->next) {
        if (child->key && !child->used)
            return fail_unknown(map, child);
        drift_status status = drift_yaml_unknown(child);
        if (status)
            return status;
    }
    return DRIFT_OK;
}

/* The node of a key, made where missing. */
static struct drift_yaml *obtain(struct drift_yaml *map, const char *file, const char *key)
{
    struct drift_yaml *child = drift_yaml_child(map, key), **tail = &map->child;
    if (child)
        return child;
    child = drift_yaml_node_new(map, key, 0);
    if (!child)
        return NULL;
    child->file = file;
    while (*tail)
        tail = &(*tail)->next;
    *tail = child;
    map->count++;
    return child;
}

/* Makes the node null again, keeping its place in the tree. */
static void clear(struct drift_yaml *node, const char *file)
{
    node_free(node->child);
    free(node->text);
    node->child = NULL;
    node->text = NULL;
    node->kind = DRIFT_YAML_NULL;
    node->count = 0;
    node->file = file;
    node->line = 0;
}

static drift_status set(struct drift_yaml *root, const char *name, char *key, const char *value)
{
    struct drift_yaml *node = root;
    for (char *rest = key; rest;) {
        char *part = rest, *dot = strchr(rest, '.');
        rest = dot ? dot + 1 : NULL;
        if (dot)
            *dot = 0;
        if (!*part)
            return drift_fail(DRIFT_INVALID, "%s: expected a.b.key=VALUE, got an empty key", name);
        if (node->kind == DRIFT_YAML_NULL)
            node->kind = DRIFT_YAML_MAP;
        if (node->kind != DRIFT_YAML_MAP)
            return drift_fail(DRIFT_INVALID, "%s: %s: expected a map, to set %s in it", name, node->path, part);
        node = obtain(node, name, part);
        if (!node)
            return drift_fail_memory(name, strlen(value));
    }
    clear(node, name);
    return drift_yaml_build(value, strlen(value), node);
}

drift_status drift_yaml_set(struct drift_yaml_file *file, const char *name, const char *assignment)
{
    char *copy = strdup(assignment), *equals = copy ? strchr(copy, '=') : NULL;
    drift_status status;
    if (!copy)
        status = drift_fail_memory(name, strlen(assignment));
    else if (!equals)
        status = drift_fail(DRIFT_INVALID, "%s: expected key=VALUE, got %.200s", name, assignment);
    else {
        *equals = 0;
        status = set(file->root, name, copy, equals + 1);
    }
    free(copy);
    return status;
}
