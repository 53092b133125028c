/* (Antialiased) bilinear resize, an axis at a time. For an axis from n to m: scale = n/m, width = max(1, scale), output
 * i lies at centre_i = (i + 1/2) scale - 1/2 and takes pixel j with weight max(0, 1 - |j - centre_i| / width), divided
 * by the sum over 0 <= j < n. Weights in double, then rounded once. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 16384 };

/* The weights of an axis: result i is made of count[i] neighbours from first[i] on. */
struct axis {
    size_t to, taps;
    size_t *first, *count;
    real *weight; /* [to, taps] */
};

/* A pixel's place in the triangle of output i, 0 where it has no part. */
static double triangle(size_t n, size_t m, size_t i, double j)
{
    const double scale = (double)n / (double)m, width = scale > 1 ? scale : 1;
    const double off = fabs(j - (((double)i + 0.5) * scale - 0.5)) / width;
    return off < 1 ? 1 - off : 0;
}

/* The pixels of output i, among others whose part is 0, and the sum of their parts. */
static double range(size_t n, size_t m, size_t i, size_t *low, size_t *high)
{
    const double scale = (double)n / (double)m, width = scale > 1 ? scale : 1;
    const double centre = ((double)i + 0.5) * scale - 0.5, last = (double)(n - 1);
    const double from = ceil(centre - width), to = floor(centre + width);
    double sum = 0;
    *low = (size_t)(from < 0 ? 0 : from);
    *high = (size_t)(to > last ? last : to);
    for (size_t j = *low; j <= *high; j++)
        sum += triangle(n, m, i, (double)j);
    return sum;
}

/* No output takes more pixels than this, and none is taken by more outputs. */
static size_t most_taps(size_t n, size_t m) { return (n > m ? 2 * n / m : 2 * m / n) + 3; }

/* Memory of an axis: first, count, weight. */
static size_t axis_bytes(size_t results, size_t taps)
{
    return 2 * results * sizeof(size_t) + (results * taps * sizeof(real) + 7) / 8 * 8;
}

/* From n pixels to m; or transposed, from m gradients to n. */
static struct axis axis_of(void *memory, size_t n, size_t m, int transposed)
{
    struct axis a = {.to = transposed ? n : m, .taps = most_taps(n, m), .first = memory};
    a.count = a.first + a.to;
    a.weight = (real *)(void *)(a.count + a.to);
    memset(a.first, 0, 2 * a.to * sizeof *a.first);
    for (size_t i = 0; i < m; i++) {
        size_t low, high;
        const double sum = range(n, m, i, &low, &high);
        for (size_t j = low; j <= high; j++) {
            const double part = triangle(n, m, i, (double)j);
            const size_t result = transposed ? j : i, source = transposed ? i : j;
            if (!(part > 0))
                continue;
            if (!a.count[result])
                a.first[result] = source;
            a.count[result] = source - a.first[result] + 1;
            a.weight[result * a.taps + source - a.first[result]] = (real)(part / sum);
        }
    }
    return a;
}

/* y[b, i, k, :] (+)= sum over j, l of down[i, j] across[k, l] x[b, j, l, :], a row of y at a time. */
struct job {
    size_t batch, height, width, cols; /* of x */
    struct axis down, across;
    real *lines; /* a line of x's width for each thread */
    int accumulate;
};

static void resize_row(const struct job *job, size_t row, const real *x, real *y)
{
    const size_t cols = job->cols, line = job->width * cols, i = row % job->down.to, image = row / job->down.to;
    real *blended = job->lines + (size_t)omp_get_thread_num() * line;
    kernels()->weighted_rows(job->down.count[i], line, line, job->down.weight + i * job->down.taps,
                             x + (image * job->height + job->down.first[i]) * line, 0, blended);
    for (size_t k = 0; k < job->across.to; k++)
        kernels()->weighted_rows(job->across.count[k], cols, cols, job->across.weight + k * job->across.taps,
                                 blended + job->across.first[k] * cols, job->accumulate,
                                 y + (row * job->across.to + k) * cols);
}

/* x [batch, height, width, cols] to y; transposed: x is the gradient of what was resized from y's size. */
static drift_status run(const drift_tensor *x, drift_tensor *y, int transposed)
{
    const drift_tensor *small = transposed ? y : x, *large = transposed ? x : y; /* what was resized, and to what */
    struct job job = {x->size[0], x->size[1], x->size[2], x->size[3], {0}, {0}, NULL, transposed};
    const size_t n[2] = {small->size[1], small->size[2]}, m[2] = {large->size[1], large->size[2]};
    if (!drift_tensor_elements(y))
        return DRIFT_OK;
    const size_t down = axis_bytes(y->size[1], most_taps(n[0], m[0])),
                 across = axis_bytes(y->size[2], most_taps(n[1], m[1]));
    const size_t lines = (size_t)omp_get_max_threads() * job.width * job.cols * sizeof(real);
    char *memory = CPU(scratch)(down + across + lines);
    if (!memory)
        return drift_fail(DRIFT_NO_MEMORY, "resize: no memory for %zu bytes", down + across + lines);
    job.down = axis_of(memory, n[0], m[0], transposed);
    job.across = axis_of(memory + down, n[1], m[1], transposed);
    job.lines = (real *)(void *)(memory + down + across);
    const ptrdiff_t rows = (ptrdiff_t)(job.batch * job.down.to);
    const real *px = x->data;
    real *py = y->data;
#pragma omp parallel for schedule(static) if (drift_tensor_elements(y) >= WORTH)
    for (ptrdiff_t row = 0; row < rows; row++)
        resize_row(&job, (size_t)row, px, py);
    return DRIFT_OK;
}

drift_status CPU(resize)(const drift_backend *backend, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    return run(x, y, 0);
}

drift_status CPU(resize_backward)(const drift_backend *backend, const drift_tensor *dy, drift_tensor *dx)
{
    (void)backend;
    return run(dy, dx, 1);
}
