/* Recomputes a case under known mistakes until one gives the port's numbers. */
#include "golden/diagnose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "golden/draft.h"
#include "golden/generate.h"
#include "golden/suite.h"

/* A case's computation with mistakes made. It must not move. */
struct mistaken {
    struct drift_golden_wrong wrong, forward;
    drift_golden golden;
};

/* From zeros, or anew for other mistakes, when the memory of the field's tapes is kept: whole training steps take much.
 */
static void mistaken_set(struct mistaken *m, const drift_golden *golden, uint64_t mistakes)
{
    const uint64_t apart = mistakes & (DRIFT_MISTAKE(THROUGH_TARGET) | DRIFT_MISTAKE(SCALE_PER_CLASS));
    drift_tape *const tape[] = {m->wrong.tape, m->forward.tape};
    drift_golden_wrong_backend(&m->wrong, mistakes, !apart);
    drift_golden_wrong_backend(&m->forward, mistakes, 1);
    m->wrong.tape = tape[0];
    m->forward.tape = tape[1];
    if (!(mistakes & DRIFT_MISTAKES_OF_FIELD)) /* the same numbers (tests/unit/diagnose.c), sooner */
        m->wrong.backend.drift_field = drift_cpu_backend(DRIFT_F64)->drift_field;
    m->golden = *golden;
    m->golden.backend = &m->wrong.backend;
    m->golden.forward = apart ? &m->forward.backend : &m->wrong.backend;
    m->golden.mistakes = mistakes;
}

static void mistaken_free(struct mistaken *m)
{
    drift_golden_wrong_free(&m->wrong);
    drift_golden_wrong_free(&m->forward);
}

static drift_status mistaken_results(struct mistaken *m, const struct drift_golden_kind *kind,
                                     const drift_golden *golden, uint64_t mistakes, struct drift_golden_values *values)
{
    mistaken_set(m, golden, mistakes);
    m->golden.values = values;
    *values = (struct drift_golden_values){.count = 0};
    return kind->compute(&m->golden);
}

drift_status drift_golden_mistaken(const struct drift_golden_kind *kind, const drift_golden *golden, uint64_t mistakes,
                                   struct drift_golden_values *values)
{
    struct mistaken m = {.wrong.tape = NULL};
    drift_status status = mistaken_results(&m, kind, golden, mistakes, values);
    mistaken_free(&m);
    return status;
}

/* ---- how near two sets of results are ---- */

/* The result of that name, or NULL. */
static const struct drift_array *by_name(const struct drift_golden_values *values, const char *name)
{
    const struct drift_golden_value *found = drift_golden_value_find(values, name);
    return found ? &found->array : NULL;
}

/* What rounding may make of a result whose exact value under a mistake is `size` large: the case's own bound, 1e-4 of
 * it, and what is nothing beside the right result. */
static double allowance(const json_t *config, const char *name, double size, double right)
{
    return fmax(drift_golden_bound(config, name, size), 1e-4 * size) + 1e-7 * right;
}

/* Whether a result is only reported, and these mistakes leave open what a port reports there. */
static int is_open(uint64_t mistakes, const char *name)
{
    const uint64_t lambdas = DRIFT_MISTAKE(LAMBDA_DIMENSION) | DRIFT_MISTAKE(LAMBDA_PER_CLASS) |
                             DRIFT_MISTAKE(LAMBDA_PER_SAMPLE) | DRIFT_MISTAKE(LAMBDA_PER_CHANNEL);
    return (mistakes & DRIFT_MISTAKE(SCALE_PER_CLASS) && !strncmp(name, "out/scale", 9)) ||
           (mistakes & lambdas && !strncmp(name, "out/loss_tau", 12));
}

/* The largest error of mine against `values`, which have these mistakes, in units of the allowance; noise (or NULL):
 * rounding found to be larger. */
static double score(const json_t *config, uint64_t mistakes, const struct drift_golden_values *mine,
                    const struct drift_golden_values *values, const struct drift_golden_values *right,
                    const double *noise)
{
    double worst = 0;
    for (size_t i = 0; i < mine->count; i++) {
        const struct drift_golden_value *m = &mine->list[i];
        const struct drift_array *x = by_name(values, m->name), *r = by_name(right, m->name);
        if (!x || !r || x->count != m->array.count || is_open(mistakes, m->name))
            continue;
        double allowed = allowance(config, m->name, drift_golden_rms(x->count, x->data, NULL),
                                   drift_golden_rms(r->count, r->data, NULL));
        if (noise)
            allowed = fmax(allowed, 4 * noise[drift_golden_value_find(values, m->name) - values->list]);
        const double error = drift_golden_rms(x->count, x->data, m->array.data);
        if (!(error <= allowed * worst))
            worst = allowed > 0 ? error / allowed : error > 0 ? INFINITY : worst;
    }
    return worst;
}

/* ---- a case at work ---- */

struct work {
    const struct drift_golden_case *c;
    const struct drift_golden_values *mine;
    drift_diagnosis *out;
    struct mistaken m;
    int *exact;                    /* inputs that rounding does not touch */
    uint64_t seen[DRIFT_MISTAKES]; /* single mistakes that change the results */
    int singles, right;            /* right: the case accepts mine */
    double least;                  /* of all tried, the nearest */
};

/* Decisions and numbers of things among the inputs: see draft.h. */
static int is_exact(const struct drift_tensor_entry *entry)
{
    static const char *const names[] = {"in/mask",       "in/switch",    "in/drop_uniform",
                                        "in/ratio_draw", "in/cell_draw", "in/samples"};
    int exact = entry->array.type != DRIFT_ARRAY_F32 && entry->array.type != DRIFT_ARRAY_F64;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        exact |= !strcmp(entry->name, names[i]);
    return exact || (strncmp(entry->name, "in/", 3) && strncmp(entry->name, "param/", 6));
}

/* Mine against the results under these mistakes; where it is near, with the rounding that they have. */
static drift_status judge(struct work *w, uint64_t mistakes, const struct drift_golden_values *values, double *result)
{
    const json_t *config = w->c->golden.config;
    *result = score(config, mistakes, w->mine, values, &w->out->right, NULL);
    if (w->right || !(*result > 1 && *result < 1000))
        return DRIFT_OK;
    double *noise = malloc((values->count + 1) * sizeof *noise);
    if (!noise)
        return drift_fail_memory(w->c->file.path, values->count * sizeof *noise);
    mistaken_set(&w->m, &w->c->golden, mistakes);
    drift_status status = drift_golden_noise(w->c->kind, &w->m.golden, w->exact, 0, 2, values, noise);
    if (!status)
        *result = score(config, mistakes, w->mine, values, &w->out->right, noise);
    free(noise);
    return status;
}

/* Tries a set of mistakes: keeps it where it reproduces mine, or comes nearest so far. *differs: from the right. */
static drift_status try_set(struct work *w, uint64_t mistakes, int *differs)
{
    struct drift_golden_values values;
    double result = INFINITY;
    drift_status status = mistaken_results(&w->m, w->c->kind, &w->c->golden, mistakes, &values);
    *differs = status == DRIFT_NOT_FINITE;
    if (*differs) { /* numbers that blow up show plainly, but are not those of a port that has numbers */
        drift_golden_values_free(&values);
        return DRIFT_OK;
    }
    if (!status) {
        *differs = !(score(w->c->golden.config, 0, &w->out->right, &values, &w->out->right, NULL) <= 1);
        status = judge(w, mistakes, &values, &result);
    }
    drift_diagnosis *d = w->out;
    const int hit = !status && result <= 1;
    if (hit && d->sets < DRIFT_DIAGNOSIS_SETS)
        d->set[d->sets++] = (struct drift_diagnosis_set){mistakes, result};
    if (!status && ((hit && d->sets == 1) || (!d->sets && result < w->least))) {
        w->least = result;
        d->nearest = mistakes;
        drift_golden_values_free(&d->wrong);
        d->wrong = values;
        values = (struct drift_golden_values){.count = 0};
    }
    drift_golden_values_free(&values);
    return status;
}

static drift_status try_singles(struct work *w)
{
    drift_status status = DRIFT_OK;
    for (int i = 0; i < DRIFT_MISTAKES && !status; i++) {
        int differs;
        if (!drift_golden_mistake_applies(i, w->c->kind->name, w->c->golden.config))
            continue;
        status = try_set(w, (uint64_t)1 << i, &differs);
        if (differs)
            w->seen[w->singles++] = (uint64_t)1 << i;
        else
            w->out->blind |= (uint64_t)1 << i;
    }
    return status;
}

static drift_status try_pairs(struct work *w)
{
    drift_status status = DRIFT_OK;
    w->out->pairs = 1;
    for (int i = 0; i < w->singles && !status; i++)
        for (int k = i + 1; k < w->singles && !status; k++) {
            int differs;
            status = try_set(w, w->seen[i] | w->seen[k], &differs);
        }
    return status;
}

static size_t numbers_of(const struct drift_safetensors *file)
{
    size_t count = 0;
    for (size_t i = 0; i < file->count; i++)
        count += file->tensors[i].array.count;
    return count;
}

/* Whether all of mine is right to 3 %. */
static int is_low_precision(const struct work *w)
{
    for (size_t i = 0; i < w->mine->count; i++) {
        const struct drift_array *x = &w->mine->list[i].array, *r = by_name(&w->out->right, w->mine->list[i].name);
        if (r && !(drift_golden_rms(x->count, x->data, r->data) <= 0.03 * drift_golden_rms(r->count, r->data, NULL)))
            return 0;
    }
    return 1;
}

static int in_bfloat16(const json_t *config) { return json_is_true(drift_golden_setting(config, "model.use_bf16")); }

/* Whether the case itself accepts all of mine. */
static drift_status is_right(struct work *w)
{
    drift_status status = DRIFT_OK;
    w->right = 1;
    for (size_t i = 0; i < w->mine->count && !status; i++) {
        const struct drift_golden_value *m = &w->mine->list[i];
        struct drift_golden_distance d;
        status = drift_golden_measure(&w->c->golden, m->name, m->array.count, m->array.data, &d);
        w->right = w->right && d.good;
    }
    return status;
}

static drift_status search(struct work *w, int all_pairs)
{
    enum { MOST = 300000 };
    drift_diagnosis *d = w->out;
    drift_status status = is_right(w);
    if (!status)
        status = mistaken_results(&w->m, w->c->kind, &w->c->golden, 0, &d->right);
    if (!status)
        status = try_singles(w);
    if (status)
        return status;
    d->verdict = w->right ? DRIFT_DIAGNOSIS_RIGHT : DRIFT_DIAGNOSIS_UNKNOWN;
    if (w->right) {
        d->sets = 0; /* those that this case does not show */
        return DRIFT_OK;
    }
    if (!d->sets && (all_pairs || numbers_of(&w->c->file) <= MOST))
        status = try_pairs(w);
    if (d->sets)
        d->verdict = DRIFT_DIAGNOSIS_MISTAKE;
    d->precise = is_low_precision(w);
    if (!status && d->sets > 1)
        status = drift_golden_telling(w->c->kind, d->set[0].mistakes, d->set[1].mistakes, d->telling);
    return status;
}

drift_status drift_golden_diagnose(struct drift_golden_case *c, const struct drift_golden_values *mine, int all_pairs,
                                   drift_diagnosis *diagnosis)
{
    struct work w = {.c = c, .mine = mine, .out = diagnosis, .least = INFINITY};
    *diagnosis = (drift_diagnosis){.sets = 0};
    if (!c->kind || !c->kind->inputs || in_bfloat16(c->golden.config))
        return drift_fail(DRIFT_UNAVAILABLE, "%s: no mistakes are known of %s", c->file.path,
                          c->kind && c->kind->inputs ? "cases in bfloat16" : "cases of this kind");
    w.exact = calloc(c->file.count + 1, sizeof *w.exact);
    if (!w.exact)
        return drift_fail_memory(c->file.path, c->file.count * sizeof *w.exact);
    for (size_t i = 0; i < c->file.count; i++)
        w.exact[i] = is_exact(&c->file.tensors[i]);
    drift_status status = search(&w, all_pairs);
    free(w.exact);
    mistaken_free(&w.m);
    if (status)
        drift_diagnosis_free(diagnosis);
    return status;
}

void drift_diagnosis_free(drift_diagnosis *diagnosis)
{
    drift_golden_values_free(&diagnosis->right);
    drift_golden_values_free(&diagnosis->wrong);
}

/* ---- a case that tells two apart ---- */

/* Configurations that bring mistakes to light which a kind's defaults, and the suite's, hide. */
static const struct {
    const char *kind, *config;
} others[] = {
    {"drift_joint", "{\"floor\": 1e-12, \"tau\": 0.1}"},
    {"drift_joint", "{\"floor\": 1e-12, \"tau\": 0.03}"},
    {"drift_exact", "{\"self\": \"masked\", \"shape\": {\"generated\": 4, \"positives\": 6, \"negatives\": 3}}"},
    {"drift_normalized", "{\"taus\": [0.2, 0.5], \"shape\": {\"dim\": 3}}"},
    {"drift_normalized", "{\"taus\": [0.01], \"shape\": {\"batches\": 1, \"generated\": 2, \"positives\": 1, "
                         "\"negatives\": 9, \"dim\": 2}}"},
    {"drift_features", "{\"no_cfg_frac\": 0.0, \"taus\": [0.2, 0.5]}"},
    {"conv", "{\"kernel\": 3, \"stride\": 2, \"padding\": 1, \"shape\": {\"height\": 6, \"width\": 8}}"},
    {"resize", "{\"size\": [4, 5], \"shape\": {\"height\": 9, \"width\": 12}}"},
    {"resize", "{\"size\": [11, 14], \"shape\": {\"height\": 6, \"width\": 5}}"},
    {"dit", "{\"model\": {\"use_swiglu\": false, \"depth\": 1}}"},
    {"convnext", "{\"shape\": {\"height\": 260, \"width\": 32}}"},
};

/* Whether the two sets differ on the kind's case of this config (JSON), by ten times what rounding explains. */
static drift_status differ(const struct drift_golden_kind *kind, const char *text, uint64_t a, uint64_t b, int *differs)
{
    drift_golden_draft draft;
    json_error_t wrong;
    struct drift_golden_values first = {.count = 0}, second = {.count = 0};
    json_t *config = json_loads(text, 0, &wrong);
    drift_status status = drift_golden_draft_new(&draft, kind, config, 0);
    *differs = 0;
    for (int i = 0; i < DRIFT_MISTAKES && !status; i++)
        if ((a | b) >> i & 1 && !drift_golden_mistake_applies(i, kind->name, draft.golden.config))
            goto done;
    if (!status)
        status = drift_golden_mistaken(kind, &draft.golden, a, &first);
    if (!status)
        status = drift_golden_mistaken(kind, &draft.golden, b, &second);
    if (!status)
        *differs = !(score(draft.golden.config, 0, &first, &second, &second, NULL) <= 10);
done:
    drift_golden_values_free(&first);
    drift_golden_values_free(&second);
    drift_golden_draft_free(&draft);
    json_decref(config);
    return status == DRIFT_NOT_FINITE ? DRIFT_OK : status;
}

static int is_default(const char *config) { return !strcmp(config, "{}"); }

/* `command` makes the kind's case of this config, where the two sets differ on it; else it stays as it is. */
static drift_status tell(const struct drift_golden_kind *kind, const char *config, uint64_t a, uint64_t b,
                         char command[DRIFT_DIAGNOSIS_CASE])
{
    const int defaults = is_default(config);
    int differs;
    drift_status status = differ(kind, config, a, b, &differs);
    if (differs)
        snprintf(command, DRIFT_DIAGNOSIS_CASE, "drift golden generate %s%s%s%s --out CASE.safetensors", kind->name,
                 defaults ? "" : " --config '", defaults ? "" : config, defaults ? "" : "'");
    return status;
}

drift_status drift_golden_telling(const struct drift_golden_kind *kind, uint64_t a, uint64_t b,
                                  char command[DRIFT_DIAGNOSIS_CASE])
{
    const char *its_kind, *config;
    *command = 0;
    drift_status status = tell(kind, "{}", a, b, command);
    for (int i = 0; !*command && !status && drift_golden_suite_case(i, &its_kind, &config); i++)
        if (!strcmp(its_kind, kind->name) && !is_default(config))
            status = tell(kind, config, a, b, command);
    for (size_t i = 0; !*command && !status && i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i].kind, kind->name))
            status = tell(kind, others[i].config, a, b, command);
    return status;
}
