/* drift: the program. Finds the command, runs it, gives its exit status:
 * 0 yes, 1 ran and the answer is no, 2 bad input or usage, 130 stopped by Ctrl-C after saving. */
#include <stdio.h>
#include <string.h>

#include "base/spelling.h"
#include "cli/commands.h"
#include "drift.h"
#include "kernel/gemm.h"
#include "kernel/kernel.h"

const struct drift_command *const drift_commands[] = {
    /* clang-format off */
    &drift_command_toy,
    &drift_command_train,
    &drift_command_ablate,
    &drift_command_sample,
    &drift_command_eval,
    &drift_command_features,
    &drift_command_field,
    &drift_command_convert,
    &drift_command_golden,
    &drift_command_gradient,
    &drift_command_info,
    &drift_command_bench,
    &drift_command_help,
    NULL,
    /* clang-format on */
};

const struct drift_command *drift_command_named(const char *name)
{
    const char *best = NULL;
    for (int i = 0; drift_commands[i]; i++) {
        if (!strcmp(drift_commands[i]->name, name))
            return drift_commands[i];
        drift_nearest_word(name, drift_commands[i]->name, &best);
    }
    if (best)
        drift_error("unknown command \"%s\"; did you mean \"%s\"?", name, best);
    else
        drift_error("unknown command \"%s\"; \"drift help\" lists them", name);
    return NULL;
}

/* The status, unless what was printed did not all arrive. */
static int flushed(int status)
{
    return fflush(stdout) || ferror(stdout) ? drift_error("cannot write to standard output") : status;
}

int main(int argc, char **argv)
{
    char help[] = "help", *alone[] = {help, NULL};
    if (argc < 2) {
        drift_command_help.run(1, alone);
        return DRIFT_EXIT_BAD;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("drift %s\n", drift_version());
        return flushed(DRIFT_EXIT_YES);
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        argv[1] = help;
    const struct drift_command *command = drift_command_named(argv[1]);
    if (!command)
        return DRIFT_EXIT_BAD;
    if (command != &drift_command_help && (drift_kernels_status() || drift_gemm_status()))
        return drift_error_kept();
    return flushed(command->run(argc - 1, argv + 1));
}
