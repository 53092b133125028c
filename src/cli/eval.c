/* drift eval: how far are samples from data? */
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/eval.h"
#include "data/data.h"
#include "eval/eval.h"
#include "io/csv.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/npz.h"
#include "judge/judge.h"
#include "judge/reference.h"
#include "report/sweep.h"
#include "train/generator.h"

struct settings {
    const char *data, *ema;
    int64_t n, seed;
    int json, classifier, encoder;
    struct drift_option_numbers cfg;
};

struct set {
    size_t n, dim;
    float *x;
};

static drift_status from_array(const char *path, const struct drift_array *array, struct set *set)
{
    if (array->rank < 2 || !array->count)
        return drift_fail(DRIFT_INVALID, "%s: expected an array of samples, [n, ...]", path);
    set->n = array->shape[0];
    set->dim = array->count / set->n;
    set->x = malloc(array->count * sizeof *set->x);
    if (!set->x)
        return drift_fail(DRIFT_NO_MEMORY, "%s: no memory for %zu numbers", path, array->count);
    drift_array_floats(array, set->x);
    return DRIFT_OK;
}

/* The first member of an archive. */
static drift_status from_npz(const char *path, struct set *set)
{
    struct drift_npz npz;
    drift_status status = drift_npz_read(path, &npz);
    if (status)
        return status;
    status = npz.count ? from_array(path, &npz.members[0].array, set)
                       : drift_fail(DRIFT_INVALID, "%s: an archive without arrays", path);
    drift_npz_free(&npz);
    return status;
}

static drift_status from_model(const char *path, const struct settings *s, size_t n, struct set *set)
{
    struct drift_generator generator;
    struct drift_recipe recipe;
    drift_status status = drift_generator_load(path, s->ema, &generator, &recipe);
    if (status)
        return status;
    set->n = n;
    set->dim = generator.shape.dim;
    set->x = malloc(n * set->dim * sizeof *set->x);
    const struct drift_sampling how = {.seed = (uint64_t)s->seed, .temperature = 1, .cfg_scale = 1};
    status = set->x ? drift_generator_sample(&generator, &how, n, set->x)
                    : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", n);
    drift_generator_free(&generator);
    return status;
}

static drift_status read_samples(const char *path, const struct settings *s, size_t n, struct set *set)
{
    struct drift_array array;
    if (drift_ends_with(path, ".npz"))
        return from_npz(path, set);
    if (!drift_ends_with(path, ".npy") && !drift_ends_with(path, ".csv"))
        return from_model(path, s, n, set);
    drift_status status = drift_ends_with(path, ".npy") ? drift_npy_read(path, &array) : drift_csv_read(path, &array);
    if (!status) {
        status = from_array(path, &array, set);
        drift_array_free(&array);
    }
    return status;
}

static void print_json(const struct settings *s, const char *path, size_t count, const drift_metric *metrics)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const drift_metric *m = &metrics[i];
        json_t *one = json_pack("{s:s, s:I}", "metric", m->key, "n", (json_int_t)m->n);
        json_object_set_new(one, "value", drift_json_number(m->value));
        json_object_set_new(one, "floor", drift_json_number(m->floor));
        json_object_set_new(one, "floor_n", json_integer((json_int_t)m->floor_n));
        json_array_append_new(list, one);
    }
    json_object_set_new(all, "samples", json_string(path));
    json_object_set_new(all, "data", json_string(s->data));
    json_object_set_new(all, "metrics", list);
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    printf("\n");
    json_decref(all);
}

static void print_text(size_t count, const drift_metric *metrics)
{
    printf("%-24s %12s %8s %12s   %s\n", "metric", "value", "n", "floor", "good is");
    for (size_t i = 0; i < count; i++) {
        const drift_metric *m = &metrics[i];
        printf("%-24s %12.5g %8zu ", m->key, m->value, m->n);
        if (isfinite(m->floor))
            printf("%12.5g   %s\n", m->floor, m->good);
        else
            printf("%12s   %s\n", "-", m->good);
    }
}

static drift_status evaluate(const char *path, const struct settings *s)
{
    struct drift_reference r = {NULL, NULL, NULL, NULL};
    struct set set = {0, 0, NULL};
    drift_evaluation e = {.seed = (uint64_t)s->seed};
    drift_metric metrics[DRIFT_METRICS];
    size_t count, n = s->n ? (size_t)s->n : 10000;
    drift_status status = drift_reference_open(&r, s->data, n, &e);
    if (!status)
        status = read_samples(path, s, s->n || !r.data->size ? n : r.data->size, &set);
    if (!status && set.dim != e.dim)
        status = drift_fail(DRIFT_INVALID, "%s: samples of %zu numbers, but %s has %zu", path, set.dim, s->data, e.dim);
    e.n = set.n;
    e.samples = set.x;
    if (!status)
        status = drift_evaluate(&e, &count, metrics);
    if (!status && s->json)
        print_json(s, path, count, metrics);
    else if (!status)
        print_text(count, metrics);
    free(set.x);
    drift_reference_close(&r);
    return status;
}

/* ---- with a classifier ---- */

static void print_judgement(const char *name, const struct drift_judgement *j)
{
    printf("%-12s", name);
    if (isfinite(j->class_accuracy))
        printf(" %14.4f", j->class_accuracy);
    else
        printf(" %14s", "-");
    printf(" %16.5g %10.4f %10.4f %14.4f\n", j->frechet_distance, j->precision, j->recall, j->memorisation);
}

static void show_training(void *context, int64_t step, int64_t steps)
{
    drift_log_show(context, step == steps, "classifier: step %ld/%ld", (long)step, (long)steps);
}

/* Judges a model's samples at one guidance scale (of a model without classes: its samples). */
static drift_status judge_model(struct drift_judge *judge, struct drift_generator *generator, const struct settings *s,
                                double scale, float *x, struct drift_judgement *judgement)
{
    const struct drift_sampling how = {.seed = (uint64_t)s->seed,
                                       .temperature = 1,
                                       .cfg_scale = scale,
                                       .label = generator->classes ? judge->labels : NULL};
    drift_status status = drift_generator_sample(generator, &how, judge->n, x);
    return status ? status : drift_judge_samples(judge, x, how.label, judgement);
}

static drift_status judge_all(const char *path, struct drift_judge *judge, struct drift_generator *generator,
                              const struct settings *s, float *x)
{
    struct drift_judgement judgement;
    json_t *rows = json_array();
    drift_status status = DRIFT_OK;
    if (!s->json)
        printf("%-12s %14s %16s %10s %10s %14s\n", "", "class_accuracy", "frechet_distance", "precision", "recall",
               "memorisation");
    for (int i = 0; i < s->cfg.count && !status; i++) {
        char name[32];
        snprintf(name, sizeof name, "cfg %g", s->cfg.items[i]);
        status = judge_model(judge, generator, s, s->cfg.items[i], x, &judgement);
        if (status)
            break;
        if (!s->json)
            print_judgement(name, &judgement);
        json_t *row = drift_judgement_json(&judgement);
        json_object_set_new(row, "cfg", json_real(s->cfg.items[i]));
        json_array_append_new(rows, row);
    }
    if (!status && s->json) {
        json_t *all = json_pack("{s:s, s:s, s:I, s:o, s:O}", "samples", path, "data", s->data, "n",
                                (json_int_t)judge->n, "floor", drift_judgement_json(&judge->floor), "rows", rows);
        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        printf("\n");
        json_decref(all);
    } else if (!status) {
        print_judgement("real", &judge->floor);
        printf(
            "\n%zu samples against as many test images; real: training images in their place (class_accuracy: of the "
            "test images)\n",
            judge->n);
    }
    json_decref(rows);
    return status;
}

static drift_status judge_generator(const char *path, const struct settings *s, struct drift_generator *generator,
                                    const struct drift_data *train, const struct drift_data *test)
{
    struct drift_judge judge;
    struct drift_log_line line;
    if (generator->shape.dim != train->dim)
        return drift_fail(DRIFT_INVALID, "%s: samples of %zu numbers, but %s has %zu", path, generator->shape.dim,
                          s->data, train->dim);
    drift_log_start(&line);
    drift_status status = drift_judge_new(&judge, train, test, (size_t)s->n, 0, show_training, &line);
    drift_log_end(&line);
    if (status)
        return status;
    float *x = malloc(judge.n * train->dim * sizeof *x);
    status = x ? judge_all(path, &judge, generator, s, x)
               : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu samples", judge.n);
    free(x);
    drift_judge_free(&judge);
    return status;
}

static drift_status with_classifier(const char *path, const struct settings *s)
{
    struct drift_generator generator;
    struct drift_recipe recipe;
    struct drift_data *train = NULL, *test = NULL;
    drift_status status = drift_generator_load(path, s->ema, &generator, &recipe);
    if (status)
        return status;
    status = drift_data_open(s->data, DRIFT_DATA_TRAIN, &train);
    if (!status)
        status = drift_data_open(s->data, DRIFT_DATA_TEST, &test);
    if (!status)
        status = judge_generator(path, s, &generator, train, test);
    drift_data_close(test);
    drift_data_close(train);
    drift_generator_free(&generator);
    return status;
}

static int run(int argc, char **argv)
{
    struct settings s = {.cfg = {1, {1}}};
    int status = drift_options_parse(&drift_command_eval, &argc, argv, 1, 1, &s);
    if (status >= 0)
        return status;
    if (!s.data)
        return drift_error("eval: --data NAME|FILE is needed: what the samples should be like");
    if (s.encoder && s.classifier)
        return drift_error("eval: --encoder judges an encoder, --classifier a generator; expected one of them");
    const size_t images = s.n ? (size_t)s.n : 5000; /* of an encoder */
    const drift_status bad = s.encoder      ? drift_eval_encoder(argv[1], s.data, images, (uint64_t)s.seed, s.json)
                             : s.classifier ? with_classifier(argv[1], &s)
                                            : evaluate(argv[1], &s);
    return bad ? drift_error_kept() : DRIFT_EXIT_YES;
}

#define AT(member) offsetof(struct settings, member)
static const struct drift_option options[] = {
    {"data", "NAME|FILE", DRIFT_OPTION_TEXT, AT(data), "what the samples should be like", 0, 0},
    {"n", "N", DRIFT_OPTION_INTEGER, AT(n),
     "samples of a model (default: as many as the data, or its test rows; endless data: 10000)", 2, 1e7},
    {"seed", "N", DRIFT_OPTION_INTEGER, AT(seed), "of samples, draws and projections (default: 0)", 0, 9e15},
    {"ema", "DECAY|none", DRIFT_OPTION_TEXT, AT(ema), "which running mean of a model's parameters", 0, 0},
    {"classifier", NULL, DRIFT_OPTION_FLAG, AT(classifier), "judge images by a classifier that is trained on real ones",
     0, 0},
    {"encoder", NULL, DRIFT_OPTION_FLAG, AT(encoder),
     "MODEL is an encoder: k-NN and linear accuracy of its features, of at most n (5000) images of either part", 0, 0},
    {"cfg", "A[,A...]", DRIFT_OPTION_NUMBERS, AT(cfg), "with --classifier: guidance scales, a row each (default: 1)", 0,
     1e3},
    {"json", NULL, DRIFT_OPTION_FLAG, AT(json), "print one JSON object", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_eval = {
    .name = "eval",
    .summary = "measure how far samples are from data",
    .arguments = "MODEL|SAMPLES.npy|.npz|.csv --data NAME|FILE [options]",
    .text =
        "Prints energy distance^2 and maximum mean discrepancy with the Laplace kernel (both unbiased, so they may "
        "fall a little below 0), sliced Wasserstein distance, leave-one-out 1-NN accuracy (0.5 is ideal) and, where "
        "the data "
        "is finite, memorisation: the distance of samples to the nearest training sample against that of test data. "
        "MODEL is what drift sample takes: a run's folder, a model file, or a released model.\n\n"
        "Beside each stands its floor: the same figure between two draws of the data, or its two halves. A perfect "
        "generator scores the floor, not 0. Of data with more rows than there are samples (and 2,000) so many rows at "
        "even steps are looked at.\n\n"
        "--classifier trains a small classifier on the training images of the data and judges a model's images by it: "
        "the share that it takes for the class that was asked for, Frechet distance, precision and recall (k-NN "
        "manifolds, k = 3) among its features, and memorisation. The row \"real\" is the floor.\n\n"
        "--encoder judges an encoder (a run's folder, an artefact, a safetensors file of ConvNeXt-V2) by how well its "
        "features of one location, those of whole maps, tell the classes apart: accuracy on test images of their 10 "
        "nearest training images and of a linear classifier.",
    .options = options,
    .examples = {{"drift eval demo --data digits", "a trained model"},
                 {"drift eval points.npy --data checkerboard --json", "samples from a file, for a program"},
                 {"drift eval digits-dit/model.safetensors --data digits --classifier --cfg 1,2", "images by class"},
                 {"drift eval encoder --data digits --encoder", "an encoder"}},
    .run = run,
};
