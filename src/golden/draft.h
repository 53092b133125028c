/* A case in the making: its config and its inputs, drawn from a seed. Numbers come from Philox in double and are
 * rounded to float, so every machine draws the same ones. */
#ifndef DRIFT_GOLDEN_DRAFT_H
#define DRIFT_GOLDEN_DRAFT_H

#include "golden/golden.h"

/* How a config is written: 0.7, not 0.69999999999999996. */
#define DRIFT_GOLDEN_CONFIG_TEXT (JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15))

typedef struct drift_golden_draft {
    drift_golden golden; /* on this case, in double: for those who must compute to know what to draw */
    struct drift_safetensors file;
    size_t room;
    int *exact; /* of each tensor: a decision or a number of something, which rounding does not touch */
    uint64_t seed;
    drift_status status; /* sticky: after a failure nothing more is drawn */
} drift_golden_draft;

/* The law of a tensor's numbers. */
struct drift_golden_law {
    enum { DRIFT_GOLDEN_NORMAL, DRIFT_GOLDEN_UNIFORM, DRIFT_GOLDEN_INDEX, DRIFT_GOLDEN_CHOICE } kind;
    double a, b; /* mean and deviation; low and high; below a (int32); 0 or 1, the latter with probability a */
};
struct drift_golden_law drift_golden_normal(double mean, double deviation);
struct drift_golden_law drift_golden_uniform(double low, double high);
struct drift_golden_law drift_golden_index(size_t below);
struct drift_golden_law drift_golden_choice(double share);

/* Draws tensor NAME. _exact: numbers that rounding does not touch, as those that are compared with a threshold. */
void drift_golden_draw(drift_golden_draft *draft, const char *name, struct drift_golden_law law, int rank,
                       const size_t *shape);
void drift_golden_draw_exact(drift_golden_draft *draft, const char *name, struct drift_golden_law law, int rank,
                             const size_t *shape);
/* int32 as given. */
void drift_golden_put(drift_golden_draft *draft, const char *name, size_t n, const int32_t *values);
/* PREFIX/NAME for each parameter declared: none of them is zero or one all over, so that all of them matter. */
void drift_golden_draw_params(drift_golden_draft *draft, const char *prefix, const drift_params *params);

/* config's whole number KEY ("shape.batch"), 1 .. 100000; 0 and a failure of the draft where it is none. */
size_t drift_golden_size(drift_golden_draft *draft, const char *key);
/* The same, 0 allowed. */
size_t drift_golden_size_or_none(drift_golden_draft *draft, const char *key);

/* generate.c. A draft of a kind: its defaults with `config` (JSON; NULL for none) laid over, and its inputs drawn. To
 * be freed even on failure. */
drift_status drift_golden_draft_new(drift_golden_draft *draft, const struct drift_golden_kind *kind, json_t *config,
                                    uint64_t seed);
void drift_golden_draft_free(drift_golden_draft *draft);

#endif
