/* MessagePack as a tree of items, for msgpack.c. */
#ifndef DRIFT_IO_MSGPACK_ITEM_H
#define DRIFT_IO_MSGPACK_ITEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum drift_item_kind {
    DRIFT_ITEM_OTHER, /* null, a number that is no integer >= 0: what nobody here has a use for */
    DRIFT_ITEM_BOOL,
    DRIFT_ITEM_INTEGER,
    DRIFT_ITEM_STRING,
    DRIFT_ITEM_BYTES,
    DRIFT_ITEM_EXTENSION,
    DRIFT_ITEM_LIST,
    DRIFT_ITEM_MAP
};

struct drift_item {
    enum drift_item_kind kind;
    int type;                  /* of an extension */
    uint64_t integer;          /* and of a BOOL: 0, 1 */
    const unsigned char *data; /* STRING, BYTES, EXTENSION: a view of the file */
    size_t size;
    size_t count, first, last; /* LIST, MAP: how many nodes, and the chain of them */
};

/* An item in a list, or in a map with its key. */
struct drift_item_node {
    const unsigned char *key;
    size_t key_size, next;
    struct drift_item item;
};

/* All nodes of a file. */
struct drift_items {
    const char *name;          /* what messages call the file */
    const unsigned char *file; /* its first byte, from which messages count */
    struct drift_item_node *nodes;
    size_t count, room;
};

/* Parses one item that takes all of data[0..size), a part of the file. Nothing is allocated by a length that the file
 * claims: nodes are added as they are met, DRIFT_ITEM_MOST at most; bytes are views. Keys are strings; lists are as
 * short as shapes are; nesting ends at 32. */
enum { DRIFT_ITEM_MOST = 1 << 20 };
drift_status drift_items_parse(struct drift_items *items, const unsigned char *data, size_t size,
                               struct drift_item *root);

#endif
