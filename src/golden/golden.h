/* Golden values: one safetensors file holds one case, its inputs and what the reference made of them; a recipe's case
 * is a pair of NAME.yaml and NAME.json.
 *
 * metadata: case, kind, config (JSON), source, note. Tensors: in/NAME, out/NAME, grad/NAME, and f64/NAME where float64
 * is the better judge. A tensor passes where the root mean square of its error is at most atol + rtol times that of
 * the reference (rtol 1e-4 and atol 0 unless config says otherwise, by tensor or for all; rtol_grad is that of
 * gradients); with f64/NAME beside it, the nearer of the two judges. A case in bfloat16 has the float32 result too, and
 * passes within twice the distance of the two. */
#ifndef DRIFT_GOLDEN_GOLDEN_H
#define DRIFT_GOLDEN_GOLDEN_H

#include <jansson.h>
#include <stdint.h>

#include "base/status.h"
#include "drifting/guidance.h"
#include "io/safetensors.h"
#include "nn/dit.h"
#include "tape/tape.h"

/* A result of a case: a tensor of doubles. */
struct drift_golden_value {
    char *name;                 /* "out/V" */
    struct drift_array array;   /* F64; owns its memory */
    int exact;                  /* every number must be equal */
    enum drift_array_type type; /* what a file holds it as: F64 for reals */
};
struct drift_golden_values {
    size_t count, room;
    struct drift_golden_value *list;
};
/* Appends a copy; x is F64. */
drift_status drift_golden_values_add(struct drift_golden_values *values, const char *name, const struct drift_array *x,
                                     int exact, enum drift_array_type type);
void drift_golden_values_free(struct drift_golden_values *values);
const struct drift_golden_value *drift_golden_value_find(const struct drift_golden_values *values, const char *name);

/* A case that is being computed: where its inputs are, on which backend, and what becomes of its results. Either they
 * are kept in `values`, or (NULL) compared with the file, and the first that is off is noted. */
typedef struct drift_golden {
    const struct drift_safetensors *file;
    json_t *config;
    const drift_backend *backend;
    struct drift_golden_values *values;
    uint64_t mistakes;            /* what is done wrong on purpose: mistakes.h */
    const drift_backend *forward; /* where one of them makes value and gradient of a loss part ways, that for values;
                                     else the same */
    int compared;                 /* tensors */
    int off;                      /* whether one was outside its bound: then its name, error and bound */
    char tensor[128];
    double error, bound;
} drift_golden;

/* Computes a case of one kind and hands its results to drift_golden_output. DRIFT_INVALID where the file lacks what the
 * kind needs; DRIFT_UNAVAILABLE where this version cannot compute the case: it is then reported as unknown. */
typedef drift_status drift_golden_computer(drift_golden *golden);

struct drift_golden_draft;
/* Draws a case's inputs from its config (draft.h). */
typedef void drift_golden_inputs(struct drift_golden_draft *draft);

/* All there is to know of a kind, where its file defines it. */
struct drift_golden_kind {
    const char *name;
    const char *what; /* one line: what is computed */
    drift_golden_computer *compute;
    drift_golden_inputs *inputs; /* NULL: cases of it are not generated */
    double rounding;      /* what float arithmetic inside costs, of a result's rms: no generated bound is below it.
                             0: 2^-20. More where a ReLU may flip or Adam divides by what is nearly nothing */
    const char *defaults; /* JSON: the config of a generated case; `shape` is for its inputs alone */
};

/* "[2,1]": element `index` of an array of this shape. */
const char *drift_golden_place(const struct drift_array *shape, size_t index, char text[DRIFT_ARRAY_TEXT]);

/* DRIFT_INVALID, with a line that says which element, where a number of the array is NaN or infinite. */
drift_status drift_golden_finite(const char *path, const char *name, const struct drift_array *array);

/* A case that was read. */
struct drift_golden_case {
    struct drift_safetensors file;
    const struct drift_golden_kind *kind; /* NULL: of a kind that is not known */
    drift_golden golden;                  /* on this file, in float */
};
/* On failure there is nothing to close; closing leaves nothing behind. */
drift_status drift_golden_open(const char *path, struct drift_golden_case *c);
void drift_golden_close(struct drift_golden_case *c);

/* The kinds that verify knows, NULL at the end; and the one of this name, or NULL. */
extern const struct drift_golden_kind *const drift_golden_kinds[];
const struct drift_golden_kind *drift_golden_kind_named(const char *name);

/* One line of `verify`. */
typedef enum drift_golden_verdict { DRIFT_GOLDEN_OK, DRIFT_GOLDEN_OFF, DRIFT_GOLDEN_UNKNOWN_KIND } drift_golden_verdict;
typedef struct drift_golden_result {
    drift_golden_verdict verdict;
    char kind[64];
    int compared;
    char tensor[128]; /* where off: the first tensor, its rms error and the bound */
    double error, bound;
} drift_golden_result;

/* Verifies a file with the kernels in use (DRIFT_ISA), in float. A failure is an unreadable or incomplete file. */
drift_status drift_golden_verify(const char *path, drift_golden_result *result);

/* ---- for kinds ---- */

/* Tensor in/NAME as floats, freshly allocated, with its shape checked: SIZE_MAX in `shape` takes any size and is
 * replaced by it. Where `absent` is not NULL a missing tensor is no error: *absent = 1 and *x = NULL. */
drift_status drift_golden_input(drift_golden *golden, const char *name, int rank, size_t *shape, int *absent,
                                float **x);

/* A result: tensor NAME ("out/V"); one that the file compared with lacks is passed over. The second: n numbers in a
 * row. The third, of floats: every number must be equal (the bound is then 0), and a file holds it as `type`. */
drift_status drift_golden_output(drift_golden *golden, const char *name, int rank, const size_t *shape,
                                 const double *x);
drift_status drift_golden_output_row(drift_golden *golden, const char *name, size_t n, const double *x);
drift_status drift_golden_output_floats(drift_golden *golden, const char *name, int rank, const size_t *shape,
                                        const float *x);
drift_status drift_golden_output_exact(drift_golden *golden, const char *name, enum drift_array_type type, int rank,
                                       const size_t *shape, const float *x);

/* config's atol + rtol of tensor `name`, for a reference of this rms. */
double drift_golden_bound(const json_t *config, const char *name, double rms);
/* How far n numbers are from tensor NAME of the file, by the rules above. */
struct drift_golden_distance {
    int found, good;
    double error, bound; /* root mean square */
};
drift_status drift_golden_measure(const drift_golden *golden, const char *name, size_t n, const double *x,
                                  struct drift_golden_distance *distance);

/* Root mean square of n numbers, or of x - y. */
double drift_golden_rms(size_t n, const double *x, const double *y);

/* What these end with where they compare: counts a comparison, and keeps the first that is not good. */
void drift_golden_judge(drift_golden *golden, const char *name, int good, double error, double bound);

/* The node of config at "model.depth", NULL where there is none; and settings by type: DRIFT_INVALID names the key. */
const json_t *drift_golden_setting(const json_t *config, const char *key);
drift_status drift_golden_number(drift_golden *golden, const char *key, double *value);
/* A whole number of 0 .. 1e9. */
drift_status drift_golden_count(drift_golden *golden, const char *key, size_t *value);
drift_status drift_golden_text(drift_golden *golden, const char *key, const char **value);

/* tape.c: for kinds that run ops. A tensor of the file in its own shape, as a leaf where needs_grad; the tape's failure
 * where there is none. Then tensors, or their gradients, as results. */
drift_tensor *drift_golden_tensor(drift_golden *golden, drift_tape *tape, const char *name, int needs_grad);
/* The same numbers in another shape. */
drift_tensor *drift_golden_tensor_as(drift_golden *golden, drift_tape *tape, const char *name, int dims,
                                     const size_t *size);
drift_tensor *drift_golden_indices(drift_golden *golden, drift_tape *tape,
                                   const char *name); /* I32, as drift_tape_indices */
drift_status drift_golden_output_tensor(drift_golden *golden, const char *name, const drift_tensor *x);
drift_status drift_golden_output_gradient(drift_golden *golden, const char *name, const drift_tensor *x);
/* Calls `run` with a fresh tape; its failure is also the tape's, with the file's name. */
typedef drift_status drift_golden_model(drift_golden *golden, drift_tape *tape, void *context);
drift_status drift_golden_run(drift_golden *golden, drift_golden_model *run, void *context);

/* params.c: for models. Fills allocated parameters from PREFIX/NAME; allocates them before; a block of their layout as
 * results PREFIX/NAME. */
drift_status drift_golden_fill(drift_golden *golden, const char *prefix, drift_params *params);
drift_status drift_golden_params(drift_golden *golden, const char *prefix, drift_params *params);
drift_status drift_golden_output_block(drift_golden *golden, const char *prefix, const drift_params *params,
                                       const drift_tensor *block);
/* Shapes (out/shape/NAME), and unless the file has shapes alone, the law of first values (out/stat/NAME): the file's
 * numbers and ours are within five standard errors of it. Declared but not allocated parameters. */
drift_status drift_golden_init(drift_golden *golden, drift_params *params);
/* How many tensors of the file begin so. */
size_t drift_golden_tensors(const drift_golden *golden, const char *prefix);

/* dit.c; config's "model" is a generator's settings, checked */
drift_status drift_golden_dit_config(drift_golden *golden, drift_dit_config *config);

/* drift.c; temperatures are a list in config */
drift_status drift_golden_taus(drift_golden *golden, const char *key, drift_field_config *config);

/* recipe.c: NAME.yaml against NAME.json; `path` is one of them. Compared are values, the tensor is a key's path. */
drift_status drift_golden_recipe(const char *path, drift_golden_result *result);

/* training.c */
drift_status drift_golden_guidance(drift_golden *golden, struct drift_guidance *guidance);

#endif
