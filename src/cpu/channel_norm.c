/* GroupNorm and GRN: sums over an image's space by channel, an affine map by channel made of them, and the way back.
 *
 * An image's locations are cut into blocks; each leaves a partial sum a channel, and those are added in double in the
 * blocks' order. Threads take images, or the blocks of one image where there are fewer images than threads. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 16384 }; /* elements from which threads pay */

/* How a call is cut, and its memory: VECTORS numbers a channel for each image, and partial sums. */
enum vector { CENTRE, FACTOR, SHIFT, SLOPE, CONSTANT, SUM, PRODUCT, VECTORS };
struct call {
    size_t images, cols;
    struct blocks cut; /* of an image's locations */
    int by_block;      /* threads take blocks, not images */
    real *vectors;     /* [images, VECTORS, cols] */
    real *parts;       /* [images, blocks, 2, cols] */
    const char *op;
};

static drift_status begin(struct call *call, const char *op, const drift_tensor *x)
{
    const size_t space = x->size[1] * x->size[2], cols = drift_tensor_row_size(x);
    size_t block = cols ? WORTH / cols : 1;
    block = block < 16 ? 16 : block > 64 ? 64 : block; /* short chains of sums, few partial sums */
    call->op = op;
    call->images = x->size[0];
    call->cols = cols;
    call->cut = blocks_of(space, block);
    call->by_block = call->images < (size_t)omp_get_max_threads();
    const size_t per_image = (VECTORS + 2 * (size_t)call->cut.count) * cols;
    const size_t bytes = call->images * per_image * sizeof(real);
    call->vectors = CPU(scratch)(bytes);
    if (!call->vectors && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "%s: no memory for %zu bytes", op, bytes);
    call->parts = call->vectors + call->images * VECTORS * cols;
    return DRIFT_OK;
}

static int worth(const struct call *call) { return call->images * call->cut.n * call->cols >= WORTH; }

static real *vector(const struct call *call, size_t image, enum vector which)
{
    return call->vectors + (image * VECTORS + which) * call->cols;
}

/* Partial sums of block i: the first or the second. */
static real *part(const struct call *call, size_t image, ptrdiff_t i, int second)
{
    return call->parts + ((image * (size_t)call->cut.count + (size_t)i) * 2 + (size_t)second) * call->cols;
}

/* An image's sum for channel c. */
static double total(const struct call *call, size_t image, int second, size_t c)
{
    double sum = 0;
    for (ptrdiff_t i = 0; i < call->cut.count; i++)
        sum += part(call, image, i, second)[c];
    return sum;
}

/* What is summed over an image's space: x; x - centre and its square, or the square alone; g and g (x - centre). x and
 * dy are the image's. */
enum what { VALUES, MOMENTS, SQUARES, GRADIENTS };
static void sum_image(const struct call *call, enum what what, int relu, size_t image, const real *x, const real *dy)
{
    const size_t cols = call->cols;
    const real *centre = vector(call, image, CENTRE), *factor = vector(call, image, FACTOR),
               *shift = vector(call, image, SHIFT);
#pragma omp parallel for schedule(static) if (call->by_block && worth(call))
    for (ptrdiff_t i = 0; i < call->cut.count; i++) {
        const size_t rows = block_size(call->cut, i), at = block_start(call->cut, i) * cols;
        real *first = part(call, image, i, 0), *second = part(call, image, i, 1);
        memset(first, 0, 2 * cols * sizeof *first);
        if (what == VALUES)
            kernels()->column_sum(rows, cols, x + at, first);
        else if (what == MOMENTS)
            kernels()->channel_moments(rows, cols, x + at, centre, first, second);
        else if (what == SQUARES)
            kernels()->channel_moments(rows, cols, x + at, centre, NULL, first);
        else
            kernels()->channel_sums(rows, cols, relu, x + at, centre, factor, shift, dy + at, first, second);
    }
}

static void map_image(const struct call *call, int relu, size_t image, const real *x, real *y)
{
    const size_t cols = call->cols;
#pragma omp parallel for schedule(static) if (call->by_block && worth(call))
    for (ptrdiff_t i = 0; i < call->cut.count; i++) {
        const size_t rows = block_size(call->cut, i), at = block_start(call->cut, i) * cols;
        kernels()->channel_map(rows, cols, relu, x + at, vector(call, image, CENTRE), vector(call, image, FACTOR),
                               vector(call, image, SHIFT), y + at);
    }
}

static void map_image_backward(const struct call *call, int relu, size_t image, const real *x, const real *dy, real *dx)
{
    const size_t cols = call->cols;
#pragma omp parallel for schedule(static) if (call->by_block && worth(call))
    for (ptrdiff_t i = 0; i < call->cut.count; i++) {
        const size_t rows = block_size(call->cut, i), at = block_start(call->cut, i) * cols;
        kernels()->channel_map_backward(rows, cols, relu, x + at, vector(call, image, CENTRE),
                                        vector(call, image, FACTOR), vector(call, image, SHIFT), dy + at,
                                        vector(call, image, SLOPE), vector(call, image, CONSTANT), dx + at);
    }
}

/* grad += the images' vectors, in their order; grad may be absent. */
static void add_vectors(const struct call *call, enum vector which, drift_tensor *grad)
{
    real *to = grad ? grad->data : NULL;
    for (size_t c = 0; to && c < call->cols; c++) {
        double sum = 0;
        for (size_t image = 0; image < call->images; image++)
            sum += vector(call, image, which)[c];
        to[c] += (real)sum;
    }
}

/* ---- GroupNorm ---- */

/* Of a group: its mean, rounded; what that left; r = 1 / sqrt(variance + epsilon). The mean of a map that is nearly
 * constant matters to the last digit, for r is up to 1 / sqrt(epsilon). */
enum statistic { MEAN, REST, R, STATISTICS };

/* The map's vectors from an image's statistics: y = (x - mean - rest) r scale + bias. */
static void group_map(const struct call *call, size_t image, size_t groups, const real *statistics, const real *scale,
                      const real *bias)
{
    real *centre = vector(call, image, CENTRE), *factor = vector(call, image, FACTOR),
         *shift = vector(call, image, SHIFT);
    for (size_t c = 0; c < call->cols; c++) {
        const real *s = statistics + c / (call->cols / groups) * STATISTICS;
        const double f = (double)s[R] * (double)scale[c];
        centre[c] = s[MEAN];
        factor[c] = (real)f;
        shift[c] = (real)((double)bias[c] - (double)s[REST] * f);
    }
}

/* The mean over a group's numbers of what was summed by channel. */
static double group_mean(const struct call *call, size_t image, size_t groups, size_t group, int second)
{
    const size_t width = call->cols / groups;
    double sum = 0;
    for (size_t c = group * width; c < (group + 1) * width; c++)
        sum += total(call, image, second, c);
    return sum / ((double)width * (double)call->cut.n);
}

static void group_image(const struct call *call, double epsilon, size_t groups, int relu, size_t image, const real *x,
                        const real *scale, const real *bias, real *y, real *statistics)
{
    const size_t width = call->cols / groups;
    real *centre = vector(call, image, CENTRE);
    sum_image(call, VALUES, 0, image, x, NULL);
    for (size_t group = 0; group < groups; group++)
        for (size_t c = group * width; c < (group + 1) * width; c++)
            centre[c] = (real)group_mean(call, image, groups, group, 0);
    sum_image(call, MOMENTS, 0, image, x, NULL);
    for (size_t group = 0; group < groups; group++) {
        const double rest = group_mean(call, image, groups, group, 0);
        const double variance = group_mean(call, image, groups, group, 1) - rest * rest;
        real *s = statistics + group * STATISTICS;
        s[MEAN] = centre[group * width];
        s[REST] = (real)rest;
        s[R] = (real)(1 / sqrt((variance < 0 ? 0 : variance) + epsilon));
    }
    group_map(call, image, groups, statistics, scale, bias);
    map_image(call, relu, image, x, y);
}

drift_status CPU(group_norm)(const drift_backend *backend, double epsilon, size_t groups, int relu,
                             const drift_tensor *x, const drift_tensor *scale, const drift_tensor *bias,
                             drift_tensor *y, drift_tensor *statistics)
{
    (void)backend;
    struct call call;
    drift_status status = begin(&call, "group_norm", x);
    if (status)
        return status;
    const size_t image = call.cut.n * call.cols;
    const real *px = x->data, *ps = scale->data, *pb = bias->data;
    real *py = y->data, *pt = statistics->data;
#pragma omp parallel for schedule(static) if (!call.by_block && worth(&call))
    for (ptrdiff_t i = 0; i < (ptrdiff_t)call.images; i++)
        group_image(&call, epsilon, groups, relu, (size_t)i, px + (size_t)i * image, ps, pb, py + (size_t)i * image,
                    pt + (size_t)i * groups * STATISTICS);
    return DRIFT_OK;
}

/* With h = (x - mean) r and g scale the gradient that reaches h: dx = r (g scale - mean(g scale) - h mean(g scale h)),
 * the means over the group, which come from the channels' sums of g and of g (x - mean). */
static void group_image_backward(const struct call *call, size_t groups, int relu, size_t image, const real *x,
                                 const real *scale, const real *bias, const real *statistics, const real *dy, real *dx)
{
    const size_t width = call->cols / groups;
    real *slope = vector(call, image, SLOPE), *constant = vector(call, image, CONSTANT);
    real *sum = vector(call, image, SUM), *product = vector(call, image, PRODUCT);
    group_map(call, image, groups, statistics, scale, bias);
    sum_image(call, GRADIENTS, relu, image, x, dy);
    for (size_t group = 0; group < groups; group++) {
        const real *statistic = statistics + group * STATISTICS;
        const double r = statistic[R], rest = statistic[REST], n = (double)width * (double)call->cut.n;
        double g = 0, gh = 0;
        for (size_t c = group * width; c < (group + 1) * width; c++) {
            const double s = total(call, image, 0, c), p = r * (total(call, image, 1, c) - rest * s);
            sum[c] = (real)s;
            product[c] = (real)p;
            g += s * (double)scale[c];
            gh += p * (double)scale[c];
        }
        for (size_t c = group * width; c < (group + 1) * width; c++) {
            slope[c] = (real)(r * r * gh / n);
            constant[c] = (real)(r * g / n - rest * (r * r * gh / n));
        }
    }
    if (dx)
        map_image_backward(call, relu, image, x, dy, dx);
}

drift_status CPU(group_norm_backward)(const drift_backend *backend, size_t groups, int relu, const drift_tensor *x,
                                      const drift_tensor *scale, const drift_tensor *bias,
                                      const drift_tensor *statistics, const drift_tensor *dy, drift_tensor *dx,
                                      drift_tensor *dscale, drift_tensor *dbias)
{
    (void)backend;
    struct call call;
    drift_status status = begin(&call, "group_norm", x);
    if (status)
        return status;
    const size_t image = call.cut.n * call.cols;
    const real *px = x->data, *ps = scale->data, *pb = bias->data, *pt = statistics->data, *pdy = dy->data;
    real *pdx = dx ? dx->data : NULL;
#pragma omp parallel for schedule(static) if (!call.by_block && worth(&call))
    for (ptrdiff_t i = 0; i < (ptrdiff_t)call.images; i++) {
        const size_t at = (size_t)i * image;
        group_image_backward(&call, groups, relu, (size_t)i, px + at, ps, pb, pt + (size_t)i * groups * STATISTICS,
                             pdy + at, pdx ? pdx + at : NULL);
    }
    add_vectors(&call, PRODUCT, dscale);
    add_vectors(&call, SUM, dbias);
    return DRIFT_OK;
}

/* ---- GRN ---- */

/* y = x (1 + gamma n) + beta; returns M = mean s + epsilon, so that n = s / M. */
static double grn_map(const struct call *call, double epsilon, size_t image, const real *sizes, const real *gamma,
                      const real *beta)
{
    real *centre = vector(call, image, CENTRE), *factor = vector(call, image, FACTOR);
    double mean = 0;
    for (size_t c = 0; c < call->cols; c++)
        mean += (double)sizes[c] / (double)call->cols;
    for (size_t c = 0; c < call->cols; c++) {
        centre[c] = 0;
        factor[c] = (real)(1 + (double)gamma[c] * (double)sizes[c] / (mean + epsilon));
        vector(call, image, SHIFT)[c] = beta ? beta[c] : 0;
    }
    return mean + epsilon;
}

static void grn_image(const struct call *call, double epsilon, size_t image, const real *x, const real *gamma,
                      const real *beta, real *y, real *sizes)
{
    memset(vector(call, image, CENTRE), 0, call->cols * sizeof(real));
    sum_image(call, SQUARES, 0, image, x, NULL);
    for (size_t c = 0; c < call->cols; c++)
        sizes[c] = (real)sqrt(total(call, image, 0, c) + epsilon);
    grn_map(call, epsilon, image, sizes, gamma, beta);
    map_image(call, 0, image, x, y);
}

drift_status CPU(grn)(const drift_backend *backend, double epsilon, const drift_tensor *x, const drift_tensor *gamma,
                      const drift_tensor *beta, drift_tensor *y, drift_tensor *sizes)
{
    (void)backend;
    struct call call;
    drift_status status = begin(&call, "grn", x);
    if (status)
        return status;
    const size_t image = call.cut.n * call.cols;
    const real *px = x->data, *pg = gamma->data, *pb = beta->data;
    real *py = y->data, *ps = sizes->data;
#pragma omp parallel for schedule(static) if (!call.by_block && worth(&call))
    for (ptrdiff_t i = 0; i < (ptrdiff_t)call.images; i++)
        grn_image(&call, epsilon, (size_t)i, px + (size_t)i * image, pg, pb, py + (size_t)i * image,
                  ps + (size_t)i * call.cols);
    return DRIFT_OK;
}

/* dn_c = gamma_c sum g x, n = s / M: ds_c = dn_c / M - sum_k dn_k s_k / (M^2 C), and s' = x / s, so
 * dx = g (1 + gamma n) + x ds / s */
static void grn_image_backward(const struct call *call, double epsilon, size_t image, const real *x, const real *gamma,
                               const real *sizes, const real *dy, real *dx)
{
    const double m = grn_map(call, epsilon, image, sizes, gamma, NULL);
    real *sum = vector(call, image, SUM), *product = vector(call, image, PRODUCT);
    double through_mean = 0;
    sum_image(call, GRADIENTS, 0, image, x, dy);
    for (size_t c = 0; c < call->cols; c++) {
        const double gx = total(call, image, 1, c);
        sum[c] = (real)total(call, image, 0, c);
        product[c] = (real)(gx * (double)sizes[c] / m);
        through_mean += (double)gamma[c] * gx * (double)sizes[c];
    }
    through_mean /= m * m * (double)call->cols;
    for (size_t c = 0; c < call->cols; c++) {
        const double dn = (double)gamma[c] * total(call, image, 1, c);
        vector(call, image, SLOPE)[c] = (real)((through_mean - dn / m) / (double)sizes[c]);
        vector(call, image, CONSTANT)[c] = 0;
    }
    if (dx)
        map_image_backward(call, 0, image, x, dy, dx);
}

drift_status CPU(grn_backward)(const drift_backend *backend, double epsilon, const drift_tensor *x,
                               const drift_tensor *gamma, const drift_tensor *sizes, const drift_tensor *dy,
                               drift_tensor *dx, drift_tensor *dgamma, drift_tensor *dbeta)
{
    (void)backend;
    struct call call;
    drift_status status = begin(&call, "grn", x);
    if (status)
        return status;
    const size_t image = call.cut.n * call.cols;
    const real *px = x->data, *pg = gamma->data, *ps = sizes->data, *pdy = dy->data;
    real *pdx = dx ? dx->data : NULL;
#pragma omp parallel for schedule(static) if (!call.by_block && worth(&call))
    for (ptrdiff_t i = 0; i < (ptrdiff_t)call.images; i++) {
        const size_t at = (size_t)i * image;
        grn_image_backward(&call, epsilon, (size_t)i, px + at, pg, ps + (size_t)i * call.cols, pdy + at,
                           pdx ? pdx + at : NULL);
    }
    add_vectors(&call, PRODUCT, dgamma);
    add_vectors(&call, SUM, dbeta);
    return DRIFT_OK;
}
