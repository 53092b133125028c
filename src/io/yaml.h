/* YAML as recipes use it: a tree of nodes with line numbers, read from libyaml's events.
 *
 * Taken: block and flow maps, lists, plain and quoted scalars, null ~ true false integers decimals; 1e-4 is a number.
 * Refused: repeated keys, anchors, aliases, tags, block scalars, tabs, several documents.
 * Errors read "FILE:LINE: a.b.key: what was expected".
 *
 *   const struct drift_yaml *root;     drift_yaml_read(path, &file); root = file->root;
 *   struct drift_yaml *train;          drift_yaml_map(root, "train", &train);          absent: an empty map
 *   drift_yaml_number(train, "lr", &lr);       leaves lr alone where the key is absent
 *   drift_yaml_unknown(file->root);            the first key nobody asked for, with the nearest that was asked for */
#ifndef DRIFT_IO_YAML_H
#define DRIFT_IO_YAML_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum drift_yaml_kind {
    DRIFT_YAML_NULL,
    DRIFT_YAML_BOOL,
    DRIFT_YAML_INTEGER,
    DRIFT_YAML_NUMBER,
    DRIFT_YAML_STRING,
    DRIFT_YAML_LIST,
    DRIFT_YAML_MAP
};

struct drift_yaml {
    enum drift_yaml_kind kind;
    const char *file;                /* what messages call the source */
    int line;                        /* from 1 */
    char *path;                      /* "train.betas[1]"; "" at the root */
    char *key;                       /* its key in the map above; NULL elsewhere */
    char *text;                      /* scalars: as written, without quotes */
    int64_t integer;                 /* BOOL (0, 1) and INTEGER */
    double number;                   /* INTEGER and NUMBER */
    struct drift_yaml *child, *next; /* first item of a list or map; next item of the same parent */
    size_t count;                    /* items */
    int used;                        /* somebody asked for it */
    char **asked;                    /* of a map: every key that was asked for */
    size_t asked_count;
};

struct drift_yaml_file {
    char *name;
    struct drift_yaml *root; /* a map, empty for an empty file */
};

/* Whole files of at most 1 MiB, or a text in memory. The root must be a map. */
drift_status drift_yaml_read(const char *path, struct drift_yaml_file *file);
drift_status drift_yaml_parse(const char *name, const char *text, size_t size, struct drift_yaml_file *file);
void drift_yaml_free(struct drift_yaml_file *file);

/* Sets one value from "a.b.key=VALUE" (VALUE as in a flow: 3, [1, 2], "text"), as --set does; maps on the way are made
 * where missing. Messages call the new nodes' source `name` ("--set"), which must outlive the tree. */
drift_status drift_yaml_set(struct drift_yaml_file *file, const char *name, const char *assignment);

/* The value of a key, marked as used; NULL where absent. */
struct drift_yaml *drift_yaml_get(struct drift_yaml *map, const char *key);

/* Typed values of a map's key: absent or null leaves *value alone, another kind is an error.
 * integer: an integer in [low,high]; number: in [low,high] (INFINITY for none), NaN refused; string: any scalar's text
 * but null; it lives as long as the tree. */
drift_status drift_yaml_bool(struct drift_yaml *map, const char *key, int *value);
drift_status drift_yaml_integer(struct drift_yaml *map, const char *key, int64_t low, int64_t high, int64_t *value);
drift_status drift_yaml_number(struct drift_yaml *map, const char *key, double low, double high, double *value);
drift_status drift_yaml_string(struct drift_yaml *map, const char *key, const char **value);

/* A list of numbers, or one number as a list of one; at most `most`. Absent leaves values and *count alone. */
drift_status drift_yaml_numbers(struct drift_yaml *map, const char *key, double low, double high, size_t most,
                                double *values, size_t *count);

/* One of the words (NULL ends them): *value is its index. The nearest is proposed for another. */
drift_status drift_yaml_word(struct drift_yaml *map, const char *key, const char *const *words, int *value);

/* The map below a key; *value is NULL where absent or null, and all getters take NULL for an empty map. */
drift_status drift_yaml_map(struct drift_yaml *map, const char *key, struct drift_yaml **value);

/* "FILE:LINE: path: " and the rest: for a caller's own checks of a node. Returns DRIFT_INVALID. */
drift_status drift_yaml_fail(const struct drift_yaml *node, const char *format, ...) DRIFT_PRINTF(2, 3);

/* Fails for the first key below `map` that nobody asked for. */
drift_status drift_yaml_unknown(const struct drift_yaml *map);

#endif
