/* Ops of models done wrong: rotary pairs, convolution padding, resize, GELU. Plain loops over host copies, in double;
 * what is right of an op is the double backend's own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "cpu/cpu.h"
#include "golden/mistakes.h"

static const drift_backend *right(void) { return drift_cpu_backend(DRIFT_F64); }

static uint64_t made(const drift_backend *backend)
{
    return ((const struct drift_golden_wrong *)backend->state)->mistakes;
}
#define MAKES(backend, bit) (made(backend) & DRIFT_MISTAKE(bit))

/* A tensor's numbers on the host, or zeros of as many; NULL without memory. */
static double *host(const drift_tensor *x, int read)
{
    double *values = calloc(drift_tensor_elements(x) + 1, sizeof *values);
    if (values && read && drift_tensor_read_doubles(x, values)) {
        free(values);
        return NULL;
    }
    return values;
}

/* y (+)= values, which are freed. */
static drift_status put(drift_tensor *y, int accumulate, double *values)
{
    const size_t n = drift_tensor_elements(y);
    double *old = values && accumulate ? host(y, 1) : NULL;
    if (!values || (accumulate && !old)) {
        free(values);
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", n);
    }
    for (size_t i = 0; i < n && old; i++)
        values[i] += old[i];
    drift_status status = drift_tensor_write_doubles(y, values);
    free(values);
    free(old);
    return status;
}

/* ---- rotary embedding in pairs (2i, 2i + 1) ---- */

static drift_status rope(const drift_backend *backend, size_t heads, int bf16_angles, int back, const drift_tensor *x,
                         int accumulate, drift_tensor *y)
{
    if (!MAKES(backend, ROPE_INTERLEAVED))
        return right()->rope(right(), heads, bf16_angles, back, x, accumulate, y);
    const size_t tokens = x->size[1], row = x->size[2], d = row / 3 / heads, rows = x->size[0] * tokens;
    double *v = host(x, 1);
    for (size_t r = 0; r < rows && v; r++)
        for (size_t part = 0; part < 2 * heads; part++) /* heads of q, then of k */
            for (size_t i = 0; i < d / 2; i++) {
                const double angle = (double)(r % tokens) * drift_exp(-drift_log(10000) * (double)i / (double)(d / 2));
                const double co = drift_cos(angle), si = back ? -drift_sin(angle) : drift_sin(angle);
                double *pair = v + r * row + part * d + 2 * i, a = pair[0], b = pair[1];
                pair[0] = a * co - b * si;
                pair[1] = b * co + a * si;
            }
    return put(y, accumulate, v);
}

/* ---- stride 2 as TensorFlow pads: (rows + 1) / 2 outputs, the odd pixel of padding below and to the right ---- */

/* What SAME puts above (or left) and in all, for a side of n pixels. */
static void same_padding(size_t n, size_t kernel, size_t stride, size_t *before, size_t *all)
{
    const size_t out = (n + stride - 1) / stride, need = (out - 1) * stride + kernel;
    *all = need > n ? need - n : 0;
    *before = *all / 2;
}

struct padded {
    size_t top, left;
    drift_tensor x; /* with zeros around */
};

/* Room on the backend for x [B,H,W,C] with SAME's zeros around; filled from x, or (NULL) zeros. */
static drift_status pad(const drift_conv *conv, const size_t *size, size_t kernel, const drift_tensor *x,
                        struct padded *p)
{
    size_t rows, columns, wide[4];
    same_padding(size[1], kernel, conv->stride, &p->top, &rows);
    same_padding(size[2], kernel, conv->stride, &p->left, &columns);
    memcpy(wide, size, sizeof wide);
    wide[1] += rows;
    wide[2] += columns;
    p->x = drift_tensor_of(right(), 4, wide);
    double *values = host(&p->x, 0), *from = x ? host(x, 1) : NULL;
    drift_status status = values && (from || !x) ? right()->alloc(right(), drift_tensor_bytes(&p->x), &p->x.data)
                                                 : drift_fail(DRIFT_NO_MEMORY, "no memory for an image");
    for (size_t r = 0; !status && from && r < size[0] * size[1]; r++) {
        const size_t b = r / size[1], i = r % size[1];
        memcpy(values + ((b * wide[1] + i + p->top) * wide[2] + p->left) * size[3], from + r * size[2] * size[3],
               size[2] * size[3] * sizeof *values);
    }
    if (!status)
        status = drift_tensor_write_doubles(&p->x, values);
    free(values);
    free(from);
    return status;
}

static int is_wrong_conv(const drift_backend *backend, const drift_conv *conv, const drift_tensor *kernel)
{
    return MAKES(backend, PADDING_SAME) && conv->stride == 2 && kernel->size[0] == 3 && conv->padding == 1;
}

static drift_status conv2d(const drift_backend *backend, const drift_conv *conv, const drift_tensor *x,
                           const drift_tensor *kernel, const drift_tensor *bias, drift_tensor *y)
{
    struct padded p = {.x = {.data = NULL}};
    const drift_conv bare = {conv->stride, 0, conv->groups};
    if (!is_wrong_conv(backend, conv, kernel))
        return right()->conv2d(right(), conv, x, kernel, bias, y);
    drift_status status = pad(conv, x->size, kernel->size[0], x, &p);
    if (!status)
        status = right()->conv2d(right(), &bare, &p.x, kernel, bias, y);
    right()->free(right(), p.x.data);
    return status;
}

static drift_status conv2d_backward_kernel(const drift_backend *backend, const drift_conv *conv, const drift_tensor *x,
                                           const drift_tensor *dy, int accumulate, drift_tensor *dkernel)
{
    struct padded p = {.x = {.data = NULL}};
    const drift_conv bare = {conv->stride, 0, conv->groups};
    if (!is_wrong_conv(backend, conv, dkernel))
        return right()->conv2d_backward_kernel(right(), conv, x, dy, accumulate, dkernel);
    drift_status status = pad(conv, x->size, dkernel->size[0], x, &p);
    if (!status)
        status = right()->conv2d_backward_kernel(right(), &bare, &p.x, dy, accumulate, dkernel);
    right()->free(right(), p.x.data);
    return status;
}

static drift_status conv2d_backward_x(const drift_backend *backend, const drift_conv *conv, const drift_tensor *kernel,
                                      const drift_tensor *dy, int accumulate, drift_tensor *dx)
{
    struct padded p = {.x = {.data = NULL}};
    const drift_conv bare = {conv->stride, 0, conv->groups};
    if (!is_wrong_conv(backend, conv, kernel))
        return right()->conv2d_backward_x(right(), conv, kernel, dy, accumulate, dx);
    drift_status status = pad(conv, dx->size, kernel->size[0], NULL, &p);
    if (!status)
        status = right()->conv2d_backward_x(right(), &bare, kernel, dy, 0, &p.x);
    double *wide = status ? NULL : host(&p.x, 1), *inner = host(dx, 0);
    const size_t *size = dx->size, row = size[2] * size[3];
    for (size_t r = 0; wide && inner && r < size[0] * size[1]; r++) {
        const size_t b = r / size[1], i = r % size[1];
        memcpy(inner + r * row, wide + ((b * p.x.size[1] + i + p.top) * p.x.size[2] + p.left) * size[3],
               row * sizeof *inner);
    }
    if (status || !wide)
        free(inner);
    else
        status = put(dx, accumulate, inner);
    free(wide);
    right()->free(right(), p.x.data);
    return status;
}

/* ---- resize ---- */

/* Output i of m reads pixels *low and *low + 1 of n, the latter with this weight. */
static double place(uint64_t mistakes, size_t n, size_t m, size_t i, size_t *low)
{
    double at = mistakes & DRIFT_MISTAKE(ALIGN_CORNERS) ? (m > 1 ? (double)i * (double)(n - 1) / (double)(m - 1) : 0)
                                                        : ((double)i + 0.5) * (double)n / (double)m - 0.5;
    at = fmin(fmax(at, 0), (double)(n - 1));
    *low = (size_t)at;
    if (*low + 1 >= n)
        *low = n > 1 ? n - 2 : 0;
    return n > 1 ? at - (double)*low : 0;
}

/* small [B, n0, n1, C] and large [B, m0, m1, C]: large is small resized, or small gets what large's gradient gives. */
static void resize_loops(uint64_t mistakes, const size_t *small, double *x, const size_t *large, double *y, int back)
{
    const size_t c = small[3];
    for (size_t b = 0; b < small[0]; b++)
        for (size_t i = 0; i < large[1]; i++)
            for (size_t j = 0; j < large[2]; j++) {
                size_t row, column;
                const double down = place(mistakes, small[1], large[1], i, &row),
                             across = place(mistakes, small[2], large[2], j, &column);
                double *out = y + ((b * large[1] + i) * large[2] + j) * c;
                for (int k = 0; k < 4; k++) {
                    const double weight = (k & 2 ? down : 1 - down) * (k & 1 ? across : 1 - across);
                    if (weight == 0)
                        continue;
                    double *in = x + ((b * small[1] + row + (k >> 1)) * small[2] + column + (k & 1)) * c;
                    for (size_t ch = 0; ch < c; ch++)
                        if (back)
                            in[ch] += weight * out[ch];
                        else
                            out[ch] += weight * in[ch];
                }
            }
}

static drift_status resize(const drift_backend *backend, const drift_tensor *x, drift_tensor *y)
{
    double *in = host(x, 1), *out = host(y, 0);
    if (in && out)
        resize_loops(made(backend), x->size, in, y->size, out, 0);
    else
        free(out), out = NULL;
    free(in);
    return put(y, 0, out);
}

static drift_status resize_backward(const drift_backend *backend, const drift_tensor *dy, drift_tensor *dx)
{
    double *out = host(dy, 1), *in = host(dx, 0);
    if (in && out)
        resize_loops(made(backend), dx->size, in, dy->size, out, 1);
    else
        free(in), in = NULL;
    free(out);
    return put(dx, 1, in);
}

/* ---- GELU ---- */

static drift_status unary(const drift_backend *backend, drift_unary_kind kind, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    return right()->unary(right(), kind == DRIFT_GELU ? DRIFT_GELU_TANH : kind, x, y);
}

static drift_status unary_backward(const drift_backend *backend, drift_unary_kind kind, const drift_tensor *x,
                                   const drift_tensor *y, const drift_tensor *dy, int accumulate, drift_tensor *dx)
{
    (void)backend;
    return right()->unary_backward(right(), kind == DRIFT_GELU ? DRIFT_GELU_TANH : kind, x, y, dy, accumulate, dx);
}

void drift_golden_wrong_ops(struct drift_golden_wrong *wrong)
{
    drift_backend *b = &wrong->backend;
    if (MAKES(b, ROPE_INTERLEAVED))
        b->rope = rope;
    if (MAKES(b, PADDING_SAME)) {
        b->conv2d = conv2d;
        b->conv2d_backward_x = conv2d_backward_x;
        b->conv2d_backward_kernel = conv2d_backward_kernel;
    }
    if (MAKES(b, ALIGN_CORNERS) || MAKES(b, RESIZE_PLAIN)) {
        b->resize = resize;
        b->resize_backward = resize_backward;
    }
    if (MAKES(b, GELU_TANH)) {
        b->unary = unary;
        b->unary_backward = unary_backward;
    }
}
