/* From libyaml's events to a tree of nodes. */
#include "io/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "io/file.h"
#include "io/number.h"
#include "io/yaml_node.h"

enum { DEEPEST = 32, MOST_ITEMS = 4096, LARGEST_FILE = 1 << 20 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
    const char *file;
    int lines; /* 0: positions mean nothing to the user (--set) */
};

static int line_of(const struct reader *reader, yaml_mark_t mark) { return reader->lines ? (int)mark.line + 1 : 0; }

static drift_status fail_at(const struct reader *reader, yaml_mark_t mark, const char *path, const char *what)
{
    struct drift_yaml place = {.file = reader->file, .line = line_of(reader, mark), .path = (char *)path};
    return drift_yaml_fail(&place, "%s", what);
}

static drift_status next_event(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->parser, &reader->event))
        return DRIFT_OK;
    const yaml_parser_t *p = &reader->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return drift_fail_memory(reader->file, 0);
    if (p->error == YAML_READER_ERROR)
        return drift_fail(DRIFT_INVALID, "%s: byte %zu: %s", reader->file, p->problem_offset, p->problem);
    return fail_at(reader, p->problem_mark, "", p->problem ? p->problem : "expected YAML");
}

/* What is refused wherever it stands. */
static const char *refused(const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return "expected a value, not an alias";
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
            event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
            return "expected a value within the line, not a block scalar";
        if (event->start_mark.line != event->end_mark.line && event->data.scalar.length)
            return "expected a value within one line";
        if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
            return "expected text without zero bytes";
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    return anchor ? "expected a value without anchor" : tag ? "expected a value without tag" : NULL;
}

static int is_any(const char *text, const char *const *words)
{
    while (*words && strcmp(text, *words))
        words++;
    return *words != NULL;
}

/* What a plain scalar means. */
static void classify(struct drift_yaml *node)
{
    static const char *const nulls[] = {"", "~", "null", NULL}, *const yes[] = {"true", "True", "TRUE", NULL},
                             *const no[] = {"false", "False", "FALSE", NULL};
    node->kind = DRIFT_YAML_STRING;
    if (is_any(node->text, nulls)) {
        node->kind = DRIFT_YAML_NULL;
    } else if (is_any(node->text, yes) || is_any(node->text, no)) {
        node->kind = DRIFT_YAML_BOOL;
        node->integer = is_any(node->text, yes);
    } else {
        enum drift_number_kind kind = drift_number_parse(node->text, strlen(node->text), &node->number, &node->integer);
        if (kind)
            node->kind = kind == DRIFT_INTEGER ? DRIFT_YAML_INTEGER : DRIFT_YAML_NUMBER;
    }
}

static drift_status build(struct reader *reader, int depth, struct drift_yaml *node);

static drift_status append(struct drift_yaml *parent, struct drift_yaml ***tail, struct drift_yaml *child)
{
    if (!child)
        return drift_fail_memory(parent->file, sizeof *child);
    **tail = child;
    *tail = &child->next;
    if (++parent->count > MOST_ITEMS)
        return drift_yaml_fail(parent, "expected at most %d items", MOST_ITEMS);
    return DRIFT_OK;
}

static drift_status build_list(struct reader *reader, int depth, struct drift_yaml *list)
{
    struct drift_yaml **tail = &list->child;
    drift_status status = next_event(reader);
    list->kind = DRIFT_YAML_LIST;
    while (!status && reader->event.type != YAML_SEQUENCE_END_EVENT) {
        struct drift_yaml *item = drift_yaml_node_new(list, NULL, line_of(reader, reader->event.start_mark));
        status = append(list, &tail, item);
        status = status ? status : build(reader, depth + 1, item);
        status = status ? status : next_event(reader);
    }
    return status;
}

static drift_status build_entry(struct reader *reader, int depth, struct drift_yaml *map, struct drift_yaml ***tail)
{
    const yaml_event_t *event = &reader->event;
    if (event->type != YAML_SCALAR_EVENT || refused(event))
        return fail_at(reader, event->start_mark, map->path, "expected a plain key and a colon");
    const char *key = (const char *)event->data.scalar.value;
    if (!*key)
        return fail_at(reader, event->start_mark, map->path, "expected a key before the colon");
    struct drift_yaml *child = drift_yaml_node_new(map, key, line_of(reader, event->start_mark));
    const struct drift_yaml *twin = drift_yaml_child(map, key);
    drift_status status = append(map, tail, child);
    if (!status && twin)
        return drift_yaml_fail(child, "the key occurs twice (first in line %d)", twin->line);
    status = status ? status : next_event(reader);
    return status ? status : build(reader, depth + 1, child);
}

static drift_status build_map(struct reader *reader, int depth, struct drift_yaml *map)
{
    struct drift_yaml **tail = &map->child;
    drift_status status = next_event(reader);
    map->kind = DRIFT_YAML_MAP;
    while (!status && reader->event.type != YAML_MAPPING_END_EVENT) {
        status = build_entry(reader, depth, map, &tail);
        status = status ? status : next_event(reader);
    }
    return status;
}

/* Fills a node from the event at hand and those that belong to it. */
static drift_status build(struct reader *reader, int depth, struct drift_yaml *node)
{
    const yaml_event_t *event = &reader->event;
    const char *problem = depth > DEEPEST ? "expected less deeply nested values" : refused(event);
    if (problem)
        return drift_yaml_fail(node, "%s", problem);
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return build_list(reader, depth, node);
    if (event->type == YAML_MAPPING_START_EVENT)
        return build_map(reader, depth, node);
    if (event->type != YAML_SCALAR_EVENT)
        return drift_yaml_fail(node, "expected a value");
    node->text = strdup((const char *)event->data.scalar.value);
    if (!node->text)
        return drift_fail_memory(node->file, event->data.scalar.length);
    node->kind = DRIFT_YAML_STRING;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        classify(node);
    return DRIFT_OK;
}

static drift_status build_document(struct reader *reader, struct drift_yaml *root)
{
    drift_status status = next_event(reader); /* start of the stream */
    status = status ? status : next_event(reader);
    if (status || reader->event.type == YAML_STREAM_END_EVENT)
        return status;
    if (reader->event.data.document_start.version_directive ||
        reader->event.data.document_start.tag_directives.start != reader->event.data.document_start.tag_directives.end)
        return fail_at(reader, reader->event.start_mark, "", "expected no % directives");
    status = next_event(reader);
    status = status ? status : build(reader, 0, root);
    status = status ? status : next_event(reader); /* end of the document */
    status = status ? status : next_event(reader);
    if (!status && reader->event.type != YAML_STREAM_END_EVENT)
        status = fail_at(reader, reader->event.start_mark, "", "expected one document");
    return status;
}

drift_status drift_yaml_build(const char *text, size_t size, struct drift_yaml *root)
{
    struct reader reader = {.file = root->file, .lines = root->line > 0};
    if (!yaml_parser_initialize(&reader.parser))
        return drift_fail_memory(root->file, sizeof reader);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
    drift_status status = build_document(&reader, root);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return status;
}

drift_status drift_yaml_parse(const char *name, const char *text, size_t size, struct drift_yaml_file *file)
{
    file->name = strdup(name);
    struct drift_yaml top = {.file = file->name, .line = 1};
    file->root = file->name ? drift_yaml_node_new(&top, NULL, 1) : NULL;
    drift_status status = file->root ? drift_yaml_build(text, size, file->root) : drift_fail_memory(name, sizeof top);
    if (!status && file->root->kind == DRIFT_YAML_NULL)
        file->root->kind = DRIFT_YAML_MAP;
    if (!status && file->root->kind != DRIFT_YAML_MAP)
        status = drift_yaml_fail(file->root, "expected lines of \"key: value\"");
    if (status)
        drift_yaml_free(file);
    return status;
}

drift_status drift_yaml_read(const char *path, struct drift_yaml_file *file)
{
    struct drift_bytes bytes;
    *file = (struct drift_yaml_file){NULL, NULL};
    drift_status status = drift_file_read(path, LARGEST_FILE, &bytes);
    if (status)
        return status;
    status = drift_yaml_parse(path, (const char *)bytes.data, bytes.size, file);
    drift_bytes_free(&bytes);
    return status;
}
