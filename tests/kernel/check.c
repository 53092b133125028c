/* Runs the kernel checks: rounds of sizes and inputs, the calls, the comparison. See check.h. */
#include "check.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check_array.h"

enum { MOST_ARRAYS = 24, MOST_SIZES = 8, ORACLE = -1 };
static const int order[] = {ORACLE, DRIFT_C, DRIFT_REF, DRIFT_AVX2, DRIFT_AVX512, DRIFT_NEON};
enum { TURNS = sizeof order / sizeof *order };

struct check {
    const struct drift_check_options *options;
    const char *name; /* of the kernel */
    int round, rounds, bits_only;
    uint64_t random;
    struct check_array *arrays[MOST_ARRAYS];
    int array_count;
    size_t sizes[MOST_SIZES]; /* asked for in this round */
    int size_count;

    struct drift_cost cost;
    const struct drift_kernels *tables[DRIFT_ISA_COUNT]; /* asked for once: cpuid is slow in virtual machines */
    int turn;                                            /* index into order; -1 before the first */
    int hashed;                                          /* the turn whose results go into the hash */
    int calls, failures;
    double worst; /* largest error seen, as a part of what is allowed */
    uint64_t hash;

    int run, left; /* timing: runs made, calls left in this one */
    int calls_a_run;
    double start, best, spent;
    int rows; /* printed, of all kernels */
};

/* ---- rounds ---- */

static void release(struct check *c)
{
    for (int i = 0; i < c->array_count; i++)
        check_array_free(c->arrays[i]);
    c->array_count = c->size_count = c->bits_only = 0;
}

int check_round(struct check *c)
{
    release(c);
    c->round++;
    uint64_t kernel = UINT64_C(14695981039346656037);
    for (const char *s = c->name; *s; s++)
        kernel = (kernel ^ (unsigned char)*s) * UINT64_C(1099511628211);
    c->random = kernel ^ c->options->seed * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)c->round << 48;
    return c->round < c->rounds && c->failures < 5;
}

int check_timing(const struct check *c) { return c->options->timing; }

int check_wild(const struct check *c)
{
    static const int wild[] = {0, 2, 0, 1};
    return check_timing(c) ? 0 : wild[c->round % 4];
}

void check_bits_only(struct check *c) { c->bits_only = 1; }

size_t check_size(struct check *c, size_t most, size_t timed)
{
    static const size_t all[] = {0, 1, 15, 16, 17, 31, 2, 33, 61, 7, 127, 64, 3, 257, 1009, 2048, 4099};
    size_t fit[sizeof all / sizeof *all], count = 0, size = timed;
    if (c->options->emulated && most > 300)
        most = 300;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] <= most)
            fit[count++] = all[i];
    if (!check_timing(c))
        size = fit[(c->size_count ? check_random(&c->random) >> 32 : (uint64_t)c->round) % count];
    if (c->size_count < MOST_SIZES)
        c->sizes[c->size_count++] = size;
    return size;
}

int check_int(struct check *c, int low, int high)
{
    return low + (int)((check_random(&c->random) >> 32) % (uint64_t)((int64_t)high - low + 1));
}

float check_float(struct check *c, float low, float high)
{
    return (float)(low + ((double)high - low) * (double)(check_random(&c->random) >> 11) * 0x1p-53);
}

/* ---- arrays ---- */

static struct check_array *array(struct check *c, size_t n, enum check_type type, enum check_role role)
{
    enum check_place place = check_timing(c) ? CHECK_ALIGNED : (enum check_place)check_int(c, 0, 2);
    if (c->options->no_pages && !check_timing(c))
        place = CHECK_INSIDE;
    size_t step = type == CHECK_DOUBLE ? 8 : type == CHECK_BF16 ? 2 : 4;
    struct check_array *a = NULL;
    if (c->array_count < MOST_ARRAYS)
        a = check_array_new(n, type, role, place, step * (size_t)check_int(c, 0, 63 / (int)step));
    if (!a) {
        fprintf(stderr, "check %s: no memory for an array of %zu\n", c->name, n);
        exit(2);
    }
    c->arrays[c->array_count++] = a;
    return a;
}

static struct check_array *drawn(struct check *c, size_t n, enum check_role role, float low, float high, int wild)
{
    struct check_array *a = array(c, n, CHECK_REAL, role);
    check_array_fill(a, &c->random, low, high, wild, check_int(c, 0, 7));
    check_array_restore(a, 0);
    return a;
}

struct check_array *check_in(struct check *c, size_t n, float low, float high)
{
    return drawn(c, n, CHECK_IN, low, high, check_wild(c));
}

struct check_array *check_tame(struct check *c, size_t n, float low, float high)
{
    return drawn(c, n, CHECK_IN, low, high, 0);
}

struct check_array *check_out(struct check *c, size_t n) { return array(c, n, CHECK_REAL, CHECK_OUT); }
struct check_array *check_work(struct check *c, size_t n) { return array(c, n, CHECK_REAL, CHECK_WORK); }
struct check_array *check_out_double(struct check *c, size_t n) { return array(c, n, CHECK_DOUBLE, CHECK_OUT); }

struct check_array *check_added(struct check *c, size_t n, float low, float high)
{
    return drawn(c, n, CHECK_ADDED, low, high, 0);
}

struct check_array *check_inplace(struct check *c, size_t n, float low, float high)
{
    return drawn(c, n, CHECK_INPLACE, low, high, check_wild(c));
}

struct check_array *check_ints(struct check *c, size_t n, int low, int high)
{
    struct check_array *a = array(c, n, CHECK_INT32, CHECK_IN);
    for (size_t i = 0; i < n; i++)
        ((int32_t *)a->memory->before)[i] = check_int(c, low, high);
    check_array_restore(a, 0);
    return a;
}

struct check_array *check_out_bf16(struct check *c, size_t n) { return array(c, n, CHECK_BF16, CHECK_OUT); }

struct check_array *check_in_bf16(struct check *c, size_t n)
{
    struct check_array *a = array(c, n, CHECK_BF16, CHECK_IN);
    for (size_t i = 0; i < n; i++)
        ((uint16_t *)a->memory->before)[i] = (uint16_t)check_random(&c->random);
    check_array_restore(a, 0);
    return a;
}

void check_set(struct check_array *a, size_t i, float value)
{
    a->x[i] = value;
    check_array_restore(a, 0);
}

void check_near(struct check *c, struct check_array *a, size_t period, int ulps)
{
    for (size_t i = period; i < a->n; i++) {
        float x = a->x[i % period];
        for (int k = check_int(c, -ulps, ulps); k; k += k < 0 ? 1 : -1)
            x = nextafterf(x, k < 0 ? -INFINITY : INFINITY);
        a->x[i] = x;
    }
    check_array_restore(a, 0);
}

double *check_scale(struct check_array *a)
{
    if (!a->scale)
        a->scale = calloc(a->n + 1, sizeof *a->scale);
    if (!a->scale)
        abort();
    return a->scale;
}

/* ---- comparing ---- */

static const char *turn_name(int turn)
{
    return order[turn] == ORACLE ? "oracle" : drift_isa_name((drift_isa)order[turn]);
}

static void fail(struct check *c, const char *format, ...) DRIFT_PRINTF(2, 3);
static void fail(struct check *c, const char *format, ...)
{
    va_list list;
    if (c->failures++ >= 5)
        return;
    printf("FAIL %s (%s), size", c->name, turn_name(c->turn));
    for (int i = 0; i < c->size_count; i++)
        printf("%s %zu", i ? " x" : "", c->sizes[i]);
    printf(": ");
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("; round %d, --only %s --seed %llu%s\n", c->round, c->name, (unsigned long long)c->options->seed,
           c->options->emulated ? " --emulated" : "");
}

/* Is `found` as near to the oracle's `exact` as the bound says? */
static int near_enough(struct check *c, const struct check_array *a, size_t i, double found, double exact)
{
    if (isnan(exact))
        return isnan(found);
    if (c->bits_only || found == exact)
        return 1;
    double scale = a->scale ? a->scale[i] : fabs(exact);
    if (a->memory->role == CHECK_ADDED)
        scale += fabs((double)a->x[i]);
    if (isinf(exact) || !isfinite(scale))
        return a->scale && !(scale <= FLT_MAX) && !isfinite(found);
    const double chains = order[c->turn] == DRIFT_REF ? 16 : 1; /* ref sums in one chain, a vector in sixteen */
    double limit = chains * c->cost.bound * (0x1p-24 * scale + 0x1p-149);
    if (scale + limit > FLT_MAX && !isfinite(found))
        return a->scale || isnan(found) ? a->scale != NULL : (found > 0) == (exact > 0);
    double error = fabs(found - exact), part = error / limit;
    if (chains == 1 && part > c->worst)
        c->worst = part;
    return error <= limit; /* false for NaN */
}

static void compare_with_oracle(struct check *c, const struct check_array *a, int index)
{
    const struct check_memory *m = a->memory;
    enum check_type wide = m->type == CHECK_REAL ? CHECK_DOUBLE : m->type;
    for (size_t i = 0; i < m->n; i++) {
        double found = check_value(m->narrow, m->type, i), exact = check_value(m->wide, wide, i);
        if (near_enough(c, a, i, found, exact))
            continue;
        double scale = a->scale ? a->scale[i] : fabs(exact);
        fail(c, "array %d [%zu] is %.9g, the oracle says %.17g; that is %.3g of 2^-24 scale %.9g, the bound %.3g",
             index, i, found, exact, fabs(found - exact) / (0x1p-24 * scale), scale, c->cost.bound);
        return;
    }
}

static void compare_with_c(struct check *c, const struct check_array *a, int index)
{
    const struct check_memory *m = a->memory;
    if (!memcmp(m->narrow, m->c_result, m->bytes))
        return;
    for (size_t i = 0; i < m->n; i++) {
        uint64_t found = check_bits(m->narrow, m->type, i), wanted = check_bits(m->c_result, m->type, i);
        if (found == wanted)
            continue;
        fail(c, "array %d [%zu] is %.9g (%llx), c gives %.9g (%llx)", index, i, check_value(m->narrow, m->type, i),
             (unsigned long long)found, check_value(m->c_result, m->type, i), (unsigned long long)wanted);
        return;
    }
}

/* After a call: what surrounds the arrays, then what is in them. */
static void inspect(struct check *c)
{
    const int isa = order[c->turn];
    for (int k = 0; k < c->array_count; k++) {
        const struct check_array *a = c->arrays[k];
        struct check_memory *m = a->memory;
        const char *damage = check_array_damage(a, isa == ORACLE);
        if (damage)
            fail(c, "%s: array %d of %zu", damage, k, a->n);
        if (isa == ORACLE || m->role == CHECK_IN || m->role == CHECK_WORK)
            continue;
        if (isa == DRIFT_C || isa == DRIFT_REF)
            compare_with_oracle(c, a, k);
        else
            compare_with_c(c, a, k);
        if (isa == DRIFT_C)
            memcpy(m->c_result, m->narrow, m->bytes);
        if (c->turn == c->hashed)
            for (size_t i = 0; i < m->n; i++)
                c->hash = (c->hash ^ check_bits(m->narrow, m->type, i)) * UINT64_C(1099511628211);
    }
}

/* ---- calling ---- */

static int runs(const struct check *c, int turn)
{
    const int isa = order[turn];
    if (isa == ORACLE)
        return !check_timing(c);
    if (!c->tables[isa])
        return 0;
    return !c->options->isa || !strcmp(c->options->isa, turn_name(turn)) || (isa == DRIFT_C && !check_timing(c));
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_row(struct check *c)
{
    const struct drift_check_options *o = c->options;
    char size[64] = "";
    for (int i = 0, at = 0; i < c->size_count && at < (int)sizeof size; i++)
        at += snprintf(size + at, sizeof size - (size_t)at, "%s%zu", i ? "x" : "", c->sizes[i]);
    const double limit =
        fmax(o->flops > 0 ? c->cost.flop / o->flops : 0, o->bandwidth > 0 ? c->cost.bytes / o->bandwidth : 0);
    const double flops = c->cost.flop / c->best, bytes = c->cost.bytes / c->best, part = limit / c->best;
    if (o->json) {
        printf("%s\n{\"kernel\": \"%s\", \"size\": \"%s\", \"isa\": \"%s\", \"seconds\": %.4g, \"flops\": %.4g, "
               "\"bytes_per_second\": %.4g",
               c->rows++ ? "," : "", c->name, size, turn_name(c->turn), c->best, flops, bytes);
        if (limit > 0)
            printf(", \"fraction_of_peak\": %.4g", part);
        printf("}");
        return;
    }
    if (!c->rows++)
        printf("%-28s %-16s %-7s %11s %9s %8s %s\n", "kernel", "size", "isa", "us", "GFLOP/s", "GB/s",
               limit > 0 ? "of peak" : "");
    printf("%-28s %-16s %-7s %11.3f %9.2f %8.2f", c->name, size, turn_name(c->turn), 1e6 * c->best, 1e-9 * flops,
           1e-9 * bytes);
    if (limit > 0)
        printf(" %6.0f %%", 100 * part);
    printf("\n");
    fflush(stdout);
}

/* Timing: the smallest of many short runs, each of enough calls to be measured. 0 when this ISA is done. */
static int time_again(struct check *c)
{
    const double shortest = 100e-6, budget = 20e-3;
    if (--c->left > 0)
        return 1;
    const double now = seconds(), took = now - c->start;
    if (c->run > 1 && took / c->calls_a_run < c->best) /* the first two runs warm up and calibrate */
        c->best = took / c->calls_a_run;
    if (c->run == 1)
        c->calls_a_run = took < shortest ? (int)(shortest / fmax(took, 1e-8)) + 1 : 1;
    c->spent += took;
    if (c->run > 4 && c->spent > budget)
        return 0;
    c->run++;
    c->left = c->calls_a_run;
    c->start = seconds();
    return 1;
}

static struct {
    const char *kernel, *isa, *seed;
} calling; /* for crashed() */

static void say(const char *s)
{
    if (write(STDOUT_FILENO, s, strlen(s)) < 0)
        _exit(1);
}

static void crashed(int signal)
{
    say("FAIL ");
    say(calling.kernel);
    say(" (");
    say(calling.isa);
    say(signal == SIGILL ? "): illegal instruction" : "): touched memory beyond an array");
    say("; --only ");
    say(calling.kernel);
    say(" --seed ");
    say(calling.seed);
    say("\n");
    _exit(1);
}

void check_begin(struct check *c, struct drift_cost cost)
{
    c->cost = cost;
    c->turn = -1;
    c->calls++;
}

int check_next(struct check *c, const struct drift_kernels **kernels)
{
    if (c->turn >= 0 && check_timing(c)) {
        if (time_again(c)) {
            *kernels = c->tables[order[c->turn]];
            return 1;
        }
        print_row(c);
    } else if (c->turn >= 0)
        inspect(c);
    do
        if (++c->turn == TURNS)
            return 0;
    while (!runs(c, c->turn));
    for (int k = 0; k < c->array_count; k++)
        check_array_restore(c->arrays[k], order[c->turn] == ORACLE);
    c->run = c->left = 0;
    c->calls_a_run = 1;
    c->best = INFINITY;
    c->spent = 0;
    c->start = seconds();
    calling.isa = turn_name(c->turn);
    *kernels = order[c->turn] == ORACLE ? NULL : c->tables[order[c->turn]];
    return 1;
}

/* ---- all kernels ---- */

static const struct {
    const char *name;
    void (*check)(struct check *c);
} checks[] = {
#define KERNEL(name, parameters, bound, flop, bytes) {#name, drift_check_##name},
#include "kernel/kernels.def"
#undef KERNEL
};

static void set_up(struct check *c, const struct drift_check_options *options)
{
    memset(c, 0, sizeof *c);
    c->options = options;
    for (int isa = 0; isa < DRIFT_ISA_COUNT; isa++)
        c->tables[isa] = drift_kernels_of((drift_isa)isa);
    for (int turn = 0; turn < TURNS; turn++)
        if (runs(c, turn) && order[turn] != ORACLE && order[turn] != DRIFT_REF)
            c->hashed = turn;
}

/* 0 where the kernel passed. */
static int check_one(struct check *c, const char *name, void (*check)(struct check *c))
{
    const struct drift_check_options *o = c->options;
    c->name = calling.kernel = name;
    c->round = -1;
    c->rounds = o->timing ? 1 : o->emulated ? 13 : 34; /* all small sizes; all sizes with two kinds of wildness */
    c->calls = c->failures = 0;
    c->worst = 0;
    c->hash = UINT64_C(14695981039346656037);
    check(c);
    release(c);
    if (!c->calls) {
        printf("FAIL %s: its check calls nothing\n", name);
        return 1;
    }
    if (o->hash)
        printf("%-28s %016llx\n", name, (unsigned long long)c->hash);
    if (o->verbose)
        printf("%-28s %s, largest error %.3f of its bound\n", name, c->failures ? "FAILED" : "ok", c->worst);
    fflush(stdout);
    return c->failures;
}

int drift_check_kernels(const struct drift_check_options *options)
{
    struct drift_check_options o = *options;
    struct check c;
    struct sigaction action = {.sa_handler = crashed}, old[3];
    const int signals[3] = {SIGSEGV, SIGBUS, SIGILL};
    char seed[32];
    int failed = 0, ran = 0;
    o.seed = o.seed ? o.seed : 1;
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)o.seed);
    calling.seed = seed;
    set_up(&c, &o);
    if (o.isa && !(!strcmp(o.isa, "ref") || (c.hashed && !strcmp(o.isa, turn_name(c.hashed))))) {
        fprintf(stderr, "isa %s: not one that this machine runs\n", o.isa);
        return 2;
    }
    for (int i = 0; i < 3; i++)
        sigaction(signals[i], &action, &old[i]);
    if (o.json && o.timing)
        printf("[");
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (o.only && !strstr(checks[i].name, o.only))
            continue;
        ran++;
        if (o.list)
            printf("%s\n", checks[i].name);
        else
            failed += check_one(&c, checks[i].name, checks[i].check) != 0;
    }
    if (o.json && o.timing)
        printf("\n]\n");
    for (int i = 0; i < 3; i++)
        sigaction(signals[i], &old[i], NULL);
    if (!ran)
        fprintf(stderr, "no kernel is named like %s\n", o.only ? o.only : "that");
    return !ran ? 2 : failed ? 1 : 0;
}
