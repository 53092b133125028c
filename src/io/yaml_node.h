/* What the files of the YAML reader share. */
#ifndef DRIFT_IO_YAML_NODE_H
#define DRIFT_IO_YAML_NODE_H

#include "io/yaml.h"

/* A null node that belongs to `parent` (its path and file begin there): below `key`, or the next item of a list where
 * key is NULL. It is not linked yet. NULL where memory lacks. A parent without a path makes a root. */
struct drift_yaml *drift_yaml_node_new(const struct drift_yaml *parent, const char *key, int line);

/* The value of a key, not marked as used. */
struct drift_yaml *drift_yaml_child(const struct drift_yaml *map, const char *key);

/* Parses a text into a fresh node. Without a line (0) its messages have none. */
drift_status drift_yaml_build(const char *text, size_t size, struct drift_yaml *root);

#endif
