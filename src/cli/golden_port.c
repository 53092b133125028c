/* drift golden list, generate: golden values for a port. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/golden.h"
#include "golden/draft.h"
#include "golden/generate.h"
#include "golden/suite.h"

/* The kind of that name, or NULL after a line that proposes the nearest. */
static const struct drift_golden_kind *kind_named(const char *name)
{
    const struct drift_golden_kind *kind = drift_golden_kind_named(name);
    const char *best = NULL;
    if (kind)
        return kind;
    for (const struct drift_golden_kind *const *k = drift_golden_kinds; *k; k++)
        drift_nearest_word(name, (*k)->name, &best);
    if (best)
        drift_error("golden: unknown kind \"%s\"; did you mean \"%s\"?", name, best);
    else
        drift_error("golden: unknown kind \"%s\"; \"drift golden list\" prints them", name);
    return NULL;
}

/* ---- list ---- */

static int list_kinds(int json)
{
    json_t *list = json ? json_array() : NULL;
    for (const struct drift_golden_kind *const *k = drift_golden_kinds; *k; k++)
        if (json)
            json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "kind", (*k)->name, "what", (*k)->what, "generate",
                                                  (*k)->inputs != NULL));
        else
            printf("%-17s %s%s\n", (*k)->name, (*k)->what, (*k)->inputs ? "" : " (verify alone)");
    if (json)
        golden_print_json(list, 0);
    return DRIFT_EXIT_YES;
}

static void print_tensor(const char *name, const struct drift_array *array)
{
    char text[DRIFT_ARRAY_TEXT];
    printf("  %-44s %s\n", name, drift_array_describe(array, text));
}

/* A result as generate stores it. */
static struct drift_array stored(const struct drift_golden_value *value)
{
    struct drift_array array = value->array;
    array.type = value->type;
    return array;
}

static void print_kind(const struct drift_golden_kind *kind, const drift_golden_draft *draft,
                       const struct drift_golden_values *values)
{
    char *config = json_dumps(draft->golden.config, DRIFT_GOLDEN_CONFIG_TEXT | JSON_INDENT(1));
    printf("%s: %s\n\nconfig, with the defaults of generate (shape: of the inputs, for generate alone)\n%s\n\ninputs\n",
           kind->name, kind->what, config ? config : "");
    free(config);
    for (size_t i = 0; i < draft->file.count; i++)
        print_tensor(draft->file.tensors[i].name, &draft->file.tensors[i].array);
    printf("\nresults\n");
    for (size_t i = 0; i < values->count; i++) {
        const struct drift_array array = stored(&values->list[i]);
        print_tensor(values->list[i].name, &array);
    }
}

static void note_tensor(json_t *object, const char *name, const struct drift_array *array)
{
    char text[DRIFT_ARRAY_TEXT];
    json_object_set_new(object, name, json_string(drift_array_describe(array, text)));
}

static void print_kind_json(const struct drift_golden_kind *kind, const drift_golden_draft *draft,
                            const struct drift_golden_values *values)
{
    json_t *inputs = json_object(), *results = json_object();
    for (size_t i = 0; i < draft->file.count; i++)
        note_tensor(inputs, draft->file.tensors[i].name, &draft->file.tensors[i].array);
    for (size_t i = 0; i < values->count; i++) {
        const struct drift_array array = stored(&values->list[i]);
        note_tensor(results, values->list[i].name, &array);
    }
    json_t *object = json_pack("{s:s, s:s, s:O, s:o, s:o}", "kind", kind->name, "what", kind->what, "config",
                               draft->golden.config, "inputs", inputs, "results", results);
    golden_print_json(object, DRIFT_GOLDEN_CONFIG_TEXT);
}

static int list_kind(const struct drift_golden_kind *kind, int json)
{
    drift_golden_draft draft;
    struct drift_golden_values values = {.count = 0};
    if (!kind->inputs) {
        printf("%s: %s (verify alone)\n", kind->name, kind->what);
        return DRIFT_EXIT_YES;
    }
    drift_status status = drift_golden_draft_new(&draft, kind, NULL, 0);
    draft.golden.values = &values;
    if (!status)
        status = kind->compute(&draft.golden);
    if (!status)
        (json ? print_kind_json : print_kind)(kind, &draft, &values);
    drift_golden_values_free(&values);
    drift_golden_draft_free(&draft);
    return status ? drift_error_kept() : DRIFT_EXIT_YES;
}

int golden_list(int argc, char **argv, const struct golden_settings *settings)
{
    if (argc < 3)
        return list_kinds(settings->json);
    const struct drift_golden_kind *kind = kind_named(argv[2]);
    return kind ? list_kind(kind, settings->json) : DRIFT_EXIT_BAD;
}

/* ---- generate ---- */

/* --config, JSON or the name of a file of it; NULL and a line where it is neither. */
static json_t *read_config(const char *text)
{
    const char *start = text + strspn(text, " \t\n");
    json_error_t wrong;
    struct drift_bytes bytes = {NULL, 0};
    if (*start != '{' && drift_file_read(text, 1 << 20, &bytes)) {
        drift_error_kept();
        return NULL;
    }
    json_t *config = json_loads(*start == '{' ? text : (const char *)bytes.data, JSON_REJECT_DUPLICATES, &wrong);
    if (!json_is_object(config)) {
        drift_error("%s: line %d: expected a JSON object%s%s", *start == '{' ? "--config" : text,
                    config ? 1 : wrong.line, config ? "" : ": ", config ? "" : wrong.text);
        json_decref(config);
        config = NULL;
    }
    drift_bytes_free(&bytes);
    return config;
}

/* Where a case goes: a .npz or .json alone; a .safetensors with its .npz; or both in a folder, named by the kind. The
 * case's name is that of the file. */
static int write_case(drift_golden_request *request, const char *out)
{
    const char *end = strrchr(out, '.');
    const int one = end && (!strcmp(end, ".npz") || !strcmp(end, ".json")), file = end && !strcmp(end, ".safetensors");
    const size_t room = strlen(out) + strlen(request->kind->name) + 16;
    char *stem = malloc(room), *first = malloc(room), *second = malloc(room);
    drift_status status = stem && first && second ? DRIFT_OK : drift_fail_memory(out, room);
    if (!status && (one || file))
        snprintf(stem, room, "%.*s", (int)(end - out), out);
    else if (!status) {
        status = drift_folder_make(out);
        snprintf(stem, room, "%s/%s", out, request->kind->name);
    }
    if (!status) {
        const char *slash = strrchr(stem, '/');
        request->name = slash ? slash + 1 : stem;
        snprintf(first, room, "%s%s", stem, one ? end : ".safetensors");
        snprintf(second, room, "%s.npz", stem);
        status = drift_golden_generate(request, one ? 1 : 2, (const char *const[]){first, second});
    }
    free(stem);
    free(first);
    free(second);
    return status ? drift_error_kept() : DRIFT_EXIT_YES;
}

int golden_generate(int argc, char **argv, const struct golden_settings *settings)
{
    const int single = !strcmp(settings->precision, "float");
    if (!settings->out)
        return drift_error("golden generate: --out FILE|DIR is missing");
    if (settings->suite && (argc > 2 || settings->config))
        return drift_error("golden generate --suite: takes neither a kind nor --config");
    if (settings->suite)
        return drift_golden_suite(settings->out, (uint64_t)settings->seed, single) ? drift_error_kept()
                                                                                   : DRIFT_EXIT_YES;
    if (argc < 3)
        return drift_error("golden generate: expected a kind, or --suite; \"drift golden list\" prints the kinds");
    drift_golden_request request = {
        .kind = kind_named(argv[2]), .seed = (uint64_t)settings->seed, .single = single, .name = ""};
    if (!request.kind || (settings->config && !(request.config = read_config(settings->config))))
        return DRIFT_EXIT_BAD;
    const int result = write_case(&request, settings->out);
    json_decref(request.config);
    return result;
}
