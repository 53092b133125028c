/* drift golden compare, diagnose: a port's results against a case. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/golden.h"
#include "golden/diagnose.h"
#include "golden/port.h"
#include "io/json.h"

/* A case and a port's results. */
struct pair {
    struct drift_golden_case c;
    struct drift_golden_values mine;
    struct drift_golden_line *lines; /* one for each of mine */
    size_t off;
};

static int open_pair(char **argv, const struct golden_settings *settings, struct pair *p)
{
    memset(p, 0, sizeof *p);
    if (drift_golden_open(argv[3], &p->c))
        return drift_error_kept();
    drift_status status = drift_golden_port_read(argv[2], &p->c.file, settings->partial, &p->mine);
    p->lines = status ? NULL : calloc(p->mine.count + 1, sizeof *p->lines);
    if (!status && !p->lines)
        status = drift_fail_memory(argv[2], p->mine.count * sizeof *p->lines);
    if (!status)
        status = drift_golden_port_compare(&p->c.golden, &p->mine, p->lines);
    for (size_t i = 0; i < p->mine.count && !status; i++)
        p->off += !p->lines[i].good;
    return status ? drift_error_kept() : DRIFT_EXIT_YES;
}

static void close_pair(struct pair *p)
{
    free(p->lines);
    drift_golden_values_free(&p->mine);
    drift_golden_close(&p->c);
}

/* ---- compare ---- */

static void print_lines(const struct pair *p)
{
    char at[DRIFT_ARRAY_TEXT];
    printf("     %-40s %-10s %-10s %-14s %14s %14s %10s %10s\n", "result", "rms error", "bound", "worst at", "mine",
           "case", "cosine", "scale");
    for (size_t i = 0; i < p->mine.count; i++) {
        const struct drift_golden_line *l = &p->lines[i];
        printf("%-4s %-40s %-10.3g %-10.3g %-14s %14.8g %14.8g %10.7f %10.7f\n", l->good ? "ok" : "off", l->name,
               l->error, l->bound, drift_golden_place(&l->shape, l->worst, at), l->mine, l->reference, l->cosine,
               l->scale);
    }
}

static json_t *json_lines(const struct pair *p)
{
    char at[DRIFT_ARRAY_TEXT];
    json_t *list = json_array();
    for (size_t i = 0; i < p->mine.count; i++) {
        const struct drift_golden_line *l = &p->lines[i];
        json_array_append_new(
            list, json_pack("{s:s, s:b, s:o, s:o, s:s, s:f, s:f, s:o, s:o}", "tensor", l->name, "ok", l->good, "error",
                            drift_json_number(l->error), "bound", drift_json_number(l->bound), "worst",
                            drift_golden_place(&l->shape, l->worst, at), "mine", l->mine, "case", l->reference,
                            "cosine", drift_json_number(l->cosine), "scale", drift_json_number(l->scale)));
    }
    return list;
}

int golden_compare(int argc, char **argv, const struct golden_settings *settings)
{
    struct pair p;
    int result = open_pair(argv, settings, &p);
    (void)argc;
    if (!result && settings->json)
        golden_print_json(json_lines(&p), 0);
    else if (!result) {
        print_lines(&p);
        printf("%zu of %zu results are off%s\n", p.off, p.mine.count,
               p.off ? "; \"drift golden diagnose\" looks for the mistake" : "");
    }
    if (!result && p.off)
        result = DRIFT_EXIT_NO;
    close_pair(&p);
    return result;
}

/* ---- diagnose ---- */

static void print_set(uint64_t mistakes)
{
    const char *between = "";
    for (int i = 0; i < DRIFT_MISTAKES; i++)
        if (mistakes >> i & 1) {
            printf("%s%s", between, drift_golden_mistakes[i].name);
            between = " + ";
        }
    printf("\n");
    for (int i = 0; i < DRIFT_MISTAKES; i++)
        if (mistakes >> i & 1)
            printf("      %s\n", drift_golden_mistakes[i].what);
}

/* Each result's error against the specification and against the mistake, in units of its size. */
static void print_evidence(const struct pair *p, const drift_diagnosis *d)
{
    printf("\n  %-44s %20s %20s\n", "error, of the result's rms", "as specified", "with the mistake");
    for (size_t i = 0; i < p->mine.count; i++) {
        const struct drift_golden_value *m = &p->mine.list[i], *right = drift_golden_value_find(&d->right, m->name),
                                        *wrong = drift_golden_value_find(&d->wrong, m->name);
        if (!right || !wrong)
            continue;
        const size_t n = m->array.count;
        const double size = drift_golden_rms(n, right->array.data, NULL), unit = size > 0 ? size : 1;
        printf("  %-44s %20.2g %20.2g\n", m->name, drift_golden_rms(n, m->array.data, right->array.data) / unit,
               drift_golden_rms(n, m->array.data, wrong->array.data) / unit);
    }
}

static void print_right(const struct pair *p, const drift_diagnosis *d)
{
    printf("right: all %zu results are within their bounds\n", p->mine.count);
    if (!d->blind)
        return;
    printf("this case would not show:\n");
    for (int i = 0; i < DRIFT_MISTAKES; i++) {
        char command[DRIFT_DIAGNOSIS_CASE] = "";
        if (!(d->blind >> i & 1))
            continue;
        if (drift_golden_telling(p->c.kind, 0, (uint64_t)1 << i, command))
            *command = 0;
        printf("  %s%s%s\n", drift_golden_mistakes[i].name, *command ? "; this one does: " : "", command);
    }
}

static void print_mistakes(const struct pair *p, const drift_diagnosis *d)
{
    printf("%s", d->sets > 1 ? "one of these mistakes; this case cannot tell them apart\n" : "");
    for (int i = 0; i < d->sets; i++) {
        printf("mistake: ");
        print_set(d->set[i].mistakes);
    }
    if (*d->telling)
        printf("this case tells the first two apart: %s\n", d->telling);
    else if (d->sets > 1)
        printf("no case at hand tells the first two apart\n");
    print_evidence(p, d);
}

static void print_unknown(const struct pair *p, const drift_diagnosis *d)
{
    printf("unknown: no known mistake%s gives these numbers%s\n", d->pairs ? ", nor two at once," : "",
           d->pairs ? "" : " (--pairs tries two at once)");
    if (d->precise)
        printf("every result is right to 3 %%: low precision (bfloat16, TF32) looks like that\n");
    else if (d->nearest) {
        printf("nearest: ");
        print_set(d->nearest);
        print_evidence(p, d);
    }
}

static json_t *json_set(uint64_t mistakes)
{
    json_t *names = json_array();
    for (int i = 0; i < DRIFT_MISTAKES; i++)
        if (mistakes >> i & 1)
            json_array_append_new(names, json_string(drift_golden_mistakes[i].name));
    return names;
}

static json_t *json_diagnosis(const struct pair *p, const drift_diagnosis *d)
{
    static const char *const verdicts[] = {"right", "mistake", "unknown"};
    json_t *sets = json_array();
    for (int i = 0; i < d->sets && d->verdict == DRIFT_DIAGNOSIS_MISTAKE; i++)
        json_array_append_new(sets, json_set(d->set[i].mistakes));
    return json_pack("{s:s, s:o, s:s, s:o, s:o}", "verdict", verdicts[d->verdict], "mistakes", sets, "told_apart_by",
                     d->telling, "not_shown", json_set(d->verdict == DRIFT_DIAGNOSIS_RIGHT ? d->blind : 0), "results",
                     json_lines(p));
}

int golden_diagnose(int argc, char **argv, const struct golden_settings *settings)
{
    static void (*const print[])(const struct pair *p, const drift_diagnosis *d) = {print_right, print_mistakes,
                                                                                    print_unknown};
    struct pair p;
    drift_diagnosis d = {.sets = 0};
    int result = open_pair(argv, settings, &p);
    (void)argc;
    if (!result && drift_golden_diagnose(&p.c, &p.mine, settings->pairs, &d))
        result = drift_error_kept();
    if (!result) {
        if (settings->json)
            golden_print_json(json_diagnosis(&p, &d), 0);
        else
            print[d.verdict](&p, &d);
        result = d.verdict == DRIFT_DIAGNOSIS_RIGHT ? DRIFT_EXIT_YES : DRIFT_EXIT_NO;
    }
    drift_diagnosis_free(&d);
    close_pair(&p);
    return result;
}
