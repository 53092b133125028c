/* Makes a case: its config, its inputs, its results in double, and how far each may be off. */
#include "golden/generate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/spelling.h"
#include "cpu/cpu.h"
#include "golden/draft.h"
#include "io/npz.h"
#include "io/number.h"

/* ---- the config ---- */

/* The defaults with the caller's keys laid over them; a key that the defaults do not have is an error. */
static drift_status lay_over(json_t *defaults, json_t *config, const char *path)
{
    const char *key;
    json_t *value;
    drift_status status = DRIFT_OK;
    json_object_foreach(config, key, value)
    {
        char inner[256];
        json_t *known = json_object_get(defaults, key);
        snprintf(inner, sizeof inner, "%s%s%s", path, *path ? "." : "", key);
        if (!known)
            return drift_fail(DRIFT_INVALID, "config: %s: there is no such key", inner);
        if (json_is_object(known) && json_is_object(value))
            status = lay_over(known, value, inner);
        else if (json_typeof(known) == json_typeof(value) || (json_is_number(known) && json_is_number(value)) ||
                 (json_is_boolean(known) && json_is_boolean(value)) || json_is_null(value))
            json_object_set(defaults, key, value);
        else
            return drift_fail(DRIFT_INVALID, "config: %s: expected %s", inner,
                              json_is_object(known)   ? "an object"
                              : json_is_array(known)  ? "a list"
                              : json_is_string(known) ? "a text"
                              : json_is_number(known) ? "a number"
                                                      : "true or false");
        if (status)
            return status;
    }
    return DRIFT_OK;
}

drift_status drift_golden_draft_new(drift_golden_draft *draft, const struct drift_golden_kind *kind, json_t *config,
                                    uint64_t seed)
{
    json_error_t wrong;
    *draft = (drift_golden_draft){.seed = seed};
    if (!kind->inputs)
        return drift_fail(DRIFT_INVALID, "golden generate: cases of kind %s are not numbers of a formula", kind->name);
    draft->file.path = (char *)kind->name; /* for messages; the draft does not free it */
    draft->golden = (drift_golden){.file = &draft->file,
                                   .config = json_loads(kind->defaults, 0, &wrong),
                                   .backend = drift_cpu_backend(DRIFT_F64),
                                   .forward = drift_cpu_backend(DRIFT_F64)};
    if (!draft->golden.config)
        return drift_fail(DRIFT_INVALID, "%s: defaults: %s", kind->name, wrong.text);
    draft->status = config ? lay_over(draft->golden.config, config, "") : DRIFT_OK;
    if (draft->status)
        return drift_fail_context(draft->status, "%s", kind->name);
    /* as it will be read: what is computed is what the file says */
    char *text = json_dumps(draft->golden.config, DRIFT_GOLDEN_CONFIG_TEXT);
    json_decref(draft->golden.config);
    draft->golden.config = text ? json_loads(text, 0, &wrong) : NULL;
    free(text);
    if (!draft->golden.config)
        return drift_fail(DRIFT_NO_MEMORY, "%s: no memory for the config", kind->name);
    kind->inputs(draft);
    return draft->status;
}

void drift_golden_draft_free(drift_golden_draft *draft)
{
    for (size_t i = 0; i < draft->file.count; i++) {
        free((char *)draft->file.tensors[i].name);
        drift_array_free(&draft->file.tensors[i].array);
    }
    free(draft->file.tensors);
    free(draft->exact);
    json_decref(draft->golden.config);
    *draft = (drift_golden_draft){.seed = 0};
}

/* ---- how far a result may be off ---- */

/* The inputs of `file`, each number that is not exact multiplied by 1 + 2^-24 or 1 - 2^-24, as run `run` draws it. */
static drift_status disturb(const struct drift_safetensors *file, const int *exact, uint64_t seed, uint32_t run,
                            struct drift_safetensors *disturbed)
{
    *disturbed = *file;
    disturbed->tensors = calloc(file->count + 1, sizeof *disturbed->tensors);
    if (!disturbed->tensors)
        return drift_fail_memory(file->path, file->count * sizeof *disturbed->tensors);
    for (size_t t = 0; t < file->count; t++) {
        struct drift_tensor_entry *entry = &disturbed->tensors[t];
        *entry = file->tensors[t];
        entry->array.memory = NULL;
        if (exact[t])
            continue;
        double *x = malloc(entry->array.count * sizeof *x + 1);
        if (!x)
            return drift_fail_memory(file->path, entry->array.count * sizeof *x);
        drift_array_doubles(&entry->array, x);
        for (size_t i = 0; i < entry->array.count; i++) {
            const uint32_t word = drift_random_u32(seed, DRIFT_RANDOM_GOLDEN_ROUND, run * 4096 + (uint32_t)t, i);
            x[i] *= word & 1 ? 1 + 0x1p-24 : 1 - 0x1p-24;
        }
        entry->array.type = DRIFT_ARRAY_F64;
        entry->array.data = entry->array.memory = x;
    }
    return DRIFT_OK;
}

static void disturbed_free(struct drift_safetensors *disturbed)
{
    for (size_t t = 0; t < disturbed->count && disturbed->tensors; t++)
        drift_array_free(&disturbed->tensors[t].array);
    free(disturbed->tensors);
}

static drift_status compute_into(const struct drift_golden_kind *kind, const drift_golden *golden,
                                 const struct drift_safetensors *file, struct drift_golden_values *values)
{
    drift_golden run = *golden;
    run.file = file;
    run.values = values;
    return kind->compute(&run);
}

drift_status drift_golden_noise(const struct drift_golden_kind *kind, const drift_golden *golden, const int *exact,
                                uint64_t seed, uint32_t runs, const struct drift_golden_values *values, double *noise)
{
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < values->count; i++)
        noise[i] = 0;
    for (uint32_t run = 0; run < runs && !status; run++) {
        struct drift_safetensors disturbed;
        struct drift_golden_values changed = {.count = 0};
        status = disturb(golden->file, exact, seed, run, &disturbed);
        if (!status)
            status = compute_into(kind, golden, &disturbed, &changed);
        for (size_t i = 0; i < values->count && !status; i++) {
            const struct drift_array *x = &values->list[i].array, *y = &changed.list[i].array;
            noise[i] = fmax(noise[i], drift_golden_rms(x->count, x->data, y->data));
        }
        drift_golden_values_free(&changed);
        disturbed_free(&disturbed);
    }
    return status;
}

static double rounding_of(const struct drift_golden_kind *kind)
{
    return kind->rounding > 0 ? kind->rounding : 0x1p-20;
}

/* Upwards to two digits: a bound that a person can read. */
static double rounded_up(double x)
{
    char text[32];
    double value;
    int64_t integer;
    snprintf(text, sizeof text, "%.1e", x * 1.05);
    drift_number_parse(text, strlen(text), &value, &integer);
    return value;
}

/* config's atol by tensor, and no other tolerance. */
static drift_status set_bounds(const struct drift_golden_kind *kind, const drift_golden_draft *draft,
                               const struct drift_golden_values *values)
{
    enum { RUNS = 8 };
    double *noise = malloc((values->count + 1) * sizeof *noise);
    if (!noise)
        return drift_fail_memory(draft->file.path, values->count * sizeof *noise);
    drift_status status = drift_golden_noise(kind, &draft->golden, draft->exact, draft->seed, RUNS, values, noise);
    json_t *bounds = json_object();
    for (size_t i = 0; i < values->count && !status; i++) {
        const struct drift_golden_value *value = &values->list[i];
        const double least = rounding_of(kind) * drift_golden_rms(value->array.count, value->array.data, NULL);
        json_object_set_new(bounds, value->name, json_real(value->exact ? 0 : rounded_up(fmax(least, 4 * noise[i]))));
    }
    json_object_set_new(draft->golden.config, "rtol", json_real(0));
    json_object_set_new(draft->golden.config, "atol", bounds);
    free(noise);
    return status;
}

/* ---- the file ---- */

/* A result as a file holds it: exact ones in their own type, others in double or rounded to float. */
static drift_status convert(const struct drift_golden_value *value, int single, struct drift_tensor_entry *entry)
{
    const enum drift_array_type type = value->exact ? value->type : single ? DRIFT_ARRAY_F32 : DRIFT_ARRAY_F64;
    const double *x = value->array.data;
    const size_t n = value->array.count;
    *entry = (struct drift_tensor_entry){value->name, value->array};
    entry->array.type = type;
    entry->array.memory = malloc(n * sizeof *x + 1);
    entry->array.data = entry->array.memory;
    if (!entry->array.memory)
        return drift_fail_memory(value->name, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        if (type == DRIFT_ARRAY_F64)
            ((double *)entry->array.memory)[i] = x[i];
        else if (type == DRIFT_ARRAY_F32)
            ((float *)entry->array.memory)[i] = (float)x[i];
        else if (type == DRIFT_ARRAY_I32)
            ((int32_t *)entry->array.memory)[i] = (int32_t)x[i];
        else
            ((unsigned char *)entry->array.memory)[i] = (unsigned char)x[i];
    return DRIFT_OK;
}

/* The tensors, and the metadata as the bytes of a JSON object. */
static drift_status write_npz(const char *path, size_t count, const struct drift_tensor_entry *tensors,
                              const json_t *metadata)
{
    const char **names = malloc((count + 1) * sizeof *names);
    struct drift_array *arrays = malloc((count + 1) * sizeof *arrays);
    char *text = json_dumps(metadata, 0);
    drift_status status = names && arrays && text ? DRIFT_OK : drift_fail_memory(path, count * sizeof *arrays);
    for (size_t i = 0; i < count && !status; i++) {
        names[i] = tensors[i].name;
        arrays[i] = tensors[i].array;
    }
    if (!status) {
        const size_t bytes = strlen(text);
        names[count] = "metadata";
        arrays[count] = drift_array_view(DRIFT_ARRAY_U8, 1, &bytes, text);
        status = drift_npz_write(path, count + 1, names, arrays, 0);
    }
    free(text);
    free(names);
    free(arrays);
    return status;
}

static drift_status write_numbers(struct drift_writer *writer, const struct drift_array *array)
{
    double *x = malloc(array->count * sizeof *x + 1);
    char text[DRIFT_NUMBER_TEXT];
    if (!x)
        return drift_fail_memory(writer->path, array->count * sizeof *x);
    drift_array_doubles(array, x);
    const int whole = array->type == DRIFT_ARRAY_I32 || array->type == DRIFT_ARRAY_U8;
    for (size_t i = 0; i < array->count; i++)
        if (whole)
            drift_writer_print(writer, "%s%.0f", i ? "," : "", x[i]);
        else
            drift_writer_print(writer, "%s%s", i ? "," : "", drift_number_print_double(x[i], text));
    free(x);
    return DRIFT_OK;
}

/* {"metadata": ..., "tensors": {NAME: {"shape": [...], "data": [...]}}}: a line a tensor, numbers row major. */
static drift_status write_json(const char *path, size_t count, const struct drift_tensor_entry *tensors,
                               const json_t *metadata)
{
    struct drift_writer writer;
    drift_status status = drift_writer_open(&writer, path);
    if (status)
        return status;
    char *text = json_dumps(metadata, 0);
    drift_writer_print(&writer, "{\"metadata\": ");
    drift_writer_write(&writer, text ? text : "{}", text ? strlen(text) : 2);
    drift_writer_print(&writer, ",\n \"tensors\": {\n");
    free(text);
    for (size_t i = 0; i < count && !status; i++) {
        const struct drift_array *array = &tensors[i].array;
        drift_writer_print(&writer, "  \"%s\": {\"shape\": [", tensors[i].name);
        for (int k = 0; k < array->rank; k++)
            drift_writer_print(&writer, k ? ",%zu" : "%zu", array->shape[k]);
        drift_writer_print(&writer, "], \"data\": [");
        status = write_numbers(&writer, array);
        drift_writer_print(&writer, "]}%s\n", i + 1 < count ? "," : "");
    }
    drift_writer_print(&writer, " }}\n");
    if (status)
        drift_writer_abort(&writer);
    return status ? status : drift_writer_commit(&writer);
}

/* In the format that the path's ending names. */
static drift_status write_tensors(const char *path, size_t count, const struct drift_tensor_entry *tensors,
                                  json_t *metadata)
{
    struct drift_metadata_entry entries[8];
    size_t n = 0;
    const char *key;
    json_t *value;
    if (drift_ends_with(path, ".npz"))
        return write_npz(path, count, tensors, metadata);
    if (drift_ends_with(path, ".json"))
        return write_json(path, count, tensors, metadata);
    json_object_foreach(metadata, key, value) entries[n++] =
        (struct drift_metadata_entry){key, json_string_value(value)};
    return drift_safetensors_write(path, count, tensors, n, entries);
}

/* Doubles first, so that all are aligned. */
static int by_width(const void *a, const void *b)
{
    const struct drift_tensor_entry *x = a, *y = b;
    const size_t wide = drift_array_item_size(x->array.type), other = drift_array_item_size(y->array.type);
    return wide != other ? (wide < other) - (wide > other) : strcmp(x->name, y->name);
}

static drift_status write_case(const char *path, const struct drift_golden_kind *kind, const drift_golden_draft *draft,
                               const struct drift_golden_values *values, const drift_golden_request *request)
{
    const size_t inputs = draft->file.count, count = inputs + values->count;
    struct drift_tensor_entry *tensors = calloc(count + 1, sizeof *tensors);
    char note[256], *config = json_dumps(draft->golden.config, DRIFT_GOLDEN_CONFIG_TEXT);
    snprintf(note, sizeof note,
             "seed %llu; atol: four times the worst rms change under inputs times 1 +- 2^-24, at least %.2g of the "
             "rms",
             (unsigned long long)request->seed, rounding_of(kind));
    json_t *metadata = json_pack("{s:s, s:s, s:s, s:s, s:s}", "case", request->name, "kind", kind->name, "config",
                                 config ? config : "{}", "source", "libdrift, double precision", "note", note);
    drift_status status = tensors && config && metadata ? DRIFT_OK : drift_fail_memory(path, count * sizeof *tensors);
    for (size_t i = 0; i < values->count && !status; i++)
        status = convert(&values->list[i], request->single, &tensors[inputs + i]);
    if (!status) {
        memcpy(tensors, draft->file.tensors, inputs * sizeof *tensors);
        for (size_t i = 0; i < inputs; i++)
            tensors[i].array.memory = NULL; /* the draft's */
        qsort(tensors, count, sizeof *tensors, by_width);
        status = write_tensors(path, count, tensors, metadata);
    }
    for (size_t i = 0; i < count && tensors; i++)
        drift_array_free(&tensors[i].array);
    free(tensors);
    free(config);
    json_decref(metadata);
    return status;
}

drift_status drift_golden_generate(const drift_golden_request *request, size_t paths, const char *const *path)
{
    drift_golden_draft draft;
    struct drift_golden_values values = {.count = 0};
    drift_status status = drift_golden_draft_new(&draft, request->kind, request->config, request->seed);
    if (!status)
        status = compute_into(request->kind, &draft.golden, &draft.file, &values);
    if (!status)
        status = set_bounds(request->kind, &draft, &values);
    json_object_del(draft.golden.config, "shape");
    for (size_t i = 0; i < paths && !status; i++)
        status = write_case(path[i], request->kind, &draft, &values, request);
    drift_golden_values_free(&values);
    drift_golden_draft_free(&draft);
    return status;
}
