/* Elementwise ops, activations among them: blocks of elements. */
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum {
    BLOCK = 8192,       /* elements a thread takes at once: three operands stay in a core's cache */
    WORTH = 4 * BLOCK,  /* elements from which threads pay for ops that only move memory */
    WORTH_MATHS = BLOCK /* and for those that compute */
};

drift_status CPU(fill)(const drift_backend *backend, double value, drift_tensor *y)
{
    (void)backend;
    real *to = y->data;
    size_t n = drift_tensor_elements(y);
    for (size_t i = 0; i < n; i++)
        to[i] = (real)value;
    return DRIFT_OK;
}

typedef void binary_kernel(size_t n, const real *a, const real *b, real *y);
typedef void scaling_kernel(size_t n, real factor, const real *x, real *y);

static drift_status by_blocks(binary_kernel *f, size_t worth, const drift_tensor *a, const drift_tensor *b,
                              drift_tensor *y)
{
    const real *pa = a->data, *pb = b->data;
    real *py = y->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(y), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= worth)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i);
        f(block_size(cut, i), pa + at, pb + at, py + at);
    }
    return DRIFT_OK;
}

static drift_status scaled(scaling_kernel *f, real factor, const drift_tensor *x, drift_tensor *y)
{
    const real *px = x->data;
    real *py = y->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(y), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i);
        f(block_size(cut, i), factor, px + at, py + at);
    }
    return DRIFT_OK;
}

drift_status CPU(add)(const drift_backend *backend, const drift_tensor *a, const drift_tensor *b, drift_tensor *y)
{
    (void)backend;
    return by_blocks(kernels()->add, WORTH, a, b, y);
}

drift_status CPU(mul)(const drift_backend *backend, const drift_tensor *a, const drift_tensor *b, drift_tensor *y)
{
    (void)backend;
    return by_blocks(kernels()->mul, WORTH, a, b, y);
}

drift_status CPU(mul_backward)(const drift_backend *backend, const drift_tensor *b, const drift_tensor *dy,
                               drift_tensor *dx)
{
    (void)backend;
    return by_blocks(kernels()->mul_add, WORTH, b, dy, dx);
}

drift_status CPU(scale)(const drift_backend *backend, double alpha, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    return scaled(kernels()->scale, (real)alpha, x, y);
}

drift_status CPU(axpy)(const drift_backend *backend, double alpha, const drift_tensor *s, const drift_tensor *x,
                       drift_tensor *y)
{
    (void)backend;
    return scaled(kernels()->axpy, s ? (real)(alpha * (double)*(const real *)s->data) : (real)alpha, x, y);
}

/* a + (-1) b: exact, so it is the difference's own rounding. */
drift_status CPU(sub)(const drift_backend *backend, const drift_tensor *a, const drift_tensor *b, drift_tensor *y)
{
    (void)backend;
    enum { PIECE = 1024 };
    const real *pa = a->data, *pb = b->data;
    real *py = y->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(y), PIECE);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        real minus[PIECE];
        size_t at = block_start(cut, i), n = block_size(cut, i);
        kernels()->scale(n, -1, pb + at, minus);
        kernels()->add(n, pa + at, minus, py + at);
    }
    return DRIFT_OK;
}

/* ---- activations ---- */

typedef void unary_kernel(size_t n, const real *x, real *y);
typedef binary_kernel unary_backward_kernel; /* of x or y, and dy, into dx */

static unary_kernel *forward_of(drift_unary_kind kind)
{
    switch (kind) {
#define U(upper, lower)                                                                                                \
    case DRIFT_##upper: return kernels()->lower;
        DRIFT_UNARIES(U)
#undef U
    default: return NULL;
    }
}

static unary_backward_kernel *backward_of(drift_unary_kind kind)
{
    switch (kind) {
#define U(upper, lower)                                                                                                \
    case DRIFT_##upper: return kernels()->lower##_backward;
        DRIFT_UNARIES(U)
#undef U
    default: return NULL;
    }
}

/* Those whose derivative's kernel takes the result in place of the argument. relu's takes either: it only asks whether
 * it is above 0. */
static int from_result(drift_unary_kind kind)
{
    return kind == DRIFT_RELU || kind == DRIFT_EXP || kind == DRIFT_SIGMOID || kind == DRIFT_SQRT || kind == DRIFT_TANH;
}

drift_status CPU(unary)(const drift_backend *backend, drift_unary_kind kind, const drift_tensor *x, drift_tensor *y)
{
    (void)backend;
    unary_kernel *const f = forward_of(kind);
    const real *px = x->data;
    real *py = y->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(y), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH_MATHS)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i);
        f(block_size(cut, i), px + at, py + at);
    }
    return DRIFT_OK;
}

/* dx = f' dy for a dx that is not initialised, or is dy: the kernel adds to a piece of zeros in cache. */
static void overwrite(unary_backward_kernel *f, size_t n, const real *x, const real *dy, real *dx)
{
    enum { PIECE = 1024 };
    real piece[PIECE];
    const struct blocks cut = blocks_of(n, PIECE);
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i), bytes = sizeof *piece * block_size(cut, i);
        memset(piece, 0, bytes);
        f(block_size(cut, i), x + at, dy + at, piece);
        memcpy(dx + at, piece, bytes);
    }
}

drift_status CPU(unary_backward)(const drift_backend *backend, drift_unary_kind kind, const drift_tensor *x,
                                 const drift_tensor *y, const drift_tensor *dy, int accumulate, drift_tensor *dx)
{
    (void)backend;
    unary_backward_kernel *const f = backward_of(kind);
    const drift_tensor *from = from_result(kind) ? y : x;
    if (accumulate)
        return by_blocks(f, WORTH_MATHS, from, dy, dx);
    const real *px = from->data, *pdy = dy->data;
    real *pdx = dx->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(dx), BLOCK);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH_MATHS)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        size_t at = block_start(cut, i);
        overwrite(f, block_size(cut, i), px + at, pdy + at, pdx + at);
    }
    return DRIFT_OK;
}

drift_status CPU(swiglu)(const drift_backend *backend, const drift_tensor *a, const drift_tensor *b, drift_tensor *y)
{
    (void)backend;
    enum { PIECE = 1024 };
    const real *pa = a->data, *pb = b->data;
    const struct blocks cut = blocks_of(drift_tensor_elements(y), PIECE);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH_MATHS)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        real piece[PIECE];
        const size_t at = block_start(cut, i), n = block_size(cut, i);
        const int bf16 = y->dtype == DRIFT_BF16;
        kernels()->swiglu(n, pa + at, pb + at, bf16 ? piece : (real *)y->data + at);
        if (bf16)
            kernels()->bf16_pack(n, piece, (uint16_t *)y->data + at);
    }
    return DRIFT_OK;
}

/* Where a gradient begins with this op, or is not wanted, the kernel adds to a piece that is zeroed in cache. */
drift_status CPU(swiglu_backward)(const drift_backend *backend, const drift_tensor *a, const drift_tensor *b,
                                  const drift_tensor *dy, int accumulate_a, drift_tensor *da, int accumulate_b,
                                  drift_tensor *db)
{
    (void)backend;
    enum { PIECE = 1024 };
    const real *pa = a->data, *pb = b->data, *pdy = dy->data;
    real *pda = da ? da->data : NULL, *pdb = db ? db->data : NULL;
    const struct blocks cut = blocks_of(drift_tensor_elements(dy), PIECE);
#pragma omp parallel for schedule(static) if (cut.n >= WORTH_MATHS)
    for (ptrdiff_t i = 0; i < cut.count; i++) {
        real aside[PIECE];
        const size_t at = block_start(cut, i), n = block_size(cut, i);
        real *to_a = pda ? pda + at : aside, *to_b = pdb ? pdb + at : aside;
        if (!pda || !accumulate_a)
            memset(to_a, 0, n * sizeof *to_a);
        if (!pdb || !accumulate_b)
            memset(to_b, 0, n * sizeof *to_b);
        kernels()->swiglu_backward(n, pa + at, pb + at, pdy + at, to_a, to_b);
    }
    return DRIFT_OK;
}
