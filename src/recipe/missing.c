/* What a recipe asks for and this version cannot do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe/recipe.h"

/* Whether a row's value asks for what is missing: any but the default. */
static int asks(const struct drift_recipe *recipe, const struct drift_recipe_key *key, char *value, size_t size)
{
    if (!key->missing || !drift_recipe_concerns(recipe, key))
        return 0;
    drift_recipe_value(recipe, key, value, size);
    if (!strcmp(value, key->initial))
        return 0;
    return strcmp(key->key, "dataset.use_latent") || !recipe->dataset.use_cache; /* which wins */
}

char *drift_recipe_missing(const struct drift_recipe *recipe)
{
    enum { LINES = 16384 };
    char value[2 * DRIFT_RECIPE_TEXT], *lines = calloc(1, LINES);
    for (const struct drift_recipe_key *key = drift_recipe_keys; lines && key->key; key++) {
        const size_t used = strlen(lines);
        if (asks(recipe, key, value, sizeof value))
            snprintf(lines + used, LINES - used, "%s: %s needs %s, not supported yet\n", key->key, value, key->missing);
    }
    if (lines && !*lines) {
        free(lines);
        lines = NULL;
    }
    return lines;
}

drift_status drift_recipe_able(const struct drift_recipe *recipe)
{
    char *lines = drift_recipe_missing(recipe);
    drift_status status = DRIFT_OK;
    if (lines)
        status = drift_fail(DRIFT_INVALID, "%.*s", (int)strcspn(lines, "\n"), lines);
    free(lines);
    return status;
}

void drift_recipe_encoder(const struct drift_recipe *recipe, char path[DRIFT_RECIPE_TEXT + 8])
{
    enum { NONE, HUB, LOCAL };
    const int source = recipe->feature.load_dict.source;
    const size_t room = DRIFT_RECIPE_TEXT + 8;
    *path = 0;
    if (!recipe->feature.use_mae)
        return;
    if (*recipe->feature.mae_path)
        snprintf(path, room, "%s", recipe->feature.mae_path);
    else if (source == HUB)
        snprintf(path, room, "hf://%s", recipe->feature.load_dict.hf_model_name);
    else if (source == LOCAL)
        snprintf(path, room, "%s", recipe->feature.load_dict.path);
}
