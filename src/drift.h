/* libdrift: Generative Modeling via Drifting (Deng, Li, Li, Du, He, arXiv 2602.04770) in C.
 *
 * This is the one public header. Every function that can fail returns a drift_status and keeps one line that says why
 * for the calling thread (drift_message). Nothing prints, nothing exits.
 *
 * Threads: functions may be called from several threads at once as long as they do not share a model or a buffer that
 * one of them writes. Inside, work is spread by OpenMP (OMP_NUM_THREADS); results do not depend on the number of
 * threads, nor on the instruction set in use. */
#ifndef DRIFT_H
#define DRIFT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DRIFT_VERSION_MAJOR 0
#define DRIFT_VERSION_MINOR 1
#define DRIFT_VERSION_PATCH 0
#define DRIFT_VERSION "0.1.0"

#if defined(__GNUC__)
#define DRIFT_API __attribute__((visibility("default")))
#else
#define DRIFT_API
#endif

/* "0.1.0": the version of the library that is loaded, beside DRIFT_VERSION, which the caller was compiled against. */
DRIFT_API const char *drift_version(void);

typedef enum drift_status {
    DRIFT_OK,
    DRIFT_INVALID, /* the caller's file, value or shape is wrong: the line names file and byte, line or key */
    DRIFT_NO_MEMORY,
    DRIFT_IO,          /* the system refused: open, read, write, rename */
    DRIFT_NOT_FINITE,  /* a loss or gradient is NaN or infinite */
    DRIFT_UNAVAILABLE, /* this build or machine lacks it: an ISA, an engine, a device */
    DRIFT_INTERRUPTED  /* asked to stop; what was reached is saved */
} drift_status;

/* The line of this thread's last failure, "" if none. Valid until the thread's next failure. */
DRIFT_API const char *drift_message(void);

/* ---- the drifting field (paper, sections 3 and 4; docs/ops/drift.md has each formula) ---- */

typedef enum drift_form {
    DRIFT_EXACT, /* the definition: V+ and V- are each a softmax-weighted mean shift over their own side */
    DRIFT_JOINT, /* Algorithm 2 and the authors' 2D demo: geometric mean of row and column softmax over both sides */
    DRIFT_NORMALIZED /* the released ImageNet loss: several temperatures, feature and drift normalisation */
} drift_form;

typedef enum drift_self {
    DRIFT_SELF_MASKED, /* x_i is not among its own negatives (normalized form: pushed away by 100 instead) */
    DRIFT_SELF_KEPT,   /* x_i is one of its own negatives */
    DRIFT_SELF_NONE    /* only extra negatives count; without any, V is a V+ in the exact form, 0 in the others */
} drift_self;

enum { DRIFT_MAX_TAUS = 8 };

typedef struct drift_field_config {
    drift_form form;
    drift_self self;
    int taus;                   /* how many temperatures; V is the sum over them */
    double tau[DRIFT_MAX_TAUS]; /* each > 0, in units of distance, or of the mean one where features are normalised */
    double floor;      /* affinity floor >= 0: joint 0 or 1e-12, normalized 1e-6 (as released) or 0 (low dimension) */
    double attraction; /* a and b of a V+ - b V-; 1 and 1 is the anti-symmetric field */
    double repulsion;
    int normalize_features; /* normalized form: divide by the mean distance (s_in); 0: distances as they are */
    int normalize_drift;    /* normalized form: divide each temperature's drift by its rms (the paper's lambda) */
} drift_field_config;

/* What a call of the field tells beside V. */
typedef struct drift_field_report {
    double loss;  /* mean over rows b of mean(F_total^2): what a trainer minimises; normalised flat by design */
    double scale; /* weighted mean distance before its clamp (normalized form), else 1 */
    double unit;  /* V is in these units of x (the spec's s_in; 1 where features are not normalised) */
    double raw[DRIFT_MAX_TAUS]; /* per temperature: mean of V^2 (F^2) before the drift is normalised: to be watched */
} drift_field_report;

/* The settings of the paper for a form: one temperature 0.05 (exact, joint) or 0.02, 0.05, 0.2 (normalized), floor 0
 * (exact, joint) or 1e-6 (normalized), self masked, 1 and 1, both normalisations on for the normalized form. */
DRIFT_API drift_field_config drift_field_defaults(drift_form form);

/* The shapes of one call: `batches` independent problems (1 for exact and joint) of the same shape. */
typedef struct drift_field_shape {
    size_t batches;   /* B */
    size_t generated; /* G >= 1 */
    size_t positives; /* P >= 1 */
    size_t negatives; /* N >= 0, extra negatives */
    size_t dim;       /* D (S in the spec) >= 1 */
} drift_field_shape;

/* The field V[B,G,D] at every generated sample, under the configuration.
 *
 *   generated[B,G,D]  positives[B,P,D]  negatives[B,N,D] (NULL where N is 0), row major
 *   w_generated[B,G]  w_positives[B,P]  w_negatives[B,N]: weights >= 0, NULL for ones. Joint form: NULL, all of them.
 *
 * V is the sum over the temperatures, in units of report->unit. The loss is report->loss = mean of V^2, and its
 * gradient with respect to generated is -2 V / (B G D unit), V being a constant (stop-gradient).
 *
 * Error. exact and joint: distances come from coordinate differences, so copies are at distance 0; V is good to a few
 * 1e-6 of its size (joint: and 4e-7 d/tau where the nearest samples are d away), and the joint form never underflows
 * where V does not. normalized: samples are centred per batch;
 * where D >= 32 squares of distances are |x|^2 + |y|^2 - 2xy, taken again from differences where that loses more than
 * four bits, so V is good to a few 1e-6, and to about 1e-5 where samples are within 1e-3 of their spread of each other.
 *
 * Memory beyond the arguments: O((G+P+N) (D + 32)) per batch, and where it helps up to 64 MiB of distances.
 * DRIFT_INVALID: an empty size, a temperature that is not positive, weights whose mean is 0, weights or a floor that
 * the form does not have. */
DRIFT_API drift_status drift_field(const drift_field_config *config, const drift_field_shape *shape,
                                   const float *generated, const float *positives, const float *negatives,
                                   const float *w_generated, const float *w_positives, const float *w_negatives,
                                   float *v, drift_field_report *report);

/* The same in double precision by the reference kernels: plain loops, for checking. */
DRIFT_API drift_status drift_field_f64(const drift_field_config *config, const drift_field_shape *shape,
                                       const double *generated, const double *positives, const double *negatives,
                                       const double *w_generated, const double *w_positives, const double *w_negatives,
                                       double *v, drift_field_report *report);

#ifdef __cplusplus
}
#endif
#endif
