/* The table of commands: a new one is a file with its struct, a line here and a line in main.c. */
#ifndef DRIFT_CLI_COMMANDS_H
#define DRIFT_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct drift_command drift_command_toy, drift_command_train, drift_command_ablate, drift_command_sample,
    drift_command_eval, drift_command_features, drift_command_field, drift_command_convert, drift_command_golden,
    drift_command_gradient, drift_command_info, drift_command_bench, drift_command_help;

/* All of them in the order of the help; NULL ends the table. */
extern const struct drift_command *const drift_commands[];

/* The command of that name or NULL, after a line on stderr that proposes the nearest. */
const struct drift_command *drift_command_named(const char *name);

/* Prints the help of one command on stdout. */
void drift_help_command(const struct drift_command *command);

#endif
