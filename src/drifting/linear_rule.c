/* The linear rule by rejection: a point of class c stays with probability q / (alpha p(x|c)), which is at most 1. */
#include "drifting/linear_rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { ROUNDS = 1000 };

/* 1 - (alpha - 1) p(x) / (alpha p(x|c)), where it is positive. */
static double share_kept(const struct drift_data *data, double alpha, int class, const float *x)
{
    double all = 0;
    for (int c = 0; c < data->classes; c++)
        all += drift_data_likelihood(data, c, x) / data->classes;
    const double share = 1 - (alpha - 1) / alpha * all / drift_data_likelihood(data, class, x);
    return share > 0 ? share : 0; /* NaN, where x is too far from its class: 0 */
}

/* Puts those of n candidates that stay into the next free places of their classes; returns how many did. */
static size_t keep(const struct drift_data *data, double alpha, size_t n, const float *candidate, const int32_t *label,
                   uint64_t seed, uint32_t round, size_t *next, float *x)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t c = (size_t)label[i];
        const double u = drift_random_uniform_at(seed, DRIFT_RANDOM_RULE_KEEP, round, i);
        if (next[c] >= n || !(u < share_kept(data, alpha, label[i], candidate + 2 * i)))
            continue;
        memcpy(x + 2 * next[c], candidate + 2 * i, 2 * sizeof *x);
        next[c] += (size_t)data->classes;
        kept++;
    }
    return kept;
}

drift_status drift_linear_rule_draw(const struct drift_data *data, double alpha, size_t n, uint64_t seed, float *x)
{
    if (!drift_data_has_likelihood(data) || !(alpha >= 1))
        return drift_fail(DRIFT_INVALID, "the linear rule: %s has no known density by class, or alpha %g is below 1",
                          data->name, alpha);
    float *candidate = malloc(2 * n * sizeof *candidate + 1);
    int32_t *label = malloc(n * sizeof *label + 1);
    size_t *next = malloc((size_t)data->classes * sizeof *next), found = 0;
    drift_status status = DRIFT_OK;
    if (!candidate || !label || !next)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for %zu points of the linear rule", n);
    for (int c = 0; c < data->classes && next; c++)
        next[c] = (size_t)c;
    for (uint32_t round = 0; round < ROUNDS && found < n && !status; round++) {
        status = drift_data_draw_labelled(data, n, seed, round, DRIFT_RANDOM_RULE, candidate, label);
        if (!status)
            found += keep(data, alpha, n, candidate, label, seed, round, next, x);
    }
    if (!status && found < n)
        status = drift_fail(DRIFT_INVALID, "the linear rule at %g keeps too little of %s", alpha, data->name);
    free(candidate);
    free(label);
    free(next);
    return status;
}
