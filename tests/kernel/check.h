/* Verifies and times every kernel of kernels.def, in the manner of dav1d's checkasm. A kernel's check is a function
 *
 *     void drift_check_add(struct check *c)
 *     {
 *         while (check_round(c)) {
 *             size_t n = check_size(c, 5000, 16384);
 *             struct check_array *a = check_in(c, n, -4, 4), *b = check_in(c, n, -4, 4), *y = check_out(c, n);
 *             CHECK(c, add, n, a->p, b->p, y->p);
 *         }
 *     }
 *
 * CHECK calls the double oracle, then every float implementation that this machine runs, and compares
 *   every vector ISA with c, bit for bit (NaN is one value);
 *   c with the oracle: |error| <= bound * (2^-24 scale + 2^-149), bound from the kernel's row (ref: sixteen times it);
 *   the memory around each array, and the inputs, with what they were before.
 * While it does, the p of each array points to float or to double memory, fresh for each call: that is why the same
 * arguments serve all. In a timing run the same call is timed instead. */
#ifndef DRIFT_TESTS_KERNEL_CHECK_H
#define DRIFT_TESTS_KERNEL_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/kernel.h"

struct check;

struct check_array {
    void *p;       /* what the kernel gets: float * or double *, as the call wants */
    size_t n;      /* elements */
    float *x;      /* the values before the call, for checks that need them, e.g. to compute a scale */
    double *scale; /* see check_scale */
    struct check_memory *memory;
};

/* 1 for another round of sizes and inputs (arrays of the last one are released), 0 at the end. */
int check_round(struct check *c);

/* A size to try, at most `most`: 0, 1, 15, 16, 17, primes, thousands. The first size of a round goes through all of
 * them, later ones are drawn. In a timing run it is `timed`. */
size_t check_size(struct check *c, size_t most, size_t timed);

/* Random, for flags and scalars: an integer in [low, high]; a float in [low, high). Same on every machine. */
int check_int(struct check *c, int low, int high);
float check_float(struct check *c, float low, float high);

/* How wild this round's inputs are: 0 values in the asked range; 1 finite, of every exponent, subnormals and zeros
 * included; 2 any bits, NaN and infinities among them. Timing runs are 0. */
int check_wild(const struct check *c);
/* 1 in a timing run: skip what would only repeat a row (the in-place call, other flags). */
int check_timing(const struct check *c);

/* Arrays of n reals: at odd addresses, between guard bands or against a page that may not be touched.
 *   in       values in [low, high), or wild ones
 *   tame     never wild
 *   out      overwritten by the kernel (filled with NaN before)
 *   added    accumulated into (a gradient): values in [low, high) before the call
 *   inplace  read and overwritten: the same array given as input and as output
 *   work     workspace: guarded, its contents free
 *   ints     n int32_t in [low, high], read only */
struct check_array *check_in(struct check *c, size_t n, float low, float high);
struct check_array *check_tame(struct check *c, size_t n, float low, float high);
struct check_array *check_out(struct check *c, size_t n);
struct check_array *check_added(struct check *c, size_t n, float low, float high);
struct check_array *check_inplace(struct check *c, size_t n, float low, float high);
struct check_array *check_work(struct check *c, size_t n);
struct check_array *check_ints(struct check *c, size_t n, int low, int high);
/* Overwritten arrays whose type is double or 64-bit integer on all floors (sums of squares, counts). */
struct check_array *check_out_double(struct check *c, size_t n);

/* Arrays of uint16_t on all floors, bfloat16 numbers: any bits to read; overwritten. */
struct check_array *check_in_bf16(struct check *c, size_t n);
struct check_array *check_out_bf16(struct check *c, size_t n);

/* Gives an input's element another value (before CHECK). */
void check_set(struct check_array *a, size_t i, float value);
/* Makes every run of `period` elements a near-duplicate of the first: at most `ulps` floats away. */
void check_near(struct check *c, struct check_array *a, size_t period, int ulps);

/* The scale of each element's error bound: n doubles to fill. Without it the scale is |oracle|. Where terms cancel it
 * is the sum of |terms|. Of an accumulated array |value before| is added by itself. Where a scale is not
 * finite, or above FLT_MAX, float may overflow: then any infinity or NaN passes, but not a wrong finite number. */
double *check_scale(struct check_array *a);
/* For this round: the formula can overflow or underflow inside with such inputs, so compare the ISAs' bits, and with
 * the oracle only that its NaNs are NaN. Typically: if (check_wild(c)) check_bits_only(c); */
void check_bits_only(struct check *c);

#define CHECK(c, name, ...)                                                                                            \
    do {                                                                                                               \
        check_begin(c, drift_cost_##name(__VA_ARGS__));                                                                \
        for (const struct drift_kernels *k_; check_next(c, &k_);)                                                      \
            if (k_)                                                                                                    \
                k_->name(__VA_ARGS__);                                                                                 \
            else                                                                                                       \
                drift_kernels_f64()->name(__VA_ARGS__);                                                                \
    } while (0)
void check_begin(struct check *c, struct drift_cost cost);
int check_next(struct check *c, const struct drift_kernels **kernels); /* NULL: call the oracle */

/* A check per row, so that a row without one does not link. */
#define KERNEL(name, parameters, bound, flop, bytes) void drift_check_##name(struct check *c);
#include "kernel/kernels.def"
#undef KERNEL

struct drift_check_options {
    uint64_t seed;           /* of the inputs; 0: the default */
    const char *only;        /* kernels whose name contains this; NULL: all */
    const char *isa;         /* compare c and this one alone; NULL: all that run here */
    int emulated;            /* few rounds, small sizes: for emulators */
    int no_pages;            /* guard bands only, no page that faults */
    int list, hash, verbose; /* print names; a hash of each kernel's results; the largest error of each kernel */
    int timing, json;        /* time instead of verifying; print as JSON */
    double flops, bandwidth; /* this machine's peak per second on one thread, for timing; 0: unknown */
};
/* Runs the checks, printing to standard output. 0: all passed; 1: some failed; 2: options that make no sense. */
int drift_check_kernels(const struct drift_check_options *options);

#endif
