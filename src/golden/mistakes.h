/* Known mistakes: a case computed with some of them made on purpose, in double, so that a port's numbers can be told by
 * them. A mistake is an op of the double backend done wrong (its table with other functions), a weight, or an order of
 * parameters; the production kernels know nothing of it. */
#ifndef DRIFT_GOLDEN_MISTAKES_H
#define DRIFT_GOLDEN_MISTAKES_H

#include "drifting/features.h"
#include "golden/golden.h"

enum drift_mistake_index {
#define MISTAKE(bit, name, what, kinds, needs) DRIFT_MISTAKE_INDEX_##bit,
#include "golden/mistakes.def"
#undef MISTAKE
    DRIFT_MISTAKES
};
#define DRIFT_MISTAKE(bit) ((uint64_t)1 << DRIFT_MISTAKE_INDEX_##bit)
#define DRIFT_MISTAKES_OF_FIELD (DRIFT_MISTAKE(ENCODER_DETACHED) - 1) /* those before it in the table */

struct drift_golden_mistake {
    const char *name, *what, *kinds, *needs;
};
extern const struct drift_golden_mistake drift_golden_mistakes[DRIFT_MISTAKES];

/* Whether mistake i can be made in a case of this kind and config. */
int drift_golden_mistake_applies(int i, const char *kind, const json_t *config);

/* The double backend with these mistakes made. Its state points back at it, so it must not move. */
struct drift_golden_wrong {
    drift_backend backend;
    uint64_t mistakes;
    drift_tape *tape; /* that the field is computed on: its memory is kept from call to call */
    int forward;      /* the field is what the loss is made of; else what its gradient pulls by (they may differ) */
};
void drift_golden_wrong_backend(struct drift_golden_wrong *wrong, uint64_t mistakes, int forward);
void drift_golden_wrong_free(struct drift_golden_wrong *wrong);

/* mistake_field.c: the field of all forms from elementary ops, right or wrong; the wrong backend's drift_field. */
drift_status drift_golden_wrong_field(const drift_backend *backend, const drift_field_config *config,
                                      const drift_tensor *gen, const drift_tensor *pos, const drift_tensor *neg,
                                      const drift_tensor *w_gen, const drift_tensor *w_pos, const drift_tensor *w_neg,
                                      drift_tensor *v, drift_field_report *report);
/* mistake_ops.c, mistake_norm.c: put their functions into the table. */
void drift_golden_wrong_ops(struct drift_golden_wrong *wrong);
void drift_golden_wrong_norms(struct drift_golden_wrong *wrong);

/* ---- for kinds ---- */

/* The weight of an entry's negatives. */
double drift_golden_weight(const drift_golden *golden, double alpha, size_t generated, size_t negatives);

/* drift_encode of a drift_golden_encoder: the encoder's features, which only pass a gradient on where it may. */
struct drift_golden_encoder {
    const drift_golden *golden;
    drift_encoder encoder;
};
drift_encode drift_golden_encode;

/* Puts a parameter's numbers, as the file has them, where the mistaken port's order means them; `back` undoes it. */
void drift_golden_reorder(const drift_golden *golden, const char *name, size_t n, double *x, int back);

#endif
