/* Recipes from YAML: walks the tree and hands each leaf to its row of the table. */
#include "train/recipe.h"

#include <string.h>

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

static drift_status read_leaf(struct drift_recipe *recipe, const struct drift_yaml *node)
{
    const struct drift_recipe_key *key;
    const char *texts[DRIFT_RECIPE_LIST + 1];
    size_t count = 0;
    drift_status status = drift_recipe_find(node->path, &key);
    if (status)
        return status;
    if (node->kind == DRIFT_YAML_MAP)
        return drift_fail(DRIFT_INVALID, "%s: expected a value, not a map", node->path);
    if (node->kind == DRIFT_YAML_NULL) /* the default stays */
        return DRIFT_OK;
    if (node->kind != DRIFT_YAML_LIST)
        texts[count++] = node->text;
    else
        for (const struct drift_yaml *item = node->child; item && count <= DRIFT_RECIPE_LIST; item = item->next) {
            if (!item->text)
                return drift_fail(DRIFT_INVALID, "%s: expected a list of plain values", node->path);
            texts[count++] = item->text;
        }
    if (node->kind == DRIFT_YAML_LIST && key->type != DRIFT_RECIPE_INTEGERS && key->type != DRIFT_RECIPE_NUMBERS)
        return drift_fail(DRIFT_INVALID, "%s: expected one value, not a list", node->path);
    return drift_recipe_assign(recipe, key, count, texts);
}

/* The recipe's maps are three deep at most, so the recursion is. */
static drift_status read_map(struct drift_recipe *recipe, const struct drift_yaml *map)
{
    for (const struct drift_yaml *node = map->child; node; node = node->next) {
        drift_status status;
        if (is_map(node->path)) {
            if (node->kind != DRIFT_YAML_MAP && node->kind != DRIFT_YAML_NULL)
                return drift_yaml_fail(node, "expected a map");
            status = read_map(recipe, node);
            if (status)
                return status;
        } else if ((status = read_leaf(recipe, node))) {
            return drift_fail_context(status, "%s:%d", node->file, node->line);
        }
    }
    return DRIFT_OK;
}

/* A DiT's file begins with a DiT's defaults; so does one that has model.depth and does not name its model. */
static void choose_defaults(struct drift_recipe *recipe, struct drift_yaml *root)
{
    struct drift_yaml *model = drift_yaml_get(root, "model"), *train = drift_yaml_get(root, "train");
    const struct drift_yaml *name = model ? drift_yaml_get(model, "name") : NULL;
    int named = name && name->text;
    if (!(named ? !strcmp(name->text, "dit") : model && drift_yaml_get(model, "depth")))
        return;
    drift_recipe_defaults_of(recipe, DRIFT_MODEL_DIT);
    if (!train || !drift_yaml_get(train, "forward_dict")) /* as the authors' code has it */
        recipe->train.forward_dict.gen_per_label = 16;
}

static drift_status read_file(struct drift_recipe *recipe, drift_status status, struct drift_yaml_file *file)
{
    if (status)
        return status;
    choose_defaults(recipe, file->root);
    status = read_map(recipe, file->root);
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
