/* Recipes from YAML: walks the tree and hands each leaf to its row of the table. */
#include "recipe/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "io/yaml.h"

/* Whether some key lies below `path` ("train" or "train.loss_kwargs"). */
static int is_map(const char *path)
{
    size_t length = strlen(path);
    for (const struct drift_recipe_key *key = drift_recipe_keys; key->key; key++)
        if (!strncmp(key->key, path, length) && key->key[length] == '.')
            return 1;
    return 0;
}

/* `name` is the node's key, from the recipe's root. */
static drift_status read_leaf(struct drift_recipe *recipe, const struct drift_yaml *node, const char *name)
{
    const struct drift_recipe_key *key;
    const char *texts[DRIFT_RECIPE_LIST + 1];
    size_t count = 0;
    drift_status status = drift_recipe_find(name, &key);
    if (status)
        return status;
    if (node->kind == DRIFT_YAML_MAP)
        return drift_fail(DRIFT_INVALID, "%s: expected a value, not a map", name);
    if (node->kind == DRIFT_YAML_NULL) /* the default stays */
        return key->null ? drift_recipe_assign(recipe, key, 1, &key->null) : DRIFT_OK;
    if (node->kind != DRIFT_YAML_LIST)
        texts[count++] = node->text;
    else
        for (const struct drift_yaml *item = node->child; item && count <= DRIFT_RECIPE_LIST; item = item->next) {
            if (!item->text)
                return drift_fail(DRIFT_INVALID, "%s: expected a list of plain values", name);
            texts[count++] = item->text;
        }
    if (node->kind == DRIFT_YAML_LIST && key->type != DRIFT_RECIPE_INTEGERS && key->type != DRIFT_RECIPE_NUMBERS)
        return drift_fail(DRIFT_INVALID, "%s: expected one value, not a list", name);
    return drift_recipe_assign(recipe, key, count, texts);
}

/* The recipe's maps are three deep at most, so the recursion is. `above` characters of each path stand before the key.
 */
static drift_status read_map(struct drift_recipe *recipe, const struct drift_yaml *map, size_t above)
{
    for (const struct drift_yaml *node = map->child; node; node = node->next) {
        const char *name = node->path + above;
        drift_status status;
        if (is_map(name)) {
            if (node->kind != DRIFT_YAML_MAP && node->kind != DRIFT_YAML_NULL)
                return drift_yaml_fail(node, "expected a map");
            status = read_map(recipe, node, above);
            if (status)
                return status;
        } else if ((status = read_leaf(recipe, node, name))) {
            return drift_fail_context(status, "%s:%d", node->file, node->line);
        }
    }
    return DRIFT_OK;
}

drift_status drift_recipe_overlay(struct drift_recipe *recipe, const struct drift_yaml *map)
{
    return map ? read_map(recipe, map, strlen(map->path) + 1) : DRIFT_OK;
}

/* The model that a file is about: the one it names, else the one whose key it has. */
static enum drift_recipe_model find_model(struct drift_yaml *model)
{
    const struct drift_yaml *name = model ? drift_yaml_get(model, "name") : NULL;
    if (!model)
        return DRIFT_MODEL_MLP;
    if (name && name->text)
        return !strcmp(name->text, "dit")   ? DRIFT_MODEL_DIT
               : !strcmp(name->text, "mae") ? DRIFT_MODEL_MAE
                                            : DRIFT_MODEL_MLP;
    return drift_yaml_get(model, "depth")           ? DRIFT_MODEL_DIT
           : drift_yaml_get(model, "base_channels") ? DRIFT_MODEL_MAE
                                                    : DRIFT_MODEL_MLP;
}

/* The file of another model than an MLP begins with that model's defaults. */
static void choose_defaults(struct drift_recipe *recipe, struct drift_yaml *root)
{
    struct drift_yaml *train = drift_yaml_get(root, "train");
    const enum drift_recipe_model model = find_model(drift_yaml_get(root, "model"));
    if (model == DRIFT_MODEL_MLP)
        return;
    drift_recipe_defaults_of(recipe, model);
    if (model == DRIFT_MODEL_DIT &&
        (!train || !drift_yaml_get(train, "forward_dict"))) /* as the authors' code has it */
        recipe->train.forward_dict.gen_per_label = 16;
}

static drift_status read_file(struct drift_recipe *recipe, drift_status status, struct drift_yaml_file *file)
{
    if (status)
        return status;
    choose_defaults(recipe, file->root);
    status = read_map(recipe, file->root, 0);
    drift_yaml_free(file);
    return status;
}

drift_status drift_recipe_read(struct drift_recipe *recipe, const char *path)
{
    struct drift_yaml_file file;
    return read_file(recipe, drift_yaml_read(path, &file), &file);
}

drift_status drift_recipe_parse(struct drift_recipe *recipe, const char *text, size_t length, const char *name)
{
    struct drift_yaml_file file;
    return read_file(recipe, drift_yaml_parse(name, text, length, &file), &file);
}

drift_status drift_recipe_open(struct drift_recipe *recipe, const char *name)
{
    char *path;
    drift_recipe_defaults(recipe);
    drift_status status = drift_data_find_named("recipes", name, &path);
    if (status)
        return status;
    status = drift_recipe_read(recipe, path);
    free(path);
    return status;
}
