/* The verifier itself: in every case that it passes, moving the largest element of an out/ or grad/ tensor of n
 * elements by 2 sqrt(n) times the bound must fail, and by half the bound must pass unless it is compared exactly. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden/golden.h"

static char folder[] = "/tmp/drift-golden-XXXXXX";

static double tolerance(const json_t *config, const char *which, const char *name, double otherwise)
{
    const json_t *node = json_object_get(config, which);
    node = json_is_object(node) ? json_object_get(node, name) : node;
    return json_is_number(node) ? json_number_value(node) : otherwise;
}

static double rms(size_t n, const float *x, const float *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - (y ? y[i] : 0)) * ((double)x[i] - (y ? y[i] : 0));
    return sqrt(sum / (double)n);
}

/* Names of the other copies of a tensor: in float64, and in float32 where the case ran in bfloat16. */
struct copies {
    char name[3][160];
};

static struct copies copies_of(const char *name)
{
    struct copies c;
    const int root = (int)strcspn(name, "/");
    snprintf(c.name[0], sizeof c.name[0], "f64/%s", strncmp(name, "out/", 4) ? name : name + 4);
    snprintf(c.name[1], sizeof c.name[1], "%s_f32", name);
    snprintf(c.name[2], sizeof c.name[2], "%.*s_f32%s", root, name, name + root);
    return c;
}

/* Twice the distance between the float32 and the bfloat16 result; 0 where the case has one of them. */
static double bound_of_bf16(const struct drift_safetensors *file, const char *name, const float *x, size_t n)
{
    const struct copies c = copies_of(name);
    for (int i = 1; i < 3; i++) {
        const struct drift_array *exact = drift_safetensors_find(file, c.name[i]);
        if (!exact)
            continue;
        float *y = malloc(n * sizeof *y);
        drift_array_floats(exact, y);
        const double bound = 2 * rms(n, x, y);
        free(y);
        return bound;
    }
    return 0;
}

/* atol + rtol rms, as the README of the golden values has it; of gradients rtol_grad. */
static double bound_of(const struct drift_safetensors *file, const char *name, const float *x, size_t n)
{
    json_t *config = json_loads(drift_safetensors_metadata(file, "config"), 0, NULL);
    double rtol = tolerance(config, "rtol", name, 1e-4);
    if (!strncmp(name, "grad/", 5))
        rtol = tolerance(config, "rtol_grad", name, rtol);
    double bound = tolerance(config, "atol", name, 0) + rtol * rms(n, x, NULL);
    json_decref(config);
    return bound;
}

static int is_copy(const struct copies *c, const char *name)
{
    return !strcmp(name, c->name[0]) || !strcmp(name, c->name[1]) || !strcmp(name, c->name[2]);
}

/* The case with an element of tensor t moved, in its copies too: this one, or the largest. */
enum { LARGEST = -1 };
static drift_golden_result changed_case(const struct drift_safetensors *file, size_t t, int element, double by)
{
    struct drift_tensor_entry *tensors = malloc(file->count * sizeof *tensors);
    const char *name = file->tensors[t].name;
    const size_t n = file->tensors[t].array.count;
    const struct copies names = copies_of(name);
    char path[128];
    float *copies[4] = {NULL};
    int copied = 0;
    memcpy(tensors, file->tensors, file->count * sizeof *tensors);
    for (size_t i = 0; i < file->count; i++)
        if (i == t || is_copy(&names, file->tensors[i].name)) {
            float *x = copies[copied++] = malloc(n * sizeof *x);
            size_t largest = 0;
            drift_array_floats(&file->tensors[t].array, x);
            for (size_t k = 0; k < n; k++)
                largest = fabsf(x[k]) > fabsf(x[largest]) ? k : largest;
            largest = element == LARGEST ? largest : (size_t)element;
            drift_array_floats(&file->tensors[i].array, x);
            x[largest] = (float)(x[largest] + by);
            tensors[i].array =
                drift_array_view(DRIFT_ARRAY_F32, file->tensors[i].array.rank, file->tensors[i].array.shape, x);
        }
    snprintf(path, sizeof path, "%s/moved.safetensors", folder);
    ck_assert(!drift_safetensors_write(path, file->count, tensors, file->metadata_count, file->metadata));
    drift_golden_result result;
    ck_assert_msg(!drift_golden_verify(path, &result), "%s", drift_message());
    remove(path);
    free(tensors);
    while (copied)
        free(copies[--copied]);
    return result;
}

static drift_golden_result moved_case(const struct drift_safetensors *file, size_t t, double by)
{
    return changed_case(file, t, LARGEST, by);
}

static int moved; /* tensors */

/* Whether a tensor is compared by its distance: statistics are held to a law (see laws_are_tight), trained
 * parameters to their change, which is small; float32 copies of a bfloat16 case are moved with their tensor. */
static int by_distance(const char *name)
{
    return (!strncmp(name, "out/", 4) || !strncmp(name, "grad/", 5)) && strncmp(name, "out/stat/", 9) &&
           strncmp(name, "out/param/", 10) && !strstr(name, "_f32");
}

/* Of a model's many gradients only some, spread over the file. */
static void move_tensors(const char *path)
{
    struct drift_safetensors file;
    ck_assert_msg(!drift_safetensors_read(path, &file), "%s", drift_message());
    size_t step = file.count > 40 ? file.count / 4 : 1;
    for (size_t t = file.count - 1; t < file.count; t -= step) {
        const char *name = file.tensors[t].name;
        const size_t n = file.tensors[t].array.count;
        if (!by_distance(name) || !n)
            continue;
        float *x = malloc(n * sizeof *x);
        drift_array_floats(&file.tensors[t].array, x);
        double bound = bound_of_bf16(&file, name, x, n);
        bound = bound > 0 ? bound : bound_of(&file, name, x, n);
        free(x);
        if (!(bound > 1e-37)) /* beyond what float can move by */
            continue;
        moved++;
        drift_golden_result far = moved_case(&file, t, 2 * sqrt((double)n) * bound);
        ck_assert_msg(far.verdict == DRIFT_GOLDEN_OFF, "%s: %s: passes", path, name);
        ck_assert_msg(far.bound == 0 || moved_case(&file, t, 0.5 * bound).verdict == DRIFT_GOLDEN_OK, "%s: %s: fails",
                      path, name);
    }
    drift_safetensors_free(&file);
}

/* The folders of models beside the moved cases. */
static void link_models(int add)
{
    static const char *const models[] = {"gen_latent", "gen_pixel_chunked", "mae_latent"};
    char here[256], from[512], to[128];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    for (int i = 0; i < 3; i++) {
        snprintf(from, sizeof from, "%s/tests/golden/artifact/%s", here, models[i]);
        snprintf(to, sizeof to, "%s/%s", folder, models[i]);
        ck_assert_int_eq(add ? symlink(from, to) : unlink(to), 0);
    }
}

START_TEST(bounds_are_tight)
{
    link_models(1);
    for (const struct drift_golden_kind *const *kind = drift_golden_kinds; *kind; kind++) {
        char path[512];
        snprintf(path, sizeof path, "tests/golden/%s", (*kind)->name);
        DIR *cases = opendir(path);
        ck_assert_msg(cases != NULL, "no cases in %s", path);
        for (struct dirent *entry; (entry = readdir(cases));) {
            if (!strstr(entry->d_name, ".safetensors"))
                continue;
            snprintf(path, sizeof path, "tests/golden/%s/%s", (*kind)->name, entry->d_name);
            move_tensors(path);
        }
        closedir(cases);
    }
    link_models(0);
    ck_assert_int_ge(moved, 100);
}
END_TEST

/* Statistics of first values are within five standard errors of their law, extremes within its support. */
START_TEST(laws_are_tight)
{
    enum { MEAN, DEVIATION, LEAST, MOST, ZERO };
    const double sigma = 1 / sqrt(32), n = 32 * 4; /* of decoder/head/kernel */
    struct drift_safetensors file;
    int seen = 0;
    ck_assert(!drift_safetensors_read("tests/golden/mae_init/mae_init_narrow.safetensors", &file));
    for (size_t t = 0; t < file.count; t++) {
        const char *name = file.tensors[t].name;
        float s[5];
        if (!strcmp(name, "out/stat/encoder/gn1/bias"))
            ck_assert(++seen && changed_case(&file, t, ZERO, -1).verdict == DRIFT_GOLDEN_OFF);
        if (strcmp(name, "out/stat/decoder/head/kernel"))
            continue;
        drift_array_floats(&file.tensors[t].array, s);
        const double to_law[] = {-(double)s[MEAN], sigma - (double)s[DEVIATION]};
        const double error[] = {sigma / sqrt(n), sigma / sqrt(2 * n)};
        for (int k = MEAN; k <= DEVIATION; k++)
            for (int side = -1; side <= 1; side += 2) {
                ck_assert(changed_case(&file, t, k, to_law[k] + 4.9 * side * error[k]).verdict == DRIFT_GOLDEN_OK);
                ck_assert(changed_case(&file, t, k, to_law[k] + 5.1 * side * error[k]).verdict == DRIFT_GOLDEN_OFF);
            }
        ck_assert(changed_case(&file, t, MOST, 2.27 * sigma - (double)s[MOST]).verdict == DRIFT_GOLDEN_OK);
        ck_assert(changed_case(&file, t, MOST, 2.28 * sigma - (double)s[MOST]).verdict == DRIFT_GOLDEN_OFF);
        ck_assert(++seen &&
                  changed_case(&file, t, LEAST, -2.28 * sigma - (double)s[LEAST]).verdict == DRIFT_GOLDEN_OFF);
    }
    ck_assert_int_eq(seen, 2);
    drift_safetensors_free(&file);
}
END_TEST

/* A result that is no number is off, whatever the bound; a case with one is refused. */
START_TEST(not_a_number_fails)
{
    static const char path[] = "tests/golden/drift_joint/joint_plane.safetensors";
    struct drift_golden_case c;
    struct drift_golden_distance d;
    ck_assert(!drift_golden_open(path, &c));
    struct drift_array *v = NULL;
    for (size_t i = 0; i < c.file.count; i++)
        if (!strcmp(c.file.tensors[i].name, "out/V"))
            v = &c.file.tensors[i].array;
    ck_assert(v != NULL);
    double *x = malloc(v->count * sizeof *x);
    drift_array_doubles(v, x);
    ck_assert(!drift_golden_measure(&c.golden, "out/V", v->count, x, &d) && d.good);
    x[v->count / 2] = NAN;
    ck_assert(!drift_golden_measure(&c.golden, "out/V", v->count, x, &d) && !d.good);

    char copy[128];
    drift_golden_result result;
    const struct drift_array moved = drift_array_view(DRIFT_ARRAY_F64, v->rank, v->shape, x);
    struct drift_array kept = *v;
    *v = moved;
    snprintf(copy, sizeof copy, "%s/nan.safetensors", folder);
    ck_assert(!drift_safetensors_write(copy, c.file.count, c.file.tensors, c.file.metadata_count, c.file.metadata));
    *v = kept;
    ck_assert(drift_golden_verify(copy, &result) == DRIFT_INVALID);
    ck_assert_msg(strstr(drift_message(), "out/V: element [") != NULL, "%s", drift_message());
    remove(copy);
    free(x);
    drift_golden_close(&c);
}
END_TEST

/* What the spec's subset of YAML means (spec: artifacts), and that another value is seen. */
START_TEST(recipes)
{
    static const struct {
        const char *yaml, *json, *off; /* the path that differs; NULL: the same */
    } cases[] = {
        {"", "{}", NULL},
        {"---\na: 1\n", "{\"a\": 1}", NULL},
        {"a: [x:y, b c, \"d, e\", 'it''s']\n", "{\"a\": [\"x:y\", \"b c\", \"d, e\", \"it's\"]}", NULL},
        {"a: x#y\nb: x #y\n# c\n", "{\"a\": \"x#y\", \"b\": \"x\"}", NULL},
        {"a:   \nb: ~\nc: null\nd: ''\n", "{\"a\": null, \"b\": null, \"c\": null, \"d\": \"\"}", NULL},
        {"a: 1  \n  \n\nb:  \n     c: 2 \n", "{\"a\": 1, \"b\": {\"c\": 2}}", NULL},
        {"a: [TRUE, True, true, FALSE, False, false]\n", "{\"a\": [true, true, true, false, false, false]}", NULL},
        {"a: [tRue, yes, on, Null, 1_0, 0x1, 1:30, 5e]\n",
         "{\"a\": [\"tRue\", \"yes\", \"on\", \"Null\", \"1_0\", \"0x1\", \"1:30\", \"5e\"]}", NULL},
        {"a: [1e-4, .5, -1.5e-3, 4.0, +3, 1E+2]\n", "{\"a\": [0.0001, 0.5, -0.0015, 4, 3.0, 100]}", NULL},
        {"a: ['1', \"true\", \"null\"]\n", "{\"a\": [\"1\", \"true\", \"null\"]}", NULL},
        {"a:\n- x # c\n- {k: v}\nb: hf://x\n", "{\"a\": [\"x\", {\"k\": \"v\"}], \"b\": \"hf://x\"}", NULL},
        {"a: []\nb: {}\n", "{\"b\": {}, \"a\": []}", NULL},
        {"a: {b: 1}\n", "{\"a\": {\"b\": 2}}", "a.b"},
        {"a: 1\n", "{\"a\": true}", "a"},
        {"a: true\n", "{\"a\": 1}", "a"},
        {"a: ''\n", "{\"a\": null}", "a"},
        {"a: 9007199254740993\n", "{\"a\": 9007199254740992}", "a"},
        {"a: 1\nb: 2\n", "{\"a\": 1}", "top"},
        {"a: 1\n", "{\"a\": 1, \"b\": null}", "top"},
        {"a: [1, 2]\n", "{\"a\": [1]}", "a"},
        {"a: [1, 2]\n", "{\"a\": [2, 1]}", "a[0]"},
        {"a: {}\n", "{\"a\": []}", "a"},
    };
    char yaml[128], json[128];
    snprintf(yaml, sizeof yaml, "%s/case.yaml", folder);
    snprintf(json, sizeof json, "%s/case.json", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        drift_golden_result result;
        ck_assert(!drift_file_write(yaml, cases[i].yaml, strlen(cases[i].yaml)));
        ck_assert(!drift_file_write(json, cases[i].json, strlen(cases[i].json)));
        ck_assert_msg(!drift_golden_verify(i % 2 ? yaml : json, &result), "%s: %s", cases[i].yaml, drift_message());
        ck_assert_msg(result.verdict == (cases[i].off ? DRIFT_GOLDEN_OFF : DRIFT_GOLDEN_OK), "%s", cases[i].yaml);
        ck_assert_str_eq(result.tensor, cases[i].off ? cases[i].off : "");
    }
    drift_golden_result result;
    remove(json);
    ck_assert(drift_golden_verify(yaml, &result) == DRIFT_INVALID && strstr(drift_message(), "case.json"));
    remove(yaml);
    ck_assert(drift_golden_verify(yaml, &result) == DRIFT_IO && strstr(drift_message(), "case.yaml"));
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    Suite *suite = suite_create("golden");
    TCase *tests = tcase_create("golden");
    tcase_add_test(tests, bounds_are_tight);
    tcase_add_test(tests, laws_are_tight);
    tcase_add_test(tests, not_a_number_fails);
    tcase_add_test(tests, recipes);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    rmdir(folder);
    return failed != 0;
}
