/* 2D convolutions: a product, or for depthwise ones a row of products, for each image row and kernel element. */
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"
#include "cpu/matmul.h"

/* Sizes of a convolution by their short names. */
struct sizes {
    size_t batch, height, width, in, rows, columns, out, kernel_rows, kernel_columns;
    size_t stride, padding;
    int depthwise;
};

static struct sizes sizes_of(const drift_conv *conv, const drift_tensor *x, const drift_tensor *kernel,
                             const drift_tensor *y)
{
    return (struct sizes){x->size[0], x->size[1],      x->size[2],      x->size[3],   y->size[1],    y->size[2],
                          y->size[3], kernel->size[0], kernel->size[1], conv->stride, conv->padding, conv->groups != 1};
}

/* The outputs o, from <= o < to, that see an input in a row of n through kernel element k. */
struct range {
    size_t from, to;
};

static struct range seen(size_t n, size_t outputs, size_t k, const struct sizes *s)
{
    struct range r = {k >= s->padding ? 0 : (s->padding - k + s->stride - 1) / s->stride, 0};
    r.to = n + s->padding > k ? (n + s->padding - k - 1) / s->stride + 1 : 0;
    r.to = r.to < outputs ? r.to : outputs;
    return r;
}

/* What an image row of the output and a kernel element have to do with each other. */
struct meeting {
    size_t n;       /* pixels */
    size_t x, y, w; /* where the first one, and the kernel's matrix, begin */
};

static struct meeting meet(const struct sizes *s, size_t image, size_t row, size_t ky, size_t kx)
{
    const struct range rows = seen(s->height, s->rows, ky, s), columns = seen(s->width, s->columns, kx, s);
    struct meeting m = {0, 0, 0, 0};
    if (row < rows.from || row >= rows.to || columns.from >= columns.to)
        return m;
    m.n = columns.to - columns.from;
    m.x = ((image * s->height + row * s->stride + ky - s->padding) * s->width + columns.from * s->stride + kx -
           s->padding) *
          s->in;
    m.y = ((image * s->rows + row) * s->columns + columns.from) * s->out;
    m.w = (ky * s->kernel_columns + kx) * (s->depthwise ? 1 : s->in) * s->out;
    return m;
}

static drift_status forward(const struct sizes *s, const struct meeting *m, const real *x, const real *w, real *y)
{
    if (s->depthwise) {
        for (size_t i = 0; i < m->n; i++)
            kernels()->mul_add(s->in, x + m->x + i * s->stride * s->in, w + m->w, y + m->y + i * s->in);
        return DRIFT_OK;
    }
    struct drift_gemm g = drift_gemm_of(1, m->n, s->out, s->in, 0, 0);
    g.a_row *= (ptrdiff_t)s->stride;
    g.accumulate = 1;
    return CPU(gemm)(&g, x + m->x, w + m->w, NULL, y + m->y);
}

drift_status CPU(conv2d)(const drift_backend *backend, const drift_conv *conv, const drift_tensor *x,
                         const drift_tensor *kernel, const drift_tensor *bias, drift_tensor *y)
{
    const struct sizes s = sizes_of(conv, x, kernel, y);
    drift_status status = backend->zero(backend, y->data, drift_tensor_bytes(y));
    for (size_t i = 0; !status && i < s.batch * s.rows; i++)
        for (size_t k = 0; !status && k < s.kernel_rows * s.kernel_columns; k++) {
            const struct meeting m = meet(&s, i / s.rows, i % s.rows, k / s.kernel_columns, k % s.kernel_columns);
            if (m.n)
                status = forward(&s, &m, x->data, kernel->data, y->data);
        }
    return status || !bias ? status : CPU(add_row)(backend, y, bias, y);
}

static drift_status backward_x(const struct sizes *s, const struct meeting *m, const real *w, const real *dy, real *dx)
{
    if (s->depthwise) {
        for (size_t i = 0; i < m->n; i++)
            kernels()->mul_add(s->in, dy + m->y + i * s->in, w + m->w, dx + m->x + i * s->stride * s->in);
        return DRIFT_OK;
    }
    struct drift_gemm g = drift_gemm_of(1, m->n, s->in, s->out, 0, 1);
    g.c_row *= (ptrdiff_t)s->stride;
    g.accumulate = 1;
    return CPU(gemm)(&g, dy + m->y, w + m->w, NULL, dx + m->x);
}

drift_status CPU(conv2d_backward_x)(const drift_backend *backend, const drift_conv *conv, const drift_tensor *kernel,
                                    const drift_tensor *dy, int accumulate, drift_tensor *dx)
{
    const struct sizes s = sizes_of(conv, dx, kernel, dy);
    drift_status status = accumulate ? DRIFT_OK : backend->zero(backend, dx->data, drift_tensor_bytes(dx));
    for (size_t i = 0; !status && i < s.batch * s.rows; i++)
        for (size_t k = s.kernel_rows * s.kernel_columns; !status && k-- > 0;) {
            const struct meeting m = meet(&s, i / s.rows, i % s.rows, k / s.kernel_columns, k % s.kernel_columns);
            if (m.n)
                status = backward_x(&s, &m, kernel->data, dy->data, dx->data);
        }
    return status;
}

static drift_status backward_kernel(const struct sizes *s, const struct meeting *m, const real *x, const real *dy,
                                    real *dw)
{
    if (s->depthwise) {
        for (size_t i = 0; i < m->n; i++)
            kernels()->mul_add(s->in, dy + m->y + i * s->in, x + m->x + i * s->stride * s->in, dw + m->w);
        return DRIFT_OK;
    }
    struct drift_gemm g = drift_gemm_of(1, s->in, s->out, m->n, 1, 0);
    g.a_col *= (ptrdiff_t)s->stride;
    g.accumulate = 1;
    return CPU(gemm)(&g, x + m->x, dy + m->y, NULL, dw + m->w);
}

drift_status CPU(conv2d_backward_kernel)(const drift_backend *backend, const drift_conv *conv, const drift_tensor *x,
                                         const drift_tensor *dy, int accumulate, drift_tensor *dkernel)
{
    const struct sizes s = sizes_of(conv, x, dkernel, dy);
    drift_status status = accumulate ? DRIFT_OK : backend->zero(backend, dkernel->data, drift_tensor_bytes(dkernel));
    for (size_t i = 0; !status && i < s.batch * s.rows; i++)
        for (size_t k = 0; !status && k < s.kernel_rows * s.kernel_columns; k++) {
            const struct meeting m = meet(&s, i / s.rows, i % s.rows, k / s.kernel_columns, k % s.kernel_columns);
            if (m.n)
                status = backward_kernel(&s, &m, x->data, dy->data, dkernel->data);
        }
    return status;
}
