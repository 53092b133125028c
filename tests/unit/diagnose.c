/* plain build */
/* drift_golden_diagnose: the second way to the field gives the same numbers as the first; every mistake, planted in
 * cases of at least three configurations, is named; two at once are named; right answers with the rounding of floats
 * are right. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "golden/diagnose.h"
#include "golden/generate.h"

static char folder[] = "/tmp/drift-diagnose-XXXXXX";

/* The floors differ where all positives are far: few samples, of which the nearest are negatives. */
#define FLOORS (DRIFT_MISTAKE(FLOOR_MISSING) | DRIFT_MISTAKE(FLOOR_ON_ROOT))
#define NEARLY_ALONE "\"shape\": {\"batches\": 1, \"generated\": 2, \"positives\": 1, \"negatives\": 9, \"dim\": 2}}"

/* What is planted in whole steps: weights, gradients, a step of the field, an op of the generator and one of the
 * encoder. */
#define OF_STEP                                                                                                        \
    (DRIFT_MISTAKE(GUIDANCE_COUNTS) | DRIFT_MISTAKE(GUIDANCE_N) | DRIFT_MISTAKE(THROUGH_TARGET) |                      \
     DRIFT_MISTAKE(ENCODER_DETACHED) | DRIFT_MISTAKE(FEATURES_DETACHED) | DRIFT_MISTAKE(SELF_KEPT) |                   \
     DRIFT_MISTAKE(LAYERNORM) | DRIFT_MISTAKE(VARIANCE_NORM))

/* Three configurations of each kind, more where one hides what another shows, or takes long. */
static const struct place {
    const char *kind, *config;
    uint64_t only; /* what is planted; 0: all that can be */
} places[] = {
    {"drift_exact", "{}", 0},
    {"drift_exact", "{\"tau\": 0.4, \"shape\": {\"generated\": 5, \"positives\": 8, \"negatives\": 3, \"dim\": 2}}", 0},
    {"drift_exact", "{\"tau\": 2, \"shape\": {\"generated\": 9, \"positives\": 4, \"negatives\": 6, \"dim\": 16}}", 0},
    {"drift_joint", "{}", 0},
    {"drift_joint", "{\"floor\": 1e-12, \"tau\": 0.1}", 0},
    {"drift_joint", "{\"floor\": 1e-12, \"tau\": 0.03, \"shape\": {\"generated\": 6, \"positives\": 5, \"dim\": 2}}",
     0},
    {"drift_joint", "{\"floor\": 1e-12, \"tau\": 0.05, \"shape\": {\"positives\": 12, \"dim\": 2}}", 0},
    {"drift_normalized", "{}", 0},
    {"drift_normalized", "{\"taus\": [0.05, 0.2], \"shape\": {\"batches\": 2, \"dim\": 5}}", 0},
    {"drift_normalized",
     "{\"taus\": [0.1], \"shape\": {\"batches\": 4, \"generated\": 5, \"negatives\": 2, \"dim\": 3}}", 0},
    {"drift_normalized", "{\"taus\": [0.02, 0.1, 0.5], \"shape\": {\"positives\": 9, \"dim\": 24}}", 0},
    {"drift_joint", "{\"floor\": 1e-12, \"tau\": 0.03}", FLOORS},
    {"drift_joint", "{\"floor\": 1e-10, \"tau\": 0.035, \"shape\": {\"generated\": 5}}", FLOORS},
    {"drift_normalized", "{\"taus\": [0.01], " NEARLY_ALONE, FLOORS},
    {"drift_normalized", "{\"taus\": [0.02], " NEARLY_ALONE, FLOORS},
    {"cfg", "{}", 0},
    {"cfg", "{\"neg_cfg_pw\": 1.0, \"gen_per_label\": 8}", 0},
    {"cfg", "{\"no_cfg_frac\": 0.5, \"cfg_max\": 2.0, \"neg_per_sample\": 5}", 0},
    {"drift_features", "{}",
     DRIFT_MISTAKE(ENCODER_DETACHED) | DRIFT_MISTAKE(FEATURES_DETACHED) | DRIFT_MISTAKE(GUIDANCE_COUNTS)},
    {"conv", "{}", 0},
    {"conv", "{\"shape\": {\"height\": 6, \"width\": 9}}", 0},
    {"conv", "{\"shape\": {\"height\": 7, \"width\": 4, \"in\": 2}}", 0},
    {"group_norm", "{}", 0},
    {"group_norm", "{\"groups\": 3}", 0},
    {"group_norm", "{\"groups\": 12, \"shape\": {\"height\": 3}}", 0},
    {"resize", "{}", 0},
    {"resize", "{\"size\": [4, 5]}", 0},
    {"resize", "{\"size\": [5, 20]}", 0},
    {"dit_rope", "{}", 0},
    {"dit_rope", "{\"tokens\": 7}", 0},
    {"dit_rope", "{\"head_dim\": 6}", 0},
    {"dit", "{}", 0},
    {"dit", "{\"model\": {\"depth\": 1, \"patch_size\": 4, \"n_cls_tokens\": 0, \"num_heads\": 4}}", 0},
    {"dit", "{\"model\": {\"depth\": 1, \"use_swiglu\": false, \"in_channels\": 3, \"out_channels\": 3}}", 0},
    {"dit", "{\"model\": {\"depth\": 1, \"use_swiglu\": false, \"use_rope\": false}}", DRIFT_MISTAKE(GELU_TANH)},
    {"dit", "{\"model\": {\"depth\": 1, \"use_swiglu\": false, \"use_rmsnorm\": false}}", DRIFT_MISTAKE(GELU_TANH)},
    {"features", "{}", 0},
    {"features", "{\"model\": {\"in_channels\": 3, \"layers\": [1, 1, 1, 1]}}", 0},
    {"features", "{\"features\": {\"every_k_block\": 1, \"use_mean\": false}, \"model\": {\"base_channels\": 6}}", 0},
    {"mae_forward", "{\"model\": {\"layers\": [1, 1, 1, 1]}}",
     DRIFT_MISTAKE(ALIGN_CORNERS) | DRIFT_MISTAKE(PADDING_SAME)},
    {"train_step", "{\"steps\": 1, \"model\": {\"input_size\": 4, \"patch_size\": 2}}", OF_STEP},
    {"train_step",
     "{\"steps\": 1, \"model\": {\"input_size\": 4, \"patch_size\": 2, \"use_rope\": false}, \"neg_per_sample\": 5}",
     OF_STEP},
    {"train_step",
     "{\"steps\": 2, \"model\": {\"input_size\": 4, \"patch_size\": 2}, \"train_batch_size\": 1, \"loss_kwargs\": "
     "{\"R_list\": [0.1, 0.4]}}",
     OF_STEP},
};
enum { PLACES = sizeof places / sizeof *places };

/* A case of a place, in a file as a port gets it. */
static void make(const struct place *place, struct drift_golden_case *c)
{
    char path[128];
    json_error_t wrong;
    snprintf(path, sizeof path, "%s/case.safetensors", folder);
    const drift_golden_request request = {.kind = drift_golden_kind_named(place->kind),
                                          .config = json_loads(place->config, 0, &wrong),
                                          .seed = 5,
                                          .name = "case"};
    ck_assert_msg(request.config != NULL, "%s", place->config);
    ck_assert_msg(!drift_golden_generate(&request, 1, (const char *const[]){path}), "%s", drift_message());
    json_decref(request.config);
    ck_assert_msg(!drift_golden_open(path, c), "%s", drift_message());
    remove(path);
}

/* A port's results: those with these mistakes, each number off by a few roundings of a float. */
static void answer(const struct drift_golden_case *c, uint64_t mistakes, struct drift_golden_values *mine)
{
    ck_assert_msg(!drift_golden_mistaken(c->kind, &c->golden, mistakes, mine), "%s", drift_message());
    for (size_t i = 0; i < mine->count; i++) {
        double *x = mine->list[i].array.memory;
        for (size_t k = 0; k < mine->list[i].array.count && !mine->list[i].exact; k++)
            x[k] =
                (double)(float)(x[k] *
                                (1 + 0x1p-22 * (drift_random_uniform_at(1, DRIFT_RANDOM_TEST, (uint32_t)i, k) - 0.5)));
    }
}

static void diagnose(struct drift_golden_case *c, uint64_t mistakes, drift_diagnosis *d)
{
    struct drift_golden_values mine;
    answer(c, mistakes, &mine);
    ck_assert_msg(!drift_golden_diagnose(c, &mine, 1, d), "%s", drift_message());
    drift_golden_values_free(&mine);
}

static double farthest(const struct drift_golden_values *a, const struct drift_golden_values *b)
{
    double worst = 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct drift_array *x = &a->list[i].array, *y = &b->list[i].array;
        ck_assert_str_eq(a->list[i].name, b->list[i].name);
        const double size = drift_golden_rms(x->count, x->data, NULL),
                     error = drift_golden_rms(x->count, x->data, y->data);
        if (!(error <= worst * size))
            worst = size > 0 ? error / size : INFINITY;
    }
    return worst;
}

static void compute(const struct drift_golden_case *c, const drift_backend *backend, struct drift_golden_values *values)
{
    drift_golden run = c->golden;
    *values = (struct drift_golden_values){.count = 0};
    run.backend = run.forward = backend;
    run.values = values;
    ck_assert(!c->kind->compute(&run));
}

/* Without mistakes the second way is the first: the field from elementary ops, the kinds' hooks. */
START_TEST(second_way)
{
    for (int i = 0; i < PLACES; i++) {
        struct drift_golden_case c;
        struct drift_golden_values first, second;
        struct drift_golden_wrong wrong;
        make(&places[i], &c);
        drift_golden_wrong_backend(&wrong, 0, 1);
        compute(&c, &wrong.backend, &second);
        drift_golden_wrong_free(&wrong);
        compute(&c, drift_cpu_backend(DRIFT_F64), &first);
        const double off = farthest(&first, &second);
        ck_assert_msg(off <= 0x1p-22, "%s %s: off by %g", places[i].kind, places[i].config, off);
        drift_golden_values_free(&first);
        drift_golden_values_free(&second);
        drift_golden_close(&c);
    }
}
END_TEST

/* The authors' own numbers: the second way is within the bounds of every case of the field. */
START_TEST(second_way_is_theirs)
{
    static const char *const kinds[] = {"drift_exact", "drift_joint", "drift_normalized", "drift_features"};
    int compared = 0;
    for (int i = 0; i < 4; i++) {
        char path[512];
        snprintf(path, sizeof path, "tests/golden/%s", kinds[i]);
        DIR *cases = opendir(path);
        ck_assert_msg(cases != NULL, "no cases in %s", path);
        for (struct dirent *entry; (entry = readdir(cases));) {
            struct drift_golden_case c;
            struct drift_golden_wrong wrong;
            if (!strstr(entry->d_name, ".safetensors"))
                continue;
            snprintf(path, sizeof path, "tests/golden/%s/%s", kinds[i], entry->d_name);
            ck_assert(!drift_golden_open(path, &c));
            drift_golden_wrong_backend(&wrong, 0, 1);
            c.golden.backend = c.golden.forward = &wrong.backend;
            ck_assert_msg(!c.kind->compute(&c.golden), "%s", drift_message());
            ck_assert_msg(!c.golden.off, "%s: %s: error %g, bound %g", path, c.golden.tensor, c.golden.error,
                          c.golden.bound);
            compared += c.golden.compared;
            drift_golden_wrong_free(&wrong);
            drift_golden_close(&c);
        }
        closedir(cases);
    }
    ck_assert_int_ge(compared, 150);
}
END_TEST

static int named[DRIFT_MISTAKES], named_in_steps[DRIFT_MISTAKES];

static void plant(struct drift_golden_case *c, const struct place *place, int mistake)
{
    const uint64_t bit = (uint64_t)1 << mistake;
    drift_diagnosis d;
    diagnose(c, bit, &d);
    int found = 0;
    for (int k = 0; k < d.sets; k++)
        found |= d.set[k].mistakes == bit;
    if (d.verdict == DRIFT_DIAGNOSIS_RIGHT) { /* this case does not show it, and says so */
        ck_assert_msg(d.blind & bit, "%s %s: %s is taken for right", place->kind, place->config,
                      drift_golden_mistakes[mistake].name);
    } else {
        ck_assert_msg(found, "%s %s: %s is not named but %s, of %d", place->kind, place->config,
                      drift_golden_mistakes[mistake].name,
                      d.sets ? drift_golden_mistakes[(int)log2((double)d.set[0].mistakes)].name : "nothing", d.sets);
        ck_assert_msg(d.sets == 1 || *d.telling, "%s %s: %s: nothing tells %d sets apart", place->kind, place->config,
                      drift_golden_mistakes[mistake].name, d.sets);
        named[mistake] += d.sets == 1;
        named_in_steps[mistake] += d.sets == 1 && !strcmp(place->kind, "train_step");
    }
    drift_diagnosis_free(&d);
}

START_TEST(planted)
{
    for (int i = 0; i < PLACES; i++) {
        struct drift_golden_case c;
        make(&places[i], &c);
        for (int m = 0; m < DRIFT_MISTAKES; m++)
            if (drift_golden_mistake_applies(m, places[i].kind, c.golden.config) &&
                (!places[i].only || places[i].only >> m & 1))
                plant(&c, &places[i], m);
        drift_golden_close(&c);
    }
    for (int m = 0; m < DRIFT_MISTAKES; m++)
        ck_assert_msg(named[m] >= 3, "%s: named on %d configurations", drift_golden_mistakes[m].name, named[m]);
    for (int m = 0; m < DRIFT_MISTAKES; m++)
        ck_assert_msg(!(OF_STEP >> m & 1) || named_in_steps[m] >= 3, "%s: named in %d training steps",
                      drift_golden_mistakes[m].name, named_in_steps[m]);
}
END_TEST

/* Two at once. */
START_TEST(two_planted)
{
#define BOTH(a, b) (DRIFT_MISTAKE(a) | DRIFT_MISTAKE(b))
    static const struct {
        const char *kind, *config;
        uint64_t mistakes;
    } pairs[] = {
        {"drift_exact", "{}", BOTH(DISTANCE_SQUARED, REPULSION_SIGN)},
        {"drift_exact", "{}", BOTH(SELF_KEPT, WEIGHTS_AFTER)},
        {"drift_exact", "{}", BOTH(SOFTMAX_BOTH, THROUGH_TARGET)},
        {"drift_joint", "{}", BOTH(SELF_KEPT, ROOT_MISSING)},
        {"drift_joint", "{}", BOTH(SOFTMAX_SIDES, POSITIVE_DIAGONAL)},
        {"drift_normalized", "{}", BOTH(TAU_UNSCALED, LAMBDA_PER_CLASS)},
        {"drift_normalized", "{}", BOTH(SELF_KEPT, LOSS_PER_TAU)},
        {"drift_normalized", "{}", BOTH(SCALE_PER_CLASS, OTHER_CLASSES)},
        {"dit", "{\"model\": {\"depth\": 1}}", BOTH(PATCH_IN, PATCH_OUT)},
        {"dit", "{\"model\": {\"depth\": 1}}", BOTH(ROPE_INTERLEAVED, SHIFT_SCALE)},
        {"dit", "{\"model\": {\"depth\": 1}}", BOTH(ROPE_INTERLEAVED, QKNORM_LATE)},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct place place = {pairs[i].kind, pairs[i].config, 0};
        struct drift_golden_case c;
        drift_diagnosis d;
        make(&place, &c);
        diagnose(&c, pairs[i].mistakes, &d);
        int found = 0;
        for (int k = 0; k < d.sets; k++)
            found |= d.set[k].mistakes == pairs[i].mistakes;
        ck_assert_msg(found, "pair %zu of %s is not named", i, pairs[i].kind);
        ck_assert_msg(d.sets == 1, "pair %zu of %s: %d sets", i, pairs[i].kind, d.sets);
        drift_diagnosis_free(&d);
        drift_golden_close(&c);
    }
}
END_TEST

/* Right answers with the rounding of floats; and numbers that no mistake gives. */
START_TEST(right_and_unknown)
{
    for (int i = 0; i < PLACES; i++) {
        struct drift_golden_case c;
        struct drift_golden_values mine;
        drift_diagnosis d;
        make(&places[i], &c);
        diagnose(&c, 0, &d);
        ck_assert_msg(d.verdict == DRIFT_DIAGNOSIS_RIGHT && !d.sets, "%s %s: right is not right", places[i].kind,
                      places[i].config);
        drift_diagnosis_free(&d);
        if (places[i].only || strncmp(places[i].kind, "drift", 5)) { /* two at once take long in models */
            drift_golden_close(&c);
            continue;
        }
        answer(&c, 0, &mine);
        for (size_t k = 0; k < mine.list[0].array.count; k++)
            ((double *)mine.list[0].array.memory)[k] *= -2.5;
        ck_assert(!drift_golden_diagnose(&c, &mine, 0, &d));
        ck_assert_msg(d.verdict == DRIFT_DIAGNOSIS_UNKNOWN && !d.sets, "%s %s: nonsense has a name", places[i].kind,
                      places[i].config);
        drift_diagnosis_free(&d);
        drift_golden_values_free(&mine);
        drift_golden_close(&c);
    }
}
END_TEST

/* Mistakes of the gradient alone: one whose gradient is 5 % off is another mistake. */
START_TEST(nearly)
{
    static const struct {
        const char *kind;
        uint64_t mistake;
    } nearlies[] = {
        {"drift_exact", DRIFT_MISTAKE(THROUGH_TARGET)},
        {"drift_joint", DRIFT_MISTAKE(THROUGH_TARGET)},
        {"drift_normalized", DRIFT_MISTAKE(THROUGH_TARGET)},
        {"drift_normalized", DRIFT_MISTAKE(SCALE_PER_CLASS)},
    };
    for (size_t i = 0; i < sizeof nearlies / sizeof *nearlies; i++) {
        const struct place place = {nearlies[i].kind, "{}", 0};
        struct drift_golden_case c;
        struct drift_golden_values mine;
        drift_diagnosis d;
        make(&place, &c);
        answer(&c, nearlies[i].mistake, &mine);
        const struct drift_golden_value *gradient = drift_golden_value_find(&mine, "grad/gen");
        for (size_t k = 0; k < gradient->array.count; k++)
            ((double *)gradient->array.memory)[k] *= 1.05;
        ck_assert(!drift_golden_diagnose(&c, &mine, 0, &d));
        ck_assert_msg(d.verdict == DRIFT_DIAGNOSIS_UNKNOWN && !d.sets, "%s: %s is named for a gradient 5 %% off it",
                      place.kind,
                      d.sets ? drift_golden_mistakes[(int)log2((double)d.set[0].mistakes)].name : "nothing");
        drift_diagnosis_free(&d);
        drift_golden_values_free(&mine);
        drift_golden_close(&c);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    Suite *suite = suite_create("diagnose");
    TCase *tests = tcase_create("diagnose");
    tcase_add_test(tests, second_way);
    tcase_add_test(tests, second_way_is_theirs);
    tcase_add_test(tests, planted);
    tcase_add_test(tests, two_planted);
    tcase_add_test(tests, right_and_unknown);
    tcase_add_test(tests, nearly);
    tcase_set_timeout(tests, 600);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    rmdir(folder);
    return failed != 0;
}
