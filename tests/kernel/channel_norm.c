/* Checks of simd/channel_norm.c. The scales are the sizes of the terms. Where v of relu lies so near to 0 that float
 * and double may disagree about its sign, its gradient is anybody's: the scale says so. */
#include <math.h>

#include "check.h"

struct map {
    size_t rows, cols;
    int relu;
    struct check_array *x, *centre, *factor, *shift, *dy;
};

static void *at(struct check_array *a) { return a ? a->p : NULL; }

static struct map draw(struct check *c)
{
    struct map m = {0};
    m.cols = check_size(c, 300, 64);
    m.rows = check_size(c, m.cols > 100 ? 17 : 130, 256);
    m.relu = check_timing(c) || check_int(c, 0, 1);
    m.x = check_in(c, m.rows * m.cols, -4, 4);
    struct check_array *centre = check_in(c, m.cols, -2, 2);
    m.centre = check_timing(c) || check_int(c, 0, 3) ? centre : NULL;
    if (check_wild(c))
        check_bits_only(c);
    return m;
}

static struct map draw_map(struct check *c)
{
    struct map m = draw(c);
    m.factor = check_in(c, m.cols, -2, 2);
    m.shift = check_in(c, m.cols, -2, 2);
    return m;
}

static double off_centre(const struct map *m, size_t i)
{
    return (double)m->x->x[i] - (m->centre ? m->centre->x[i % m->cols] : 0);
}

/* |g|, and much more where its sign is open. */
static double gradient_size(const struct map *m, size_t i)
{
    const double d = off_centre(m, i), f = m->factor->x[i % m->cols], s = m->shift->x[i % m->cols];
    const double v = d * f + s, dy = m->dy ? fabs((double)m->dy->x[i]) : 0;
    if (m->relu && fabs(v) <= 4 * 0x1p-24 * (fabs(d * f) + fabs(s)))
        return dy * 0x1p25;
    return !m->relu || v > 0 ? dy : 0;
}

void drift_check_channel_moments(struct check *c)
{
    while (check_round(c)) {
        struct map m = draw(c);
        struct check_array *sum = check_added(c, m.cols, -4, 4), *squares = check_added(c, m.cols, 0, 4);
        const int with_sum = check_timing(c) || check_int(c, 0, 3);
        for (size_t i = 0; i < m.rows * m.cols; i++) {
            check_scale(sum)[i % m.cols] += fabs(off_centre(&m, i));
            check_scale(squares)[i % m.cols] += off_centre(&m, i) * off_centre(&m, i);
        }
        CHECK(c, channel_moments, m.rows, m.cols, m.x->p, at(m.centre), with_sum ? sum->p : NULL, squares->p);
    }
}

void drift_check_channel_map(struct check *c)
{
    while (check_round(c)) {
        struct map m = draw_map(c);
        struct check_array *y = check_out(c, m.rows * m.cols);
        for (size_t i = 0; i < m.rows * m.cols; i++)
            check_scale(y)[i] = fabs(off_centre(&m, i) * m.factor->x[i % m.cols]) + fabs(m.shift->x[i % m.cols]);
        CHECK(c, channel_map, m.rows, m.cols, m.relu, m.x->p, at(m.centre), m.factor->p, m.shift->p, y->p);
    }
}

void drift_check_channel_sums(struct check *c)
{
    while (check_round(c)) {
        struct map m = draw_map(c);
        struct check_array *dy = check_in(c, m.rows * m.cols, -4, 4);
        struct check_array *sum = check_added(c, m.cols, -4, 4), *product = check_added(c, m.cols, -4, 4);
        m.dy = dy;
        for (size_t i = 0; i < m.rows * m.cols; i++) {
            check_scale(sum)[i % m.cols] += gradient_size(&m, i);
            check_scale(product)[i % m.cols] += gradient_size(&m, i) * fabs(off_centre(&m, i));
        }
        CHECK(c, channel_sums, m.rows, m.cols, m.relu, m.x->p, at(m.centre), m.factor->p, m.shift->p, dy->p, sum->p,
              product->p);
    }
}

void drift_check_channel_map_backward(struct check *c)
{
    while (check_round(c)) {
        struct map m = draw_map(c);
        struct check_array *dy = check_in(c, m.rows * m.cols, -4, 4), *slope = check_in(c, m.cols, -2, 2);
        struct check_array *constant = check_in(c, m.cols, -2, 2), *dx = check_added(c, m.rows * m.cols, -4, 4);
        m.dy = check_timing(c) || check_int(c, 0, 3) ? dy : NULL;
        for (size_t i = 0; i < m.rows * m.cols; i++)
            check_scale(dx)[i] = gradient_size(&m, i) * fabs(m.factor->x[i % m.cols]) +
                                 fabs(off_centre(&m, i) * slope->x[i % m.cols]) + fabs(constant->x[i % m.cols]);
        CHECK(c, channel_map_backward, m.rows, m.cols, m.relu, m.x->p, at(m.centre), m.factor->p, m.shift->p, at(m.dy),
              slope->p, constant->p, dx->p);
    }
}
