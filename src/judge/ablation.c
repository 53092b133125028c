/* Reading a table of ablations, and the recipes of its rows. */
#include "judge/ablation.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spelling.h"
#include "data/data.h"
#include "io/file.h"

/* Fails where a text is missing; first of all for a key that nobody asked for, which may be it with a slip. */
static drift_status need(const struct drift_yaml *node, const char *what, const char *text)
{
    const drift_status status = drift_yaml_unknown(node);
    return status || (text && *text) ? status : drift_yaml_fail(node, "expected %s", what);
}

static void use_all(struct drift_yaml *map)
{
    for (struct drift_yaml *node = map->child; node; node = node->next) {
        node->used = 1;
        use_all(node);
    }
}

/* Overrides, whose keys the recipe looks at later. */
static drift_status read_set(struct drift_yaml *map, struct drift_yaml **set)
{
    drift_status status = drift_yaml_map(map, "set", set);
    if (*set)
        use_all(*set);
    return status;
}

/* ---- the parts of the file ---- */

drift_status drift_ablation_take_seeds(struct drift_ablation *a, size_t count, const double *seeds)
{
    if (!count)
        return drift_fail(DRIFT_INVALID, "expected a seed at least");
    for (size_t i = 0; i < count; i++) {
        a->seeds[i] = (int64_t)seeds[i];
        if (seeds[i] != floor(seeds[i]))
            return drift_fail(DRIFT_INVALID, "expected whole numbers, not %g", seeds[i]);
        for (size_t k = 0; k < i; k++)
            if (a->seeds[k] == a->seeds[i])
                return drift_fail(DRIFT_INVALID, "%ld stands there twice", (long)a->seeds[i]);
    }
    a->seed_count = count;
    return DRIFT_OK;
}

static drift_status read_seeds(struct drift_ablation *a, struct drift_yaml *root)
{
    double seeds[DRIFT_ABLATION_SEEDS] = {0};
    size_t count = 1;
    drift_status status = drift_yaml_numbers(root, "seeds", 0, 9e15, DRIFT_ABLATION_SEEDS, seeds, &count);
    if (status)
        return status;
    if ((status = drift_ablation_take_seeds(a, count, seeds)))
        return drift_yaml_fail(drift_yaml_get(root, "seeds"), "%s", drift_message());
    return DRIFT_OK;
}

static drift_status read_figure(struct drift_ablation *a, const struct drift_yaml *node)
{
    const char *nearest = NULL;
    for (int k = 0; k < DRIFT_FIGURES && node->text; k++) {
        if (!strcmp(node->text, drift_figure_texts[k].key)) {
            for (size_t i = 0; i < a->figure_count; i++)
                if ((int)a->figures[i] == k)
                    return drift_yaml_fail(node, "%s stands there twice", node->text);
            a->figures[a->figure_count++] = (enum drift_figure)k;
            return DRIFT_OK;
        }
        drift_nearest_word(node->text, drift_figure_texts[k].key, &nearest);
    }
    if (nearest)
        return drift_yaml_fail(node, "unknown figure %.100s; did you mean %s?", node->text, nearest);
    return drift_yaml_fail(node, "expected a figure, such as %s", drift_figure_texts[DRIFT_FIGURE_FRECHET].key);
}

static drift_status read_figures(struct drift_ablation *a, struct drift_yaml *root)
{
    const struct drift_yaml *list = drift_yaml_get(root, "figures");
    drift_status status = DRIFT_OK;
    if (list && list->kind != DRIFT_YAML_LIST)
        return drift_yaml_fail(list, "expected a list of figures");
    for (const struct drift_yaml *item = list ? list->child : NULL; item && !status; item = item->next)
        status = read_figure(a, item);
    if (!a->figure_count)
        a->figures[a->figure_count++] = DRIFT_FIGURE_ENERGY;
    return status;
}

/* Letters, digits and dots stay, all else is '-', once: "1.5 : 1" is "1.5-1". */
static void folder_of(const char *name, char folder[DRIFT_ABLATION_FOLDER])
{
    size_t used = 0;
    for (const char *p = name; *p && used + 2 < DRIFT_ABLATION_FOLDER; p++) {
        const int plain = isalnum((unsigned char)*p) || *p == '.';
        if (plain)
            folder[used++] = *p;
        else if (used && folder[used - 1] != '-')
            folder[used++] = '-';
    }
    while (used && folder[used - 1] == '-')
        used--;
    folder[used] = 0;
}

/* The name and the overrides, which a row and an encoder have. */
static drift_status read_part(struct drift_yaml *node, size_t i, struct drift_ablation_row *part)
{
    *part = (struct drift_ablation_row){.encoder = -1, .cfg = NAN, .paper = NAN, .runs = i};
    if (node->kind != DRIFT_YAML_MAP)
        return drift_yaml_fail(node, "expected keys, such as name");
    drift_status status = drift_yaml_string(node, "name", &part->name);
    return status ? status : read_set(node, &part->set);
}

/* And its folder, once all its keys were read. */
static drift_status name_part(struct drift_yaml *node, const struct drift_ablation_row *parts, size_t i,
                              struct drift_ablation_row *part)
{
    drift_status status = need(node, "a name", part->name);
    if (status)
        return status;
    folder_of(part->name, part->folder);
    if (!*part->folder || *part->folder == '.')
        return drift_yaml_fail(node, "expected a name that begins with a letter or digit, not %.100s", part->name);
    for (size_t k = 0; k < i; k++)
        if (!strcmp(parts[k].folder, part->folder))
            return drift_yaml_fail(node, "the folder of %.100s would be that of %.100s", part->name, parts[k].name);
    return DRIFT_OK;
}

static drift_status find_encoder(const struct drift_ablation *a, struct drift_yaml *node, int *encoder)
{
    const char *name = NULL, *nearest = NULL;
    drift_status status = drift_yaml_string(node, "encoder", &name);
    if (status || !name)
        return status;
    for (size_t i = 0; i < a->encoder_count; i++) {
        if (!strcmp(a->encoders[i].name, name)) {
            *encoder = (int)i;
            return DRIFT_OK;
        }
        drift_nearest_word(name, a->encoders[i].name, &nearest);
    }
    const struct drift_yaml *value = drift_yaml_get(node, "encoder");
    return nearest ? drift_yaml_fail(value, "unknown encoder %.100s; did you mean %.100s?", name, nearest)
                   : drift_yaml_fail(value, "unknown encoder %.100s", name);
}

static drift_status read_encoder(struct drift_ablation *a, struct drift_yaml *node, size_t i)
{
    struct drift_ablation_row *encoder = &a->encoders[i];
    drift_status status = read_part(node, i, encoder);
    if (!status)
        status = drift_yaml_string(node, "recipe", &encoder->recipe);
    if (!status)
        status = need(node, "the recipe of an encoder", encoder->recipe);
    return status ? status : name_part(node, a->encoders, i, encoder);
}

static drift_status read_row(struct drift_ablation *a, struct drift_yaml *node, size_t i)
{
    struct drift_ablation_row *row = &a->rows[i];
    drift_status status = read_part(node, i, row);
    if (!status)
        status = find_encoder(a, node, &row->encoder);
    if (!status)
        status = drift_yaml_number(node, "cfg", 0, 1e3, &row->cfg);
    if (!status)
        status = drift_yaml_number(node, "paper", -INFINITY, INFINITY, &row->paper);
    return status ? status : name_part(node, a->rows, i, row);
}

typedef drift_status part_reader(struct drift_ablation *ablation, struct drift_yaml *node, size_t i);

static drift_status read_list(struct drift_ablation *a, struct drift_yaml *root, const char *key, part_reader *read,
                              struct drift_ablation_row **parts, size_t *count)
{
    const struct drift_yaml *list = drift_yaml_get(root, key);
    drift_status status = DRIFT_OK;
    if (list && list->kind != DRIFT_YAML_LIST)
        return drift_yaml_fail(list, "expected a list");
    *parts = calloc(list ? list->count + 1 : 1, sizeof **parts);
    if (!*parts)
        return drift_fail_memory(root->file, sizeof **parts);
    for (struct drift_yaml *node = list ? list->child : NULL; node && !status; node = node->next)
        if (!(status = read(a, node, *count)))
            ++*count;
    return status;
}

/* ---- recipes ---- */

void drift_ablation_encoder_path(const struct drift_ablation *a, size_t encoder, const char *folder, char *path,
                                 size_t size)
{
    snprintf(path, size, "%s/encoders/%s", folder, a->encoders[encoder].folder);
}

drift_status drift_ablation_encoder(const struct drift_ablation *a, size_t encoder, drift_ablation_change *change,
                                    void *context, struct drift_recipe *recipe)
{
    const struct drift_ablation_row *part = &a->encoders[encoder];
    drift_status status = drift_recipe_open(recipe, part->recipe);
    if (!status && change)
        status = change(context, recipe);
    if (!status)
        status = drift_recipe_overlay(recipe, part->set);
    if (!status && recipe->model.name != DRIFT_MODEL_MAE)
        status = drift_fail(DRIFT_INVALID, "%s: encoder %s: expected the recipe of an encoder (model.name: mae)",
                            a->file.name, part->name);
    return status ? status : drift_recipe_check(recipe);
}

drift_status drift_ablation_recipe(const struct drift_ablation *a, size_t index, int64_t seed, const char *folder,
                                   struct drift_recipe *recipe)
{
    const struct drift_ablation_row *row = &a->rows[index];
    *recipe = a->recipe;
    recipe->train.seed = seed;
    if (row->encoder >= 0)
        drift_ablation_encoder_path(a, (size_t)row->encoder, folder, recipe->feature.mae_path,
                                    sizeof recipe->feature.mae_path);
    drift_status status = drift_recipe_overlay(recipe, row->set);
    if (!status)
        status = drift_recipe_check(recipe);
    if (!status)
        status = drift_recipe_able(recipe);
    if (!status && strcmp(recipe->dataset.name, a->recipe.dataset.name))
        status = drift_fail(DRIFT_INVALID, "expected the data of all rows, %s, not %s", a->recipe.dataset.name,
                            recipe->dataset.name);
    return status ? drift_fail_context(status, "row %s", row->name) : DRIFT_OK;
}

static int same_recipe(const struct drift_recipe *a, const struct drift_recipe *b)
{
    char *one = drift_recipe_print(a, 0), *other = drift_recipe_print(b, 0);
    const int same = one && other && !strcmp(one, other);
    free(one);
    free(other);
    return same;
}

/* Every row's recipe is looked at once; a row without differences takes an earlier one's runs. */
static drift_status check_rows(struct drift_ablation *a)
{
    struct drift_recipe *recipes = malloc((a->row_count + 1) * sizeof *recipes);
    drift_status status = recipes ? DRIFT_OK : drift_fail_memory(a->file.name, a->row_count * sizeof *recipes);
    for (size_t i = 0; i < a->row_count && !status; i++) {
        status = drift_ablation_recipe(a, i, a->seeds[0], "", &recipes[i]);
        for (size_t k = 0; k < i && !status && a->rows[i].runs == i; k++)
            if (same_recipe(&recipes[k], &recipes[i]))
                a->rows[i].runs = a->rows[k].runs;
        if (!status && recipes[i].train.seed != a->seeds[0])
            status = drift_fail(DRIFT_INVALID, "%s: row %s: expected the seeds in `seeds`, not in a row", a->file.name,
                                a->rows[i].name);
    }
    free(recipes);
    return status;
}

static drift_status read_recipes(struct drift_ablation *a, const char *recipe, struct drift_yaml *set,
                                 drift_ablation_change *change, void *context)
{
    struct drift_recipe encoder;
    drift_status status = drift_recipe_open(&a->recipe, recipe);
    if (!status)
        status = drift_recipe_overlay(&a->recipe, set);
    if (!status && change)
        status = change(context, &a->recipe);
    if (!status && a->recipe.model.name == DRIFT_MODEL_MAE)
        status = drift_yaml_fail(a->file.root, "expected the recipe of a generator, not of an encoder");
    for (size_t i = 0; i < a->encoder_count && !status; i++)
        status = drift_ablation_encoder(a, i, change, context, &encoder);
    return status ? status : check_rows(a);
}

static drift_status read_all(struct drift_ablation *a, drift_ablation_change *change, void *context)
{
    struct drift_yaml *root = a->file.root, *set;
    const char *recipe = NULL;
    drift_status status = drift_yaml_string(root, "name", &a->name);
    if (!status)
        status = drift_yaml_string(root, "about", &a->about);
    if (!status)
        status = drift_yaml_string(root, "recipe", &recipe);
    if (!status)
        status = read_set(root, &set);
    if (!status)
        status = read_seeds(a, root);
    if (!status)
        status = read_figures(a, root);
    if (!status)
        status = read_list(a, root, "encoders", read_encoder, &a->encoders, &a->encoder_count);
    if (!status)
        status = read_list(a, root, "rows", read_row, &a->rows, &a->row_count);
    if (!status)
        status = need(root, "a name", a->name);
    if (!status)
        status = need(root, "recipe: a file, or a built-in recipe", recipe);
    if (!status && !a->row_count)
        status = drift_yaml_fail(root, "expected rows");
    return status ? status : read_recipes(a, recipe, set, change, context);
}

drift_status drift_ablation_read(struct drift_ablation *a, const char *name, drift_ablation_change *change,
                                 void *context)
{
    char *path;
    memset(a, 0, sizeof *a);
    drift_status status = drift_data_find_named("ablations", name, &path);
    if (status)
        return status;
    status = drift_yaml_read(path, &a->file);
    free(path);
    if (!status && (status = read_all(a, change, context)))
        drift_ablation_free(a);
    return status;
}

void drift_ablation_free(struct drift_ablation *a)
{
    free(a->rows);
    free(a->encoders);
    drift_yaml_free(&a->file);
}
