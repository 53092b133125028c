/* Damaged files: every reader gets each of its small inputs cut at every length and changed at every byte. It must
 * return, with a result or with one line that begins with the file's name; memory stays small and nothing leaks (run
 * it under AddressSanitizer for that). */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "data/data.h"
#include "io/csv.h"
#include "io/cifar.h"
#include "io/idx.h"
#include "io/msgpack.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/png.h"
#include "io/safetensors.h"
#include "io/yaml.h"

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) ||                 \
    HAS_FEATURE(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

enum { MEMORY = 1 << 28, RANDOM_CHANGES = 2000, SEED = 20260204 };

/* Reads every number, so that a view beyond the file is noticed. */
static void touch(const struct drift_array *array)
{
    float *x = malloc(array->count * sizeof *x + 1);
    ck_assert_ptr_nonnull(x);
    drift_array_floats(array, x);
    free(x);
}

typedef drift_status read_array(const char *path, struct drift_array *array);

static drift_status read_and_free(read_array *read, const char *path)
{
    struct drift_array array;
    drift_status status = read(path, &array);
    if (status)
        return status;
    touch(&array);
    drift_array_free(&array);
    return status;
}

static drift_status read_npy(const char *path) { return read_and_free(drift_npy_read, path); }
static drift_status read_foreign(const char *path) { return read_npy(path); } /* refused, unharmed too */
static drift_status read_csv(const char *path) { return read_and_free(drift_csv_read, path); }
static drift_status read_cifar(const char *path)
{
    struct drift_array images, labels;
    drift_status status = drift_cifar_read(path, &images, &labels);
    if (!status) {
        drift_array_free(&images);
        drift_array_free(&labels);
    }
    return status;
}
static drift_status read_idx(const char *path) { return read_and_free(drift_idx_read, path); }

static drift_status read_npz(const char *path)
{
    struct drift_npz npz;
    drift_status status = drift_npz_read(path, &npz);
    if (status)
        return status;
    for (size_t i = 0; i < npz.count; i++)
        touch(&npz.members[i].array);
    drift_npz_free(&npz);
    return status;
}

static drift_status read_safetensors(const char *path)
{
    struct drift_safetensors file;
    drift_status status = drift_safetensors_read(path, &file);
    if (status)
        return status;
    for (size_t i = 0; i < file.count; i++)
        touch(&file.tensors[i].array);
    drift_safetensors_metadata(&file, "note");
    drift_safetensors_free(&file);
    return status;
}

static drift_status read_msgpack(const char *path)
{
    struct drift_msgpack_file file;
    drift_status status = drift_msgpack_read(path, &file);
    if (status)
        return status;
    for (size_t i = 0; i < file.content.count; i++)
        touch(&file.content.tensors[i].array);
    drift_msgpack_free(&file);
    return status;
}

static drift_status read_png(const char *path)
{
    drift_status status = DRIFT_OK;
    for (size_t channels = 1; channels <= 3; channels += 2) {
        struct drift_picture picture;
        status = drift_png_read(path, channels, &picture);
        drift_picture_free(&picture);
    }
    return status;
}

static drift_status read_yaml(const char *path)
{
    struct drift_yaml_file file;
    struct drift_yaml *model;
    double x[4];
    size_t count;
    drift_status status = drift_yaml_read(path, &file);
    if (status)
        return status;
    drift_yaml_get(file.root, "name");
    status = drift_yaml_map(file.root, "model", &model);
    status = status ? status : drift_yaml_number(model, "rate", 0, INFINITY, x);
    status = status ? status : drift_yaml_numbers(model, "hidden_size", 0, 1000, 4, x, &count);
    status = status ? status : drift_yaml_unknown(file.root);
    drift_yaml_free(&file);
    return status;
}

/* Whatever kind it is. */
static drift_status read_data(const char *path)
{
    struct drift_data *data;
    float *x = NULL;
    drift_status status = drift_data_open(path, DRIFT_DATA_ALL, &data);
    if (status)
        return status;
    x = malloc(5 * data->dim * sizeof *x);
    ck_assert_ptr_nonnull(x);
    ck_assert_int_eq(drift_data_draw(data, 5, 1, 2, 3, x), DRIFT_OK);
    free(x);
    drift_data_close(data);
    return status;
}

static const struct input {
    const char *name;
    drift_status (*read)(const char *path);
} inputs[] = {
    {"f4.npy", read_npy},
    {"u1.npy", read_npy},
    {"scalar.npy", read_npy},
    {"f8.npy", read_npy},
    {"fortran.npy", read_foreign},
    {"big_endian.npy", read_foreign},
    {"version2.npy", read_npy},
    {"version3.npy", read_npy},
    {"stored.npz", read_npz},
    {"deflated.npz", read_npz},
    {"points.csv", read_csv},
    {"grey.png", read_png},
    {"palette.png", read_png},
    {"rgba16.png", read_png},
    {"recipe.yaml", read_yaml},
    {"images.idx3-ubyte", read_idx},
    {"labels.idx1-ubyte", read_idx},
    {"images.idx3-ubyte.gz", read_idx},
    {"cifar.bin.gz", read_cifar},
    {"small.safetensors", read_safetensors},
    {"small.msgpack", read_msgpack},
    {"f4.npy", read_data},
    {"stored.npz", read_data},
    {"grey.png", read_data},
    {"points.csv", read_data},
    {"images.idx3-ubyte.gz", read_data},
};

static char folder[] = "/tmp/drift-hostile-XXXXXX", path[64];

/* In place: a file system may write a file to disk that was cut to nothing before. */
static void write_bytes(const unsigned char *data, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, data, size), (ssize_t)size);
    ck_assert_int_eq(ftruncate(file, (off_t)size), 0);
    close(file);
}

/* The promise. */
static drift_status try_bytes(const struct input *input, const unsigned char *data, size_t size, const char *what,
                              size_t at)
{
    write_bytes(data, size);
    drift_status status = input->read(path);
    const char *message = drift_message();
    if (status == DRIFT_OK)
        return status;
    ck_assert_msg(status == DRIFT_INVALID, "%s, %s %zu: status %d: %s", input->name, what, at, status, message);
    ck_assert_msg(!strncmp(message, path, strlen(path)), "%s, %s %zu: the line does not name the file: %s", input->name,
                  what, at, message);
    ck_assert_msg(!strpbrk(message, "\n\r\t\x1b"), "%s, %s %zu: not one line: %s", input->name, what, at, message);
    return status;
}

static void load(const struct input *input, struct drift_bytes *bytes)
{
    char name[128];
    struct rlimit limit = {MEMORY, MEMORY};
    if (!SANITIZED)
        setrlimit(RLIMIT_AS, &limit);
    snprintf(name, sizeof name, "tests/data/%s", input->name);
    ck_assert_msg(drift_file_read(name, 1 << 16, bytes) == DRIFT_OK, "%s", drift_message());
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    write_bytes(bytes->data, bytes->size);
    drift_status status = input->read(path);
    ck_assert_msg(!status == (input->read != read_yaml && input->read != read_foreign), "%s, unharmed: %s", input->name,
                  drift_message());
}

static void unload(struct drift_bytes *bytes)
{
    drift_bytes_free(bytes);
    unlink(path);
    rmdir(folder);
}

START_TEST(cut_at_every_length)
{
    const struct input *input = &inputs[_i];
    struct drift_bytes bytes;
    load(input, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        drift_status status = try_bytes(input, bytes.data, size, "cut at", size);
        ck_assert_msg(status || input->read == read_csv || input->read == read_yaml || strstr(input->name, "csv"),
                      "%s: taken although cut at byte %zu", input->name, size);
    }
    unload(&bytes);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

START_TEST(changed_at_every_byte)
{
    const struct input *input = &inputs[_i];
    struct drift_bytes bytes;
    uint32_t state = SEED;
    load(input, &bytes);
    for (size_t at = 0; at < bytes.size; at++) {
        unsigned char was = bytes.data[at];
        unsigned char values[] = {0, 0xff, was ^ 0x80, (unsigned char)(was + 1), (unsigned char)next_random(&state)};
        for (size_t k = 0; k < sizeof values; k++) {
            bytes.data[at] = values[k];
            try_bytes(input, bytes.data, bytes.size, "changed byte", at);
        }
        bytes.data[at] = was;
    }
    unload(&bytes);
}
END_TEST

/* Several bytes at once, and bytes inserted, left out or repeated. */
START_TEST(changed_in_several_places)
{
    const struct input *input = &inputs[_i];
    struct drift_bytes bytes;
    uint32_t state = SEED + 1;
    load(input, &bytes);
    unsigned char *copy = malloc(2 * bytes.size);
    ck_assert_ptr_nonnull(copy);
    for (size_t trial = 0; trial < RANDOM_CHANGES; trial++) {
        size_t begin = next_random(&state) % bytes.size, end = begin + next_random(&state) % (bytes.size - begin);
        size_t to = trial % 4 ? begin : next_random(&state) % bytes.size, rest = bytes.size - end;
        memcpy(copy, bytes.data, bytes.size);
        if (trial % 2) { /* bytes begin..end repeated or left out */
            memcpy(copy + to, bytes.data + end, rest);
            try_bytes(input, copy, to + rest, "spliced, trial", trial);
            continue;
        }
        for (uint32_t k = next_random(&state) % 4; k < 5; k++)
            copy[next_random(&state) % bytes.size] = (unsigned char)next_random(&state);
        try_bytes(input, copy, bytes.size, "changed, trial", trial);
    }
    free(copy);
    unload(&bytes);
}
END_TEST

/* The same inside PNG's chunks, with their checksums made right again, so that the damage gets further. */
START_TEST(changed_chunks)
{
    static const struct input pictures[] = {
        {"grey.png", read_png}, {"palette.png", read_png}, {"rgba16.png", read_png}};
    const struct input *input = &pictures[_i];
    struct drift_bytes bytes;
    load(input, &bytes);
    for (size_t chunk = 8; chunk + 12 <= bytes.size;) {
        unsigned char *p = bytes.data + chunk;
        size_t length = (size_t)p[2] << 8 | p[3];
        for (size_t at = 8; at < 8 + length; at++) {
            unsigned char was = p[at],
                          values[] = {0, 0xff, was ^ 0x80, (unsigned char)(was + 1), (unsigned char)(was - 1)};
            for (size_t k = 0; k <= sizeof values; k++) {
                p[at] = k < sizeof values ? values[k] : was;
                unsigned long crc = crc32(0, p + 4, (unsigned int)length + 4);
                for (int i = 0; i < 4; i++)
                    p[8 + length + i] = (unsigned char)(crc >> (24 - 8 * i));
                try_bytes(input, bytes.data, bytes.size, "changed byte of a chunk", chunk + at);
            }
        }
        chunk += 12 + length;
    }
    unload(&bytes);
}
END_TEST

/* A small file that unpacks to much more than it may. */
START_TEST(bomb)
{
    struct drift_bytes bytes;
    struct input input = {"images.idx3-ubyte.gz", read_idx};
    load(&input, &bytes);
    gzFile file = gzopen(path, "wb9");
    static char zeros[1 << 20];
    for (int i = 0; i < 64; i++)
        gzwrite(file, zeros, sizeof zeros);
    gzclose(file);
    struct drift_bytes out;
    ck_assert_int_eq(drift_file_read_gz(path, 1 << 20, &out), DRIFT_INVALID);
    ck_assert_ptr_nonnull(strstr(drift_message(), "larger than 1048576 bytes"));
    ck_assert_int_eq(drift_file_read_gz(path, 64 << 20, &out), DRIFT_OK);
    ck_assert_uint_eq(out.size, 64 << 20);
    drift_bytes_free(&out);
    ck_assert_int_eq(drift_file_read("/dev/zero", 1000, &out), DRIFT_INVALID);
    unload(&bytes);
}
END_TEST

/* Deep nesting, many keys. */
START_TEST(large_yaml)
{
    enum { SIZE = 200000 };
    static char text[SIZE + 64];
    struct drift_yaml_file file;
    memset(text, '[', SIZE);
    ck_assert_int_eq(drift_yaml_parse("deep", text, SIZE, &file), DRIFT_INVALID);
    memcpy(text, "a: ", 3);
    ck_assert_int_eq(drift_yaml_parse("deep", text, SIZE, &file), DRIFT_INVALID);
    int n = 0;
    for (int i = 0; n + 20 < SIZE; i++)
        n += sprintf(text + n, "k%d: 1\n", i);
    ck_assert_int_eq(drift_yaml_parse("many", text, (size_t)n, &file), DRIFT_INVALID);
    ck_assert_ptr_nonnull(strstr(drift_message(), "at most"));
}
END_TEST

int main(void)
{
    int count = sizeof inputs / sizeof *inputs;
    Suite *suite = suite_create("hostile");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, cut_at_every_length, 0, count);
    tcase_add_loop_test(cases, changed_at_every_byte, 0, count);
    tcase_add_loop_test(cases, changed_in_several_places, 0, count);
    tcase_add_loop_test(cases, changed_chunks, 0, 3);
    tcase_add_test(cases, bomb);
    tcase_add_test(cases, large_yaml);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
