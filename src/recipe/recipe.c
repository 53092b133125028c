/* Values of a recipe from and to text, and whether they go together. The keys are keys.c, YAML is yaml.c.
 */
#include "recipe/recipe.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spelling.h"
#include "drifting/field.h"
#include "io/number.h"

static void *place_of(struct drift_recipe *recipe, const struct drift_recipe_key *key)
{
    return (char *)recipe + key->offset;
}

static drift_status read_choice(const struct drift_recipe_key *key, const char *text, int *choice)
{
    size_t length = strlen(text);
    int index = 0;
    for (const char *word = key->choices; *word; word += strcspn(word, "|"), word += *word == '|', index++)
        if (strcspn(word, "|") == length && !strncmp(word, text, length)) {
            *choice = index;
            return DRIFT_OK;
        }
    return drift_fail(DRIFT_INVALID, "%s: expected %s, not \"%s\"", key->key, key->choices, text);
}

static drift_status read_bool(const struct drift_recipe_key *key, const char *text, int *flag)
{
    if (!strcmp(text, "true") || !strcmp(text, "True") || !strcmp(text, "TRUE"))
        *flag = 1;
    else if (!strcmp(text, "false") || !strcmp(text, "False") || !strcmp(text, "FALSE"))
        *flag = 0;
    else
        return drift_fail(DRIFT_INVALID, "%s: expected true or false, not \"%s\"", key->key, text);
    return DRIFT_OK;
}

static drift_status read_number(const struct drift_recipe_key *key, const char *text, double *number)
{
    int64_t integer;
    if (isinf(key->high) && !strcmp(text, ".inf"))
        *number = INFINITY;
    else if (drift_number_parse(text, strlen(text), number, &integer) == DRIFT_NO_NUMBER)
        return drift_fail(DRIFT_INVALID, "%s: expected a number, not \"%s\"", key->key, text);
    if (!(*number >= key->low && *number <= key->high))
        return drift_fail(DRIFT_INVALID, "%s: %s is not within %.15g .. %.15g", key->key, text, key->low, key->high);
    return DRIFT_OK;
}

static drift_status read_integer(const struct drift_recipe_key *key, const char *text, int64_t *number)
{
    double value;
    drift_status status = read_number(key, text, &value);
    if (status)
        return status;
    if (value != floor(value))
        return drift_fail(DRIFT_INVALID, "%s: expected a whole number, not \"%s\"", key->key, text);
    *number = (int64_t)value;
    return DRIFT_OK;
}

drift_status drift_recipe_assign(struct drift_recipe *recipe, const struct drift_recipe_key *key, size_t count,
                                 const char *const *texts)
{
    void *place = place_of(recipe, key);
    struct drift_recipe_integers *integers = place;
    struct drift_recipe_numbers *numbers = place;
    drift_status status = DRIFT_OK;
    if (key->type == DRIFT_RECIPE_INTEGERS || key->type == DRIFT_RECIPE_NUMBERS) {
        if (count > DRIFT_RECIPE_LIST)
            return drift_fail(DRIFT_INVALID, "%s: more than %d items", key->key, DRIFT_RECIPE_LIST);
        *(key->type == DRIFT_RECIPE_INTEGERS ? &integers->count : &numbers->count) = (int)count;
        for (size_t i = 0; i < count && !status; i++)
            status = key->type == DRIFT_RECIPE_INTEGERS ? read_integer(key, texts[i], &integers->items[i])
                                                        : read_number(key, texts[i], &numbers->items[i]);
        return status;
    }
    if (count != 1)
        return drift_fail(DRIFT_INVALID, "%s: expected one value, not a list", key->key);
    switch (key->type) {
    case DRIFT_RECIPE_CHOICE: return read_choice(key, texts[0], place);
    case DRIFT_RECIPE_BOOL: return read_bool(key, texts[0], place);
    case DRIFT_RECIPE_INTEGER: return read_integer(key, texts[0], place);
    case DRIFT_RECIPE_NUMBER: return read_number(key, texts[0], place);
    default: break;
    }
    if (strlen(texts[0]) >= DRIFT_RECIPE_TEXT || strpbrk(texts[0], "\n\r\t"))
        return drift_fail(DRIFT_INVALID, "%s: the text is too long or has more than one line", key->key);
    memcpy(place, texts[0], strlen(texts[0]) + 1);
    return DRIFT_OK;
}

drift_status drift_recipe_find(const char *name, const struct drift_recipe_key **found)
{
    const char *best = NULL;
    size_t length = strlen(name);
    for (const struct drift_recipe_key *key = drift_recipe_keys; key->key; key++) {
        const char *last = strrchr(key->key, '.');
        if (!strcmp(key->key, name)) {
            *found = key;
            return DRIFT_OK;
        }
        if (last && !strcmp(last + 1, name)) /* the last part alone */
            best = key->key;
    }
    for (const struct drift_recipe_key *key = drift_recipe_keys; key->key && !(best && !strchr(name, '.')); key++) {
        drift_nearest_word(name, key->key, &best);
        if (!strncmp(key->key, name, length) && key->key[length] == '.')
            return drift_fail(DRIFT_INVALID, "%s: has keys below it, such as %s", name, key->key);
    }
    if (best)
        return drift_fail(DRIFT_INVALID, "unknown key %s; did you mean %s?", name, best);
    return drift_fail(DRIFT_INVALID, "unknown key %s; drift train --print-recipe lists all", name);
}

/* Cuts "[a, b]" or "a, b" into items, in place. */
static size_t split(char *text, const char *items[DRIFT_RECIPE_LIST + 1])
{
    size_t count = 0, length = strlen(text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text[length - 1] = 0;
        text++;
        if (!text[strspn(text, " ")])
            return 0;
    }
    while (count <= DRIFT_RECIPE_LIST) {
        char *end = text + strcspn(text, ","), *comma = *end ? end : NULL;
        text += strspn(text, " ");
        *end = 0;
        while (end > text && end[-1] == ' ')
            *--end = 0;
        items[count++] = text;
        if (!comma)
            break;
        text = comma + 1;
    }
    return count;
}

drift_status drift_recipe_set(struct drift_recipe *recipe, const char *name, const char *text)
{
    const struct drift_recipe_key *key;
    const char *items[DRIFT_RECIPE_LIST + 1] = {text};
    char copy[DRIFT_RECIPE_TEXT];
    drift_status status = drift_recipe_find(name, &key);
    if (status)
        return status;
    if (key->type != DRIFT_RECIPE_INTEGERS && key->type != DRIFT_RECIPE_NUMBERS)
        return drift_recipe_assign(recipe, key, 1, items);
    if (strlen(text) >= sizeof copy)
        return drift_fail(DRIFT_INVALID, "%s: the list is too long", key->key);
    memcpy(copy, text, strlen(text) + 1);
    return drift_recipe_assign(recipe, key, split(copy, items), items);
}

static const char *default_of(const struct drift_recipe_key *key, enum drift_recipe_model model)
{
    const char *own = model == DRIFT_MODEL_DIT ? key->dit : model == DRIFT_MODEL_MAE ? key->mae : NULL;
    return own ? own : key->initial;
}

void drift_recipe_defaults_of(struct drift_recipe *recipe, enum drift_recipe_model model)
{
    memset(recipe, 0, sizeof *recipe);
    for (const struct drift_recipe_key *key = drift_recipe_keys; key->key; key++)
        drift_recipe_set(recipe, key->key, default_of(key, model));
    recipe->model.name = model;
}

void drift_recipe_defaults(struct drift_recipe *recipe) { drift_recipe_defaults_of(recipe, DRIFT_MODEL_MLP); }

int drift_recipe_concerns(const struct drift_recipe *recipe, const struct drift_recipe_key *key)
{
    return !key->only || key->only >> recipe->model.name & 1;
}

drift_field_config drift_recipe_field(const struct drift_recipe *recipe)
{
    drift_field_config config = drift_field_defaults((drift_form)recipe->train.loss_kwargs.form);
    config.self = (drift_self)recipe->train.loss_kwargs.self;
    config.taus = recipe->train.loss_kwargs.R_list.count;
    for (int i = 0; i < config.taus; i++)
        config.tau[i] = recipe->train.loss_kwargs.R_list.items[i];
    config.floor = recipe->train.loss_kwargs.floor;
    config.attraction = recipe->train.loss_kwargs.attraction;
    config.repulsion = recipe->train.loss_kwargs.repulsion;
    config.normalize_features = recipe->train.loss_kwargs.normalize_features;
    config.normalize_drift = recipe->train.loss_kwargs.normalize_drift;
    return config;
}

struct drift_guidance drift_recipe_guidance(const struct drift_recipe *recipe)
{
    return (struct drift_guidance){.low = recipe->train.forward_dict.cfg_min,
                                   .high = recipe->train.forward_dict.cfg_max,
                                   .power = recipe->train.forward_dict.neg_cfg_pw,
                                   .off_fraction = recipe->train.forward_dict.no_cfg_frac};
}

/* A key of another model must not have been given: it would do nothing. */
static drift_status check_keys(const struct drift_recipe *recipe)
{
    static const char *const names[] = {"mlp", "dit", "mae"};
    char value[2 * DRIFT_RECIPE_TEXT], initial[2 * DRIFT_RECIPE_TEXT];
    struct drift_recipe defaults;
    drift_recipe_defaults_of(&defaults, (enum drift_recipe_model)recipe->model.name);
    for (const struct drift_recipe_key *key = drift_recipe_keys; key->key; key++) {
        if (drift_recipe_concerns(recipe, key))
            continue;
        drift_recipe_value(recipe, key, value, sizeof value);
        drift_recipe_value(&defaults, key, initial, sizeof initial);
        if (strcmp(value, initial))
            return drift_fail(DRIFT_INVALID, "%s: model.name is %s, which does not have it", key->key,
                              names[recipe->model.name]);
    }
    return DRIFT_OK;
}

static drift_status check_dit(const struct drift_recipe *recipe)
{
    const struct drift_guidance guidance = drift_recipe_guidance(recipe);
    drift_status status = drift_guidance_check(&guidance);
    if (status)
        return drift_fail_context(status, "train.forward_dict");
    if (recipe->model.hidden_size.count != 1)
        return drift_fail(DRIFT_INVALID, "model.hidden_size: a dit has one width, not %d",
                          recipe->model.hidden_size.count);
    if (recipe->dataset.batch_size && recipe->dataset.batch_size < recipe->train.train_batch_size)
        return drift_fail(DRIFT_INVALID, "dataset.batch_size: %ld is less than the %ld of train.train_batch_size",
                          (long)recipe->dataset.batch_size, (long)recipe->train.train_batch_size);
    if (recipe->train.loss_kwargs.form == DRIFT_JOINT && recipe->train.neg_per_sample)
        return drift_fail(DRIFT_INVALID, "train.loss_kwargs.form: joint takes no weighted negatives; set "
                                         "train.neg_per_sample to 0");
    if (!recipe->train.cfg_list.count)
        return drift_fail(DRIFT_INVALID, "train.cfg_list: expected at least one guidance scale");
    return DRIFT_OK;
}

static drift_status check_mae(const struct drift_recipe *recipe)
{
    if (recipe->model.layers.count != 4)
        return drift_fail(DRIFT_INVALID, "model.layers: expected the blocks of 4 stages, not of %d",
                          recipe->model.layers.count);
    if (recipe->train.forward_dict.mask_ratio_min > recipe->train.forward_dict.mask_ratio_max)
        return drift_fail(DRIFT_INVALID, "train.forward_dict.mask_ratio_min: is more than mask_ratio_max");
    if (recipe->train.eval_forward_dict.mask_ratio_min > recipe->train.eval_forward_dict.mask_ratio_max)
        return drift_fail(DRIFT_INVALID, "train.eval_forward_dict.mask_ratio_min: is more than mask_ratio_max");
    return DRIFT_OK;
}

drift_status drift_recipe_check(const struct drift_recipe *recipe)
{
    int taus = recipe->train.loss_kwargs.R_list.count;
    if (taus < 1 || taus > DRIFT_MAX_TAUS)
        return drift_fail(DRIFT_INVALID, "train.loss_kwargs.R_list: expected 1 to %d temperatures", DRIFT_MAX_TAUS);
    drift_field_config config = drift_recipe_field(recipe);
    drift_status status = drift_field_check(&config);
    if (status)
        return drift_fail_context(status, "train.loss_kwargs");
    if (recipe->optimizer.weight_decay > 0 && recipe->optimizer.name == DRIFT_OPTIMIZER_ADAM)
        return drift_fail(DRIFT_INVALID, "optimizer.weight_decay: adam has none; set optimizer.name to adamw");
    status = check_keys(recipe);
    if (status || recipe->model.name == DRIFT_MODEL_MLP)
        return status;
    return recipe->model.name == DRIFT_MODEL_DIT ? check_dit(recipe) : check_mae(recipe);
}

/* ---- to text ---- */

/* The shortest decimals that read back as the same number. */
static void number_text(double number, char text[32])
{
    if (isinf(number)) { /* as YAML has it */
        snprintf(text, 32, ".inf");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            return;
    }
}

static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

void drift_recipe_value(const struct drift_recipe *recipe, const struct drift_recipe_key *key, char *text, size_t size)
{
    const void *place = (const char *)recipe + key->offset;
    const struct drift_recipe_integers *integers = place;
    const struct drift_recipe_numbers *numbers = place;
    const char *word = key->choices;
    char number[32];
    text[0] = 0;
    switch (key->type) {
    case DRIFT_RECIPE_WORDS: append(text, size, "%s", (const char *)place); break;
    case DRIFT_RECIPE_BOOL: append(text, size, "%s", *(const int *)place ? "true" : "false"); break;
    case DRIFT_RECIPE_INTEGER: append(text, size, "%lld", (long long)*(const int64_t *)place); break;
    case DRIFT_RECIPE_NUMBER:
        number_text(*(const double *)place, number);
        append(text, size, "%s", number);
        break;
    case DRIFT_RECIPE_CHOICE:
        for (int i = 0; i < *(const int *)place; i++)
            word += strcspn(word, "|") + 1;
        append(text, size, "%.*s", (int)strcspn(word, "|"), word);
        break;
    case DRIFT_RECIPE_INTEGERS:
        for (int i = 0; i < integers->count; i++)
            append(text, size, "%s%lld", i ? ", " : "[", (long long)integers->items[i]);
        append(text, size, integers->count ? "]" : "[]");
        break;
    case DRIFT_RECIPE_NUMBERS:
        for (int i = 0; i < numbers->count; i++) {
            number_text(numbers->items[i], number);
            append(text, size, "%s%s", i ? ", " : "[", number);
        }
        append(text, size, numbers->count ? "]" : "[]");
        break;
    }
}

/* Opens the maps that lead to `key`, as far as they are not those of the row before. Returns its last part. */
static const char *open_maps(const char *before, const char *key, char *text, size_t size, int *depth)
{
    const char *start = key;
    int same = 1;
    *depth = 0;
    for (const char *dot; (dot = strchr(start, '.')); start = dot + 1, ++*depth) {
        size_t length = (size_t)(dot + 1 - key);
        same = same && !strncmp(before, key, length);
        if (!same)
            append(text, size, "%*s%.*s:\n", 2 * *depth, "", (int)(dot - start), start);
    }
    return start;
}

char *drift_recipe_print(const struct drift_recipe *recipe, int comments)
{
    size_t size = 65536;
    char *text = calloc(1, size), value[2 * DRIFT_RECIPE_TEXT], line[3 * DRIFT_RECIPE_TEXT];
    const char *before = "";
    for (const struct drift_recipe_key *key = drift_recipe_keys; text && key->key; key++) {
        int depth;
        if (!drift_recipe_concerns(recipe, key))
            continue;
        const char *last = open_maps(before, key->key, text, size, &depth);
        drift_recipe_value(recipe, key, value, sizeof value);
        snprintf(line, sizeof line, "%*s%s: ", 2 * depth, "", last);
        if (key->type == DRIFT_RECIPE_WORDS) {
            append(line, sizeof line, "'");
            for (const char *p = value; *p; p++)
                append(line, sizeof line, *p == '\'' ? "''" : "%c", *p);
            append(line, sizeof line, "'");
        } else {
            append(line, sizeof line, "%s", value);
        }
        if (comments)
            append(text, size, "%-40s # %s%s%s%s\n", line, key->help, key->choices ? " (" : "",
                   key->choices ? key->choices : "", key->choices ? ")" : "");
        else
            append(text, size, "%s\n", line);
        before = key->key;
    }
    return text;
}

drift_status drift_recipe_resumable(const struct drift_recipe *then, const struct drift_recipe *now)
{
    char old[2 * DRIFT_RECIPE_TEXT], new[2 * DRIFT_RECIPE_TEXT];
    for (const struct drift_recipe_key *key = drift_recipe_keys; key->key; key++) {
        drift_recipe_value(then, key, old, sizeof old);
        drift_recipe_value(now, key, new, sizeof new);
        if (!key->may_change && strcmp(old, new))
            return drift_fail(DRIFT_INVALID, "the checkpoint was made with %s = %s, not %s", key->key, old, new);
    }
    return DRIFT_OK;
}
