/* Lines of numbers. */
#include "io/csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/number.h"

struct table {
    const char *path;
    size_t line, rows, columns, used, room;
    double *values;
};

static int is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static int is_separator(char c) { return c == ',' || c == ';'; }

static drift_status push(struct table *table, double value)
{
    if (table->used == table->room) {
        size_t room = table->room ? 2 * table->room : 256;
        double *values = room > SIZE_MAX / sizeof *values ? NULL : realloc(table->values, room * sizeof *values);
        if (!values)
            return drift_fail_memory(table->path, room * sizeof *values);
        table->values = values;
        table->room = room;
    }
    table->values[table->used++] = value;
    return DRIFT_OK;
}

/* The numbers of one line, appended; *columns counts them. INVALID where a field is none. */
static drift_status read_line(struct table *table, const char *at, const char *end, size_t *columns)
{
    *columns = 0;
    for (;;) {
        double value;
        int64_t integer;
        while (at < end && is_space(*at))
            at++;
        const char *begin = at;
        while (at < end && !is_space(*at) && !is_separator(*at))
            at++;
        if (!drift_number_parse(begin, (size_t)(at - begin), &value, &integer)) {
            int shown = at - begin < 40 ? (int)(at - begin) : 40;
            return drift_fail(DRIFT_INVALID, "%s:%zu: column %zu: expected a finite number, got \"%.*s\"", table->path,
                              table->line, *columns + 1, shown, begin);
        }
        drift_status status = push(table, value);
        if (status)
            return status;
        ++*columns;
        while (at < end && is_space(*at))
            at++;
        if (at == end)
            return DRIFT_OK;
        if (is_separator(*at))
            at++;
    }
}

/* Not a number that is missing. */
static int is_name(const char *field, size_t length)
{
    static const char *const missing[] = {"nan", "inf", "infinity", "na", "null", "none"};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (length == strlen(missing[i]) && !strncasecmp(field, missing[i], length))
            return 0;
    const unsigned char c = length ? (unsigned char)*field : 0;
    return isalpha(c) || c == '"' || c == '\'' || c == '_' || c >= 128;
}

/* Whether a field of the line is a column's name. */
static int is_header(const char *at, const char *end)
{
    for (const char *begin = at;; at++) {
        if (at < end && !is_space(*at) && !is_separator(*at))
            continue;
        if (is_name(begin, (size_t)(at - begin)))
            return 1;
        if (at == end)
            return 0;
        begin = at + 1;
    }
}

/* Nothing but spaces, or a comment. */
static int is_blank(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at == end || *at == '#';
}

static drift_status read_lines(struct table *table, const char *at, const char *end)
{
    int seen = 0;
    for (; at < end; at++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t columns;
        stop = stop ? stop : end;
        table->line++;
        if (!is_blank(at, stop) && (seen++ || !is_header(at, stop))) {
            drift_status status = read_line(table, at, stop, &columns);
            if (status)
                return status;
            if (table->rows && columns != table->columns)
                return drift_fail(DRIFT_INVALID, "%s:%zu: expected %zu numbers, as before, got %zu", table->path,
                                  table->line, table->columns, columns);
            table->rows++;
            table->columns = columns;
        }
        at = stop;
    }
    return table->rows ? DRIFT_OK
                       : drift_fail(DRIFT_INVALID, "%s:%zu: expected lines of numbers", table->path, table->line + 1);
}

drift_status drift_csv_read(const char *path, struct drift_array *array)
{
    struct table table = {.path = path};
    struct drift_bytes bytes;
    memset(array, 0, sizeof *array);
    drift_status status = drift_file_read_gz(path, DRIFT_FILE_CAP, &bytes);
    if (status)
        return status;
    const char *text = (const char *)bytes.data;
    int mark = bytes.size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0; /* of UTF-8, as spreadsheets write it */
    status = read_lines(&table, text + mark, text + bytes.size);
    drift_bytes_free(&bytes);
    if (status) {
        free(table.values);
        return status;
    }
    size_t shape[2] = {table.rows, table.columns};
    *array = drift_array_view(DRIFT_ARRAY_F64, 2, shape, table.values);
    array->memory = table.values;
    return DRIFT_OK;
}

drift_status drift_csv_write(const char *path, size_t rows, size_t columns, const float *data)
{
    struct drift_writer writer;
    char text[DRIFT_NUMBER_TEXT];
    drift_status status = drift_writer_open(&writer, path);
    if (status)
        return status;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            drift_writer_print(&writer, "%s%c", drift_number_print(data[i * columns + j], text),
                               j + 1 < columns ? ',' : '\n');
    return drift_writer_commit(&writer);
}
