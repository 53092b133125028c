/* A class by the vote of the nearest neighbours. */
#include <math.h> /* INFINITY */
#include <stdlib.h>

#include "eval/eval.h"
#include "eval/pairs.h"

enum { MOST_NEIGHBOURS = 64 };

/* The k nearest so far, the nearest first; of equally near ones the earlier. */
struct nearest {
    size_t k;
    float distance[MOST_NEIGHBOURS + 1];
    int32_t label[MOST_NEIGHBOURS + 1];
};

static void keep(struct nearest *best, float distance, int32_t label)
{
    size_t place = best->k;
    for (; place && distance < best->distance[place - 1]; place--) {
        best->distance[place] = best->distance[place - 1];
        best->label[place] = best->label[place - 1];
    }
    best->distance[place] = distance;
    best->label[place] = label;
}

/* The label that most of them have; of equally frequent ones that of the nearer. */
static int32_t vote(const struct nearest *best)
{
    int32_t winner = best->label[0];
    size_t most = 0;
    for (size_t i = 0; i < best->k; i++) {
        size_t votes = 0;
        for (size_t j = 0; j < best->k; j++)
            votes += best->label[j] == best->label[i];
        if (votes > most) {
            most = votes;
            winner = best->label[i];
        }
    }
    return winner;
}

static int32_t classify(const drift_blocks *blocks, const int32_t *label, size_t k, const float *x)
{
    struct nearest best = {.k = k};
    for (size_t i = 0; i < k; i++)
        best.distance[i] = INFINITY;
    for (size_t b = 0; b < blocks->count; b++) {
        float d[DRIFT_PAIR_BLOCK];
        drift_block_distances(blocks, b, x, d);
        for (size_t j = 0; j < drift_block_points(blocks, b); j++)
            keep(&best, d[j], label[b * DRIFT_PAIR_BLOCK + j]);
    }
    return vote(&best);
}

drift_status drift_knn_accuracy(size_t train_n, size_t test_n, size_t dim, const float *train,
                                const int32_t *train_label, const float *test, const int32_t *test_label, size_t k,
                                double *accuracy)
{
    drift_blocks blocks;
    if (!k || k > MOST_NEIGHBOURS)
        return drift_fail(DRIFT_INVALID, "k-NN: %zu neighbours, expected 1 to %d", k, MOST_NEIGHBOURS);
    drift_status status = drift_check_points("training", train_n, k, dim, train);
    if (!status)
        status = drift_check_points("test", test_n, 1, dim, test);
    if (!status)
        status = drift_make_blocks(train_n, dim, train, &blocks);
    if (status)
        return status;
    size_t right = 0;
#pragma omp parallel for schedule(static) reduction(+ : right)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)test_n; i++)
        right += classify(&blocks, train_label, k, test + (size_t)i * dim) == test_label[i];
    free(blocks.at);
    *accuracy = (double)right / (double)test_n;
    return DRIFT_OK;
}
