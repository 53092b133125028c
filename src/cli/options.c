/* Parsing by the table, and the one way in which the program says what is wrong. */
#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spelling.h"
#include "base/status.h"
#include "cli/commands.h"

int drift_error(const char *format, ...)
{
    va_list args;
    fflush(stdout);
    va_start(args, format);
    fputs("drift: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return DRIFT_EXIT_BAD;
}

int drift_error_kept(void) { return drift_error("%s", drift_message()); }

/* Reads one number that ends at `end`. Returns 0 and says why where it is none or out of range. */
static int read_number(const struct drift_option *option, const char *text, const char *end, double *number)
{
    char *stop;
    errno = 0;
    *number = strtod(text, &stop);
    if (stop != end || stop == text || !isfinite(*number)) {
        drift_error("--%s: expected a number, not \"%.*s\"", option->name, (int)(end - text), text);
        return 0;
    }
    if (!(*number >= option->low && *number <= option->high)) {
        drift_error("--%s: %.*s is not within %.15g .. %.15g", option->name, (int)(end - text), text, option->low,
                    option->high);
        return 0;
    }
    return 1;
}

static int read_integer(const struct drift_option *option, const char *text, int64_t *number)
{
    char *stop;
    errno = 0;
    long long value = strtoll(text, &stop, 10);
    if (*stop || stop == text || errno == ERANGE) {
        drift_error("--%s: expected a whole number, not \"%s\"", option->name, text);
        return 0;
    }
    if (!((double)value >= option->low && (double)value <= option->high)) {
        drift_error("--%s: %s is not within %.15g .. %.15g", option->name, text, option->low, option->high);
        return 0;
    }
    *number = value;
    return 1;
}

static int read_numbers(const struct drift_option *option, const char *text, struct drift_option_numbers *numbers)
{
    numbers->count = 0;
    for (;;) {
        const char *end = text + strcspn(text, ",");
        if (numbers->count == DRIFT_OPTION_LIST) {
            drift_error("--%s: more than %d numbers", option->name, DRIFT_OPTION_LIST);
            return 0;
        }
        if (!read_number(option, text, end, &numbers->items[numbers->count++]))
            return 0;
        if (!*end)
            return 1;
        text = end + 1;
    }
}

static int read_choice(const struct drift_option *option, const char *text, const char **choice)
{
    size_t length = strlen(text);
    for (const char *word = option->value; *word; word += strcspn(word, "|"), word += *word == '|')
        if (strcspn(word, "|") == length && !strncmp(word, text, length)) {
            *choice = text;
            return 1;
        }
    drift_error("--%s: expected %s, not \"%s\"", option->name, option->value, text);
    return 0;
}

static int read_value(const struct drift_option *option, const char *text, char *place)
{
    struct drift_option_texts *texts = (struct drift_option_texts *)(void *)place;
    switch (option->type) {
    case DRIFT_OPTION_FLAG: *(int *)(void *)place = 1; return 1;
    case DRIFT_OPTION_INTEGER: return read_integer(option, text, (int64_t *)(void *)place);
    case DRIFT_OPTION_NUMBER: return read_number(option, text, text + strlen(text), (double *)(void *)place);
    case DRIFT_OPTION_NUMBERS: return read_numbers(option, text, (struct drift_option_numbers *)(void *)place);
    case DRIFT_OPTION_TEXT: *(const char **)(void *)place = text; return 1;
    case DRIFT_OPTION_CHOICE: return read_choice(option, text, (const char **)(void *)place);
    case DRIFT_OPTION_REPEATED: break;
    }
    if (texts->count == DRIFT_OPTION_LIST) {
        drift_error("--%s: given more than %d times", option->name, DRIFT_OPTION_LIST);
        return 0;
    }
    texts->items[texts->count++] = text;
    return 1;
}

static int unknown_option(const struct drift_command *command, const char *name)
{
    const char *best = NULL;
    for (const struct drift_option *option = command->options; option && option->name; option++)
        drift_nearest_word(name, option->name, &best);
    if (best)
        return drift_error("%s: unknown option --%s; did you mean --%s?", command->name, name, best);
    return drift_error("%s: unknown option --%s; see \"drift help %s\"", command->name, name, command->name);
}

/* Reads the option at argv[*i] and moves *i to its last argument. Returns 0 where it is wrong. */
static int read_option(const struct drift_command *command, int argc, char **argv, int *i, void *settings)
{
    char name[64];
    const char *text = argv[*i] + 2, *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    const struct drift_option *option = command->options;
    while (option && option->name && strcmp(option->name, name))
        option++;
    if (!option || !option->name) {
        unknown_option(command, name);
        return 0;
    }
    const char *value = equals ? equals + 1 : NULL;
    if (option->type == DRIFT_OPTION_FLAG && value) {
        drift_error("--%s takes no value", name);
        return 0;
    }
    if (option->type != DRIFT_OPTION_FLAG && !value) {
        if (*i + 1 >= argc) {
            drift_error("--%s needs a value: --%s %s", name, name, option->value);
            return 0;
        }
        value = argv[++*i];
    }
    return read_value(option, value, (char *)settings + option->offset);
}

int drift_options_parse(const struct drift_command *command, int *argc, char **argv, int least, int most,
                        void *settings)
{
    int others = 1, options = 1;
    for (int i = 1; i < *argc; i++) {
        const char *text = argv[i];
        if (options && !strcmp(text, "--")) {
            options = 0;
        } else if (options && (!strcmp(text, "--help") || !strcmp(text, "-h"))) {
            drift_help_command(command);
            return DRIFT_EXIT_YES;
        } else if (options && !strncmp(text, "--", 2)) {
            if (!read_option(command, *argc, argv, &i, settings))
                return DRIFT_EXIT_BAD;
        } else if (options && text[0] == '-' && text[1]) {
            return drift_error("%s: unknown option %s (options are long, as in --out)", command->name, text);
        } else {
            argv[others++] = argv[i];
        }
    }
    if (others - 1 < least)
        return drift_error("usage: drift %s %s", command->name, command->arguments);
    if (others - 1 > most)
        return drift_error("%s: one argument too many: \"%s\"", command->name, argv[most + 1]);
    *argc = others;
    return -1;
}
