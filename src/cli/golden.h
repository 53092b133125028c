/* The words of `drift golden` that are for ports. argv[2..argc - 1] are what follows the word. */
#ifndef DRIFT_CLI_GOLDEN_H
#define DRIFT_CLI_GOLDEN_H

#include <stdint.h>

struct golden_settings {
    int json, suite, partial, pairs;
    int64_t seed;
    const char *config, *precision, *out;
};

int golden_list(int argc, char **argv, const struct golden_settings *settings);
int golden_generate(int argc, char **argv, const struct golden_settings *settings);
int golden_compare(int argc, char **argv, const struct golden_settings *settings);
int golden_diagnose(int argc, char **argv, const struct golden_settings *settings);

#endif
