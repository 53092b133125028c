/* Checks of simd/bf16.c: all exact. */
#include "check.h"

/* Every third number lies halfway between two of bfloat16, where ties go to even. */
static struct check_array *with_ties(struct check *c, struct check_array *x)
{
    for (size_t i = 0; i < x->n; i += 3)
        check_set(x, i, (float)(256 + check_int(c, 0, 255)) + 0.5f);
    return x;
}

void drift_check_bf16_pack(struct check *c)
{
    while (check_round(c)) {
        const size_t n = check_size(c, 3000, 16384);
        struct check_array *x = check_in(c, n, -4, 4), *y = check_out_bf16(c, n);
        CHECK(c, bf16_pack, n, x->p, y->p);
    }
}

void drift_check_bf16_unpack(struct check *c)
{
    while (check_round(c)) {
        const size_t n = check_size(c, 3000, 16384);
        struct check_array *x = check_in_bf16(c, n), *y = check_out(c, n);
        CHECK(c, bf16_unpack, n, x->p, y->p);
    }
}

void drift_check_bf16_round(struct check *c)
{
    while (check_round(c)) {
        const size_t n = check_size(c, 3000, 16384);
        struct check_array *x = with_ties(c, check_in(c, n, -4, 4)), *y = check_out(c, n);
        CHECK(c, bf16_round, n, x->p, y->p);
        if (check_timing(c))
            continue;
        struct check_array *z = check_inplace(c, n, -4, 4);
        CHECK(c, bf16_round, n, z->p, z->p);
    }
}

void drift_check_bf16_add_row(struct check *c)
{
    while (check_round(c)) {
        const size_t cols = check_size(c, 300, 768), rows = check_size(c, 40, 64);
        struct check_array *x = check_in(c, rows * cols, -4, 4), *b = check_in(c, cols, -4, 4);
        struct check_array *y = check_out(c, rows * cols);
        CHECK(c, bf16_add_row, rows, cols, x->p, b->p, y->p);
    }
}
