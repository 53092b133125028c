/* drift info MODEL: the tree of its parameters, and what a forward pass costs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/info.h"
#include "cli/run.h"
#include "data/data.h"
#include "nn/artifact.h"
#include "train/inventory.h"

static const char *const names[] = {[DRIFT_MODEL_MLP] = "mlp", [DRIFT_MODEL_DIT] = "dit", [DRIFT_MODEL_MAE] = "mae"};

static drift_status open_recipe(const char *path, struct drift_inventory *inventory)
{
    struct drift_recipe recipe;
    struct drift_sample_shape shape;
    size_t rows;
    drift_status status = drift_recipe_open(&recipe, path);
    if (status)
        return status;
    if ((status = drift_recipe_check(&recipe)))
        return drift_fail_context(status, "%s", path);
    const int unknown = recipe.model.name == DRIFT_MODEL_MAE && !*recipe.dataset.name;
    status = unknown ? DRIFT_OK : drift_run_look_at_data(&recipe, &shape, &rows);
    if (!status)
        status = drift_inventory_of_recipe(&recipe, unknown ? NULL : &shape, inventory);
    return status ? drift_fail_context(status, "%s", path) : DRIFT_OK;
}

/* A .yaml file, or a plain name that is a built-in recipe's or, at least, no folder's. */
static int is_recipe(const char *path)
{
    char file[256], *found;
    if (drift_ends_with(path, ".yaml"))
        return 1;
    if (strpbrk(path, "./"))
        return 0;
    snprintf(file, sizeof file, "recipes/%s.yaml", path);
    if (drift_data_find(file, &found))
        return !drift_artifact_is_folder(path);
    free(found);
    return 1;
}

static drift_status open_model(const char *path, struct drift_inventory *inventory)
{
    return is_recipe(path) ? open_recipe(path, inventory) : drift_inventory_of_file(path, inventory);
}

/* ---- text ---- */

enum { NAMES = 44, SHAPES = 20, NUMBERS = 12 };

/* Branches that open before this parameter, each with its sum, then the parameter: "A/B/c" is c in B in A. */
static void print_parameter(const drift_params *params, size_t i)
{
    const char *name = params->list[i]->name, *before = i ? params->list[i - 1]->name : "", *part = name;
    const drift_tensor *tensor = &params->list[i]->tensor;
    int depth = 0, same = 1;
    for (const char *slash; (slash = strchr(part, '/')); part = slash + 1, depth++) {
        const size_t length = (size_t)(slash + 1 - name);
        same = same && !strncmp(before, name, length);
        if (!same)
            printf("%*s%-*.*s %*s %*zu\n", 2 * depth, "", NAMES - 2 * depth, (int)(slash + 1 - part), part, SHAPES, "",
                   NUMBERS, drift_inventory_numbers(params, name, length));
    }
    printf("%*s%-*s %-*s %*zu\n", 2 * depth, "", NAMES - 2 * depth, part, SHAPES, drift_tensor_shape(tensor), NUMBERS,
           drift_tensor_elements(tensor));
}

/* In giga- or, below one, megaflop. */
static const char *flop_text(double flop, char text[32])
{
    const int giga = flop >= 1e9;
    snprintf(text, 32, "%.4g %s", flop / (giga ? 1e9 : 1e6), giga ? "GFLOP" : "MFLOP");
    return text;
}

static void print_text(const char *path, const struct drift_inventory *inventory)
{
    const struct drift_sample_shape *s = &inventory->shape;
    const drift_params *params = inventory->params;
    const int encoder = inventory->model == DRIFT_MODEL_MAE;
    char flop[32];
    printf("model      %s\n%s  %s, ", path, encoder ? "encoder  " : "generator", names[inventory->model]);
    if (s->height)
        printf("images of %zu x %zu x %zu", s->height, s->width, s->channels);
    else
        printf("points of %zu coordinates", s->dim);
    if (inventory->classes)
        printf(", %zu classes", inventory->classes);
    printf("\nparameters %zu in %zu arrays: all that is trained\n", drift_inventory_numbers(params, "", 0),
           params->count);
    printf("forward    %s a sample", flop_text(inventory->forward_flop, flop));
    if (encoder)
        printf(", %s of them the encoder's", flop_text(inventory->encoder_flop, flop));
    printf("\n\n");
    for (size_t i = 0; i < params->count; i++)
        print_parameter(params, i);
}

/* ---- JSON ---- */

static json_t *json_count(size_t n) { return json_integer((json_int_t)n); }

static json_t *json_array_of(const drift_param *param)
{
    json_t *entry = json_object(), *shape = json_array();
    for (int k = 0; k < param->tensor.dims; k++)
        json_array_append_new(shape, json_count(param->tensor.size[k]));
    json_object_set_new(entry, "name", json_string(param->name));
    json_object_set_new(entry, "shape", shape);
    json_object_set_new(entry, "count", json_count(drift_tensor_elements(&param->tensor)));
    return entry;
}

static void print_json(const char *path, const struct drift_inventory *inventory)
{
    const struct drift_sample_shape *s = &inventory->shape;
    const drift_params *params = inventory->params;
    const size_t sizes[] = {s->height ? s->height : s->dim, s->width, s->channels};
    json_t *info = json_object(), *list = json_array(), *sample = json_array();
    for (int i = 0; i < (s->height ? 3 : 1); i++)
        json_array_append_new(sample, json_count(sizes[i]));
    for (size_t i = 0; i < params->count; i++)
        json_array_append_new(list, json_array_of(params->list[i]));
    json_object_set_new(info, "model", json_string(path));
    json_object_set_new(info, "kind", json_string(names[inventory->model]));
    json_object_set_new(info, "sample", sample);
    json_object_set_new(info, "classes", json_count(inventory->classes));
    json_object_set_new(info, "parameters", json_count(drift_inventory_numbers(params, "", 0)));
    json_object_set_new(info, "forward_flop", json_real(inventory->forward_flop));
    if (inventory->model == DRIFT_MODEL_MAE)
        json_object_set_new(info, "encoder_flop", json_real(inventory->encoder_flop));
    json_object_set_new(info, "arrays", list);
    json_dumpf(info, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(info);
}

int drift_info_model(const char *path, int json)
{
    struct drift_inventory inventory;
    if (open_model(path, &inventory))
        return drift_error_kept();
    if (inventory.surplus.count)
        drift_error("note: %s: %zu arrays that the model does not have, such as %s", path, inventory.surplus.count,
                    inventory.surplus.name);
    (json ? print_json : print_text)(path, &inventory);
    drift_inventory_close(&inventory);
    return DRIFT_EXIT_YES;
}
