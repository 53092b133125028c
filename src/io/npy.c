/* Magic, version, header length, a Python dictionary as text, the data. */
#include "io/npy.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = 6, ALIGNMENT = 64 };

static const struct {
    const char *text;
    enum drift_array_type type;
} types[] = {
    {"<f8", DRIFT_ARRAY_F64}, {"<f4", DRIFT_ARRAY_F32}, {"<f2", DRIFT_ARRAY_F16}, {"<i8", DRIFT_ARRAY_I64},
    {"<i4", DRIFT_ARRAY_I32}, {"|u1", DRIFT_ARRAY_U8},  {"|b1", DRIFT_ARRAY_U8},
};

/* The text of the header while it is read. */
struct text {
    const char *path;
    const char *start, *at, *end;
    size_t offset; /* of start in the file */
};

static drift_status fail_here(const struct text *text, const char *expected)
{
    return drift_fail(DRIFT_INVALID, "%s: byte %zu: expected %s", text->path,
                      text->offset + (size_t)(text->at - text->start), expected);
}

static void skip_spaces(struct text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\n'))
        text->at++;
}

/* Takes `word` if it stands here. */
static int take(struct text *text, const char *word)
{
    size_t n = strlen(word);
    skip_spaces(text);
    if ((size_t)(text->end - text->at) < n || memcmp(text->at, word, n))
        return 0;
    text->at += n;
    return 1;
}

static drift_status read_type(struct text *text, struct drift_array *array)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char quoted[2][8];
        snprintf(quoted[0], sizeof quoted[0], "'%s'", types[i].text);
        snprintf(quoted[1], sizeof quoted[1], "\"%s\"", types[i].text);
        if (take(text, quoted[0]) || take(text, quoted[1])) {
            array->type = types[i].type;
            return DRIFT_OK;
        }
    }
    return fail_here(text, "the type '<f8', '<f4', '<f2', '<i8', '<i4', '|u1' or '|b1' (numpy: x.astype('<f4'))");
}

static drift_status read_size(struct text *text, size_t *size)
{
    *size = 0;
    if (text->at == text->end || *text->at < '0' || *text->at > '9')
        return fail_here(text, "a size or )");
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9') {
        if (!drift_size_multiply(*size, 10, size) || !drift_size_add(*size, (size_t)(*text->at - '0'), size))
            return fail_here(text, "a smaller size");
        text->at++;
    }
    return DRIFT_OK;
}

static drift_status read_shape(struct text *text, struct drift_array *array)
{
    if (!take(text, "("))
        return fail_here(text, "the shape, a tuple");
    array->rank = 0;
    while (!take(text, ")")) {
        if (array->rank == DRIFT_ARRAY_RANK)
            return fail_here(text, "at most 8 dimensions");
        drift_status status = read_size(text, &array->shape[array->rank++]);
        if (status)
            return status;
        if (!take(text, ",")) {
            if (array->rank == 1 || !take(text, ")"))
                return fail_here(text, "a comma in the shape");
            break;
        }
    }
    return DRIFT_OK;
}

/* {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } in any order. */
static drift_status read_dictionary(struct text *text, struct drift_array *array)
{
    int seen[3] = {0, 0, 0}, fortran = 0;
    if (!take(text, "{"))
        return fail_here(text, "the header, {'descr': ...");
    while (!take(text, "}")) {
        drift_status status = DRIFT_OK;
        if (take(text, "'descr':")) {
            seen[0]++;
            status = read_type(text, array);
        } else if (take(text, "'fortran_order':")) {
            seen[1]++;
            fortran = take(text, "True");
            if (!fortran && !take(text, "False"))
                status = fail_here(text, "True or False");
        } else if (take(text, "'shape':")) {
            seen[2]++;
            status = read_shape(text, array);
        } else {
            status = fail_here(text, "'descr', 'fortran_order' or 'shape'");
        }
        if (status)
            return status;
        if (!take(text, ",") && (text->at == text->end || *text->at != '}'))
            return fail_here(text, ", or }");
    }
    if (seen[0] != 1 || seen[1] != 1 || seen[2] != 1)
        return fail_here(text, "'descr', 'fortran_order' and 'shape' before it, each once");
    if (fortran && array->rank > 1)
        return fail_here(text, "C order before it (numpy.ascontiguousarray)");
    skip_spaces(text);
    return text->at == text->end ? DRIFT_OK : fail_here(text, "spaces up to the data");
}

drift_status drift_npy_parse(const char *name, const unsigned char *data, size_t size, struct drift_array *array)
{
    size_t bytes;
    memset(array, 0, sizeof *array);
    if (size < MAGIC || memcmp(data, "\x93NUMPY", MAGIC))
        return drift_fail(DRIFT_INVALID, "%s: byte 0: expected an npy file (\\x93NUMPY)", name);
    if (size < 12)
        return drift_fail(DRIFT_INVALID, "%s: byte %zu: expected version and header length", name, size);
    if (data[6] < 1 || data[6] > 3 || data[7])
        return drift_fail(DRIFT_INVALID, "%s: byte 6: expected version 1.0, 2.0 or 3.0, got %d.%d", name, data[6],
                          data[7]);
    size_t begin = data[6] == 1 ? 10 : 12;
    size_t length = data[8] | (size_t)data[9] << 8;
    if (data[6] > 1)
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (length > size - begin)
        return drift_fail(DRIFT_INVALID, "%s: byte 8: expected a header of at most %zu bytes, got %zu", name,
                          size - begin, length);
    const char *start = (const char *)data + begin;
    struct text text = {name, start, start, start + length, begin};
    drift_status status = read_dictionary(&text, array);
    if (status)
        return status;
    if (!drift_array_measure(array->type, array->rank, array->shape, &array->count, &bytes) ||
        bytes != size - begin - length)
        return drift_fail(DRIFT_INVALID, "%s: byte %zu: expected as many bytes of data as type and shape say, got %zu",
                          name, begin + length, size - begin - length);
    array->data = data + begin + length;
    return DRIFT_OK;
}

drift_status drift_npy_read(const char *path, struct drift_array *array)
{
    struct drift_bytes bytes;
    memset(array, 0, sizeof *array);
    drift_status status = drift_file_read(path, DRIFT_FILE_CAP, &bytes);
    if (status)
        return status;
    status = drift_npy_parse(path, bytes.data, bytes.size, array);
    if (status)
        drift_bytes_free(&bytes);
    else
        array->memory = bytes.data;
    return status;
}

drift_status drift_npy_header(const struct drift_array *array, unsigned char header[DRIFT_NPY_HEADER], size_t *size)
{
    const char *type = NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types && !type; i++)
        if (types[i].type == array->type)
            type = types[i].text;
    if (!type)
        return drift_fail(DRIFT_INVALID, "%s cannot be written as npy", drift_array_type_name(array->type));
    char text[DRIFT_NPY_HEADER];
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (int i = 0; i < array->rank; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%zu%s", i ? " " : "", array->shape[i],
                      i + 1 < array->rank || array->rank == 1 ? "," : "");
    n += snprintf(text + n, sizeof text - (size_t)n, "), }");
    size_t total = ((size_t)n + 11 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(header, ' ', DRIFT_NPY_HEADER);
    memcpy(header, "\x93NUMPY\x01", 8); /* version 1, 0 */
    header[8] = (unsigned char)((total - 10) & 255);
    header[9] = (unsigned char)((total - 10) >> 8);
    memcpy(header + 10, text, (size_t)n);
    header[total - 1] = '\n';
    *size = total;
    return DRIFT_OK;
}

drift_status drift_npy_write(const char *path, const struct drift_array *array)
{
    unsigned char header[DRIFT_NPY_HEADER];
    struct drift_writer writer;
    size_t size;
    drift_status status = drift_npy_header(array, header, &size);
    if (status)
        return drift_fail_context(status, "%s", path);
    status = drift_writer_open(&writer, path);
    if (status)
        return status;
    drift_writer_write(&writer, header, size);
    drift_writer_write(&writer, array->data, array->count * drift_array_item_size(array->type));
    return drift_writer_commit(&writer);
}
