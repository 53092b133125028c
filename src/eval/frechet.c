/* Frechet distance between two sets of features, each taken for a normal distribution.
 *
 *     d = |m - m'|^2 + tr S + tr S' - 2 tr (S S')^1/2
 *
 * The last trace is the sum of the roots of the eigenvalues of S^1/2 S' S^1/2, which is symmetric: no root of a general
 * matrix is needed, and singular covariances are no special case. */
#include "eval/eval.h"

#include <math.h> /* sqrt, fabs */
#include <stdlib.h>
#include <string.h>

#include "eval/pairs.h"

/* mean[dim], and covariance[dim, dim] with n - 1 in the denominator. */
static void moments(size_t n, size_t dim, const float *x, double *mean, double *covariance)
{
    memset(mean, 0, dim * sizeof *mean);
    memset(covariance, 0, dim * dim * sizeof *covariance);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < dim; j++)
            mean[j] += x[i * dim + j] / (double)n;
#pragma omp parallel for schedule(static)
    for (ptrdiff_t j = 0; j < (ptrdiff_t)dim; j++) /* a row of the matrix is one thread's, its sums in the order of i */
        for (size_t i = 0; i < n; i++) {
            const float *row = x + i * dim;
            const double centred = (row[j] - mean[j]) / (double)(n - 1);
            for (size_t k = 0; k < dim; k++)
                covariance[(size_t)j * dim + k] += centred * (row[k] - mean[k]);
        }
}

/* Turns rows and columns p, q of the symmetric a so that a[p,q] becomes 0; v collects the turns (NULL: not wanted). */
static void rotate(size_t n, double *a, double *v, size_t p, size_t q)
{
    const double apq = a[p * n + q], theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
    const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        const double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        const double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
    }
    for (size_t k = 0; v && k < n; k++) {
        const double x = v[k * n + p], y = v[k * n + q];
        v[k * n + p] = c * x - s * y;
        v[k * n + q] = s * x + c * y;
    }
}

/* Jacobi's method: the diagonal of a becomes its eigenvalues, the columns of v the vectors. Entries that are less than
 * 2^-53 of what stands on the diagonal do not change an eigenvalue any more. */
static void eigen(size_t n, double *a, double *v)
{
    enum { SWEEPS = 60 };
    for (size_t k = 0; v && k < n * n; k++)
        v[k] = k % (n + 1) == 0;
    for (int sweep = 0, turned = 1; turned && sweep < SWEEPS; sweep++) {
        turned = 0;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                if (fabs(a[p * n + q]) > 0x1p-53 * sqrt(fabs(a[p * n + p] * a[q * n + q])) &&
                    fabs(a[p * n + q]) > 1e-300) {
                    rotate(n, a, v, p, q);
                    turned = 1;
                }
    }
}

static void multiply(size_t n, const double *a, const double *b, double *c)
{
    memset(c, 0, n * n * sizeof *c);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            for (size_t j = 0; j < n; j++)
                c[i * n + j] += a[i * n + k] * b[k * n + j];
}

static double root(double eigenvalue) { return eigenvalue > 0 ? sqrt(eigenvalue) : 0; }

/* tr (S S')^1/2. s and other are overwritten; v, work and third are workspaces, all [n, n]. */
static double trace_of_root(size_t n, double *s, double *other, double *v, double *work, double *third)
{
    eigen(n, s, v);
    for (size_t i = 0; i < n; i++) /* work = S^1/2 = V sqrt(L) V^T */
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += v[i * n + k] * root(s[k * n + k]) * v[j * n + k];
            work[i * n + j] = sum;
        }
    multiply(n, work, other, third);
    multiply(n, third, work, other);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            other[i * n + j] = other[j * n + i] = (other[i * n + j] + other[j * n + i]) / 2;
    eigen(n, other, NULL);
    double trace = 0;
    for (size_t i = 0; i < n; i++)
        trace += root(other[i * n + i]);
    return trace;
}

drift_status drift_frechet_distance(size_t nx, size_t ny, size_t dim, const float *x, const float *y, double *value)
{
    drift_status status = drift_check_points("x", nx, 2, dim, x);
    if (!status)
        status = drift_check_points("y", ny, 2, dim, y);
    if (status)
        return status;
    const size_t square = dim * dim;
    double *memory = malloc((5 * square + 2 * dim) * sizeof *memory);
    if (!memory)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for covariances of %zu features", dim);
    double *sx = memory, *sy = sx + square, *mx = sy + 4 * square, *my = mx + dim, sum = 0;
    moments(nx, dim, x, mx, sx);
    moments(ny, dim, y, my, sy);
    for (size_t j = 0; j < dim; j++)
        sum += (mx[j] - my[j]) * (mx[j] - my[j]) + sx[j * dim + j] + sy[j * dim + j];
    *value = sum - 2 * trace_of_root(dim, sx, sy, sy + square, sy + 2 * square, sy + 3 * square);
    free(memory);
    return DRIFT_OK;
}
