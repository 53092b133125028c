/* Sliced Wasserstein distance: one-dimensional transport is sorting, so look along many directions. */
#include "eval/eval.h"

#include <math.h> /* sqrt */
#include <stdlib.h>

#include "base/random.h"
#include "base/real.h"
#include "eval/pairs.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Standard normal numbers by Box-Muller, the pairs in order; in double, as few are needed. */
static void draw_directions(size_t n, uint64_t seed, double *direction)
{
    for (size_t i = 0; i < n; i++) {
        double u = drift_random_uniform_at(seed, DRIFT_RANDOM_SLICE, 0, 2 * (i / 2));
        double v = drift_random_uniform_at(seed, DRIFT_RANDOM_SLICE, 0, 2 * (i / 2) + 1);
        double radius = sqrt(-2 * drift_log(u + 0x1p-24)), angle = 6.283185307179586 * v;
        direction[i] = radius * (i % 2 ? drift_sin(angle) : drift_cos(angle));
    }
}

/* along[i] = <direction, x_i>, sorted. */
static void project(size_t n, size_t dim, const float *x, const double *direction, double *along)
{
    for (size_t i = 0; i < n; i++) {
        double dot = 0;
        for (size_t k = 0; k < dim; k++)
            dot += direction[k] * x[i * dim + k];
        along[i] = dot;
    }
    qsort(along, n, sizeof *along, ascending);
}

/* W2^2 of two sorted lists: the integral over [0, 1] of (X(q) - Y(q))^2. In units of 1 / (nx ny) each x spans ny and
 * each y spans nx; walk over both until the next end of either. */
static double transport(size_t nx, size_t ny, const double *x, const double *y)
{
    double total = 0;
    size_t i = 0, j = 0;
    double left_x = (double)ny, left_y = (double)nx;
    while (i < nx && j < ny) {
        double mass = left_x < left_y ? left_x : left_y, step = x[i] - y[j];
        total += mass * step * step;
        left_x -= mass;
        left_y -= mass;
        if (!left_x) {
            i++;
            left_x = (double)ny;
        }
        if (!left_y) {
            j++;
            left_y = (double)nx;
        }
    }
    return total / ((double)nx * (double)ny);
}

/* W2^2 along direction p, divided by the direction's squared length instead of normalising it. */
static double slice(size_t nx, size_t ny, size_t dim, const float *x, const float *y, const double *direction,
                    double *work)
{
    double length2 = 0;
    for (size_t k = 0; k < dim; k++)
        length2 += direction[k] * direction[k];
    project(nx, dim, x, direction, work);
    project(ny, dim, y, direction, work + nx);
    return transport(nx, ny, work, work + nx) / length2;
}

/* part[p] of every projection, threads sharing them out; 0 where one had no memory. */
static int all_slices(size_t nx, size_t ny, size_t dim, const float *x, const float *y, size_t projections,
                      const double *direction, double *part)
{
    int complete = 1;
#pragma omp parallel reduction(&& : complete)
    {
        double *work = malloc((nx + ny) * sizeof *work);
        complete = work != NULL;
#pragma omp for schedule(dynamic)
        for (ptrdiff_t p = 0; p < (ptrdiff_t)projections; p++)
            if (work)
                part[p] = slice(nx, ny, dim, x, y, direction + (size_t)p * dim, work);
        free(work);
    }
    return complete;
}

drift_status drift_sliced_wasserstein(size_t nx, size_t ny, size_t dim, const float *x, const float *y,
                                      size_t projections, uint64_t seed, double *value)
{
    drift_status status = drift_check_points("x", nx, 1, dim, x);
    if (!status)
        status = drift_check_points("y", ny, 1, dim, y);
    if (!status && !projections)
        status = drift_fail(DRIFT_INVALID, "sliced Wasserstein: expected at least one projection");
    if (status)
        return status;
    if (dim == 1)
        projections = 1;
    double *direction = malloc(projections * dim * sizeof *direction);
    double *part = malloc(projections * sizeof *part);
    if (direction && part) {
        draw_directions(projections * dim, seed, direction);
        if (!all_slices(nx, ny, dim, x, y, projections, direction, part))
            status = drift_fail(DRIFT_NO_MEMORY, "no memory for %zu projected points", nx + ny);
    } else {
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for %zu projections", projections);
    }
    if (!status) {
        double sum = 0;
        for (size_t p = 0; p < projections; p++)
            sum += part[p];
        *value = sqrt(sum / (double)projections);
    }
    free(part);
    free(direction);
    return status;
}
