/* Norms with a scale and shift of each sample's own, and gated residuals: rows [batch, tokens, cols] in blocks that
 * never reach over two samples. */
#include <omp.h>
#include <string.h>

#include "cpu/blocks.h"
#include "cpu/cpu.h"

enum { WORTH = 16384, SUM_ROWS = 64 };

/* batch x blocks of a sample's rows. */
struct samples {
    size_t batch, tokens, cols, all; /* all: elements */
    struct blocks cut;               /* of one sample's rows */
    ptrdiff_t count;
};

static struct samples samples_of(const drift_tensor *x, size_t rows)
{
    struct samples s = {.batch = x->size[0], .tokens = x->size[1], .cols = x->size[2]};
    const size_t parts = (s.tokens + rows - 1) / rows;
    s.cut = blocks_of(s.tokens, parts ? (s.tokens + parts - 1) / parts : 1); /* even ones */
    s.all = s.batch * s.tokens * s.cols;
    s.count = (ptrdiff_t)s.batch * s.cut.count;
    return s;
}

static size_t rows_in_cache(const drift_tensor *x)
{
    const size_t cols = drift_tensor_row_size(x);
    return cols && cols < 8192 ? 8192 / cols : 1;
}

/* Block i: its sample, where its elements start, its rows. */
struct block {
    size_t sample, at, rows;
};

static struct block block_of(const struct samples *s, ptrdiff_t i)
{
    const size_t sample = (size_t)(i / s->cut.count);
    const ptrdiff_t part = i % s->cut.count;
    return (struct block){sample, (sample * s->tokens + block_start(s->cut, part)) * s->cols, block_size(s->cut, part)};
}

/* Sample b's row number `place` of mod. */
static real *row_of(const drift_tensor *mod, size_t b, size_t place, size_t cols)
{
    return (real *)mod->data + b * mod->size[1] + place * cols;
}

/* to[b] = w (1 + scale_b), the weight of sample b's norm */
static void weights(const struct samples *s, const real *w, const drift_tensor *mod, size_t scale, real *to)
{
    for (size_t b = 0; b < s->batch; b++, to += s->cols) {
        for (size_t j = 0; j < s->cols; j++)
            to[j] = w ? w[j] : 1;
        if (w)
            kernels()->mul_add(s->cols, w, row_of(mod, b, scale, s->cols), to);
        else
            kernels()->add(s->cols, to, row_of(mod, b, scale, s->cols), to);
    }
}

drift_status CPU(norm_modulate)(const drift_backend *backend, double epsilon, int rms, const drift_tensor *x,
                                const drift_tensor *weight, const drift_tensor *mod, size_t shift, size_t scale,
                                drift_tensor *y)
{
    (void)backend;
    const struct samples s = samples_of(x, rows_in_cache(x));
    const int bf16 = y->dtype == DRIFT_BF16; /* by way of a piece for each thread */
    const size_t piece = bf16 ? s.cut.size * s.cols : 0;
    const size_t bytes = (s.batch * s.cols + (size_t)omp_get_max_threads() * piece) * sizeof(real);
    real *const w = CPU(scratch)(bytes), *const pieces = w + s.batch * s.cols;
    const real *px = x->data;
    if (!w && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "norm_modulate: no memory for %zu bytes", bytes);
    weights(&s, weight ? weight->data : NULL, mod, scale, w);
#pragma omp parallel for schedule(static) if (s.all >= WORTH)
    for (ptrdiff_t i = 0; i < s.count; i++) {
        const struct block k = block_of(&s, i);
        real *const to = bf16 ? pieces + (size_t)omp_get_thread_num() * piece : (real *)y->data + k.at;
        (rms ? kernels()->rms_norm : kernels()->layer_norm)(
            k.rows, s.cols, (real)epsilon, px + k.at, w + k.sample * s.cols, row_of(mod, k.sample, shift, s.cols), to);
        if (bf16)
            kernels()->bf16_pack(k.rows * s.cols, to, (uint16_t *)y->data + k.at);
    }
    return DRIFT_OK;
}

/* From each block's sums P of dy h and S of dy [count, 2, cols], in the blocks' order:
 * dshift += S, dscale += w P, dw += (1 + scale) P */
static void add_sums(const struct samples *s, const real *w, const drift_tensor *mod, size_t shift, size_t scale,
                     const real *part, real *total, real *dw, const drift_tensor *dmod)
{
    const size_t cols = s->cols;
    for (size_t b = 0; b < s->batch; b++) {
        memset(total, 0, 2 * cols * sizeof *total);
        kernels()->column_sum((size_t)s->cut.count, 2 * cols, part, total);
        part += (size_t)s->cut.count * 2 * cols;
        if (dmod) {
            real *to = row_of(dmod, b, scale, cols), *to_shift = row_of(dmod, b, shift, cols);
            if (w)
                kernels()->mul_add(cols, w, total, to);
            else
                kernels()->add(cols, to, total, to);
            kernels()->add(cols, to_shift, total + cols, to_shift);
        }
        if (dw) {
            kernels()->add(cols, dw, total, dw);
            kernels()->mul_add(cols, row_of(mod, b, scale, cols), total, dw);
        }
    }
}

drift_status CPU(norm_modulate_backward)(const drift_backend *backend, double epsilon, int rms, const drift_tensor *x,
                                         const drift_tensor *weight, const drift_tensor *mod, size_t shift,
                                         size_t scale, const drift_tensor *dy, drift_tensor *dx, drift_tensor *dweight,
                                         drift_tensor *dmod)
{
    (void)backend;
    const struct samples s = samples_of(x, SUM_ROWS);
    const size_t bytes = (s.batch + 2 * (size_t)s.count + 2) * s.cols * sizeof(real);
    real *const w = CPU(scratch)(bytes), *const pdx = dx ? dx->data : NULL;
    const real *const px = x->data, *const pdy = dy->data, *const plain = weight ? weight->data : NULL;
    if (!w && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "norm_modulate: no memory for %zu bytes", bytes);
    real *const part = w + s.batch * s.cols, *const total = part + 2 * (size_t)s.count * s.cols;
    weights(&s, plain, mod, scale, w);
#pragma omp parallel for schedule(static) if (s.all >= WORTH)
    for (ptrdiff_t i = 0; i < s.count; i++) {
        const struct block k = block_of(&s, i);
        real *const sums = part + 2 * (size_t)i * s.cols;
        memset(sums, 0, 2 * s.cols * sizeof *sums);
        (rms ? kernels()->rms_norm_backward
             : kernels()->layer_norm_backward)(k.rows, s.cols, (real)epsilon, px + k.at, w + k.sample * s.cols,
                                               pdy + k.at, pdx ? pdx + k.at : NULL, sums, sums + s.cols);
    }
    add_sums(&s, plain, mod, shift, scale, part, total, dweight ? dweight->data : NULL, dmod);
    return DRIFT_OK;
}

drift_status CPU(gated_add)(const drift_backend *backend, const drift_tensor *x, const drift_tensor *mod, size_t gate,
                            const drift_tensor *y, drift_tensor *z)
{
    (void)backend;
    const struct samples s = samples_of(x, rows_in_cache(x));
    const real *px = x->data, *py = y->data;
    real *pz = z->data;
#pragma omp parallel for schedule(static) if (s.all >= WORTH)
    for (ptrdiff_t i = 0; i < s.count; i++) {
        const struct block k = block_of(&s, i);
        kernels()->gated_add(k.rows, s.cols, px + k.at, row_of(mod, k.sample, gate, s.cols), py + k.at, pz + k.at);
    }
    return DRIFT_OK;
}

drift_status CPU(gated_add_backward)(const drift_backend *backend, const drift_tensor *mod, size_t gate,
                                     const drift_tensor *y, const drift_tensor *dz, int accumulate, drift_tensor *dy,
                                     drift_tensor *dmod)
{
    (void)backend;
    const struct samples s = samples_of(y, SUM_ROWS);
    const size_t bytes = (size_t)s.count * s.cols * sizeof(real);
    real *const part = CPU(scratch)(bytes), *const pdy = dy ? dy->data : NULL;
    const real *const py = y->data, *const pdz = dz->data;
    if (!part && bytes)
        return drift_fail(DRIFT_NO_MEMORY, "gated_add: no memory for %zu bytes", bytes);
#pragma omp parallel for schedule(static) if (s.all >= WORTH)
    for (ptrdiff_t i = 0; i < s.count; i++) {
        const struct block k = block_of(&s, i);
        real *const sum = part + (size_t)i * s.cols;
        memset(sum, 0, s.cols * sizeof *sum);
        if (pdy && !accumulate)
            memset(pdy + k.at, 0, k.rows * s.cols * sizeof *pdy);
        kernels()->gated_add_backward(k.rows, s.cols, row_of(mod, k.sample, gate, s.cols), py + k.at, pdz + k.at,
                                      pdy ? pdy + k.at : NULL, dmod ? sum : NULL);
    }
    for (size_t b = 0; dmod && b < s.batch; b++)
        kernels()->column_sum((size_t)s.cut.count, s.cols, part + b * (size_t)s.cut.count * s.cols,
                              row_of(dmod, b, gate, s.cols));
    return DRIFT_OK;
}
