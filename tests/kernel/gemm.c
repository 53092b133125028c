/* Check of simd/gemm.c: all transposes, odd sizes, rows further apart than needed or a page apart, accumulated or not,
 * with bias or not. */
#include <math.h>

#include "check.h"

enum { MOST_TERMS = 300000 }; /* of most products: an emulator has to do them too */

struct matrix {
    size_t elements;
    ptrdiff_t row, col;
};

/* pages: neighbouring rows (or columns) lie a whole number of pages apart. */
static struct matrix matrix(struct check *c, size_t rows, size_t cols, int pages)
{
    enum { PAGE_FLOATS = 1024 };
    const size_t gap = check_timing(c) ? 0 : (size_t)check_int(c, 0, 2);
    const int transposed = check_timing(c) ? 0 : check_int(c, 0, 1);
    const size_t count = transposed ? cols : rows, length = transposed ? rows : cols;
    const size_t step = pages ? (length / PAGE_FLOATS + 1) * PAGE_FLOATS : length + gap;
    const struct matrix plain = {count * step, (ptrdiff_t)step, 1}, turned = {count * step, 1, (ptrdiff_t)step};
    return transposed ? turned : plain;
}

/* scale[i * row + j] = sum of |terms| */
static void set_scale(double *scale, ptrdiff_t row, size_t m, size_t n, size_t k, const float *a, struct matrix am,
                      const float *b, struct matrix bm, const float *bias, const float *before)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)m; i++)
        for (ptrdiff_t j = 0; j < (ptrdiff_t)n; j++) {
            double sum = (bias ? fabs((double)bias[j]) : 0) + (before ? fabs((double)before[i * row + j]) : 0);
            for (ptrdiff_t p = 0; p < (ptrdiff_t)k; p++)
                sum += fabs((double)a[i * am.row + p * am.col] * b[p * bm.row + j * bm.col]);
            scale[i * row + j] = sum;
        }
}

void drift_check_gemm(struct check *c)
{
    while (check_round(c)) {
        size_t m = check_size(c, 1009, 256), n = check_size(c, 1009, 256), k = check_size(c, 1009, 256);
        while (!check_timing(c) && m * n * k > MOST_TERMS) {
            size_t *largest = m > n ? &m : &n;
            if (m < 40 && n < 40)
                largest = &k;
            *largest = *largest * 5 / 8;
        }
        const int pages = !check_timing(c) && check_int(c, 0, 2) == 0;
        if (pages) {
            m = (size_t)check_int(c, 1, 20);
            n = (size_t)check_int(c, 1, 40) + (check_int(c, 0, 1) ? 120 : 0);
            k = (size_t)check_int(c, 1, n > 40 ? 150 : 400);
        }
        if (!check_timing(c) && !pages && check_int(c, 0, 15) == 0) { /* more than a block holds, both ways */
            m = (size_t)check_int(c, 337, 360);
            n = (size_t)check_int(c, 9, 20);
            k = (size_t)check_int(c, 385, 400);
        }
        const struct matrix am = matrix(c, m, k, pages), bm = matrix(c, k, n, pages);
        const ptrdiff_t c_row = (ptrdiff_t)n + (check_timing(c) ? 0 : check_int(c, 0, 3));
        const int accumulate = check_timing(c) ? 0 : check_int(c, 0, 1), with_bias = check_int(c, 0, 1);
        struct check_array *a = check_in(c, am.elements, -2, 2), *b = check_in(c, bm.elements, -2, 2);
        struct check_array *bias = check_in(c, n, -2, 2), *work = check_work(c, DRIFT_GEMM_WORKSPACE);
        struct check_array *y =
            accumulate ? check_inplace(c, m * (size_t)c_row, -2, 2) : check_out(c, m * (size_t)c_row);
        if (check_wild(c))
            check_bits_only(c);
        else if (!check_timing(c))
            set_scale(check_scale(y), c_row, m, n, k, a->x, am, b->x, bm, with_bias ? bias->x : NULL,
                      accumulate ? y->x : NULL);
        CHECK(c, gemm, m, n, k, a->p, am.row, am.col, b->p, bm.row, bm.col, with_bias ? bias->p : NULL, accumulate,
              work->p, y->p, c_row);
    }
}
