/* Arrays of the kernel checks: inputs drawn, memory guarded. Internal to check.c and check_array.c. */
#ifndef DRIFT_TESTS_KERNEL_CHECK_ARRAY_H
#define DRIFT_TESTS_KERNEL_CHECK_ARRAY_H

#include "check.h"

enum check_role { CHECK_IN, CHECK_OUT, CHECK_ADDED, CHECK_INPLACE, CHECK_WORK };
enum check_type { CHECK_REAL, CHECK_INT32, CHECK_DOUBLE, CHECK_BF16 };

/* One array twice: `narrow` as float kernels see it, inside pages of its own, and `wide` as the oracle does. */
struct check_memory {
    enum check_role role;
    enum check_type type;
    size_t n, bytes;             /* of the narrow form */
    unsigned char *map, *narrow; /* [page that faults][band, data, band][page that faults] */
    size_t map_bytes, page;
    unsigned char *wide_block; /* wide, between bands */
    void *wide, *before;       /* before: the narrow values before the call */
    void *c_result;            /* what c made of them */
};

enum check_place { CHECK_AT_END, CHECK_AT_START, CHECK_INSIDE, CHECK_ALIGNED };

/* NULL where there is no memory. `shift` is used by CHECK_INSIDE: bytes, a multiple of 4 below 64. */
struct check_array *check_array_new(size_t n, enum check_type type, enum check_role role, enum check_place place,
                                    size_t shift);
void check_array_free(struct check_array *a);

/* Points p at fresh contents for the next call. */
void check_array_restore(struct check_array *a, int wide);
/* After a call: NULL, or what is wrong around or inside the array. */
const char *check_array_damage(const struct check_array *a, int wide);

/* splitmix64 */
uint64_t check_random(uint64_t *state);
/* Fills the values: in [low, high), and with probability 2^-sparse a wild one (see check_wild). */
void check_array_fill(struct check_array *a, uint64_t *state, float low, float high, int wild, int sparse);

/* Elements of a result, NaN made one value. */
uint64_t check_bits(const void *values, enum check_type type, size_t i);
double check_value(const void *values, enum check_type type, size_t i);

#endif
