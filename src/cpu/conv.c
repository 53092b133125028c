/* 2D convolutions as implicit matrix products: no patch matrix in memory.
 *
 *   for a block of lines (a thread takes one)                 its source rows in a slab: conv_plan.h
 *     for a panel of DRIFT_CONV_PANEL destination channels
 *       for some terms of the sums, kernel elements x source channels      the kernel's part packed: conv_panel
 *         for a class of pixels                               conv_rows: later terms go on with the chain
 *
 * A sum is one chain in the order of the terms: no choice of blocks, panels, parts of the sum or threads can change a
 * bit. */
#include <omp.h>

#include "cpu/conv_plan.h"
#include "cpu/winograd.h"

enum { DEPTH = 1152, CHUNK = 512, WORTH_THREADS = 1000000 };

static drift_status no_memory(size_t bytes)
{
    return drift_fail(DRIFT_NO_MEMORY, "conv2d: no memory for %zu bytes", bytes);
}

static size_t threads_for(double flop) { return flop < WORTH_THREADS ? 1 : (size_t)omp_get_max_threads(); }

/* ---- y from x, dx from dy ---- */

struct job {
    struct conv_plan plan;
    const real *source, *kernel, *bias;
    int accumulate;
    real *destination;
    size_t parts; /* of the panels: so that few blocks keep many threads at work */
};

struct workspace {
    struct conv_block block;
    struct drift_conv_piece *piece;
    real *panel;
};

static struct workspace carve_workspace(const struct conv_plan *p, struct carver *c)
{
    struct workspace w;
    CPU(conv_plan_carve_block)(p, c, &w.block);
    w.piece = CPU(carve)(c, p->rows.kernel * p->columns.kernel * sizeof *w.piece);
    w.panel = CPU(carve)(c, (size_t)DEPTH * DRIFT_CONV_PANEL * sizeof(real));
    return w;
}

/* Terms first .. last, columns j .. j + n. Turned, term t is kernel element (the last - t / terms), channel t % terms.
 */
static void pack(const struct job *job, size_t first, size_t last, size_t j, size_t n, real *panel)
{
    const struct conv_plan *p = &job->plan;
    if (!p->turned) {
        kernels()->conv_panel(last - first, n, job->kernel + first * p->channels + j, (ptrdiff_t)p->channels, 1, panel);
        return;
    }
    const size_t elements = p->rows.kernel * p->columns.kernel;
    for (size_t t = first, end; t < last; t = end) {
        const size_t element = elements - 1 - t / p->terms, channel = t % p->terms;
        end = t - channel + p->terms < last ? t - channel + p->terms : last;
        kernels()->conv_panel(end - t, n, job->kernel + (element * p->channels + j) * p->terms + channel, 1,
                              (ptrdiff_t)p->terms, panel + (t - first) * DRIFT_CONV_PANEL);
    }
}

/* One panel of a block. */
static void run_panel(const struct job *job, size_t j, const struct workspace *w)
{
    const struct conv_plan *p = &job->plan;
    const struct conv_block *b = &w->block;
    const size_t n = p->channels - j < DRIFT_CONV_PANEL ? p->channels - j : DRIFT_CONV_PANEL;
    const size_t terms = p->rows.kernel * p->columns.kernel * p->terms, steps = terms ? (terms + DEPTH - 1) / DEPTH : 1;
    for (size_t s = 0; s < steps; s++) {
        const size_t first = terms * s / steps, last = terms * (s + 1) / steps;
        const real *bias = job->bias && s + 1 == steps ? job->bias + j : NULL;
        pack(job, first, last, j, n, w->panel);
        for (size_t c = 0; c < p->rows.kinds * p->columns.kinds; c++) {
            const size_t at = b->class_at[c], pixels = b->class_at[c + 1] - at;
            const size_t pieces = CPU(conv_plan_pieces)(p, c, first, last, w->piece);
            if (pixels)
                kernels()->conv_rows(pixels, n, pieces, w->piece, b->source_at + at, 1, b->slab, w->panel, bias,
                                     job->accumulate || s, b->destination_at + at, job->destination + j);
        }
    }
}

/* All channels of a block: each by itself. */
static void run_depthwise(const struct job *job, const struct workspace *w)
{
    const struct conv_plan *p = &job->plan;
    const struct conv_block *b = &w->block;
    const size_t elements = p->rows.kernel * p->columns.kernel;
    for (size_t c = 0; c < p->rows.kinds * p->columns.kinds; c++) {
        const size_t at = b->class_at[c], pixels = b->class_at[c + 1] - at;
        const size_t pieces = CPU(conv_plan_pieces)(p, c, 0, elements, w->piece);
        for (size_t i = 0; p->turned && i < pieces; i++)
            w->piece[i].w = elements - 1 - w->piece[i].w;
        if (pixels)
            kernels()->depthwise_rows(pixels, p->channels, pieces, w->piece, b->source_at + at, b->slab, job->kernel,
                                      p->channels, job->bias, job->accumulate, b->destination_at + at,
                                      job->destination);
    }
}

static void run_piece(const struct job *job, size_t number, struct workspace *w)
{
    const size_t panels = (job->plan.channels + DRIFT_CONV_PANEL - 1) / DRIFT_CONV_PANEL, part = number % job->parts;
    CPU(conv_plan_fill_block)(&job->plan, number / job->parts, job->source, &w->block);
    if (job->plan.depthwise)
        run_depthwise(job, w);
    else
        for (size_t j = panels * part / job->parts; j < panels * (part + 1) / job->parts; j++)
            run_panel(job, j * DRIFT_CONV_PANEL, w);
}

static drift_status run(struct job *job, size_t threads)
{
    struct conv_plan *p = &job->plan;
    const size_t panels = p->depthwise ? 1 : (p->channels + DRIFT_CONV_PANEL - 1) / DRIFT_CONV_PANEL;
    job->parts = 1;
    while (p->blocks * job->parts % threads && job->parts < panels)
        job->parts++;
    struct carver c = {0};
    CPU(conv_plan_carve)(p, &c);
    const size_t plan_bytes = c.used;
    carve_workspace(p, &c);
    const size_t bytes = c.used - plan_bytes;
    if (!(c.memory = CPU(scratch)(plan_bytes + threads * bytes)))
        return no_memory(plan_bytes + threads * bytes);
    c.used = 0;
    CPU(conv_plan_carve)(p, &c);
    CPU(conv_plan_fill)(p);
#pragma omp parallel for num_threads((int)threads) schedule(dynamic) if (threads > 1)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)(p->blocks * job->parts); i++) {
        struct carver own = {c.memory, plan_bytes + (size_t)omp_get_thread_num() * bytes};
        struct workspace w = carve_workspace(p, &own);
        run_piece(job, (size_t)i, &w);
    }
    return DRIFT_OK;
}

/* FLOP of a convolution with this y or dy. */
static double flop_of(const drift_tensor *y, const drift_tensor *kernel)
{
    return 2.0 * (double)drift_tensor_elements(y) * (double)drift_tensor_elements(kernel) / (double)y->size[3];
}

/* 1 x 1 without stride: a plain matrix product over pixels. */
static int is_product(const drift_conv *conv, const drift_tensor *kernel)
{
    return kernel->size[0] * kernel->size[1] == 1 && conv->stride == 1 && conv->padding == 0 && conv->groups == 1;
}

static drift_tensor kernel_matrix(const drift_tensor *kernel) { return drift_tensor_view(kernel, 2, kernel->size + 2); }

drift_status CPU(conv2d)(const drift_backend *backend, const drift_conv *conv, const drift_tensor *x,
                         const drift_tensor *kernel, const drift_tensor *bias, drift_tensor *y)
{
    if (is_product(conv, kernel)) {
        const drift_tensor a = drift_tensor_matrix(x), w = kernel_matrix(kernel);
        drift_tensor c = drift_tensor_matrix(y);
        return CPU(matmul)(backend, 0, 0, &a, &w, bias, 0, &c);
    }
    if (CPU(winograd_pays)(conv, x, kernel, y))
        return CPU(winograd)(0, x, kernel, bias, 0, y);
    const size_t threads = threads_for(flop_of(y, kernel));
    struct job job = {.plan = CPU(conv_plan)(conv, 0, x, kernel, y, threads)};
    job.source = x->data;
    job.kernel = kernel->data;
    job.bias = bias ? bias->data : NULL;
    job.destination = y->data;
    return run(&job, threads);
}

drift_status CPU(conv2d_backward_x)(const drift_backend *backend, const drift_conv *conv, const drift_tensor *kernel,
                                    const drift_tensor *dy, int accumulate, drift_tensor *dx)
{
    if (is_product(conv, kernel)) {
        const drift_tensor a = drift_tensor_matrix(dy), w = kernel_matrix(kernel);
        drift_tensor c = drift_tensor_matrix(dx);
        return CPU(matmul)(backend, 0, 1, &a, &w, NULL, accumulate, &c);
    }
    if (CPU(winograd_pays)(conv, dx, kernel, dy))
        return CPU(winograd)(1, dy, kernel, NULL, accumulate, dx);
    const size_t threads = threads_for(flop_of(dy, kernel));
    struct job job = {.plan = CPU(conv_plan)(conv, 1, dx, kernel, dy, threads), .accumulate = accumulate};
    job.source = dy->data;
    job.kernel = kernel->data;
    job.destination = dx->data;
    return run(&job, threads);
}

/* ---- dkernel from x and dy ---- */

/* Sums over pixels: for a chunk of lines of dy
 *   for a panel of channels of dy                         packed, one row a pixel
 *     for a kernel element                                runs of pixels whose sources lie inside
 *       dkernel's matrix [Cin, panel]                     conv_rows with a row for each channel of x
 * A thread has some elements of some panels for itself, and goes through all chunks: a chain over all pixels. */
struct kernel_job {
    const real *x, *dy;
    real *dkernel;
    int accumulate, depthwise;
    size_t batch, height, width, in, rows, columns, out, kernel_columns, elements, stride, padding;
    size_t chunks, parts; /* of the lines, of the kernel elements */
    const ptrdiff_t *in_at, *out_at;
};

struct kernel_workspace {
    struct drift_conv_piece *run;
    real *panel;
};

/* The outputs from .. to that see one of n inputs through kernel row k. */
static void outputs_inside(const struct kernel_job *g, size_t n, size_t outputs, size_t k, size_t *from, size_t *to)
{
    const size_t end = n + g->padding > k ? (n + g->padding - k - 1) / g->stride + 1 : 0;
    *from = k >= g->padding ? 0 : (g->padding - k + g->stride - 1) / g->stride;
    *to = end < outputs ? end : outputs;
}

/* The runs of pixels of lines first .. last whose source through a kernel element lies inside; w counts from the first
 * line's first pixel. */
static size_t runs_of(const struct kernel_job *g, size_t element, size_t first, size_t last,
                      struct drift_conv_piece *run)
{
    const size_t ky = element / g->kernel_columns, kx = element % g->kernel_columns;
    size_t top, bottom, left, right, n = 0;
    outputs_inside(g, g->height, g->rows, ky, &top, &bottom);
    outputs_inside(g, g->width, g->columns, kx, &left, &right);
    for (size_t line = first; line < last && left < right; line++) {
        const size_t image = line / g->rows, row = line % g->rows;
        if (row < top || row >= bottom)
            continue;
        const size_t y = image * g->height + row * g->stride + ky - g->padding;
        const size_t x = y * g->width + left * g->stride + kx - g->padding;
        const struct drift_conv_piece next = {(ptrdiff_t)(x * g->in), (line - first) * g->columns + left, right - left};
        struct drift_conv_piece *before = n ? run + n - 1 : NULL;
        if (before && before->w + before->length == next.w &&
            before->x + (ptrdiff_t)(before->length * g->stride * g->in) == next.x)
            before->length += next.length;
        else
            run[n++] = next;
    }
    return n;
}

static void run_elements(const struct kernel_job *g, size_t from, size_t to, size_t j, const struct kernel_workspace *w)
{
    const size_t lines = g->batch * g->rows, n = g->out - j < DRIFT_CONV_PANEL ? g->out - j : DRIFT_CONV_PANEL;
    const ptrdiff_t step = (ptrdiff_t)(g->stride * g->in);
    for (size_t chunk = 0; chunk < g->chunks; chunk++) {
        const size_t first = lines * chunk / g->chunks, last = lines * (chunk + 1) / g->chunks;
        const real *dy = g->dy + first * g->columns * g->out + j;
        if (!g->depthwise)
            kernels()->conv_panel((last - first) * g->columns, n, dy, (ptrdiff_t)g->out, 1, w->panel);
        for (size_t e = from; e < to; e++) {
            const size_t runs = runs_of(g, e, first, last, w->run);
            if (g->depthwise)
                kernels()->depthwise_gradient(g->in, runs, w->run, step, g->x, g->out, dy, g->accumulate || chunk,
                                              g->dkernel + e * g->in);
            else
                kernels()->conv_rows(g->in, n, runs, w->run, g->in_at, step, g->x, w->panel, NULL,
                                     g->accumulate || chunk, g->out_at, g->dkernel + e * g->in * g->out + j);
        }
    }
}

static struct kernel_workspace carve_kernel_workspace(const struct kernel_job *g, struct carver *c)
{
    const size_t lines = (g->batch * g->rows + g->chunks - 1) / g->chunks;
    struct kernel_workspace w;
    w.run = CPU(carve)(c, lines * sizeof *w.run);
    w.panel = CPU(carve)(c, g->depthwise ? 0 : lines * g->columns * DRIFT_CONV_PANEL * sizeof *w.panel);
    return w;
}

/* Addresses of the rows of x's channels and of dkernel's matrix. */
static void carve_rows(struct kernel_job *g, struct carver *c)
{
    ptrdiff_t *in_at = CPU(carve)(c, g->in * sizeof *in_at), *out_at = CPU(carve)(c, g->in * sizeof *out_at);
    for (size_t i = 0; in_at && i < g->in; i++) {
        in_at[i] = (ptrdiff_t)i;
        out_at[i] = (ptrdiff_t)(i * g->out);
    }
    g->in_at = in_at;
    g->out_at = out_at;
}

static drift_status run_kernel(struct kernel_job *g, size_t threads)
{
    const size_t panels = g->depthwise ? 1 : (g->out + DRIFT_CONV_PANEL - 1) / DRIFT_CONV_PANEL;
    g->parts = 1;
    while (panels * g->parts % threads && g->parts < g->elements)
        g->parts++;
    struct carver c = {0};
    carve_rows(g, &c);
    const size_t row_bytes = c.used;
    carve_kernel_workspace(g, &c);
    const size_t bytes = c.used - row_bytes;
    if (!(c.memory = CPU(scratch)(row_bytes + threads * bytes)))
        return no_memory(row_bytes + threads * bytes);
    c.used = 0;
    carve_rows(g, &c);
#pragma omp parallel for num_threads((int)threads) schedule(dynamic) if (threads > 1)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)(panels * g->parts); i++) {
        struct carver own = {c.memory, row_bytes + (size_t)omp_get_thread_num() * bytes};
        const struct kernel_workspace w = carve_kernel_workspace(g, &own);
        const size_t part = (size_t)i % g->parts, panel = (size_t)i / g->parts;
        run_elements(g, g->elements * part / g->parts, g->elements * (part + 1) / g->parts, panel * DRIFT_CONV_PANEL,
                     &w);
    }
    return DRIFT_OK;
}

drift_status CPU(conv2d_backward_kernel)(const drift_backend *backend, const drift_conv *conv, const drift_tensor *x,
                                         const drift_tensor *dy, int accumulate, drift_tensor *dkernel)
{
    if (is_product(conv, dkernel)) {
        const drift_tensor a = drift_tensor_matrix(x), b = drift_tensor_matrix(dy);
        drift_tensor c = kernel_matrix(dkernel);
        return CPU(matmul)(backend, 1, 0, &a, &b, NULL, accumulate, &c);
    }
    if (x->size[0] && CPU(winograd_pays)(conv, x, dkernel, dy))
        return CPU(winograd_backward_kernel)(x, dy, accumulate, dkernel);
    struct kernel_job g = {x->data,
                           dy->data,
                           dkernel->data,
                           accumulate,
                           conv->groups != 1,
                           x->size[0],
                           x->size[1],
                           x->size[2],
                           x->size[3],
                           dy->size[1],
                           dy->size[2],
                           dy->size[3],
                           dkernel->size[1],
                           dkernel->size[0] * dkernel->size[1],
                           conv->stride,
                           conv->padding,
                           0,
                           0,
                           NULL,
                           NULL};
    const size_t pixels = drift_tensor_rows(dy), most = pixels < CHUNK ? pixels : CHUNK;
    g.chunks = most ? (pixels + most - 1) / most : 1;
    return run_kernel(&g, threads_for(flop_of(dy, dkernel)));
}
