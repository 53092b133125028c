/* Verifies every kernel on every ISA that runs here: see tests/kernel/check.h and docs/testing.md.
 *   kernels [--isa NAME] [--only WORD] [--seed S] [--emulated] [--no-pages] [--hash] [--verbose] [--list] [--time]
 * [--json]
 * [--which] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kernel/check.h"

/* One line: the ISA that was chosen, then all that run here. */
static int which(void)
{
    if (drift_kernels_status() != DRIFT_OK) {
        fprintf(stderr, "%s\n", drift_message());
        return 2;
    }
    printf("%s:", drift_isa_name(drift_kernels_isa()));
    for (int isa = 0; isa < DRIFT_ISA_COUNT; isa++)
        if (drift_kernels_of((drift_isa)isa))
            printf(" %s", drift_isa_name((drift_isa)isa));
    printf("\n");
    return 0;
}

int main(int argc, char **argv)
{
    struct drift_check_options o = {0};
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(a, "--isa"))
            o.isa = value, i++;
        else if (!strcmp(a, "--only"))
            o.only = value, i++;
        else if (!strcmp(a, "--seed"))
            o.seed = strtoull(value, NULL, 10), i++;
        else if (!strcmp(a, "--emulated"))
            o.emulated = 1;
        else if (!strcmp(a, "--no-pages"))
            o.no_pages = 1;
        else if (!strcmp(a, "--hash"))
            o.hash = 1;
        else if (!strcmp(a, "--verbose"))
            o.verbose = 1;
        else if (!strcmp(a, "--list"))
            o.list = 1;
        else if (!strcmp(a, "--time"))
            o.timing = 1;
        else if (!strcmp(a, "--json"))
            o.json = 1;
        else if (!strcmp(a, "--which"))
            return which();
        else {
            fprintf(stderr, "kernels: unknown option %s\n", a);
            return 2;
        }
    }
    return drift_check_kernels(&o);
}
