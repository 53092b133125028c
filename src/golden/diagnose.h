/* Which known mistake gives a port's numbers. */
#ifndef DRIFT_GOLDEN_DIAGNOSE_H
#define DRIFT_GOLDEN_DIAGNOSE_H

#include "golden/mistakes.h"

enum { DRIFT_DIAGNOSIS_SETS = 16, DRIFT_DIAGNOSIS_CASE = 512 };

/* Mistakes that reproduce the port's numbers. */
struct drift_diagnosis_set {
    uint64_t mistakes;
    double error; /* the largest error of a result, in units of what rounding explains: at most 1 */
};

typedef struct drift_diagnosis {
    enum { DRIFT_DIAGNOSIS_RIGHT, DRIFT_DIAGNOSIS_MISTAKE, DRIFT_DIAGNOSIS_UNKNOWN } verdict;
    int sets; /* MISTAKE: those that this case cannot tell apart; the same two or more mistakes have the same numbers */
    struct drift_diagnosis_set set[DRIFT_DIAGNOSIS_SETS];
    char telling[DRIFT_DIAGNOSIS_CASE]; /* a command that makes a case which tells the first two sets apart; or empty */
    uint64_t blind;                     /* RIGHT: mistakes that this case would not show */
    uint64_t nearest;                   /* UNKNOWN: the mistake that comes nearest, 0 where none helps */
    int pairs;                          /* whether two at once were tried */
    int precise;                        /* UNKNOWN: whether all is right to some percent, as in low precision */
    struct drift_golden_values right, wrong; /* results as specified, and with the first set (or the nearest) */
} drift_diagnosis;

/* Computes the case again under each known mistake, and under two at once unless the case has more than a few 100,000
 * numbers (all_pairs: even then). DRIFT_UNAVAILABLE for cases that have no formula, or are in bfloat16. To be freed. */
drift_status drift_golden_diagnose(struct drift_golden_case *c, const struct drift_golden_values *mine, int all_pairs,
                                   drift_diagnosis *diagnosis);
void drift_diagnosis_free(drift_diagnosis *diagnosis);

/* The results of a case with mistakes made, in double. */
drift_status drift_golden_mistaken(const struct drift_golden_kind *kind, const drift_golden *golden, uint64_t mistakes,
                                   struct drift_golden_values *values);

/* A command that makes a case on which these two sets of mistakes differ (0: none made); empty where none is known. */
drift_status drift_golden_telling(const struct drift_golden_kind *kind, uint64_t a, uint64_t b,
                                  char command[DRIFT_DIAGNOSIS_CASE]);

#endif
