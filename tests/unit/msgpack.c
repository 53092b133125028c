/* MessagePack with arrays: a file that Python's msgpack wrote, the goldens' byte for byte, forms that no writer uses
 * but a reader must take, what is refused and how, and damaged data in memory of exactly its size (run it under
 * AddressSanitizer). */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/msgpack.h"

#define OK(call) ck_assert_msg((call) == DRIFT_OK, "%s", drift_message())
#define FAILS(call, line)                                                                                              \
    do {                                                                                                               \
        ck_assert_int_eq(call, DRIFT_INVALID);                                                                         \
        ck_assert_msg(strstr(drift_message(), line) != NULL, "got: %s", drift_message());                              \
    } while (0)

static const struct drift_array *find(const struct drift_msgpack_file *file, const char *name)
{
    return drift_tensor_entry_find(file->content.count, file->content.tensors, name);
}

static void expect_floats(const struct drift_msgpack_file *file, const char *name, size_t count, const float *want)
{
    const struct drift_array *array = find(file, name);
    float x[16];
    ck_assert_msg(array && array->count == count, "%s", name);
    drift_array_floats(array, x);
    ck_assert_msg(!count || !memcmp(x, want, count * sizeof *x), "%s", name);
}

static void expect_small(const struct drift_msgpack_file *file)
{
    static const float six[] = {-0.5F, -0.25F, 0, 0.25F, 0.5F, 0.75F}, seven[] = {0, 1, 2, 3, 4, 5, 6};
    static const char *const order[] = {"a/bias", "a/kernel",  "a-b/brain", "a-b/half",
                                        "big",    "blocks_10", "blocks_2",  "step"};
    ck_assert_uint_eq(file->content.count, 8);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_str_eq(file->content.tensors[i].name, order[i]);
        ck_assert_int_eq(file->content.scalars[i], i == 7);
    }
    expect_floats(file, "a/bias", 1, (float[]){2.5F});
    expect_floats(file, "a/kernel", 6, six);
    expect_floats(file, "a-b/half", 2, (float[]){1.5F, 0x1p-24F});
    expect_floats(file, "a-b/brain", 2, (float[]){1.5F, -INFINITY});
    expect_floats(file, "big", 7, seven);
    expect_floats(file, "blocks_10", 0, NULL);
    expect_floats(file, "step", 1, (float[]){3});
    ck_assert_int_eq(find(file, "a/bias")->rank, 0);
    ck_assert_int_eq(find(file, "big")->rank, 2);
    ck_assert_uint_eq(find(file, "blocks_10")->shape[1], 3);
    ck_assert_uint_eq(file->content.chunk_bytes, 24);
}

/* What drift_msgpack_write writes; nothing else is left behind. */
static void write_to_memory(const struct drift_msgpack *content, struct drift_bytes *bytes)
{
    char folder[] = "/tmp/drift-msgpack-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    OK(drift_msgpack_write(path, content));
    OK(drift_file_read(path, 1 << 20, bytes));
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void expect_same_bytes(const struct drift_msgpack_file *file, const unsigned char *data, size_t size)
{
    struct drift_bytes written;
    int same;
    OK(drift_msgpack_compare(&file->content, data, size, &same));
    ck_assert(same);
    write_to_memory(&file->content, &written);
    ck_assert_uint_eq(written.size, size);
    ck_assert_mem_eq(written.data, data, size);
    OK(drift_msgpack_compare(&file->content, data, size - 1, &same));
    ck_assert(!same);
    written.data[size - 1] ^= 1;
    OK(drift_msgpack_compare(&file->content, written.data, size, &same));
    ck_assert(!same);
    drift_bytes_free(&written);
}

START_TEST(of_python)
{
    struct drift_msgpack_file file;
    struct drift_bytes bytes;
    OK(drift_msgpack_read("tests/data/small.msgpack", &file));
    expect_small(&file);
    OK(drift_file_read("tests/data/small.msgpack", 1 << 20, &bytes));
    expect_same_bytes(&file, bytes.data, bytes.size);
    for (size_t i = 0, j = 7; i < j; i++, j--) { /* whatever the order they are given in */
        const struct drift_tensor_entry other = file.content.tensors[i];
        const unsigned char scalar = file.content.scalars[i];
        file.content.tensors[i] = file.content.tensors[j];
        file.content.scalars[i] = file.content.scalars[j];
        file.content.tensors[j] = other;
        file.content.scalars[j] = scalar;
    }
    expect_same_bytes(&file, bytes.data, bytes.size);
    drift_bytes_free(&bytes);
    drift_msgpack_free(&file);
}
END_TEST

START_TEST(of_the_reference)
{
    static const struct {
        const char *path;
        size_t count, chunk_bytes;
    } models[] = {
        {"tests/golden/artifact/gen_latent/params_ema/ema_params.msgpack", 196, DRIFT_MSGPACK_CHUNK},
        {"tests/golden/artifact/gen_pixel_chunked/ema_params.msgpack", 45, 900},
        {"tests/golden/artifact/mae_latent/params_ema/ema_params.msgpack", 89, DRIFT_MSGPACK_CHUNK},
    };
    const size_t i = (size_t)_i;
    struct drift_msgpack_file file;
    struct drift_bytes bytes;
    OK(drift_msgpack_read(models[i].path, &file));
    ck_assert_uint_eq(file.content.count, models[i].count);
    ck_assert_uint_eq(file.content.chunk_bytes, models[i].chunk_bytes);
    OK(drift_file_read(models[i].path, 1 << 20, &bytes));
    expect_same_bytes(&file, bytes.data, bytes.size);
    drift_bytes_free(&bytes);
    drift_msgpack_free(&file);
}
END_TEST

/* ---- by hand ---- */

static unsigned char made[4096];
static size_t used;

static void start(void) { used = 0; }

static void bytes_of(const void *data, size_t size)
{
    ck_assert_uint_le(used + size, sizeof made);
    memcpy(made + used, data, size);
    used += size;
}

/* A head byte and a big-endian length of `width` bytes. */
static void head(unsigned char byte, size_t length, int width)
{
    bytes_of(&byte, 1);
    while (width--) {
        unsigned char digit = (unsigned char)(length >> 8 * width);
        bytes_of(&digit, 1);
    }
}

static void text(const char *word)
{
    head(0xdb, strlen(word), 4); /* str 32 */
    bytes_of(word, strlen(word));
}

/* The longest forms: ext 32, array 32, int 64, str 32, bin 32. */
static void array_of(int type, int rank, const size_t *shape, const char *dtype, size_t size, const void *data)
{
    head(0xc9, 5 + 5 + 9 * (size_t)rank + 5 + strlen(dtype) + 5 + size, 4);
    bytes_of(&(unsigned char){(unsigned char)type}, 1);
    head(0xdd, 3, 4);
    head(0xdd, (size_t)rank, 4);
    for (int i = 0; i < rank; i++)
        head(0xd3, shape[i], 8);
    text(dtype);
    head(0xc6, size, 4);
    bytes_of(data, size);
}

static drift_status parse(struct drift_msgpack_file *file)
{
    unsigned char *exact = malloc(used + !used);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, made, used);
    drift_status status = drift_msgpack_parse("made", exact, used, file);
    for (size_t i = 0; !status && i < file->content.count; i++) {
        float *x = malloc(file->content.tensors[i].array.count * sizeof *x + 1);
        ck_assert_ptr_nonnull(x);
        drift_array_floats(&file->content.tensors[i].array, x); /* a view beyond the data is noticed */
        free(x);
    }
    if (!status)
        drift_msgpack_free(file);
    free(exact);
    return status;
}

START_TEST(longest_forms_in_any_order)
{
    const float two[] = {1, -2};
    struct drift_msgpack_file file;
    int same;
    head(0xdf, 1, 4); /* map 32 */
    text("params");
    head(0xde, 2, 2);
    text("b");
    array_of(1, 2, (size_t[]){2, 1}, "float32", 8, two);
    text("a");
    head(0xdf, 3, 4);
    text("chunks");
    head(0xdf, 2, 4);
    text("1");
    array_of(1, 1, (size_t[]){1}, "float32", 4, two + 1);
    text("0");
    array_of(1, 1, (size_t[]){1}, "float32", 4, two);
    text("__msgpack_chunked_array__");
    bytes_of("\xc3", 1);
    text("shape");
    head(0xde, 1, 2);
    text("0");
    head(0xcf, 2, 8);
    OK(drift_msgpack_parse("made", made, used, &file));
    ck_assert_int_eq(file.content.wrapped, 1);
    ck_assert_str_eq(file.content.tensors[0].name, "a");
    expect_floats(&file, "a", 2, two);
    expect_floats(&file, "b", 2, two);
    ck_assert_uint_eq(file.content.chunk_bytes, 4);
    OK(drift_msgpack_compare(&file.content, made, used, &same));
    ck_assert(!same);
    drift_msgpack_free(&file);
}
END_TEST

/* More than ten pieces: "10" comes after "9". */
START_TEST(pieces_in_numeric_order)
{
    float x[23], y[23];
    for (int i = 0; i < 23; i++)
        x[i] = (float)i;
    struct drift_tensor_entry entry = {"x", drift_array_view(DRIFT_ARRAY_F32, 1, (size_t[]){23}, x)};
    struct drift_msgpack content = {.count = 1, .tensors = &entry, .wrapped = 1, .chunk_bytes = 11};
    struct drift_msgpack_file file;
    struct drift_bytes bytes;
    write_to_memory(&content, &bytes);
    OK(drift_msgpack_parse("pieces", bytes.data, bytes.size, &file));
    ck_assert_int_eq(file.content.wrapped, 1);
    ck_assert_uint_eq(file.content.chunk_bytes, 8);
    drift_array_floats(find(&file, "x"), y);
    ck_assert_mem_eq(x, y, sizeof x);
    drift_msgpack_free(&file);
    drift_bytes_free(&bytes);
}
END_TEST

/* An entry of the map {"x": ...}, or of {"x": a cut array} as cut() has it. */
static void one(int type, int rank, const size_t *shape, const char *dtype, size_t size)
{
    static const char data[64];
    start();
    bytes_of("\x81\xa1x", 3);
    array_of(type, rank, shape, dtype, size, data);
}

static void cut(const char *mark, const char *shape, const char *chunks)
{
    start();
    bytes_of("\x81\xa1x\x83\xb9__msgpack_chunked_array__", 30);
    bytes_of(mark, strlen(mark));
    bytes_of("\xa5shape", 6);
    bytes_of(shape, strlen(shape));
    bytes_of("\xa6\x63hunks", 7);
    bytes_of(chunks, strlen(chunks));
    array_of(1, 1, (size_t[]){2}, "float32", 8, "01234567");
}

static void raw(const char *bytes, size_t size)
{
    start();
    bytes_of(bytes, size);
}
#define RAW(bytes) raw(bytes, sizeof bytes - 1)

#define REFUSED(make, line)                                                                                            \
    do {                                                                                                               \
        make;                                                                                                          \
        FAILS(parse(&file), "made: " line);                                                                            \
    } while (0)

START_TEST(refused)
{
    const size_t two[2] = {2, 2}, huge[2] = {(size_t)1 << 63, 4};
    struct drift_msgpack_file file;
    REFUSED(RAW(""), "byte 0: expected another value");
    REFUSED(RAW("\xc0"), "byte 0: expected a map");
    REFUSED(RAW("\xc1"), "byte 0: expected a value of MessagePack");
    REFUSED(RAW("\x80\x80"), "byte 1: expected the end");
    REFUSED(RAW("\x81\xa1x"), "byte 3: expected another value");
    REFUSED(RAW("\x81\xa1x\xd9\x05\x61\x62\x63"), "byte 5: expected 5 more bytes of a value, got 3");
    REFUSED(RAW("\x81\x01\x80"), "byte 2: expected a key that is a string");
    REFUSED(RAW("\x82\xa1x\x80\xa1x\x80"), "x: the key occurs twice");
    REFUSED(RAW("\x81\xa1x\x82\xa1y\x80\xa1y\x80"), "x/y: the key occurs twice");
    REFUSED(RAW("\x81\xa0\x80"), "expected keys that are not empty");
    REFUSED(RAW("\x81\xa3x/y\x80"), "expected keys that are not empty");
    REFUSED(RAW("\x81\xa2x\0\x80"), "expected keys that are not empty");
    REFUSED(RAW("\x81\xa1x\x01"), "x: expected a map or an array");
    REFUSED(RAW("\x81\xa1x\xca\0\0\0\0"), "x: expected a map or an array");
    REFUSED(RAW("\x81\xa1x\x90"), "x: expected a map or an array");
    REFUSED(RAW("\x99\1\1\1\1\1\1\1\1\1"), "byte 0: expected a list of at most 8 items");
    REFUSED(RAW("\x81\xa1x\xd4\x02\x90"), "x: expected an extension of type 1 or 3, got 2");
    REFUSED(RAW("\x81\xa1x\xd4\xff\x90"), "x: expected an extension of type 1 or 3, got -1");
    REFUSED(RAW("\x81\xa1x\xd4\x01\x90"), "x: expected an array: shape, dtype, data");
    REFUSED(RAW("\x81\xa1x\xd7\x01\x93\x90\xa1y\xc4\0\0\0"), "byte 11: expected the end");
    REFUSED(RAW("\x81\xa1x\xc9\xff\xff\xff\xff\x01"), "byte 7: expected an extension that the file can hold");
    REFUSED(RAW("\xdf\xff\xff\xff\xff\xa1x"), "byte 4: expected no more entries than");
    REFUSED(RAW("\xdd\xff\xff\xff\xff\xa1x"), "byte 4: expected a list of at most 8");
    REFUSED(RAW("\x81\xa1x\xc6\xff\xff\xff\xff\x01"), "byte 8: expected 4294967295 more bytes");
    REFUSED(one(1, 2, two, "float64", 32), "x: expected dtype float32, float16 or bfloat16, got float64");
    REFUSED(one(1, 2, two, "float32\n", 16), "x: expected dtype float32, float16 or bfloat16, got float32?");
    REFUSED(one(1, 2, two, "float32", 15), "x: expected as many bytes");
    REFUSED(one(1, 2, two, "float16", 16), "x: expected as many bytes");
    REFUSED(one(1, 2, huge, "float32", 0), "x: expected sizes >= 0"); /* as an int 64 it is negative */
    REFUSED(one(1, 2, (size_t[]){(size_t)1 << 62, 4}, "float32", 0), "x: expected as many bytes");
    REFUSED(one(1, 2, (size_t[]){(size_t)1 << 62, 0}, "float32", 0), "x: expected as many bytes");
    REFUSED(one(3, 1, two, "float32", 8), "x: expected a scalar's shape");
    REFUSED(RAW("\x81\xa1x\xc7\x15\x01\x93\x91\xcb\x7f\xf8\0\0\0\0\0\0\xa7\x66loat32\xc4\0"), "x: expected sizes");
    REFUSED(RAW("\x81\xa1x\xc7\x0a\x01\x93\x90\xa7\x66loat32"), "byte 16: expected another value");
    REFUSED(RAW("\x81\xa1x\xc7\x0b\x01\x93\x90\xa7\x66loat32\xa0"), "x: expected the data, a byte string");
}
END_TEST

START_TEST(refused_pieces)
{
    static const char two[] = "\x81\xa1\x30\x02", first[] = "\x81\xa1\x30"; /* {"0": 2}, {"0": */
    struct drift_msgpack_file file;
    cut("\xc3", two, first);
    OK(parse(&file));
    REFUSED(cut("\xc2", two, first), "x: expected a mark");
    REFUSED(cut("\x01", two, first), "x: expected a mark");
    REFUSED(cut("\xc3", "\x91\x02", first), "x: expected \"shape\"");
    REFUSED(cut("\xc3", "\x81\xa1\x31\x02", first), "x: expected \"0\", \"1\", ...");
    REFUSED(cut("\xc3", "\x82\xa1\x30\x02\xa1\x30\x01", first), "x: expected \"0\", \"1\", ... each once");
    REFUSED(cut("\xc3", "\x82\xa1\x30\x02\xa2\x30\x31\x01", first), "x: expected \"0\", \"1\", ... each once");
    REFUSED(cut("\xc3", "\x81\xa1\x30\xcb\x7f\xf8\1\1\1\1\1\1", first), "x: expected sizes and arrays");
    REFUSED(cut("\xc3", "\x81\xa1\x30\xff", first), "x: expected sizes and arrays");
    REFUSED(cut("\xc3", "\x81\xa1\x30\xa1x", first), "x: expected sizes >= 0");
    REFUSED(cut("\xc3", "\x81\xa1\x30\x03", first), "x: expected chunks with as many items");
    REFUSED(cut("\xc3", "\x80", first), "x: expected chunks with as many items");
    REFUSED(cut("\xc3", two, "\x82\xa1\x30\xa1x\xa1\x31"), "x: expected a map or an array");
    REFUSED(cut("\xc3", two, "\x82\xa1\x30\xd6\x01\x93\x90\xa0\xa0\xa1\x31"), "x: expected dtype float32");
}
END_TEST

START_TEST(nested)
{
    struct drift_msgpack_file file;
    for (int depth = 1; depth < 100; depth++) {
        start();
        for (int i = 0; i < depth; i++)
            bytes_of("\x81\xa1x", 3);
        bytes_of("\x80", 1);
        if (depth < DRIFT_MSGPACK_DEPTH)
            OK(parse(&file));
        else
            FAILS(parse(&file), "nested less deeply");
    }
    static unsigned char deep[1 << 20];
    memset(deep, 0x91, sizeof deep);
    FAILS(drift_msgpack_parse("deep", deep, sizeof deep, &file), "deep: byte 32: expected maps that are nested");
}
END_TEST

START_TEST(not_written)
{
    const double x[2] = {0, 0};
    const struct drift_array array = drift_array_view(DRIFT_ARRAY_F32, 1, (size_t[]){2}, x);
    char deep[2 * DRIFT_MSGPACK_DEPTH + 2];
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 ? '/' : 'x';
    deep[sizeof deep - 1] = 0;
    const struct {
        const char *names[2];
        enum drift_array_type type;
        const char *line;
    } cases[] = {
        {{"a", "b/"}, DRIFT_ARRAY_F32, "/tmp/none: tensor b/: expected a name"},
        {{"a", "/b"}, DRIFT_ARRAY_F32, "tensor /b: expected a name"},
        {{"a", "b//c"}, DRIFT_ARRAY_F32, "tensor b//c: expected a name"},
        {{"a", ""}, DRIFT_ARRAY_F32, "tensor : expected a name"},
        {{"a", deep}, DRIFT_ARRAY_F32, "of 1 to 28 parts"},
        {{"a/b", "a"}, DRIFT_ARRAY_F32, "tensor a: expected a name that is not the beginning of a/b"},
        {{"a", "a"}, DRIFT_ARRAY_F32, "tensor a: expected a name that is not the beginning of a"},
        {{"a", "b"}, DRIFT_ARRAY_F64, "tensor b: expected float32, float16 or bfloat16, got float64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drift_tensor_entry entries[2] = {{cases[i].names[0], array}, {cases[i].names[1], array}};
        entries[1].array.type = cases[i].type;
        struct drift_msgpack content = {.count = 2, .tensors = entries, .chunk_bytes = DRIFT_MSGPACK_CHUNK};
        FAILS(drift_msgpack_write("/tmp/none", &content), cases[i].line);
        ck_assert_int_ne(access("/tmp/none", F_OK), 0);
    }
}
END_TEST

/* ---- damaged: every length, every value of every byte ---- */

static void load_small(void)
{
    struct drift_bytes bytes;
    struct rlimit limit = {1 << 28, 1 << 28};
    OK(drift_file_read("tests/data/small.msgpack", sizeof made, &bytes));
    raw((const char *)bytes.data, bytes.size);
    drift_bytes_free(&bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__has_feature)
    setrlimit(RLIMIT_AS, &limit);
#else
    (void)limit;
#endif
}

static void expect_one_line(drift_status status)
{
    if (!status)
        return;
    ck_assert_int_eq(status, DRIFT_INVALID);
    ck_assert_msg(!strncmp(drift_message(), "made: ", 6) && !strpbrk(drift_message(), "\n\r\t\x1b"), "%s",
                  drift_message());
}

START_TEST(cut_at_every_length)
{
    struct drift_msgpack_file file;
    load_small();
    for (const size_t size = used; used-- > 0;) {
        drift_status status = parse(&file);
        ck_assert_msg(status == DRIFT_INVALID, "taken although cut at byte %zu of %zu", used, size);
        expect_one_line(status);
    }
}
END_TEST

START_TEST(every_value_of_every_byte)
{
    struct drift_msgpack_file file;
    load_small();
    for (size_t at = 0; at < used; at++) {
        const unsigned char was = made[at];
        for (int value = 0; value < 256; value++) {
            made[at] = (unsigned char)value;
            expect_one_line(parse(&file));
        }
        made[at] = was;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("msgpack");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, start, NULL);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, of_python);
    tcase_add_loop_test(cases, of_the_reference, 0, 3);
    tcase_add_test(cases, longest_forms_in_any_order);
    tcase_add_test(cases, pieces_in_numeric_order);
    tcase_add_test(cases, refused);
    tcase_add_test(cases, refused_pieces);
    tcase_add_test(cases, nested);
    tcase_add_test(cases, not_written);
    tcase_add_test(cases, cut_at_every_length);
    tcase_add_test(cases, every_value_of_every_byte);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
