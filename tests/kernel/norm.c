/* Checks of simd/norm.c. The scales follow the formulas of ref/norm.c with every term's size, and, as layer_norm takes
 * a mean away, with the size of x before: that is what its error is made of where a row is nearly constant. */
#include <math.h>

#include "check.h"

struct norm {
    size_t rows, cols;
    float epsilon;
    struct check_array *x, *weight, *bias, *dy, *dx, *dweight, *dbias;
};

static struct check_array *sometimes(struct check *c, struct check_array *a)
{
    return check_timing(c) || check_int(c, 0, 3) ? a : NULL;
}

#define P(a) ((a) ? (a)->p : NULL)

static struct norm draw(struct check *c)
{
    struct norm n = {0};
    n.cols = check_size(c, 5000, 256);
    n.rows = check_size(c, n.cols > 300 ? 3 : 33, 1000);
    n.epsilon = check_int(c, 0, 1) ? 1e-5f : 1e-2f;
    const float centre = check_float(c, -4, 4);
    n.x = check_in(c, n.rows * n.cols, centre - 4, centre + 4);
    n.weight = sometimes(c, check_in(c, n.cols, -2, 2));
    if (check_int(c, 0, 7) == 0)
        check_near(c, n.x, 1, 4); /* all of x nearly one number */
    if (check_wild(c))
        check_bits_only(c); /* squares overflow and underflow */
    return n;
}

static double weight_of(const struct norm *n, size_t j) { return n->weight ? fabs(n->weight->x[j]) : 1; }

struct row_scale {
    double mean, r, size; /* size: mean |x| */
};

static struct row_scale measure(const struct norm *n, const float *x, int centred)
{
    struct row_scale s = {0, 0, 0};
    double squares = 0;
    for (size_t j = 0; j < n->cols; j++) {
        s.mean += centred ? x[j] / (double)n->cols : 0;
        s.size += centred ? fabs(x[j]) / (double)n->cols : 0;
    }
    for (size_t j = 0; j < n->cols; j++)
        squares += (x[j] - s.mean) * (x[j] - s.mean);
    s.r = 1 / sqrt(squares / (double)n->cols + n->epsilon);
    return s;
}

/* Size of the normalised value with its error's sources. */
static double size_of(const struct row_scale *s, double x)
{
    const double h = fabs(x - s->mean) * s->r, lost = s->size > 0 ? s->r * (fabs(x) + s->size) : 0;
    return h + lost * (1 + h);
}

static void scale_forward(const struct norm *n, int centred, double *scale)
{
    for (size_t i = 0; i < n->rows; i++) {
        const float *x = n->x->x + i * n->cols;
        const struct row_scale s = measure(n, x, centred);
        for (size_t j = 0; j < n->cols; j++)
            scale[i * n->cols + j] = size_of(&s, x[j]) * weight_of(n, j) + (n->bias ? fabs(n->bias->x[j]) : 0);
    }
}

/* Errors in units of u = 2^-24, n = cols. Sums of n have a chain of n/16 and the tree; r has n/32 + 5 of itself, and so
 * does h, to which layer_norm adds (n/16 + 5) t, t = r mean |x|, of its mean m. (In r an error of m shows squared only:
 * `squared`.) With g = dy w, and means over the row,
 *   mean (g h) has (n/16 + 9 + r's) mean |g h| + (n/16 + 5) t mean |g|,   mean g has (n/16 + 6) mean |g|
 * and r (g - mean g - h mean (g h)) thus at most n/32 + 10 (rms_norm, where m = mean g = 0: n/32 + 8) times the scale
 *   r (|g| + 3 mean |g| + 5 |h| mean |g h| + 2 t (|h| mean |g| + mean |g h|)).
 * dweight's terms dy h have the errors of h, and the chain over `rows` one more a row of what it has come to. */
static void scale_backward(const struct norm *n, int centred)
{
    const double bound = (double)n->cols / 32 + 10, chain = (double)n->rows / 8;
    for (size_t j = 0; j < n->cols; j++) {
        if (n->dweight)
            check_scale(n->dweight)[j] = chain * fabs(n->dweight->x[j]);
        if (n->dbias)
            check_scale(n->dbias)[j] = chain * fabs(n->dbias->x[j]);
    }
    for (size_t i = 0; i < n->rows; i++) {
        const float *x = n->x->x + i * n->cols, *dy = n->dy->x + i * n->cols;
        const struct row_scale s = measure(n, x, centred);
        const double t = s.r * s.size, squared = 1 + 2 * bound * t * t * 0x1p-24;
        double g = 0, gh = 0;
        for (size_t j = 0; j < n->cols; j++) {
            const double gj = fabs(dy[j]) * weight_of(n, j);
            g += centred ? gj / (double)n->cols : 0;
            gh += gj * fabs(x[j] - s.mean) * s.r / (double)n->cols;
        }
        for (size_t j = 0; j < n->cols; j++) {
            const double h = fabs(x[j] - s.mean) * s.r, gj = fabs(dy[j]) * weight_of(n, j);
            if (n->dx)
                check_scale(n->dx)[i * n->cols + j] = squared * s.r * (gj + 3 * g + 5 * h * gh + 2 * t * (h * g + gh));
            if (n->dweight)
                check_scale(n->dweight)[j] += (1 + chain) * fabs(dy[j]) * squared * (h + 2 * t);
            if (n->dbias)
                check_scale(n->dbias)[j] += (1 + chain) * fabs(dy[j]);
        }
    }
}

void drift_check_rms_norm(struct check *c)
{
    while (check_round(c)) {
        struct norm n = draw(c);
        struct check_array *y = check_out(c, n.rows * n.cols);
        n.bias = sometimes(c, check_in(c, n.cols, -2, 2));
        scale_forward(&n, 0, check_scale(y));
        CHECK(c, rms_norm, n.rows, n.cols, n.epsilon, n.x->p, P(n.weight), P(n.bias), y->p);
    }
}

void drift_check_layer_norm(struct check *c)
{
    while (check_round(c)) {
        struct norm n = draw(c);
        struct check_array *y = check_out(c, n.rows * n.cols);
        n.bias = sometimes(c, check_in(c, n.cols, -2, 2));
        scale_forward(&n, 1, check_scale(y));
        CHECK(c, layer_norm, n.rows, n.cols, n.epsilon, n.x->p, P(n.weight), P(n.bias), y->p);
    }
}

static struct norm draw_backward(struct check *c)
{
    struct norm n = draw(c);
    n.dy = check_in(c, n.rows * n.cols, -4, 4);
    n.dx = sometimes(c, check_added(c, n.rows * n.cols, -4, 4));
    n.dweight = sometimes(c, check_added(c, n.cols, -4, 4));
    n.dbias = sometimes(c, check_added(c, n.cols, -4, 4));
    return n;
}

void drift_check_rms_norm_backward(struct check *c)
{
    while (check_round(c)) {
        struct norm n = draw_backward(c);
        scale_backward(&n, 0);
        CHECK(c, rms_norm_backward, n.rows, n.cols, n.epsilon, n.x->p, P(n.weight), n.dy->p, P(n.dx), P(n.dweight),
              P(n.dbias));
    }
}

void drift_check_layer_norm_backward(struct check *c)
{
    while (check_round(c)) {
        struct norm n = draw_backward(c);
        scale_backward(&n, 1);
        CHECK(c, layer_norm_backward, n.rows, n.cols, n.epsilon, n.x->p, P(n.weight), n.dy->p, P(n.dx), P(n.dweight),
              P(n.dbias));
    }
}

/* Deviation and root mean square of x - x_0, whose rounding is what the error is made of. */
struct spread {
    double mean, s, size;
};

static struct spread spread_of(size_t n, const float *x)
{
    struct spread p = {0, 0, 0};
    for (size_t j = 0; j < n; j++) {
        const double d = (double)x[j] - x[0];
        p.mean += d / (double)n;
        p.size += d * d / (double)n;
    }
    for (size_t j = 0; j < n; j++)
        p.s += ((double)x[j] - x[0] - p.mean) * ((double)x[j] - x[0] - p.mean) / (double)n;
    p.s = sqrt(p.s);
    p.size = sqrt(p.size);
    return p;
}

/* Rows nearly or wholly constant at times. */
static struct norm draw_spread(struct check *c)
{
    struct norm n = draw(c);
    n.epsilon = 1e-3f;
    if (n.rows && check_int(c, 0, 3) == 0)
        for (size_t j = 1; j < n.cols; j++)
            check_set(n.x, j, n.x->x[0]);
    return n;
}

void drift_check_standardize(struct check *c)
{
    while (check_round(c)) {
        struct norm n = draw_spread(c);
        struct check_array *y = check_out(c, n.rows * n.cols);
        for (size_t i = 0; i < n.rows * n.cols; i++) {
            const float *row = n.x->x + i / n.cols * n.cols;
            const struct spread p = spread_of(n.cols, row);
            const double d = (double)n.x->x[i] - row[0], f = 1 / (p.s + n.epsilon);
            check_scale(y)[i] = f * (fabs(d) + p.size) * (1 + fabs(d - p.mean) * f);
        }
        CHECK(c, standardize, n.rows, n.cols, n.epsilon, n.x->p, y->p);
    }
}

/* The terms f (g - mean g) and f^2 c mean(g c) / s, with the errors of f, c and s. dy is tame: where s underflows in
 * float alone, the row's gradient is 0 there and in double whatever dy makes it. */
void drift_check_standardize_backward(struct check *c)
{
    while (check_round(c)) {
        struct norm n = draw_spread(c);
        struct check_array *dy = check_tame(c, n.rows * n.cols, -4, 4), *dx = check_added(c, n.rows * n.cols, -4, 4);
        for (size_t i = 0; i < n.rows; i++) {
            const float *x = n.x->x + i * n.cols, *g = dy->x + i * n.cols;
            const struct spread p = spread_of(n.cols, x);
            const double f = 1 / (p.s + n.epsilon), lost = p.s > 0 ? p.size / p.s : 0;
            double mean = 0, product = 0;
            for (size_t j = 0; j < n.cols; j++) {
                const double d = (double)x[j] - x[0];
                mean += fabs(g[j]) / (double)n.cols;
                product += fabs(g[j]) * (fabs(d - p.mean) + fabs(d) + p.size) / (double)n.cols;
            }
            for (size_t j = 0; j < n.cols; j++) {
                const double d = (double)x[j] - x[0], c_size = fabs(d - p.mean) + fabs(d) + p.size;
                check_scale(dx)[i * n.cols + j] = (1 + f * p.size) * f * (fabs(g[j]) + mean) +
                                                  (p.s > 0 ? f * f * c_size * product / p.s * (1 + lost) : 0);
            }
        }
        CHECK(c, standardize_backward, n.rows, n.cols, n.epsilon, n.x->p, dy->p, dx->p);
    }
}
