/* Options declared in a table: one table parses them, explains them in `drift help` and in the manual page. */
#ifndef DRIFT_CLI_OPTIONS_H
#define DRIFT_CLI_OPTIONS_H

#include "base/spelling.h"
#include <stddef.h>
#include <stdint.h>

enum { DRIFT_OPTION_LIST = 64 };

/* What a command's settings hold for each type. */
enum drift_option_type {
    DRIFT_OPTION_FLAG,    /* int: 1 where given */
    DRIFT_OPTION_INTEGER, /* int64_t within low..high */
    DRIFT_OPTION_NUMBER,  /* double within low..high */
    DRIFT_OPTION_NUMBERS, /* struct drift_option_numbers, each within low..high; written a,b,c */
    DRIFT_OPTION_TEXT,    /* const char * */
    DRIFT_OPTION_CHOICE,  /* const char *: one of the words of `value`, which are separated by '|' */
    DRIFT_OPTION_REPEATED /* struct drift_option_texts: may be given several times */
};

struct drift_option_numbers {
    int count;
    double items[DRIFT_OPTION_LIST];
};

struct drift_option_texts {
    int count;
    const char *items[DRIFT_OPTION_LIST];
};

struct drift_option {
    const char *name;  /* without the dashes; NULL ends a table */
    const char *value; /* what stands for the value in the help, e.g. "N"; NULL for a flag */
    enum drift_option_type type;
    size_t offset;    /* of its place in the command's settings: offsetof(struct settings, ...) */
    const char *help; /* one line, lower case, with the default */
    double low, high; /* for numbers */
};

struct drift_example {
    const char *command, *does;
};

/* One command of the program. `drift help NAME` and the manual page are made of these texts. */
struct drift_command {
    const char *name;
    const char *summary;   /* one line, without a full stop */
    const char *arguments; /* "NAME|FILE [options]" */
    const char *text;      /* paragraphs, separated by an empty line */
    const struct drift_option *options;
    struct drift_example examples[6];
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
};

/* Reads argv[1..] into `settings` (which holds the defaults) and moves the other arguments to argv[1..*argc - 1].
 * `--name value`, `--name=value`, `--help`; after `--` nothing is an option. Fewer than `least` or more than `most`
 * other arguments are an error.
 * Returns -1 to go on, else the exit status: 0 after --help, 2 after an error, whose line is on stderr. */
int drift_options_parse(const struct drift_command *command, int *argc, char **argv, int least, int most,
                        void *settings);

/* Exit statuses of the program. */
enum drift_exit { DRIFT_EXIT_YES = 0, DRIFT_EXIT_NO = 1, DRIFT_EXIT_BAD = 2, DRIFT_EXIT_STOPPED = 130 };

/* "drift: ..." on stderr, in one line; returns DRIFT_EXIT_BAD. drift_error_kept() says the library's last failure. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
int drift_error(const char *format, ...);
int drift_error_kept(void);

#endif
