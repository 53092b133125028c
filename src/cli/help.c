/* drift help: the commands, one command with its options and examples, and the same as manual pages (roff). */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "drift.h"

static const char about[] =
    "One-step generative models trained with a drifting field (arXiv 2602.04770): a generator maps noise to samples in "
    "one pass, and in training each batch of samples drifts towards the data and away from itself.\n"
    "\n"
    "Results depend on settings and seed alone, not on the number of threads nor on the instruction set.";

static const struct drift_example environment[] = {
    {"DRIFT_ISA", "ref, c, avx2, avx512 or neon: the instruction set to use instead of the best of this machine"},
    {"DRIFT_GEMM",
     "builtin or blis: the engine for matrix products; blis gives up that results are the same everywhere"},
    {"DRIFT_DATA", "the folder with the built-in data and recipes, where it is not found by itself"},
    {"OMP_NUM_THREADS", "how many threads work"},
};

static const struct drift_example statuses[] = {
    {"0", "done; the answer is yes"},
    {"1", "ran, and the answer is no (a golden value is off, a run did not stay finite)"},
    {"2", "bad input or usage, or a file that cannot be read or written; one line on stderr says which"},
    {"130", "stopped by Ctrl-C after saving; --resume goes on"},
};

enum { ENVIRONMENT = sizeof environment / sizeof *environment, STATUSES = sizeof statuses / sizeof *statuses };

/* Prints text in lines of at most 100 columns, each after `indent` spaces; the first line's are there already. */
static void wrap(const char *text, int indent)
{
    int column = indent;
    for (const char *p = text; *p;) {
        if (*p == '\n') {
            printf("\n%*s", p[1] == '\n' ? 0 : indent, "");
            column = indent;
            p++;
            continue;
        }
        int length = (int)strcspn(p, " \n");
        if (column > indent && column + 1 + length > 100) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        column += printf("%s%.*s", column > indent ? " " : "", length, p);
        p += length;
        p += *p == ' ';
    }
    printf("\n");
}

static void option_title(const struct drift_option *option, char *title, size_t size)
{
    snprintf(title, size, "--%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
}

void drift_help_command(const struct drift_command *command)
{
    char title[160];
    printf("drift %s: %s\n\nUsage: drift %s %s\n\n", command->name, command->summary, command->name,
           command->arguments);
    wrap(command->text, 0);
    if (command->options && command->options->name)
        printf("\nOptions:\n");
    for (const struct drift_option *option = command->options; option && option->name; option++) {
        option_title(option, title, sizeof title);
        printf("  %-24s%s", title, strlen(title) > 23 ? "\n                          " : "");
        wrap(option->help, 26);
    }
    if (command->examples[0].command)
        printf("\nExamples:\n");
    for (int i = 0; i < 6 && command->examples[i].command; i++)
        printf("  %s\n      %s\n", command->examples[i].command, command->examples[i].does);
}

static void help_all(void)
{
    printf("drift %s: train and sample one-step generative models (Generative Modeling via Drifting)\n\n"
           "Usage: drift COMMAND ...\n\n",
           drift_version());
    for (int i = 0; drift_commands[i]; i++)
        printf("  %-8s %s\n", drift_commands[i]->name, drift_commands[i]->summary);
    printf("\n\"drift help COMMAND\" or \"drift COMMAND --help\": options and examples.\n\nEnvironment:\n");
    for (int i = 0; i < ENVIRONMENT; i++) {
        printf("  %-16s ", environment[i].command);
        wrap(environment[i].does, 19);
    }
    printf("\nExit status:\n");
    for (int i = 0; i < STATUSES; i++)
        printf("  %-4s %s\n", statuses[i].command, statuses[i].does);
}

/* ---- manual pages ---- */

/* Prints text for roff: backslashes and hyphens escaped, empty lines as paragraphs, no line starting with a dot. */
static void roff(const char *text)
{
    int start = 1;
    for (const char *p = text; *p; p++) {
        if (*p == '\n' && p[1] == '\n') {
            printf("\n.PP\n");
            p++;
            start = 1;
            continue;
        }
        if (start && (*p == '.' || *p == '\''))
            printf("\\&");
        if (*p == '\\')
            printf("\\e");
        else if (*p == '-')
            printf("\\-");
        else
            putchar(*p);
        start = *p == '\n';
    }
    printf("\n");
}

static void roff_items(const struct drift_example *items, int count)
{
    for (int i = 0; i < count && items[i].command; i++) {
        printf(".TP\n.B ");
        roff(items[i].command);
        roff(items[i].does);
    }
}

static void man_end(void)
{
    printf(".SH ENVIRONMENT\n");
    roff_items(environment, ENVIRONMENT);
    printf(".SH EXIT STATUS\n");
    roff_items(statuses, STATUSES);
}

static void man_command(const struct drift_command *command)
{
    printf(".TH DRIFT-%s 1 \"\" \"libdrift %s\"\n.SH NAME\ndrift\\-%s \\- ", command->name, drift_version(),
           command->name);
    roff(command->summary);
    printf(".SH SYNOPSIS\n.B drift %s\n", command->name);
    roff(command->arguments);
    printf(".SH DESCRIPTION\n");
    roff(command->text);
    if (command->options && command->options->name)
        printf(".SH OPTIONS\n");
    for (const struct drift_option *option = command->options; option && option->name; option++) {
        char title[160];
        option_title(option, title, sizeof title);
        printf(".TP\n.B ");
        roff(title);
        roff(option->help);
    }
    if (command->examples[0].command)
        printf(".SH EXAMPLES\n");
    roff_items(command->examples, 6);
    man_end();
    printf(".SH SEE ALSO\n.BR drift (1)\n");
}

static void man_all(void)
{
    printf(".TH DRIFT 1 \"\" \"libdrift %s\"\n.SH NAME\ndrift \\- train and sample one\\-step generative models\n"
           ".SH SYNOPSIS\n.B drift\n.I COMMAND\n...\n.SH DESCRIPTION\n",
           drift_version());
    roff(about);
    printf(".SH COMMANDS\n");
    for (int i = 0; drift_commands[i]; i++) {
        printf(".TP\n.BR drift\\-%s (1)\n", drift_commands[i]->name);
        roff(drift_commands[i]->summary);
    }
    man_end();
}

/* ---- the command ---- */

struct settings {
    int man, list;
};

static int run(int argc, char **argv)
{
    struct settings settings = {0};
    int status = drift_options_parse(&drift_command_help, &argc, argv, 0, 1, &settings);
    if (status >= 0)
        return status;
    if (settings.list) {
        for (int i = 0; drift_commands[i]; i++)
            printf("%s\n", drift_commands[i]->name);
        return DRIFT_EXIT_YES;
    }
    if (argc < 2) {
        (settings.man ? man_all : help_all)();
        return DRIFT_EXIT_YES;
    }
    const struct drift_command *command = drift_command_named(argv[1]);
    if (!command)
        return DRIFT_EXIT_BAD;
    (settings.man ? man_command : drift_help_command)(command);
    return DRIFT_EXIT_YES;
}

static const struct drift_option options[] = {
    {"man", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, man), "print a manual page (roff) instead", 0, 0},
    {"list", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, list), "print the names of the commands", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_help = {
    .name = "help",
    .summary = "explain the program or one command",
    .arguments = "[COMMAND] [options]",
    .text = "Without a command, lists all commands; with one, prints its options and examples.",
    .options = options,
    .examples = {{"drift help toy", "the options of drift toy, with examples"},
                 {"drift help --man sample | man -l -", "the manual page of drift sample"}},
    .run = run,
};
