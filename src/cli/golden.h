/* The words of `drift golden` that are for ports. argv[2..argc - 1] are what follows the word. */
#ifndef DRIFT_CLI_GOLDEN_H
#define DRIFT_CLI_GOLDEN_H

#include <jansson.h>
#include <stdint.h>

struct golden_settings {
    int json, suite, partial, pairs;
    int64_t seed;
    const char *config, *precision, *out;
};

/* Prints and frees; flags: of jansson, beside the indent. */
void golden_print_json(json_t *json, size_t flags);

int golden_list(int argc, char **argv, const struct golden_settings *settings);
int golden_generate(int argc, char **argv, const struct golden_settings *settings);
int golden_compare(int argc, char **argv, const struct golden_settings *settings);
int golden_diagnose(int argc, char **argv, const struct golden_settings *settings);

#endif
