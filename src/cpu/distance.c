/* Distances of all pairs of rows: a row of the result at a time. */
#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 20000 }; /* terms from which threads pay */

/* The leaf wants the points y transposed, so that its lanes are points. */
drift_status CPU(distance)(const drift_backend *backend, const drift_tensor *x, const drift_tensor *y, drift_tensor *d)
{
    (void)backend;
    const size_t g = x->size[0], p = y->size[0], dim = x->size[1];
    const real *px = x->data, *py = y->data;
    real *pd = d->data, *columns = CPU(scratch)(dim * p * sizeof *columns);
    if (!columns && dim && p)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu points", p);
    for (size_t j = 0; j < p; j++)
        for (size_t k = 0; k < dim; k++)
            columns[k * p + j] = py[j * dim + k];
#pragma omp parallel for schedule(static) if (g * p * dim >= WORTH)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)g; i++)
        kernels()->point_distance(p, dim, p, px + (size_t)i * dim, columns, pd + (size_t)i * p);
    return DRIFT_OK;
}

/* da += sum over j of dd_j (a - b_j) / d_j, for one point a [dim] against n points b [n, dim]; d and dd have a stride.
 */
static void point_backward(size_t n, size_t dim, size_t stride, const real *a, const real *b, const real *d,
                           const real *dd, real *da)
{
    for (size_t j = 0; j < n; j++) {
        const real c = d[j * stride] > 0 ? dd[j * stride] / d[j * stride] : 0;
        for (size_t k = 0; k < dim; k++)
            da[k] += c * (a[k] - b[j * dim + k]);
    }
}

/* Symmetric in x and y, so a thread owns a row of dx, then a row of dy. */
drift_status CPU(distance_backward)(const drift_backend *backend, const drift_tensor *x, const drift_tensor *y,
                                    const drift_tensor *d, const drift_tensor *dd, drift_tensor *dx, drift_tensor *dy)
{
    (void)backend;
    const size_t g = x->size[0], p = y->size[0], dim = x->size[1];
    const real *px = x->data, *py = y->data, *pd = d->data, *pdd = dd->data;
    real *pdx = dx ? dx->data : NULL, *pdy = dy ? dy->data : NULL;
#pragma omp parallel for schedule(static) if (g * p * dim >= WORTH)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)(pdx ? g : 0); i++) {
        size_t at = (size_t)i;
        point_backward(p, dim, 1, px + at * dim, py, pd + at * p, pdd + at * p, pdx + at * dim);
    }
#pragma omp parallel for schedule(static) if (g * p * dim >= WORTH)
    for (ptrdiff_t j = 0; j < (ptrdiff_t)(pdy ? p : 0); j++) {
        size_t at = (size_t)j;
        point_backward(g, dim, p, py + at * dim, px, pd + at, pdd + at, pdy + at * dim);
    }
    return DRIFT_OK;
}
