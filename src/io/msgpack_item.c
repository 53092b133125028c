/* The bytes are taken apart by msgpack-c's unpack_template.h, a state machine over memory that hands every value to a
 * callback; what a callback keeps is ours. msgpack_unpack() of the same library will not do for files from anywhere:
 * it allocates 24 bytes for each of the items that a list or map claims to have before one of them is there (a 5-byte
 * file asks for 96 GiB), and an ext 32 of length 2^32-1 becomes a view of 4 GiB beyond the data. */
#include "io/msgpack_item.h"

#include <msgpack/unpack.h>
#include <stdlib.h>

#include "io/array.h"

struct user {
    struct drift_items *items;
    size_t size;         /* of what is being parsed */
    const char *problem; /* why a callback said REFUSED */
};

/* What a callback returns to stop, beside the template's own MSGPACK_UNPACK_PARSE_ERROR (a byte that begins no value)
 * and MSGPACK_UNPACK_NOMEM_ERROR (its stack is full). */
enum { REFUSED = -10, NO_MEMORY = -11 };

#define msgpack_unpack_struct(name) struct template##name
#define msgpack_unpack_func(result, name) static result template##name
#define msgpack_unpack_callback(name) on##name
#define msgpack_unpack_object struct drift_item
#define msgpack_unpack_user struct user
#include "msgpack/unpack_define.h"

static int refuse(struct user *user, const char *problem)
{
    user->problem = problem;
    return REFUSED;
}

static struct drift_item on_root(struct user *user)
{
    (void)user;
    return (struct drift_item){.kind = DRIFT_ITEM_OTHER};
}

static int on_uint64(struct user *user, uint64_t x, struct drift_item *item)
{
    (void)user;
    *item = (struct drift_item){.kind = DRIFT_ITEM_INTEGER, .integer = x};
    return 0;
}

static int on_uint8(struct user *user, uint8_t x, struct drift_item *item) { return on_uint64(user, x, item); }
static int on_uint16(struct user *user, uint16_t x, struct drift_item *item) { return on_uint64(user, x, item); }
static int on_uint32(struct user *user, uint32_t x, struct drift_item *item) { return on_uint64(user, x, item); }

static int on_nil(struct user *user, struct drift_item *item)
{
    *item = on_root(user);
    return 0;
}

/* Signed forms may hold what is not negative. */
static int on_int64(struct user *user, int64_t x, struct drift_item *item)
{
    return x < 0 ? on_nil(user, item) : on_uint64(user, (uint64_t)x, item);
}

static int on_int8(struct user *user, int8_t x, struct drift_item *item) { return on_int64(user, x, item); }
static int on_int16(struct user *user, int16_t x, struct drift_item *item) { return on_int64(user, x, item); }
static int on_int32(struct user *user, int32_t x, struct drift_item *item) { return on_int64(user, x, item); }

static int on_double(struct user *user, double x, struct drift_item *item)
{
    (void)x;
    return on_nil(user, item);
}

static int on_float(struct user *user, float x, struct drift_item *item) { return on_double(user, (double)x, item); }

static int on_false(struct user *user, struct drift_item *item)
{
    (void)user;
    *item = (struct drift_item){.kind = DRIFT_ITEM_BOOL};
    return 0;
}

static int on_true(struct user *user, struct drift_item *item)
{
    on_false(user, item);
    item->integer = 1;
    return 0;
}

/* The template has seen to it that all bytes are there. */
static int view(enum drift_item_kind kind, const char *p, size_t size, struct drift_item *item)
{
    *item = (struct drift_item){.kind = kind, .data = (const unsigned char *)p, .size = size};
    return 0;
}

static int on_str(struct user *user, const char *data, const char *p, unsigned int size, struct drift_item *item)
{
    (void)user, (void)data;
    return view(DRIFT_ITEM_STRING, p, size, item);
}

static int on_bin(struct user *user, const char *data, const char *p, unsigned int size, struct drift_item *item)
{
    (void)user, (void)data;
    return view(DRIFT_ITEM_BYTES, p, size, item);
}

/* `size` counts the type's byte. Nothing is there where the template's sum overflowed. */
static int on_ext(struct user *user, const char *data, const char *p, unsigned int size, struct drift_item *item)
{
    (void)data;
    if (!size)
        return refuse(user, "expected an extension that the file can hold");
    view(DRIFT_ITEM_EXTENSION, p + 1, size - 1, item);
    item->type = *(const signed char *)p;
    return 0;
}

static int on_array(struct user *user, unsigned int count, struct drift_item *item)
{
    if (count > DRIFT_ARRAY_RANK)
        return refuse(user, "expected a list of at most 8 items");
    *item = (struct drift_item){.kind = DRIFT_ITEM_LIST};
    return 0;
}

static int on_map(struct user *user, unsigned int count, struct drift_item *item)
{
    if (count > user->size / 2)
        return refuse(user, "expected no more entries than the bytes can hold");
    *item = (struct drift_item){.kind = DRIFT_ITEM_MAP};
    return 0;
}

/* A node at the end of a list's or map's chain. */
static int append(struct user *user, struct drift_item *to, const struct drift_item_node *node)
{
    struct drift_items *items = user->items;
    if (items->count == DRIFT_ITEM_MOST)
        return refuse(user, "expected fewer entries");
    if (items->count == items->room) {
        size_t room = items->room ? 2 * items->room : 256;
        struct drift_item_node *nodes = realloc(items->nodes, room * sizeof *nodes);
        if (!nodes)
            return NO_MEMORY;
        items->nodes = nodes;
        items->room = room;
    }
    items->nodes[items->count] = *node;
    *(to->count++ ? &items->nodes[to->last].next : &to->first) = items->count;
    to->last = items->count++;
    return 0;
}

static int on_array_item(struct user *user, struct drift_item *list, struct drift_item item)
{
    return append(user, list, &(struct drift_item_node){.item = item});
}

static int on_map_item(struct user *user, struct drift_item *map, struct drift_item key, struct drift_item item)
{
    if (key.kind != DRIFT_ITEM_STRING)
        return refuse(user, "expected a key that is a string");
    return append(user, map, &(struct drift_item_node){.key = key.data, .key_size = key.size, .item = item});
}

#include "msgpack/unpack_template.h"

/* What went wrong in `context`, which stopped at data[at]. */
static drift_status explain(const struct template_context *context, int result, size_t at, size_t size)
{
    if (!result && context->cs != MSGPACK_CS_HEADER)
        return drift_fail(DRIFT_INVALID, "expected %u more bytes of a value, got %zu", context->trail, size - at);
    if (!result)
        return drift_fail(DRIFT_INVALID, "expected another value");
    if (result == REFUSED)
        return drift_fail(DRIFT_INVALID, "%s", context->user.problem);
    if (result == NO_MEMORY)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for another item");
    if (result == MSGPACK_UNPACK_PARSE_ERROR)
        return drift_fail(DRIFT_INVALID, "expected a value of MessagePack");
    return drift_fail(DRIFT_INVALID, "expected maps that are nested less deeply");
}

drift_status drift_items_parse(struct drift_items *items, const unsigned char *data, size_t size,
                               struct drift_item *root)
{
    struct template_context context;
    size_t at = 0;
    template_init(&context);
    context.user = (struct user){.items = items, .size = size};
    int result = template_execute(&context, (const char *)data, size, &at);
    drift_status status = DRIFT_OK;
    if (result != 1)
        status = explain(&context, result, at, size);
    else if (at != size)
        status = drift_fail(DRIFT_INVALID, "expected the end of the data");
    if (status)
        return drift_fail_context(status, "%s: byte %zu", items->name, (size_t)(data - items->file) + at);
    *root = template_data(&context);
    return DRIFT_OK;
}
