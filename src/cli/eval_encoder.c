/* drift eval --encoder: are the classes in what an encoder sees? */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/eval.h"
#include "cli/run.h"
#include "eval/eval.h"
#include "eval/pairs.h" /* drift_take_rows, drift_take_labels */
#include "judge/probe.h"
#include "train/encode.h"

enum { NEIGHBOURS = 10 };

/* A part of the data: some of its images, their labels and features. */
struct part {
    struct drift_data *data;
    size_t n;
    float *x;
    int32_t *label;
    struct drift_encoded encoded;
};

struct probed {
    const char *name;
    size_t dim;
    double knn, linear;
};

static void part_close(struct part *part)
{
    drift_data_close(part->data);
    drift_encoded_free(&part->encoded);
    free(part->x);
    free(part->label);
}

static drift_status part_open(const char *name, enum drift_data_split split, size_t most, struct part *part)
{
    memset(part, 0, sizeof *part);
    drift_status status = drift_data_open(name, split, &part->data);
    if (status)
        return status;
    const struct drift_data *data = part->data;
    if (!data->size || !data->labels)
        return drift_fail(DRIFT_INVALID, "%s: has no labelled images to judge an encoder by", name);
    part->n = data->size < most ? data->size : most;
    part->x = malloc(part->n * data->dim * sizeof *part->x);
    part->label = malloc(part->n * sizeof *part->label);
    if (!part->x || !part->label)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu images", part->n);
    drift_take_rows(data->size, part->n, data->dim, data->rows, part->x);
    drift_take_labels(data->size, part->n, data->labels, part->label);
    return DRIFT_OK;
}

/* ---- what is probed: one feature, or all of them side by side ---- */

static struct drift_probe_set set_of(const struct part *part, size_t dim, float *x)
{
    return (struct drift_probe_set){part->n, dim, (size_t)part->data->classes, x, part->label};
}

static drift_status probe(const struct part *train, const struct part *test, float *train_x, float *test_x,
                          uint64_t seed, struct probed *result)
{
    struct drift_probe_set from = set_of(train, result->dim, train_x), to = set_of(test, result->dim, test_x);
    drift_probe_scale(&from, &to);
    drift_status status =
        drift_knn_accuracy(from.n, to.n, from.dim, from.x, from.label, to.x, to.label, NEIGHBOURS, &result->knn);
    if (!status)
        status = drift_probe_linear(&from, &to, seed, &result->linear);
    return status ? drift_fail_context(status, "%s", result->name) : DRIFT_OK;
}

/* The image itself is among the features, but not among "all" of what the encoder made of it. */
static int is_image(const struct drift_encoded_feature *feature) { return !strcmp(feature->name, "global"); }

static size_t width_of_all(const struct part *part)
{
    size_t dim = 0;
    for (size_t f = 0; f < part->encoded.count; f++)
        dim += is_image(&part->encoded.list[f]) ? 0 : part->encoded.list[f].channels;
    return dim;
}

static float *side_by_side(const struct part *part, size_t dim)
{
    float *x = malloc(part->n * dim * sizeof *x + 1);
    for (size_t i = 0, at = 0; i < part->n && x; i++)
        for (size_t f = 0; f < part->encoded.count; f++) {
            const struct drift_encoded_feature *feature = &part->encoded.list[f];
            if (is_image(feature))
                continue;
            memcpy(x + at, feature->x + i * feature->channels, feature->channels * sizeof *x);
            at += feature->channels;
        }
    return x;
}

/* Each feature alone (which scales it), then all of them so scaled. */
static drift_status probe_all(struct part *train, struct part *test, uint64_t seed, size_t *count,
                              struct probed *results)
{
    drift_status status = DRIFT_OK;
    *count = train->encoded.count + 1;
    for (size_t f = 0; f < train->encoded.count && !status; f++) {
        struct drift_encoded_feature *from = &train->encoded.list[f];
        results[f] = (struct probed){from->name, from->channels, 0, 0};
        status = probe(train, test, from->x, test->encoded.list[f].x, seed, &results[f]);
    }
    if (status)
        return status;
    const size_t dim = width_of_all(train);
    float *from = side_by_side(train, dim), *to = side_by_side(test, dim);
    results[*count - 1] = (struct probed){"all", dim, 0, 0};
    status = from && to ? probe(train, test, from, to, seed, &results[*count - 1])
                        : drift_fail(DRIFT_NO_MEMORY, "no memory for all features");
    free(from);
    free(to);
    return status;
}

/* ---- the table ---- */

static void print_text(const struct part *train, const struct part *test, size_t count, const struct probed *results)
{
    printf("%-24s %10s %10s %10s\n", "feature", "numbers", "k-NN", "linear");
    for (size_t i = 0; i < count; i++)
        printf("%-24s %10zu %10.4f %10.4f\n", results[i].name, results[i].dim, results[i].knn, results[i].linear);
    printf(
        "\naccuracy on %zu test images, learnt from %zu training images; k = %d; global: the image itself; all: every "
        "other\n",
        test->n, train->n, (int)NEIGHBOURS);
}

static void print_json(const char *model, const struct part *train, const struct part *test, size_t count,
                       const struct probed *results)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:s, s:I, s:f, s:f}", "feature", results[i].name, "numbers",
                                              (json_int_t)results[i].dim, "knn_accuracy", results[i].knn,
                                              "linear_accuracy", results[i].linear));
    json_t *all = json_pack("{s:s, s:s, s:I, s:I, s:i, s:o}", "encoder", model, "data", train->data->name, "train_n",
                            (json_int_t)train->n, "test_n", (json_int_t)test->n, "k", (int)NEIGHBOURS, "rows", rows);
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    printf("\n");
    json_decref(all);
}

static drift_status encode_both(const char *model, struct part *train, struct part *test)
{
    struct drift_feature_encoder encoder;
    drift_status status = drift_run_open_encoder(model, NULL, train->data, &encoder);
    if (status)
        return status;
    status = drift_encode_images(&encoder, train->data, train->n, train->x, 1, &train->encoded);
    if (!status)
        status = drift_encode_images(&encoder, test->data, test->n, test->x, 1, &test->encoded);
    drift_feature_encoder_close(&encoder);
    return status;
}

drift_status drift_eval_encoder(const char *model, const char *data, size_t n, uint64_t seed, int json)
{
    struct part train, test = {.n = 0};
    struct probed results[DRIFT_MAX_FEATURES + 1];
    size_t count;
    drift_status status = part_open(data, DRIFT_DATA_TRAIN, n, &train);
    if (!status)
        status = part_open(data, DRIFT_DATA_TEST, n, &test);
    if (!status)
        status = encode_both(model, &train, &test);
    if (!status)
        status = probe_all(&train, &test, seed, &count, results);
    if (!status && json)
        print_json(model, &train, &test, count, results);
    else if (!status)
        print_text(&train, &test, count, results);
    part_close(&train);
    part_close(&test);
    return status;
}
