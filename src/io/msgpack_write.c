/* Named arrays to MessagePack, in the bytes that flax and Python's msgpack write. */
#include <msgpack/pack.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/msgpack.h"

/* Where the bytes go: into a file, or against bytes that should be the same. */
struct sink {
    struct drift_writer *writer;
    const unsigned char *expected;
    size_t left;
    int differs;
};

static int put(void *to, const char *data, size_t size)
{
    struct sink *sink = to;
    if (sink->writer)
        return drift_writer_write(sink->writer, data, size) ? -1 : 0;
    sink->differs = size > sink->left || (size && memcmp(data, sink->expected, size));
    if (sink->differs)
        return -1;
    sink->expected += size;
    sink->left -= size;
    return 0;
}

/* A little of MessagePack in memory, to know its length beforehand. */
struct head {
    unsigned char bytes[128]; /* a list of 3, a list of 8 sizes, a dtype's name and a length take 97 */
    size_t used;
};

static int put_head(void *to, const char *data, size_t size)
{
    struct head *head = to;
    if (size > sizeof head->bytes - head->used)
        return -1;
    memcpy(head->bytes + head->used, data, size);
    head->used += size;
    return 0;
}

static int pack_text(msgpack_packer *packer, const char *text)
{
    return msgpack_pack_str_with_body(packer, text, strlen(text));
}

static int pack_array(msgpack_packer *packer, const struct drift_array *array, int scalar)
{
    struct head head = {.used = 0};
    msgpack_packer inner;
    const char *type = drift_array_type_name(array->type);
    const size_t bytes = array->count * drift_array_item_size(array->type);
    msgpack_packer_init(&inner, &head, put_head);
    int bad = msgpack_pack_array(&inner, 3) || msgpack_pack_array(&inner, (size_t)array->rank);
    for (int i = 0; i < array->rank && !bad; i++)
        bad = msgpack_pack_uint64(&inner, array->shape[i]);
    bad = bad || pack_text(&inner, type) || msgpack_pack_bin(&inner, bytes);
    return bad || msgpack_pack_ext(packer, head.used + bytes, scalar ? 3 : 1) ||
           msgpack_pack_ext_body(packer, head.bytes, head.used) || msgpack_pack_ext_body(packer, array->data, bytes);
}

static int pack_index(msgpack_packer *packer, size_t i)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", i);
    return pack_text(packer, text);
}

/* A map of one-dimensional arrays in the array's place. */
static int pack_pieces(msgpack_packer *packer, const struct drift_array *array, size_t piece)
{
    const size_t item = drift_array_item_size(array->type), pieces = array->count / piece + (array->count % piece > 0);
    int bad = msgpack_pack_map(packer, 3) || pack_text(packer, "__msgpack_chunked_array__") ||
              msgpack_pack_true(packer) || pack_text(packer, "shape") || msgpack_pack_map(packer, (size_t)array->rank);
    for (int i = 0; i < array->rank && !bad; i++)
        bad = pack_index(packer, (size_t)i) || msgpack_pack_uint64(packer, array->shape[i]);
    bad = bad || pack_text(packer, "chunks") || msgpack_pack_map(packer, pieces);
    for (size_t i = 0; i < pieces && !bad; i++) {
        const size_t left = array->count - i * piece, count = left < piece ? left : piece;
        struct drift_array part =
            drift_array_view(array->type, 1, &count, (const unsigned char *)array->data + i * piece * item);
        bad = pack_index(packer, i) || pack_array(packer, &part, 0);
    }
    return bad;
}

/* ---- the maps ---- */

struct order {
    const struct drift_msgpack *content;
    size_t *index; /* of the tensors, in the order of their keys */
};

static const char *name_of(const struct order *order, size_t i)
{
    return order->content->tensors[order->index[i]].name;
}

struct ranked {
    const char *name;
    size_t index;
};

/* Byte order of the keys, not of the names: "a/x" comes before "a-b/x", as "a" does before "a-b". */
static int by_keys(const void *a, const void *b)
{
    const unsigned char *x = (const unsigned char *)((const struct ranked *)a)->name,
                        *y = (const unsigned char *)((const struct ranked *)b)->name;
    while (*x && *x == *y)
        x++, y++;
    const int p = *x == '/' ? 1 : *x ? *x + 2 : 0, q = *y == '/' ? 1 : *y ? *y + 2 : 0;
    return p - q;
}

static drift_status check_name(const char *name)
{
    int parts = 1;
    for (const char *p = name; *p; p++)
        parts += *p == '/';
    if (!*name || *name == '/' || name[strlen(name) - 1] == '/' || strstr(name, "//") || parts > DRIFT_MSGPACK_DEPTH)
        return drift_fail(DRIFT_INVALID, "tensor %.200s: expected a name of 1 to %d parts, none empty", name,
                          DRIFT_MSGPACK_DEPTH);
    return DRIFT_OK;
}

static drift_status check_tensor(const struct drift_msgpack *content, size_t i)
{
    const struct drift_array *array = &content->tensors[i].array;
    const char *name = content->tensors[i].name;
    size_t count, bytes;
    drift_status status = check_name(name);
    if (status)
        return status;
    if (array->type != DRIFT_ARRAY_F32 && array->type != DRIFT_ARRAY_F16 && array->type != DRIFT_ARRAY_BF16)
        return drift_fail(DRIFT_INVALID, "tensor %s: expected float32, float16 or bfloat16, got %s", name,
                          drift_array_type_name(array->type));
    if (!drift_array_measure(array->type, array->rank, array->shape, &count, &bytes) || count != array->count)
        return drift_fail(DRIFT_INVALID, "tensor %s: its shape does not fit its data", name);
    return DRIFT_OK;
}

/* Sorted, and no name that another begins with: a map's entry is an array or a map. */
static drift_status make_order(const struct drift_msgpack *content, struct order *order)
{
    const size_t n = content->count;
    struct ranked *ranked = malloc((n + 1) * sizeof *ranked);
    *order = (struct order){content, malloc((n + 1) * sizeof *order->index)};
    drift_status status = ranked && order->index ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu names", n);
    for (size_t i = 0; i < n && !status; i++) {
        ranked[i] = (struct ranked){content->tensors[i].name, i};
        status = check_tensor(content, i);
    }
    if (!status)
        qsort(ranked, n, sizeof *ranked, by_keys);
    for (size_t i = 0; i < n && !status; i++) {
        const size_t length = i ? strlen(ranked[i - 1].name) : 0;
        order->index[i] = ranked[i].index;
        if (i && !strncmp(ranked[i - 1].name, ranked[i].name, length) &&
            (!ranked[i].name[length] || ranked[i].name[length] == '/'))
            status = drift_fail(DRIFT_INVALID, "tensor %s: expected a name that is not the beginning of %s",
                                ranked[i - 1].name, ranked[i].name);
    }
    free(ranked);
    return status;
}

static size_t key_length(const struct order *order, size_t i, size_t prefix)
{
    return strcspn(name_of(order, i) + prefix, "/");
}

/* The end of the run of names, from `first` on, that share the key after `prefix` bytes. */
static size_t run_end(const struct order *order, size_t first, size_t last, size_t prefix)
{
    const size_t length = key_length(order, first, prefix);
    size_t end = first + 1;
    while (end < last && key_length(order, end, prefix) == length &&
           !memcmp(name_of(order, end) + prefix, name_of(order, first) + prefix, length))
        end++;
    return end;
}

static int pack_tensor(msgpack_packer *packer, const struct drift_msgpack *content, size_t i)
{
    const struct drift_array *array = &content->tensors[i].array;
    const size_t item = drift_array_item_size(array->type), piece = content->chunk_bytes / item;
    if (array->count * item > content->chunk_bytes)
        return pack_pieces(packer, array, piece ? piece : 1);
    return pack_array(packer, array, content->scalars && content->scalars[i]);
}

/* The map of tensors first .. last - 1, whose names share their first `prefix` bytes. */
static int pack_map(msgpack_packer *packer, const struct order *order, size_t first, size_t last, size_t prefix)
{
    size_t keys = 0;
    for (size_t i = first; i < last; i = run_end(order, i, last, prefix))
        keys++;
    int bad = msgpack_pack_map(packer, keys);
    for (size_t i = first, end; i < last && !bad; i = end) {
        const size_t length = key_length(order, i, prefix);
        const char *key = name_of(order, i) + prefix;
        end = run_end(order, i, last, prefix);
        bad = msgpack_pack_str_with_body(packer, key, length) ||
              (key[length] ? pack_map(packer, order, i, end, prefix + length + 1)
                           : pack_tensor(packer, order->content, order->index[i]));
    }
    return bad;
}

/* A failure to put is the sink's to tell. */
static drift_status pack_all(const struct drift_msgpack *content, struct sink *sink)
{
    struct order order;
    msgpack_packer packer;
    if (!content->chunk_bytes || content->chunk_bytes > (size_t)UINT32_MAX - sizeof(struct head))
        return drift_fail(DRIFT_INVALID, "expected chunks of 1 to 2^32 bytes, got %zu", content->chunk_bytes);
    drift_status status = make_order(content, &order);
    msgpack_packer_init(&packer, sink, put);
    int bad = status;
    if (!bad && content->wrapped)
        bad = msgpack_pack_map(&packer, 1) || pack_text(&packer, "params");
    if (!bad)
        pack_map(&packer, &order, 0, content->count, 0);
    free(order.index);
    return status;
}

drift_status drift_msgpack_write(const char *path, const struct drift_msgpack *content)
{
    struct drift_writer writer;
    drift_status status = drift_writer_open(&writer, path);
    if (status)
        return status;
    status = pack_all(content, &(struct sink){.writer = &writer});
    if (!status)
        return drift_writer_commit(&writer);
    drift_writer_abort(&writer);
    return drift_fail_context(status, "%s", path);
}

drift_status drift_msgpack_compare(const struct drift_msgpack *content, const unsigned char *data, size_t size,
                                   int *same)
{
    struct sink sink = {.expected = data, .left = size};
    drift_status status = pack_all(content, &sink);
    *same = !sink.differs && !sink.left;
    return status;
}
