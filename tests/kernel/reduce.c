/* Checks of simd/reduce.c. */
#include <float.h>
#include <math.h>

#include "base/real.h"
#include "check.h"

/* The arrays of one call: x [rows, cols], or rows of near-duplicates of each other; y and dy [rows]. */
struct rows {
    size_t rows, cols;
    struct check_array *x;
};

static struct rows draw(struct check *c, float low, float high)
{
    struct rows r;
    r.cols = check_size(c, 5000, 1024);
    r.rows = check_size(c, r.cols > 300 ? 3 : 33, 64);
    r.x = check_in(c, r.rows * r.cols, low, high);
    return r;
}

static double sum_of_sizes(const struct rows *r, size_t row)
{
    double sum = 0;
    for (size_t j = 0; j < r->cols; j++)
        sum += fabs((double)r->x->x[row * r->cols + j]);
    return sum;
}

void drift_check_row_sum(struct check *c)
{
    while (check_round(c)) {
        struct rows r = draw(c, -4, 4);
        struct check_array *y = check_out(c, r.rows);
        for (size_t i = 0; i < r.rows; i++)
            check_scale(y)[i] = sum_of_sizes(&r, i);
        CHECK(c, row_sum, r.rows, r.cols, r.x->p, y->p);
    }
}

void drift_check_row_mean(struct check *c)
{
    while (check_round(c)) {
        struct rows r = draw(c, -4, 4);
        struct check_array *y = check_out(c, r.rows);
        for (size_t i = 0; i < r.rows; i++) {
            const double sum = sum_of_sizes(&r, i);
            check_scale(y)[i] = sum / (double)r.cols;
            if (sum > FLT_MAX)
                check_bits_only(c);
        }
        CHECK(c, row_mean, r.rows, r.cols, r.x->p, y->p);
    }
}

void drift_check_row_max(struct check *c)
{
    while (check_round(c)) {
        struct rows r = draw(c, -4, check_int(c, -3, 4)); /* all negative at times */
        struct check_array *y = check_out(c, r.rows);
        CHECK(c, row_max, r.rows, r.cols, r.x->p, y->p);
    }
}

void drift_check_row_log_sum_exp(struct check *c)
{
    while (check_round(c)) {
        struct rows r = draw(c, -20, 20);
        struct check_array *y = check_out(c, r.rows);
        if (r.rows && check_int(c, 0, 3) == 0)
            for (size_t j = 0; j < r.cols; j++)
                check_set(r.x, j, -INFINITY);
        for (size_t i = 0; i < r.rows; i++) { /* |max| + log sum, and x_j - max is rounded; infinities are exact */
            double top = -INFINITY;
            for (size_t j = 0; j < r.cols; j++)
                top = fmax(top, r.x->x[i * r.cols + j]);
            check_scale(y)[i] = isinf(top) ? 0 : fabs(top) + 6 + drift_log((double)r.cols + 1);
        }
        CHECK(c, row_log_sum_exp, r.rows, r.cols, r.x->p, y->p);
    }
}

void drift_check_row_sum_backward(struct check *c)
{
    while (check_round(c)) {
        size_t cols = check_size(c, 5000, 1024), rows = check_size(c, 3, 64);
        struct check_array *dy = check_in(c, rows, -4, 4), *dx = check_added(c, rows * cols, -4, 4);
        CHECK(c, row_sum_backward, rows, cols, dy->p, dx->p);
    }
}

void drift_check_row_mean_backward(struct check *c)
{
    while (check_round(c)) {
        size_t cols = check_size(c, 5000, 1024), rows = check_size(c, 3, 64);
        struct check_array *dy = check_in(c, rows, -4, 4), *dx = check_added(c, rows * cols, -4, 4);
        CHECK(c, row_mean_backward, rows, cols, dy->p, dx->p);
    }
}

void drift_check_row_max_backward(struct check *c)
{
    while (check_round(c)) {
        struct rows r = draw(c, -4, 4);
        struct check_array *y = check_tame(c, r.rows, 0, 1), *dy = check_in(c, r.rows, -4, 4);
        struct check_array *dx = check_added(c, r.rows * r.cols, -4, 4);
        for (size_t i = 0; i < r.rows && r.cols; i++) {
            size_t top = 0; /* an element that occurs twice at times: only the first has the gradient */
            for (size_t j = 1; j < r.cols; j++)
                top = r.x->x[i * r.cols + j] > r.x->x[i * r.cols + top] ? j : top;
            check_set(y, i, r.x->x[i * r.cols + top]);
            if (check_int(c, 0, 1))
                check_set(r.x, i * r.cols + (size_t)check_int(c, (int)top, (int)r.cols - 1), y->x[i]);
        }
        CHECK(c, row_max_backward, r.rows, r.cols, r.x->p, y->p, dy->p, dx->p);
    }
}

void drift_check_row_log_sum_exp_backward(struct check *c)
{
    while (check_round(c)) {
        struct rows r = draw(c, -20, 20);
        struct check_array *y = check_in(c, r.rows, 18, 30), *dy = check_in(c, r.rows, -4, 4);
        struct check_array *dx = check_added(c, r.rows * r.cols, -4, 4);
        if (check_wild(c))
            check_bits_only(c); /* y below x, where it is no log-sum-exp, overflows */
        for (size_t i = 0; i < r.rows; i++)
            for (size_t j = 0; j < r.cols; j++) { /* x - y is rounded */
                const double shift = (double)r.x->x[i * r.cols + j] - y->x[i];
                check_scale(dx)[i * r.cols + j] = fabs(dy->x[i]) * drift_exp(shift) * (1 + fabs(shift));
            }
        CHECK(c, row_log_sum_exp_backward, r.rows, r.cols, r.x->p, y->p, dy->p, dx->p);
    }
}
