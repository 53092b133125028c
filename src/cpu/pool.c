/* Each cell of height x width locations of an image to one number a channel: mean, deviation or root mean square. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 16384 };

/* Images cut into cells. */
struct cells {
    drift_pool_kind kind;
    size_t width, cols;    /* of the image; channels */
    size_t height, across; /* of a cell */
    size_t down, to_right; /* cells of an image */
    size_t images;
};

static struct cells cells_of(drift_pool_kind kind, size_t height, size_t width, const drift_tensor *x)
{
    return (struct cells){.kind = kind,
                          .width = x->size[2],
                          .cols = x->size[3],
                          .height = height,
                          .across = width,
                          .down = x->size[1] / height,
                          .to_right = x->size[2] / width,
                          .images = x->size[0]};
}

static int worth(const struct cells *s) { return s->images * s->down * s->height * s->width * s->cols >= WORTH; }

/* Row r of the cell: `across` locations. Cells are numbered through all images, and are row major in each. */
static size_t row_of(const struct cells *s, size_t cell, size_t r)
{
    const size_t j = cell % s->to_right, lines = cell / s->to_right * s->height + r;
    return (lines * s->width + j * s->across) * s->cols;
}

static void pool_cell(const struct cells *s, double epsilon, size_t cell, const real *x, real *mean, real *y)
{
    const double n = (double)s->height * (double)s->across;
    if (s->kind != DRIFT_POOL_RMS) {
        memset(mean, 0, s->cols * sizeof *mean);
        for (size_t r = 0; r < s->height; r++)
            kernels()->column_sum(s->across, s->cols, x + row_of(s, cell, r), mean);
        kernels()->scale(s->cols, (real)(1 / n), mean, mean);
    }
    if (s->kind == DRIFT_POOL_MEAN)
        return;
    real *centre = s->kind == DRIFT_POOL_STD ? mean : NULL;
    memset(y, 0, s->cols * sizeof *y);
    for (size_t r = 0; r < s->height; r++)
        kernels()->channel_moments(s->across, s->cols, x + row_of(s, cell, r), centre, NULL, y);
    for (size_t c = 0; c < s->cols; c++)
        y[c] = (real)sqrt((double)y[c] / n + epsilon);
}

drift_status CPU(pool)(const drift_backend *backend, drift_pool_kind kind, double epsilon, size_t height, size_t width,
                       const drift_tensor *x, drift_tensor *mean, drift_tensor *y)
{
    (void)backend;
    const struct cells s = cells_of(kind, height, width, x);
    const real *px = x->data;
    real *py = y->data, *pm = kind == DRIFT_POOL_MEAN ? py : mean ? mean->data : NULL;
    const ptrdiff_t count = (ptrdiff_t)(s.images * s.down * s.to_right);
#pragma omp parallel for schedule(static) if (worth(&s))
    for (ptrdiff_t i = 0; i < count; i++) {
        const size_t at = (size_t)i * s.cols;
        pool_cell(&s, epsilon, (size_t)i, px, pm ? pm + at : NULL, py + at);
    }
    return DRIFT_OK;
}

/* What a cell's locations get: dy / n, or (x - mean) dy / (n y). `vector` is memory for three numbers a channel. */
static void pool_cell_backward(const struct cells *s, size_t cell, const real *x, const real *mean, const real *y,
                               const real *dy, real *vector, real *dx)
{
    const double n = (double)s->height * (double)s->across;
    real *zero = vector, *slope = vector + s->cols;
    memset(zero, 0, s->cols * sizeof *zero);
    for (size_t c = 0; c < s->cols; c++)
        slope[c] = (real)(s->kind == DRIFT_POOL_MEAN ? (double)dy[c] / n : -(double)dy[c] / (n * (double)y[c]));
    for (size_t r = 0; r < s->height; r++) {
        real *to = dx + row_of(s, cell, r);
        if (s->kind == DRIFT_POOL_MEAN)
            kernels()->add_row(s->across, s->cols, to, slope, to);
        else
            kernels()->channel_map_backward(s->across, s->cols, 0, x + row_of(s, cell, r), mean, zero, zero, NULL,
                                            slope, zero, to);
    }
}

drift_status CPU(pool_backward)(const drift_backend *backend, drift_pool_kind kind, size_t height, size_t width,
                                const drift_tensor *x, const drift_tensor *mean, const drift_tensor *y,
                                const drift_tensor *dy, drift_tensor *dx)
{
    (void)backend;
    const struct cells s = cells_of(kind, height, width, dx);
    const real *px = x ? x->data : NULL, *pm = mean ? mean->data : NULL, *py = y ? y->data : NULL, *pdy = dy->data;
    real *pdx = dx->data;
    const size_t bytes = (size_t)omp_get_max_threads() * 2 * s.cols * sizeof(real);
    real *vectors = CPU(scratch)(bytes);
    if (!vectors && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "pool: no memory for %zu bytes", bytes);
    const ptrdiff_t count = (ptrdiff_t)(s.images * s.down * s.to_right);
#pragma omp parallel for schedule(static) if (worth(&s))
    for (ptrdiff_t i = 0; i < count; i++) {
        const size_t at = (size_t)i * s.cols;
        pool_cell_backward(&s, (size_t)i, px, pm ? pm + at : NULL, py ? py + at : NULL, pdy + at,
                           vectors + (size_t)omp_get_thread_num() * 2 * s.cols, pdx);
    }
    return DRIFT_OK;
}
