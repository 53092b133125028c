/* drift golden: numbers against golden values; what is for ports lies in golden_port.c. */
#include <dirent.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/golden.h"
#include "golden/golden.h"

void golden_print_json(json_t *json, size_t flags)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | flags);
    printf("\n");
    json_decref(json);
}

struct tally {
    int ok, off, unknown, bad;
    json_t *list; /* NULL: lines are printed */
};

static void note_json(const char *path, const drift_golden_result *r, struct tally *tally)
{
    static const char *const words[] = {"ok", "off", "unknown kind"};
    json_t *line = json_pack("{s:s, s:s, s:s}", "file", path, "kind", r->kind, "verdict", words[r->verdict]);
    if (r->verdict == DRIFT_GOLDEN_OFF) {
        json_object_set_new(line, "tensor", json_string(r->tensor));
        json_object_set_new(line, "error", json_real(r->error == r->error ? r->error : 1e300));
        json_object_set_new(line, "bound", json_real(r->bound));
    }
    json_array_append_new(tally->list, line);
}

static void verify_file(const char *path, struct tally *tally)
{
    drift_golden_result r;
    if (drift_golden_verify(path, &r)) {
        tally->bad++;
        drift_error_kept();
        return;
    }
    tally->ok += r.verdict == DRIFT_GOLDEN_OK;
    tally->off += r.verdict == DRIFT_GOLDEN_OFF;
    tally->unknown += r.verdict == DRIFT_GOLDEN_UNKNOWN_KIND;
    if (tally->list)
        note_json(path, &r, tally);
    else if (r.verdict == DRIFT_GOLDEN_OK)
        printf("ok       %s (%s, %d compared)\n", path, r.kind, r.compared);
    else if (r.verdict == DRIFT_GOLDEN_OFF)
        printf("off      %s: %s: error %.3g, bound %.3g\n", path, r.tensor, r.error, r.bound);
    else
        printf("unknown  %s: kind %s\n", path, r.kind);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Whether a file of a folder is a case: a .safetensors, or a .yaml with its .json beside it. */
static int is_case(const char *path)
{
    if (!drift_ends_with(path, ".yaml"))
        return drift_ends_with(path, ".safetensors");
    char *beside = malloc(strlen(path) + 1);
    struct stat about;
    if (!beside)
        return 0;
    sprintf(beside, "%.*s.json", (int)(strlen(path) - strlen(".yaml")), path);
    const int found = !stat(beside, &about);
    free(beside);
    return found;
}

/* A file, or a folder's cases in the order of their names, folders below it included. */
static void verify_path(const char *path, int named, struct tally *tally)
{
    struct stat about;
    struct dirent **entries;
    if (stat(path, &about) || !S_ISDIR(about.st_mode)) {
        if (named || is_case(path))
            verify_file(path, tally);
        return;
    }
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0) {
        tally->bad++;
        drift_error("%s: cannot be read", path);
        return;
    }
    for (int i = 0; i < count; i++) {
        size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *inner = malloc(size);
        if (inner) {
            snprintf(inner, size, "%s/%s", path, entries[i]->d_name);
            verify_path(inner, 0, tally);
        }
        free(inner);
        free(entries[i]);
    }
    free(entries);
}

static int verify(int argc, char **argv, const struct golden_settings *settings)
{
    struct tally tally = {0};
    tally.list = settings->json ? json_array() : NULL;
    for (int i = 2; i < argc; i++)
        verify_path(argv[i], 1, &tally);
    if (tally.list)
        golden_print_json(tally.list, 0);
    else
        printf("%d ok, %d off, %d of unknown kind, %d unreadable\n", tally.ok, tally.off, tally.unknown, tally.bad);
    if (!tally.bad && !(tally.ok + tally.off + tally.unknown))
        return drift_error("golden verify: no .safetensors file there, nor a .yaml beside its .json");
    return tally.bad ? DRIFT_EXIT_BAD : tally.off ? DRIFT_EXIT_NO : DRIFT_EXIT_YES;
}

/* What `drift golden WORD` does, and how many arguments follow the word. */
static const struct {
    const char *word;
    int least, most;
    int (*run)(int argc, char **argv, const struct golden_settings *settings);
} actions[] = {
    {"verify", 1, 100000, verify},     {"list", 0, 1, golden_list},         {"generate", 0, 1, golden_generate},
    {"compare", 2, 2, golden_compare}, {"diagnose", 2, 2, golden_diagnose},
};

static int run(int argc, char **argv)
{
    struct golden_settings settings = {.precision = "double"};
    int status = drift_options_parse(&drift_command_golden, &argc, argv, 1, 100000, &settings);
    if (status >= 0)
        return status;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(argv[1], actions[i].word))
            continue;
        if (argc - 2 < actions[i].least || argc - 2 > actions[i].most)
            return drift_error("golden %s: expected %s arguments; see \"drift help golden\"", argv[1],
                               argc - 2 < actions[i].least ? "more" : "fewer");
        return actions[i].run(argc, argv, &settings);
    }
    return drift_error("golden %s: expected verify, list, generate, compare or diagnose", argv[1]);
}

#define AT(field) offsetof(struct golden_settings, field)
static const struct drift_option options[] = {
    {"json", NULL, DRIFT_OPTION_FLAG, AT(json), "all but generate: print JSON", 0, 0},
    {"config", "JSON|FILE", DRIFT_OPTION_TEXT, AT(config), "generate: keys other than the kind's defaults", 0, 0},
    {"seed", "N", DRIFT_OPTION_INTEGER, AT(seed), "generate: what inputs are drawn from; default 0", 0,
     9007199254740992.0},
    {"precision", "float|double", DRIFT_OPTION_CHOICE, AT(precision),
     "generate: how results are stored; default double", 0, 0},
    {"suite", NULL, DRIFT_OPTION_FLAG, AT(suite), "generate: a graded set with a README", 0, 0},
    {"out", "FILE|DIR", DRIFT_OPTION_TEXT, AT(out),
     "generate: a .safetensors (with .npz beside it), .npz or .json; or a folder", 0, 0},
    {"partial", NULL, DRIFT_OPTION_FLAG, AT(partial), "compare, diagnose: MINE need not hold all results", 0, 0},
    {"pairs", NULL, DRIFT_OPTION_FLAG, AT(pairs), "diagnose: two mistakes at once even where the case is large", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_golden = {
    .name = "golden",
    .summary = "check this program, or a port to another framework, against golden values",
    .arguments = "verify FILE|FOLDER... | list [KIND] | generate KIND|--suite --out FILE|DIR | compare MINE CASE | "
                 "diagnose MINE CASE",
    .text =
        "verify computes each case again, in float with the instruction set in use, and compares every result: its "
        "root "
        "mean square error must be within the case's bound. Prints a line per file: ok, or the first tensor that is "
        "off, its error and its bound. Kinds that this version does not know are reported as such.\n\n"
        "generate makes a case of a kind for others to check their code with: inputs drawn from the seed, results in "
        "double precision, and a bound for each (four times its worst rms change over eight runs whose inputs are "
        "multiplied by 1 +- 2^-24 at random, and at least 2^-20 of its rms; 2^-16 for the autoencoder, 1e-3 for its "
        "and "
        "the generator's steps). The same command makes the same bytes on every machine. list prints the "
        "kinds; with one, its settings and tensors.\n\n"
        "compare shows each result of a port (MINE: a .safetensors, .npz or .npy of the case's out/... and grad/...) "
        "beside the case's: the worst element and where it is, the error and its bound, cosine and scale. diagnose "
        "computes the case again under each known mistake, and under two at once, and says which one gives the port's "
        "numbers; where two cannot be told apart on this case, it says which case can. See docs/golden.md.\n\n"
        "Exit status: 0 none is off, 1 some are off, 2 bad input.",
    .options = options,
    .examples = {{"drift golden verify tests/golden", "all cases of a folder"},
                 {"DRIFT_ISA=c drift golden verify tests/golden", "the same with portable C"},
                 {"drift golden list drift_exact", "settings and tensors of a kind"},
                 {"drift golden generate drift_exact --config '{\"tau\": 0.3}' --out case.safetensors", "a case"},
                 {"drift golden generate --suite --out cases", "a graded set for a port"},
                 {"drift golden diagnose mine.npz case.safetensors", "which mistake a port makes"}},
    .run = run,
};
