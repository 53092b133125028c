/* Readers and writers: files as numpy and others wrote them, round trips to the byte, what is refused and how, and
 * writing that fails. The files in tests/data were written by numpy, zlib and by hand. */
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/csv.h"
#include "io/idx.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/png.h"
#include "io/safetensors.h"
#include "io/yaml.h"

#define OK(call) ck_assert_msg((call) == DRIFT_OK, "%s", drift_message())
#define FAILS(call, with, line)                                                                                        \
    do {                                                                                                               \
        ck_assert_int_eq(call, with);                                                                                  \
        ck_assert_msg(strstr(drift_message(), line) != NULL, "got: %s", drift_message());                              \
    } while (0)

static char folder[] = "/tmp/drift-io-XXXXXX", path[64];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
}

/* Removing the folder proves that nothing else was left in it. */
static void teardown(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void expect_same_file(const char *a, const char *b)
{
    struct drift_bytes x, y;
    OK(drift_file_read(a, 1 << 20, &x));
    OK(drift_file_read(b, 1 << 20, &y));
    ck_assert_uint_eq(x.size, y.size);
    ck_assert_mem_eq(x.data, y.data, x.size);
    drift_bytes_free(&x);
    drift_bytes_free(&y);
}

static void put_text(const char *text) { OK(drift_file_write(path, text, strlen(text))); }

static const float six[6] = {-0.5F, -0.25F, 0, 0.25F, 0.5F, 0.75F};

static void expect_six(const struct drift_array *array)
{
    float x[6];
    double y[6];
    ck_assert_int_eq(array->rank, 2);
    ck_assert_uint_eq(array->shape[0], 2);
    ck_assert_uint_eq(array->shape[1], 3);
    ck_assert_uint_eq(array->count, 6);
    drift_array_floats(array, x);
    drift_array_doubles(array, y);
    for (int i = 0; i < 6; i++) {
        ck_assert_float_eq(x[i], six[i]);
        ck_assert_double_eq(y[i], (double)six[i]);
    }
}

/* ---- npy, npz ---- */

START_TEST(npy_of_numpy)
{
    static const char *const names[] = {"tests/data/f4.npy", "tests/data/f8.npy", "tests/data/version2.npy"};
    struct drift_array array;
    for (int i = 0; i < 3; i++) {
        OK(drift_npy_read(names[i], &array));
        expect_six(&array);
        if (i < 2) { /* version 1: the bytes that numpy writes */
            OK(drift_npy_write(path, &array));
            expect_same_file(path, names[i]);
        }
        drift_array_free(&array);
    }
    double x[2];
    OK(drift_npy_read("tests/data/version3.npy", &array));
    drift_array_doubles(&array, x);
    ck_assert_int_eq(array.type, DRIFT_ARRAY_I32);
    ck_assert_double_eq(x[0], -7);
    ck_assert_double_eq(x[1], 2147483647);
    drift_array_free(&array);
    OK(drift_npy_read("tests/data/scalar.npy", &array));
    drift_array_doubles(&array, x);
    ck_assert_int_eq(array.rank, 0);
    ck_assert_double_eq(x[0], 2.5);
    OK(drift_npy_write(path, &array));
    expect_same_file(path, "tests/data/scalar.npy");
    drift_array_free(&array);
}
END_TEST

START_TEST(npy_refused)
{
    struct drift_array array;
    FAILS(drift_npy_read("tests/data/fortran.npy", &array), DRIFT_INVALID, "fortran.npy: byte 68: expected C order");
    FAILS(drift_npy_read("tests/data/big_endian.npy", &array), DRIFT_INVALID,
          "big_endian.npy: byte 20: expected the type");
    FAILS(drift_npy_read("tests/data/grey.png", &array), DRIFT_INVALID, "byte 0: expected an npy file");
    FAILS(drift_npy_read("tests/data/absent", &array), DRIFT_IO, "tests/data/absent: No such file");
    FAILS(drift_npy_read("tests/data", &array), DRIFT_IO, "tests/data: Is a directory");
    size_t shape[1] = {1};
    array = drift_array_view(DRIFT_ARRAY_BF16, 1, shape, six);
    FAILS(drift_npy_write(path, &array), DRIFT_INVALID, "bfloat16 cannot be written");
}
END_TEST

START_TEST(npz_of_numpy)
{
    struct drift_npz npz;
    float x[12];
    OK(drift_npz_read("tests/data/stored.npz", &npz));
    ck_assert_uint_eq(npz.count, 2);
    expect_six(drift_npz_find(&npz, "x"));
    drift_array_floats(drift_npz_find(&npz, "y"), x);
    ck_assert_float_eq(x[0], 3);
    ck_assert_ptr_null(drift_npz_find(&npz, "z"));
    drift_npz_free(&npz);
    OK(drift_npz_read("tests/data/deflated.npz", &npz));
    drift_array_floats(drift_npz_find(&npz, "x"), x);
    ck_assert_float_eq(x[11], 0);
    ck_assert_uint_eq(drift_npz_find(&npz, "labels")->count, 3);
    drift_npz_free(&npz);
}
END_TEST

/* Our archives come back. */
START_TEST(npz_round_trip)
{
    size_t shape[2] = {2, 3}, empty[2] = {0, 4};
    struct drift_array arrays[2] = {drift_array_view(DRIFT_ARRAY_F32, 2, shape, six),
                                    drift_array_view(DRIFT_ARRAY_F64, 2, empty, NULL)};
    const char *const names[2] = {"x", "nothing"};
    for (int compress = 0; compress < 2; compress++) {
        struct drift_npz npz;
        OK(drift_npz_write(path, 2, names, arrays, compress));
        OK(drift_npz_read(path, &npz));
        ck_assert_uint_eq(npz.count, 2);
        expect_six(drift_npz_find(&npz, "x"));
        ck_assert_uint_eq(drift_npz_find(&npz, "nothing")->count, 0);
        ck_assert_uint_eq(drift_npz_find(&npz, "nothing")->shape[1], 4);
        drift_npz_free(&npz);
    }
}
END_TEST

/* ---- csv, idx, png ---- */

START_TEST(csv)
{
    struct drift_array array;
    double x[4];
    OK(drift_csv_read("tests/data/points.csv", &array));
    ck_assert_uint_eq(array.shape[0], 2);
    ck_assert_uint_eq(array.shape[1], 2);
    drift_array_doubles(&array, x);
    ck_assert(x[0] == 0.5 && x[1] == -1e-3 && x[2] == 0.25 && x[3] == 2);
    drift_array_free(&array);
    put_text("1 2\r\n3\t4");
    OK(drift_csv_read(path, &array));
    ck_assert_uint_eq(array.count, 4);
    drift_array_free(&array);
    put_text("1,2\n3,4,5\n");
    FAILS(drift_csv_read(path, &array), DRIFT_INVALID, "/file:2: expected 2 numbers, as before, got 3");
    put_text("a,b\n3,x\n");
    FAILS(drift_csv_read(path, &array), DRIFT_INVALID, "/file:2: column 2: expected a finite number, got \"x\"");
    put_text("1,2\n1,nan\n");
    FAILS(drift_csv_read(path, &array), DRIFT_INVALID, "/file:2: column 2");
    const char *const first[] = {"nan,1", "1,-inf", "NA,1", ",1", "1.o,2", "1,null", "NaN NaN"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        put_text(first[i]);
        FAILS(drift_csv_read(path, &array), DRIFT_INVALID, "/file:1: column");
    }
    const char *const header[] = {",x0,1\n1,2,3", "id,0,1\n1,2,3", "\"x\" \"y\"\n1 2", "\xce\xb1;_\n1;2",
                                  "\n# a\nx\n1"};
    for (size_t i = 0; i < sizeof header / sizeof *header; i++) {
        put_text(header[i]);
        OK(drift_csv_read(path, &array));
        ck_assert_uint_eq(array.shape[0], 1);
        drift_array_free(&array);
    }
    put_text("a,b\n");
    FAILS(drift_csv_read(path, &array), DRIFT_INVALID, "/file:2: expected lines of numbers");
}
END_TEST

START_TEST(csv_round_trip)
{
    const float x[6] = {1.0F / 3, -1e-30F, 16777216, 3.4028235e38F, 0.1F, -0.0F};
    float y[6];
    struct drift_array array;
    OK(drift_csv_write(path, 3, 2, x));
    OK(drift_csv_read(path, &array));
    drift_array_floats(&array, y);
    ck_assert_mem_eq(x, y, sizeof x);
    drift_array_free(&array);
}
END_TEST

START_TEST(idx)
{
    static const char *const names[] = {"tests/data/images.idx3-ubyte", "tests/data/images.idx3-ubyte.gz"};
    struct drift_array array;
    for (int i = 0; i < 2; i++) {
        OK(drift_idx_read(names[i], &array));
        ck_assert_int_eq(array.rank, 3);
        ck_assert_uint_eq(array.shape[0], 3);
        ck_assert_uint_eq(array.count, 12);
        ck_assert_int_eq(((const unsigned char *)array.data)[11], 220);
        drift_array_free(&array);
    }
    FAILS(drift_idx_read("tests/data/f4.npy", &array), DRIFT_INVALID, "f4.npy: byte 0: expected an idx file");
}
END_TEST

START_TEST(png)
{
    struct drift_picture picture;
    OK(drift_png_read("tests/data/grey.png", 1, &picture));
    ck_assert_uint_eq(picture.height, 2);
    ck_assert_uint_eq(picture.width, 3);
    ck_assert_mem_eq(picture.pixels, ((unsigned char[]){0, 128, 255, 255, 255, 10}), 6);
    drift_picture_free(&picture);
    OK(drift_png_read("tests/data/palette.png", 3, &picture)); /* index 0 red, 1 blue */
    ck_assert_mem_eq(picture.pixels, ((unsigned char[]){255, 0, 0, 0, 0, 255}), 6);
    drift_picture_free(&picture);
    OK(drift_png_read("tests/data/rgba16.png", 3, &picture)); /* red, and nothing over white */
    ck_assert_mem_eq(picture.pixels, ((unsigned char[]){255, 0, 0, 255, 255, 255}), 6);
    drift_picture_free(&picture);
    OK(drift_png_read("tests/data/grey_alpha.png", 1, &picture)); /* black, and nothing over white */
    ck_assert_mem_eq(picture.pixels, ((unsigned char[]){0, 255}), 2);
    drift_picture_free(&picture);
    FAILS(drift_png_read("tests/data/f4.npy", 1, &picture), DRIFT_INVALID, "f4.npy: byte 8: damaged PNG");
}
END_TEST

START_TEST(png_round_trip)
{
    enum { SIDE = 37 };
    static unsigned char pixels[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * i >> 3);
    for (size_t channels = 1; channels <= 3; channels += 2) {
        struct drift_picture out = {SIDE, SIDE, channels, pixels}, in;
        OK(drift_png_write(path, &out));
        OK(drift_png_read(path, channels, &in));
        ck_assert_mem_eq(in.pixels, pixels, SIDE * SIDE * channels);
        drift_picture_free(&in);
    }
    struct drift_picture wrong = {0, 1, 1, pixels};
    FAILS(drift_png_write(path, &wrong), DRIFT_INVALID, "expected a picture");
}
END_TEST

/* ---- safetensors ---- */

START_TEST(safetensors)
{
    struct drift_safetensors file;
    const struct drift_array *array;
    size_t shape[2] = {2, SIZE_MAX}, wrong[2] = {3, 2};
    float x[2];
    OK(drift_safetensors_read("tests/data/small.safetensors", &file));
    ck_assert_uint_eq(file.count, 5);
    expect_six(drift_safetensors_find(&file, "a"));
    ck_assert_str_eq(drift_safetensors_metadata(&file, "note"), "\xc3\xa9 \"q\"");
    ck_assert_ptr_null(drift_safetensors_metadata(&file, "a"));
    drift_array_floats(drift_safetensors_find(&file, "half"), x);
    ck_assert_float_eq(x[0], 1.5F);
    ck_assert_float_eq(x[1], 0x1p-24F);
    drift_array_floats(drift_safetensors_find(&file, "brain"), x);
    ck_assert_float_eq(x[0], 1.5F);
    ck_assert(x[1] == -INFINITY);
    drift_array_floats(drift_safetensors_find(&file, "n"), x);
    ck_assert_float_eq(x[0], -5);
    ck_assert_uint_eq(drift_safetensors_find(&file, "none")->count, 0);
    OK(drift_safetensors_get(&file, "a", 2, shape, &array));
    FAILS(drift_safetensors_get(&file, "a", 2, wrong, &array), DRIFT_INVALID,
          "tensor a: expected [3,2] float32, got [2,3]");
    FAILS(drift_safetensors_get(&file, "b", -1, NULL, &array), DRIFT_INVALID, "expected a tensor named b");
    drift_safetensors_free(&file);
}
END_TEST

START_TEST(safetensors_round_trip)
{
    size_t shape[2] = {2, 3}, empty[2] = {0, 5};
    const double wide[2] = {1e300, -0.0};
    const struct drift_tensor_entry tensors[] = {
        {"z", drift_array_view(DRIFT_ARRAY_F64, 1, shape, wide)},
        {"a/weight", drift_array_view(DRIFT_ARRAY_F32, 2, shape, six)},
        {"none", drift_array_view(DRIFT_ARRAY_I32, 2, empty, NULL)},
    };
    const struct drift_metadata_entry metadata[] = {{"recipe", "a: 1\nb: \"\xc3\xa9\"\n"}, {"step", "7"}};
    struct drift_safetensors file;
    struct drift_bytes first, second;
    OK(drift_safetensors_write(path, 3, tensors, 2, metadata));
    OK(drift_file_read(path, 1 << 20, &first));
    OK(drift_safetensors_write(path, 3, tensors, 2, metadata));
    OK(drift_file_read(path, 1 << 20, &second));
    ck_assert_uint_eq(first.data[0] % 8, 0);
    ck_assert_uint_eq(first.size, second.size);
    ck_assert_mem_eq(first.data, second.data, first.size);
    drift_bytes_free(&first);
    drift_bytes_free(&second);
    OK(drift_safetensors_read(path, &file));
    ck_assert_str_eq(file.tensors[0].name, "z");
    ck_assert_mem_eq(file.tensors[0].array.data, wide, sizeof wide);
    expect_six(drift_safetensors_find(&file, "a/weight"));
    ck_assert_str_eq(drift_safetensors_metadata(&file, "recipe"), metadata[0].value);
    drift_safetensors_free(&file);
    const struct drift_tensor_entry twice[] = {tensors[0], tensors[0]};
    FAILS(drift_safetensors_write(path, 2, twice, 0, NULL), DRIFT_INVALID, "tensor z: expected a name");
}
END_TEST

static void put_safetensors(const char *header, size_t data)
{
    unsigned char bytes[1024] = {(unsigned char)strlen(header)};
    memcpy(bytes + 8, header, strlen(header));
    OK(drift_file_write(path, bytes, 8 + strlen(header) + data));
}

START_TEST(safetensors_refused)
{
    static const struct {
        const char *header, *line;
    } cases[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
         "tensor a: expected data_offsets from 0 on"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,16]}}", "tensor a: expected data_offsets within"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "tensor a: expected as many bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "expected 4 data bytes"},
        {"{\"a\":{\"dtype\":\"I16\",\"shape\":[6],\"data_offsets\":[0,12]}}", "tensor a: expected dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-3],\"data_offsets\":[0,12]}}", "tensor a: expected sizes"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
         "tensor a: expected as many"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[4,12]}}",
         "tensor b: expected data_offsets from 8 on"},
        {"{\"__metadata__\":{\"a\":1}}", "__metadata__: a: expected a string"},
        {"[]", "byte 8: expected the header, a JSON object"},
    };
    struct drift_safetensors file;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_safetensors(cases[i].header, 12);
        FAILS(drift_safetensors_read(path, &file), DRIFT_INVALID, cases[i].line);
    }
}
END_TEST

/* ---- yaml ---- */

START_TEST(yaml)
{
    struct drift_yaml_file file;
    struct drift_yaml *model, *flow;
    const char *text = "before";
    double number = 7, list[2];
    int64_t integer = 7;
    int yes = 0;
    size_t count;
    OK(drift_yaml_read("tests/data/recipe.yaml", &file));
    OK(drift_yaml_string(file.root, "entity", &text));
    ck_assert_str_eq(text, "a # b");
    OK(drift_yaml_number(file.root, "empty", 0, 1, &number));
    OK(drift_yaml_number(file.root, "absent", 0, 1, &number));
    ck_assert_double_eq(number, 7);
    OK(drift_yaml_map(file.root, "model", &model));
    OK(drift_yaml_number(model, "rate", 0, 1, &number));
    ck_assert_double_eq(number, 1e-4);
    OK(drift_yaml_bool(model, "on", &yes));
    ck_assert_int_eq(yes, 1);
    OK(drift_yaml_numbers(model, "hidden_size", 1, 1000, 2, list, &count));
    ck_assert_uint_eq(count, 2);
    OK(drift_yaml_map(file.root, "flow", &flow));
    OK(drift_yaml_integer(flow, "n", 0, 3, &integer));
    ck_assert_int_eq(integer, 3);
    OK(drift_yaml_string(file.root, "url", &text));
    ck_assert_str_eq(text, "runs/mae:latest");
    FAILS(drift_yaml_integer(flow, "n", 4, 5, &integer), DRIFT_INVALID,
          "recipe.yaml:14: flow.n: expected an integer from 4 to 5, got 3");
    FAILS(drift_yaml_bool(model, "rate", &yes), DRIFT_INVALID,
          "recipe.yaml:8: model.rate: expected true or false, got 1e-4");
    drift_yaml_free(&file);
}
END_TEST

START_TEST(yaml_unknown_and_set)
{
    const char text[] = "train:\n  bach: 3\n";
    static const char *const forms[] = {"joint", "exact", NULL};
    struct drift_yaml_file file;
    struct drift_yaml *train;
    int64_t batch = 0;
    int form = -1;
    OK(drift_yaml_parse("R", text, strlen(text), &file));
    OK(drift_yaml_map(file.root, "train", &train));
    OK(drift_yaml_integer(train, "batch", 1, INT64_MAX, &batch));
    FAILS(drift_yaml_unknown(file.root), DRIFT_INVALID, "R:2: train.bach: unknown key; did you mean batch?");
    OK(drift_yaml_set(&file, "--set", "train.batch=512"));
    OK(drift_yaml_integer(train, "batch", 1, INT64_MAX, &batch));
    ck_assert_int_eq(batch, 512);
    OK(drift_yaml_set(&file, "--set", "train.batch=many"));
    FAILS(drift_yaml_integer(train, "batch", 1, INT64_MAX, &batch), DRIFT_INVALID,
          "--set: train.batch: expected an integer >= 1, got many");
    OK(drift_yaml_set(&file, "--set", "form=exat"));
    FAILS(drift_yaml_word(file.root, "form", forms, &form), DRIFT_INVALID,
          "--set: form: expected one of joint, exact, got exat (did you mean exact?)");
    FAILS(drift_yaml_set(&file, "--set", "form.x=1"), DRIFT_INVALID, "--set: form: expected a map");
    FAILS(drift_yaml_set(&file, "--set", "form"), DRIFT_INVALID, "--set: expected key=VALUE, got form");
    drift_yaml_free(&file);
}
END_TEST

START_TEST(yaml_refused)
{
    static const char *const cases[][2] = {
        {"a: 1\na: 2\n", "R:2: a: the key occurs twice (first in line 1)"},
        {"a: &x 1\n", "R:1: a: expected a value without anchor"},
        {"a: !!str 1\n", "R:1: a: expected a value without tag"},
        {"a: |\n  text\n", "R:1: a: expected a value within the line, not a block scalar"},
        {"a: b\n  c\n", "R:1: a: expected a value within one line"},
        {"a:\n\tb: 1\n", "R:2: "},
        {"- a\n", "R:1: expected lines of \"key: value\""},
        {"a: 1\n---\nb: 2\n", "R:2: expected one document"},
        {"a: \xff\n", "R: byte 3: "},
        {"? [a]\n: b\n", "R:1: expected a plain key"},
        {"a: *x\n", "R:1: a: expected a value, not an alias"},
    };
    struct drift_yaml_file file;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        FAILS(drift_yaml_parse("R", cases[i][0], strlen(cases[i][0]), &file), DRIFT_INVALID, cases[i][1]);
    OK(drift_yaml_parse("R", "", 0, &file));
    ck_assert_uint_eq(file.root->count, 0);
    drift_yaml_free(&file);
}
END_TEST

/* ---- writing that fails, and other files ---- */

/* The first byte beyond the limit is refused: EFBIG, as a full disk would be ENOSPC. */
START_TEST(failed_write_keeps_the_old_file)
{
    static char large[200000];
    struct drift_bytes bytes;
    put_text("old");
    struct rlimit limit = {100000, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    FAILS(drift_file_write(path, large, sizeof large), DRIFT_IO, "/file: cannot write: File too large");
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    OK(drift_file_read(path, 10, &bytes));
    ck_assert_str_eq((const char *)bytes.data, "old");
    drift_bytes_free(&bytes);
}
END_TEST

START_TEST(writer)
{
    struct drift_writer writer;
    struct drift_bytes bytes;
    struct stat info;
    put_text("old");
    ck_assert_int_eq(chmod(path, 0640), 0);
    OK(drift_writer_open(&writer, path));
    OK(drift_writer_print(&writer, "%d %s\n", 7, "words"));
    drift_writer_abort(&writer);
    drift_writer_abort(&writer);
    ck_assert_int_eq(drift_writer_commit(&writer), DRIFT_INVALID);
    OK(drift_file_read(path, 10, &bytes));
    ck_assert_str_eq((const char *)bytes.data, "old");
    drift_bytes_free(&bytes);

    OK(drift_writer_open(&writer, path));
    for (int i = 0; i < 30000; i++)
        OK(drift_writer_print(&writer, "%05d\n", i));
    OK(drift_writer_commit(&writer));
    OK(drift_file_read(path, 1 << 20, &bytes));
    ck_assert_uint_eq(bytes.size, 180000);
    ck_assert_mem_eq(bytes.data + 179994, "29999\n", 6);
    drift_bytes_free(&bytes);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0640);
}
END_TEST

START_TEST(special_files)
{
    struct drift_bytes bytes;
    char link[80];
    struct stat info;
    OK(drift_file_write("/dev/null", "x", 1));
    FAILS(drift_file_write("/dev/full", "x", 1), DRIFT_IO, "/dev/full: cannot write: No space left on device");
    ck_assert(!stat("/dev/full", &info) && S_ISCHR(info.st_mode));
    FAILS(drift_file_write(folder, "x", 1), DRIFT_IO, "cannot write: Is a directory");
    FAILS(drift_file_write("/nowhere/file", "x", 1), DRIFT_IO, "/nowhere/file: cannot write: No such file");
    put_text("target");
    snprintf(link, sizeof link, "%s/link", folder);
    ck_assert_int_eq(symlink(path, link), 0);
    OK(drift_file_write(link, "new", 3));
    ck_assert(!lstat(link, &info) && S_ISLNK(info.st_mode));
    OK(drift_file_read(path, 10, &bytes));
    ck_assert_str_eq((const char *)bytes.data, "new");
    drift_bytes_free(&bytes);
    FAILS(drift_file_read(path, 2, &bytes), DRIFT_INVALID, "/file: larger than 2 bytes");
    unlink(link);
}
END_TEST

START_TEST(folders)
{
    char deep[80];
    snprintf(deep, sizeof deep, "%s/a/b", folder);
    OK(drift_folder_make(deep));
    OK(drift_folder_make(deep));
    put_text("x");
    FAILS(drift_folder_make(path), DRIFT_IO, "cannot make the folder: Not a directory");
    rmdir(deep);
    *strrchr(deep, '/') = 0;
    rmdir(deep);
}
END_TEST

START_TEST(sizes)
{
    size_t r = 5, count, bytes, shape[3] = {SIZE_MAX / 2, 3, 0};
    ck_assert(!drift_size_multiply(SIZE_MAX / 2, 3, &r) && r == 5);
    ck_assert(drift_size_multiply(SIZE_MAX / 2, 2, &r) && r == SIZE_MAX - 1);
    ck_assert(!drift_size_add(SIZE_MAX, 1, &r));
    ck_assert(!drift_array_measure(DRIFT_ARRAY_U8, 3, shape, &count, &bytes));
    ck_assert(!drift_array_measure(DRIFT_ARRAY_F32, 1, shape, &count, &bytes));
    shape[0] = 4;
    ck_assert(drift_array_measure(DRIFT_ARRAY_F64, 2, shape, &count, &bytes) && bytes == 96);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, npy_of_numpy);
    tcase_add_test(cases, npy_refused);
    tcase_add_test(cases, npz_of_numpy);
    tcase_add_test(cases, npz_round_trip);
    tcase_add_test(cases, csv);
    tcase_add_test(cases, csv_round_trip);
    tcase_add_test(cases, idx);
    tcase_add_test(cases, png);
    tcase_add_test(cases, png_round_trip);
    tcase_add_test(cases, safetensors);
    tcase_add_test(cases, safetensors_round_trip);
    tcase_add_test(cases, safetensors_refused);
    tcase_add_test(cases, yaml);
    tcase_add_test(cases, yaml_unknown_and_set);
    tcase_add_test(cases, yaml_refused);
    tcase_add_test(cases, failed_write_keeps_the_old_file);
    tcase_add_test(cases, writer);
    tcase_add_test(cases, special_files);
    tcase_add_test(cases, folders);
    tcase_add_test(cases, sizes);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
