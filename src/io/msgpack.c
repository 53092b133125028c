/* From a tree of items to named arrays. */
#include "io/msgpack.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/msgpack_item.h"

/* The longest name, and the most arrays, that are worth reading: a released model has 433. */
enum { LONGEST_NAME = 1023, MOST_ARRAYS = 1 << 16 };

static const char chunked_mark[] = "__msgpack_chunked_array__";

struct reader {
    struct drift_items items;
    struct drift_msgpack_file *file;
    char name[LONGEST_NAME + 1]; /* of the item at hand */
    size_t chunk_bytes;          /* largest piece of a cut array; 0: none was cut */
};

static drift_status fail(const struct reader *reader, const char *what)
{
    const char *name = reader->name;
    return drift_fail(DRIFT_INVALID, "%s: %s%s%s", reader->items.name, name, *name ? ": " : "", what);
}

static const struct drift_item_node *node_at(const struct reader *reader, size_t i) { return &reader->items.nodes[i]; }

static int is_text(const unsigned char *data, size_t size, const char *text)
{
    return size == strlen(text) && !memcmp(data, text, size);
}

/* The value of a key; NULL where absent. */
static const struct drift_item *value_of(const struct reader *reader, const struct drift_item *map, const char *key)
{
    const struct drift_item_node *node = NULL;
    for (size_t n = 0, i = map->first; n < map->count; n++, i = node->next) {
        node = node_at(reader, i);
        if (is_text(node->key, node->key_size, key))
            return &node->item;
    }
    return NULL;
}

/* ---- one array ---- */

static drift_status read_type(const struct reader *reader, const struct drift_item *item, struct drift_array *array)
{
    static const enum drift_array_type types[] = {DRIFT_ARRAY_F32, DRIFT_ARRAY_F16, DRIFT_ARRAY_BF16};
    if (item->kind != DRIFT_ITEM_STRING)
        return fail(reader, "expected the dtype's name, a string");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_text(item->data, item->size, drift_array_type_name(types[i]))) {
            array->type = types[i];
            return DRIFT_OK;
        }
    return drift_fail(DRIFT_INVALID, "%s: %s: expected dtype float32, float16 or bfloat16, got %.*s",
                      reader->items.name, reader->name, item->size < 20 ? (int)item->size : 20,
                      (const char *)item->data);
}

static drift_status set_size(const struct reader *reader, const struct drift_item *item, size_t *size)
{
    if (item->kind != DRIFT_ITEM_INTEGER || item->integer > SIZE_MAX)
        return fail(reader, "expected sizes >= 0 in the shape");
    *size = (size_t)item->integer;
    return DRIFT_OK;
}

static drift_status read_shape(const struct reader *reader, const struct drift_item *list, struct drift_array *array)
{
    if (list->kind != DRIFT_ITEM_LIST)
        return fail(reader, "expected the shape, a list of at most 8 sizes");
    drift_status status = DRIFT_OK;
    for (size_t i = list->first; array->rank < (int)list->count && !status; i = node_at(reader, i)->next)
        status = set_size(reader, &node_at(reader, i)->item, &array->shape[array->rank++]);
    return status;
}

/* What [shape, dtype, data] says. */
static drift_status read_payload(const struct reader *reader, const struct drift_item *list, struct drift_array *array)
{
    size_t bytes;
    if (list->kind != DRIFT_ITEM_LIST || list->count != 3)
        return fail(reader, "expected an array: shape, dtype, data");
    const struct drift_item_node *shape = node_at(reader, list->first), *type = node_at(reader, shape->next);
    const struct drift_item *data = &node_at(reader, type->next)->item;
    drift_status status = read_shape(reader, &shape->item, array);
    status = status ? status : read_type(reader, &type->item, array);
    if (status)
        return status;
    if (data->kind != DRIFT_ITEM_BYTES)
        return fail(reader, "expected the data, a byte string");
    if (!drift_array_measure(array->type, array->rank, array->shape, &array->count, &bytes) || bytes != data->size)
        return fail(reader, "expected as many bytes as dtype and shape say");
    array->data = data->data;
    return DRIFT_OK;
}

static drift_status read_array(struct reader *reader, const struct drift_item *item, struct drift_array *array,
                               int *scalar)
{
    struct drift_item list;
    const size_t nodes = reader->items.count;
    memset(array, 0, sizeof *array);
    if (item->kind != DRIFT_ITEM_EXTENSION)
        return fail(reader, "expected a map or an array");
    if (item->type != 1 && item->type != 3)
        return drift_fail(DRIFT_INVALID, "%s: %s: expected an extension of type 1 or 3, got %d", reader->items.name,
                          reader->name, item->type);
    *scalar = item->type == 3;
    drift_status status = drift_items_parse(&reader->items, item->data, item->size, &list);
    status = status ? status : read_payload(reader, &list, array);
    if (!status && *scalar && array->rank)
        status = fail(reader, "expected a scalar's shape, []");
    reader->items.count = nodes;
    return status;
}

/* ---- an array that was cut ---- */

/* A decimal index below `count`, "0" or without leading zero. */
static int read_index(const struct drift_item_node *node, size_t count, size_t *index)
{
    size_t n = 0;
    if (!node->key_size || node->key_size > 7 || (node->key[0] == '0' && node->key_size > 1))
        return 0;
    for (size_t i = 0; i < node->key_size; i++) {
        if (node->key[i] < '0' || node->key[i] > '9')
            return 0;
        n = 10 * n + (size_t)(node->key[i] - '0');
    }
    *index = n;
    return n < count;
}

/* The items of {"0": ..., "1": ..., ...} in numeric order, all of them there; free `list`. */
static drift_status order_items(const struct reader *reader, const struct drift_item *map, struct drift_item **list)
{
    size_t index, i;
    *list = NULL;
    if (!map || map->kind != DRIFT_ITEM_MAP)
        return fail(reader, "expected \"shape\" and \"chunks\" of an array that was cut");
    if (!(*list = calloc(map->count + 1, sizeof **list)))
        return drift_fail_memory(reader->items.name, map->count * sizeof **list);
    i = map->first;
    for (size_t n = 0; n < map->count; n++, i = node_at(reader, i)->next) {
        if (!read_index(node_at(reader, i), map->count, &index) || (*list)[index].kind != DRIFT_ITEM_OTHER)
            return fail(reader, "expected \"0\", \"1\", ... each once, in an array that was cut");
        if (node_at(reader, i)->item.kind == DRIFT_ITEM_OTHER)
            return fail(reader, "expected sizes and arrays in an array that was cut");
        (*list)[index] = node_at(reader, i)->item;
    }
    return DRIFT_OK;
}

/* Reads all pieces; their numbers of items sum up to *items. */
static drift_status read_pieces(struct reader *reader, size_t count, const struct drift_item *list,
                                struct drift_array *pieces, size_t *items)
{
    *items = 0;
    for (size_t i = 0; i < count; i++) {
        int scalar;
        drift_status status = read_array(reader, &list[i], &pieces[i], &scalar);
        if (status)
            return status;
        if (pieces[i].rank != 1 || pieces[i].type != pieces[0].type || !drift_size_add(*items, pieces[i].count, items))
            return fail(reader, "expected chunks with one dimension and one dtype");
    }
    return DRIFT_OK;
}

/* One after the other: a copy, as large as the pieces in the file are together. */
static drift_status join(struct reader *reader, size_t count, const struct drift_array *pieces,
                         struct drift_array *array)
{
    const size_t item = drift_array_item_size(array->type);
    unsigned char *end = malloc(array->count * item + 1);
    array->data = array->memory = end;
    if (!end)
        return drift_fail_memory(reader->items.name, array->count * item);
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].count)
            memcpy(end, pieces[i].data, pieces[i].count * item);
        end += pieces[i].count * item;
        if (pieces[i].count * item > reader->chunk_bytes)
            reader->chunk_bytes = pieces[i].count * item;
    }
    return DRIFT_OK;
}

static drift_status assemble(struct reader *reader, const struct drift_item *map, const struct drift_item *sizes,
                             const struct drift_item *chunks, struct drift_array *pieces, struct drift_array *array)
{
    const size_t rank = value_of(reader, map, "shape")->count, count = value_of(reader, map, "chunks")->count;
    size_t items, bytes;
    if (rank > DRIFT_ARRAY_RANK)
        return fail(reader, "expected a shape of at most 8 sizes");
    drift_status status = read_pieces(reader, count, chunks, pieces, &items);
    array->type = pieces[0].type;
    array->rank = (int)rank;
    for (size_t i = 0; i < rank && !status; i++)
        status = set_size(reader, &sizes[i], &array->shape[i]);
    if (status)
        return status;
    if (!count || !drift_array_measure(array->type, array->rank, array->shape, &array->count, &bytes) ||
        array->count != items)
        return fail(reader, "expected chunks with as many items as the shape says");
    return join(reader, count, pieces, array);
}

static drift_status read_chunked(struct reader *reader, const struct drift_item *map, struct drift_array *array)
{
    const struct drift_item *mark = value_of(reader, map, chunked_mark);
    struct drift_item *sizes = NULL, *chunks = NULL;
    struct drift_array *pieces = NULL;
    memset(array, 0, sizeof *array);
    if (mark->kind != DRIFT_ITEM_BOOL || !mark->integer || map->count != 3)
        return fail(reader, "expected a mark, \"shape\" and \"chunks\" of an array that was cut");
    drift_status status = order_items(reader, value_of(reader, map, "shape"), &sizes);
    status = status ? status : order_items(reader, value_of(reader, map, "chunks"), &chunks);
    if (!status && !(pieces = calloc(value_of(reader, map, "chunks")->count + 1, sizeof *pieces)))
        status = drift_fail_memory(reader->items.name, sizeof *pieces);
    status = status ? status : assemble(reader, map, sizes, chunks, pieces, array);
    free(sizes);
    free(chunks);
    free(pieces);
    return status;
}

/* ---- the maps ---- */

/* Takes over the array, whose name is the reader's. */
static drift_status add(struct reader *reader, const struct drift_array *array, int scalar)
{
    struct drift_msgpack_file *file = reader->file;
    struct drift_msgpack *content = &file->content;
    if (content->count == MOST_ARRAYS)
        return fail(reader, "expected fewer arrays");
    if (content->count == file->room) {
        const size_t room = file->room ? 2 * file->room : 64;
        struct drift_tensor_entry *tensors = realloc(content->tensors, room * sizeof *tensors);
        content->tensors = tensors ? tensors : content->tensors;
        unsigned char *scalars = realloc(content->scalars, room);
        content->scalars = scalars ? scalars : content->scalars;
        if (!tensors || !scalars)
            return drift_fail_memory(reader->items.name, room * sizeof *tensors);
        file->room = room;
    }
    char *name = strdup(reader->name);
    if (!name)
        return drift_fail_memory(reader->items.name, strlen(reader->name));
    content->scalars[content->count] = (unsigned char)scalar;
    content->tensors[content->count++] = (struct drift_tensor_entry){name, *array};
    return DRIFT_OK;
}

static drift_status add_leaf(struct reader *reader, const struct drift_item *item)
{
    struct drift_array array;
    int scalar = 0;
    drift_status status =
        item->kind == DRIFT_ITEM_MAP ? read_chunked(reader, item, &array) : read_array(reader, item, &array, &scalar);
    status = status ? status : add(reader, &array, scalar);
    if (status)
        drift_array_free(&array);
    return status;
}

static int by_key(const void *a, const void *b)
{
    const struct drift_item_node *x = a, *y = b;
    const size_t shorter = x->key_size < y->key_size ? x->key_size : y->key_size;
    const int order = shorter ? memcmp(x->key, y->key, shorter) : 0;
    return order ? order : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

/* Puts a key at the end of the reader's name. */
static drift_status open_key(struct reader *reader, const struct drift_item_node *node)
{
    const size_t used = strlen(reader->name);
    if (!node->key_size || memchr(node->key, 0, node->key_size) || memchr(node->key, '/', node->key_size))
        return fail(reader, "expected keys that are not empty, without '/' and zero bytes");
    if (used + 1 + node->key_size > LONGEST_NAME)
        return fail(reader, "expected shorter keys");
    snprintf(reader->name + used, sizeof reader->name - used, "%s%.*s", used ? "/" : "", (int)node->key_size,
             (const char *)node->key);
    return DRIFT_OK;
}

static drift_status read_map(struct reader *reader, const struct drift_item *map, int depth);

static drift_status read_entry(struct reader *reader, const struct drift_item_node *node, int depth)
{
    const size_t used = strlen(reader->name);
    drift_status status = open_key(reader, node);
    if (!status && node->item.kind == DRIFT_ITEM_MAP && !value_of(reader, &node->item, chunked_mark))
        status = read_map(reader, &node->item, depth + 1);
    else if (!status)
        status = add_leaf(reader, &node->item);
    reader->name[used] = 0;
    return status;
}

static drift_status fail_twice(struct reader *reader, const struct drift_item_node *node)
{
    drift_status status = open_key(reader, node);
    return status ? status : fail(reader, "the key occurs twice");
}

/* Its entries in the order of their keys. They are copied: reading an array moves the nodes. */
static drift_status read_map(struct reader *reader, const struct drift_item *map, int depth)
{
    const size_t count = map->count;
    if (depth > DRIFT_MSGPACK_DEPTH)
        return fail(reader, "expected maps that are nested less deeply");
    struct drift_item_node *entries = malloc((count + 1) * sizeof *entries);
    if (!entries)
        return drift_fail_memory(reader->items.name, count * sizeof *entries);
    for (size_t n = 0, i = map->first; n < count; i = entries[n++].next)
        entries[n] = *node_at(reader, i);
    qsort(entries, count, sizeof *entries, by_key);
    drift_status status = DRIFT_OK;
    for (size_t n = 0; n < count && !status; n++) {
        if (n && !by_key(&entries[n - 1], &entries[n]))
            status = fail_twice(reader, &entries[n]);
        else
            status = read_entry(reader, &entries[n], depth);
    }
    free(entries);
    return status;
}

/* The map that holds the model: the top one, or what {"params": ...} wraps. */
static struct drift_item unwrap(struct reader *reader, struct drift_item top)
{
    const struct drift_item *inner = top.count == 1 ? value_of(reader, &top, "params") : NULL;
    if (!inner || inner->kind != DRIFT_ITEM_MAP || value_of(reader, inner, chunked_mark))
        return top;
    reader->file->content.wrapped = 1;
    return *inner;
}

static drift_status read_all(struct reader *reader, const unsigned char *data, size_t size)
{
    struct drift_item top;
    drift_status status = drift_items_parse(&reader->items, data, size, &top);
    if (!status && top.kind != DRIFT_ITEM_MAP)
        status = drift_fail(DRIFT_INVALID, "%s: byte 0: expected a map of MessagePack", reader->items.name);
    if (status)
        return status;
    top = unwrap(reader, top);
    status = read_map(reader, &top, 1);
    reader->file->content.chunk_bytes = reader->chunk_bytes ? reader->chunk_bytes : DRIFT_MSGPACK_CHUNK;
    return status;
}

drift_status drift_msgpack_parse(const char *name, const unsigned char *data, size_t size,
                                 struct drift_msgpack_file *file)
{
    struct reader reader = {.items = {.name = name, .file = data}, .file = file};
    memset(file, 0, sizeof *file);
    file->path = strdup(name);
    drift_status status = file->path ? read_all(&reader, data, size) : drift_fail_memory(name, strlen(name));
    free(reader.items.nodes);
    if (status)
        drift_msgpack_free(file);
    return status;
}

drift_status drift_msgpack_read(const char *path, struct drift_msgpack_file *file)
{
    struct drift_file_view view;
    memset(file, 0, sizeof *file);
    drift_status status = drift_file_view(path, &view);
    if (status)
        return status;
    status = drift_msgpack_parse(path, view.data, view.size, file);
    if (status)
        drift_file_view_free(&view);
    else
        file->view = view;
    return status;
}

void drift_msgpack_free(struct drift_msgpack_file *file)
{
    struct drift_msgpack *content = &file->content;
    for (size_t i = 0; i < content->count; i++) {
        free((char *)content->tensors[i].name);
        drift_array_free(&content->tensors[i].array);
    }
    free(content->tensors);
    free(content->scalars);
    free(file->path);
    drift_file_view_free(&file->view);
    memset(file, 0, sizeof *file);
}
