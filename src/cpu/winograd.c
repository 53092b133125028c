/* 3 x 3 convolutions by F(2 x 2, 3 x 3), for y from x, and for dx from dy with the kernel turned round:
 *
 *   for a block of tiles of 4 x 4 source pixels (a thread takes one)    winograd_source: V, 16 matrices [tiles, Cin]
 *     for a panel of DRIFT_CONV_PANEL destination channels
 *       for some of Cin                                               winograd_kernel: U, 16 matrices [some, panel]
 *         16 products M = V U                                         conv_rows: later ones go on with M
 *       2 x 2 destination pixels of each tile                         winograd_destination
 *
 * U is made once for all blocks where it is not too large, else for each. An element of M is one chain over Cin: no
 * choice of blocks, panels or threads can change a bit. The error is bounded in docs/ops/conv.md. */
#include "cpu/winograd.h"

#include <omp.h>

#include "cpu/conv_plan.h"

enum {
    ELEMENTS = WINOGRAD_ELEMENTS,
    TILES = 42,       /* of a block: a multiple of conv_rows' register tiles */
    OWN_TILES = 84,   /* of a block that makes its own U */
    DEPTH = 512,      /* of U: a panel stays in the second cache */
    SHARED = 1 << 23, /* elements of U for all blocks */
    CHUNK = 64,       /* rows of the kernel that are packed at a time */
    LINE = 64 / sizeof(real)
};

static size_t tiles_along(size_t pixels) { return (pixels + 1) / 2; }

/* Pairs of a source and a destination in a row of n that meet, of a 3-wide kernel and padding 1. */
static double meetings(size_t n) { return 3.0 * (double)n - 2; }

int CPU(winograd_pays)(const drift_conv *conv, const drift_tensor *x, const drift_tensor *kernel, const drift_tensor *y)
{
    const size_t height = y->size[1], width = y->size[2];
    const double products = ELEMENTS * (double)(tiles_along(height) * tiles_along(width));
    return kernel->size[0] == 3 && kernel->size[1] == 3 && conv->stride == 1 && conv->padding == 1 &&
           conv->groups == 1 && x->size[3] >= 32 && y->size[3] >= 32 &&
           meetings(height) * meetings(width) > 1.25 * products;
}

struct winograd_grid CPU(winograd_grid)(const drift_tensor *x)
{
    struct winograd_grid g = {x->size[1], x->size[2], tiles_along(x->size[1]), tiles_along(x->size[2]), 0};
    g.tiles = x->size[0] * g.rows * g.columns;
    return g;
}

/* Places pixels side x side of a tile, the first one `before` its destinations in both directions. */
static void place(const struct winograd_grid *g, size_t tile, size_t channels, size_t side, size_t before,
                  ptrdiff_t *at)
{
    const size_t image = tile / g->columns / g->rows;
    const size_t top = tile / g->columns % g->rows * 2, left = tile % g->columns * 2;
    for (size_t k = 0; k < side * side; k++) {
        const size_t y = top + k / side - before, x = left + k % side - before; /* before 0: very large */
        at[k] = -1;
        if (y < g->height && x < g->width)
            at[k] = (ptrdiff_t)(((image * g->height + y) * g->width + x) * channels);
    }
}

void CPU(winograd_sources)(const struct winograd_grid *g, size_t tile, size_t channels, ptrdiff_t at[WINOGRAD_ELEMENTS])
{
    place(g, tile, channels, 4, 1, at);
}

void CPU(winograd_destinations)(const struct winograd_grid *g, size_t tile, size_t channels, ptrdiff_t at[4])
{
    place(g, tile, channels, 2, 0, at);
}

static size_t odd_lines(size_t n) { return (n + WINOGRAD_LINE - 1) / WINOGRAD_LINE | 1; }

size_t CPU(winograd_pitch)(size_t channels) { return odd_lines(channels) * WINOGRAD_LINE; }

size_t CPU(winograd_step)(size_t rows, size_t pitch) { return odd_lines(rows * pitch) * WINOGRAD_LINE; }

/* ---- y and dx ---- */

struct job {
    struct winograd_grid grid;
    size_t in, out;
    size_t pitch, v_step, m_step; /* V's rows; the matrices of V and M */
    size_t panels, blocks, parts; /* of the destination's channels; of the tiles; of the panels */
    real *u;                      /* of all panels, or NULL */
    int turned, accumulate;
    const real *source, *kernel, *bias;
    real *destination;
};

struct workspace {
    ptrdiff_t *source_at, *destination_at; /* [tiles][16], [tiles][4]: winograd_source, winograd_destination */
    ptrdiff_t *v_at, *m_at;
    real *v, *packed, *u, *m;
};

static size_t block_tiles(const struct job *job) { return (job->grid.tiles + job->blocks - 1) / job->blocks; }

static struct workspace carve_workspace(const struct job *job, struct carver *c)
{
    const size_t tiles = block_tiles(job);
    struct workspace w;
    w.source_at = CPU(carve)(c, tiles * ELEMENTS * sizeof *w.source_at);
    w.destination_at = CPU(carve)(c, tiles * 4 * sizeof *w.destination_at);
    w.v_at = CPU(carve)(c, tiles * sizeof *w.v_at);
    w.m_at = CPU(carve)(c, tiles * sizeof *w.m_at);
    w.v = CPU(carve)(c, ELEMENTS * job->v_step * sizeof *w.v);
    w.packed = CPU(carve)(c, (size_t)9 * CHUNK * DRIFT_CONV_PANEL * sizeof *w.packed);
    w.u = CPU(carve)(c, (size_t)ELEMENTS * DEPTH * DRIFT_CONV_PANEL * sizeof *w.u);
    w.m = CPU(carve)(c, ELEMENTS * job->m_step * sizeof *w.m);
    return w;
}

/* Columns of panel number i. */
static size_t columns_of(const struct job *job, size_t i)
{
    const size_t left = job->out - i * DRIFT_CONV_PANEL;
    return left < DRIFT_CONV_PANEL ? left : DRIFT_CONV_PANEL;
}

/* U of panel i and the source channels from .. to. */
static void transform_kernel(const struct job *job, size_t i, size_t from, size_t to, real *packed, real *u)
{
    const size_t matrix = job->in * job->out, j = i * DRIFT_CONV_PANEL, n = columns_of(job, i);
    const ptrdiff_t row = job->turned ? 1 : (ptrdiff_t)job->out, column = job->turned ? (ptrdiff_t)job->in : 1;
    for (size_t p = from; p < to; p += CHUNK) {
        const size_t k = to - p < CHUNK ? to - p : CHUNK, size = k * DRIFT_CONV_PANEL;
        for (size_t e = 0; e < 9; e++)
            kernels()->conv_panel(
                k, n, job->kernel + (job->turned ? (8 - e) * matrix + j * job->in + p : e * matrix + p * job->out + j),
                row, column, packed + e * size);
        kernels()->winograd_kernel(size, size, packed, (to - from) * DRIFT_CONV_PANEL,
                                   u + (p - from) * DRIFT_CONV_PANEL);
    }
}

static void run_panel(const struct job *job, size_t i, size_t tiles, const struct workspace *w)
{
    const size_t j = i * DRIFT_CONV_PANEL;
    for (size_t from = 0; from < job->in; from += DEPTH) {
        const size_t to = from + DEPTH < job->in ? from + DEPTH : job->in, k = to - from;
        const real *u = w->u;
        if (job->u)
            u = job->u + ELEMENTS * DRIFT_CONV_PANEL * (i * job->in + from);
        else
            transform_kernel(job, i, from, to, w->packed, w->u);
        for (size_t t = 0; t < ELEMENTS; t++) {
            const struct drift_conv_piece piece = {(ptrdiff_t)(t * job->v_step + from), t * k, k};
            kernels()->conv_rows(tiles, DRIFT_CONV_PANEL, 1, &piece, w->v_at, 1, w->v, u, NULL, from > 0, w->m_at,
                                 w->m + t * job->m_step);
        }
    }
    kernels()->winograd_destination(tiles, columns_of(job, i), w->destination_at, job->m_step, w->m,
                                    job->bias ? job->bias + j : NULL, job->accumulate, job->destination + j);
}

static void run_piece(const struct job *job, size_t number, const struct workspace *w)
{
    const size_t block = number / job->parts, part = number % job->parts;
    const size_t from = job->grid.tiles * block / job->blocks,
                 tiles = job->grid.tiles * (block + 1) / job->blocks - from;
    for (size_t i = 0; i < tiles; i++) {
        CPU(winograd_sources)(&job->grid, from + i, job->in, w->source_at + ELEMENTS * i);
        CPU(winograd_destinations)(&job->grid, from + i, job->out, w->destination_at + 4 * i);
        w->v_at[i] = (ptrdiff_t)(i * job->pitch);
        w->m_at[i] = (ptrdiff_t)(i * DRIFT_CONV_PANEL);
    }
    kernels()->winograd_source(tiles, job->in, w->source_at, job->source, job->pitch, job->v_step, w->v);
    for (size_t j = job->panels * part / job->parts; j < job->panels * (part + 1) / job->parts; j++)
        run_panel(job, j, tiles, w);
}

/* How many pieces there are: even ones for all threads. Returns the elements of a U for all blocks, 0: none. */
static size_t cut(struct job *job, size_t threads)
{
    const size_t whole = ELEMENTS * DRIFT_CONV_PANEL * job->panels * job->in;
    const int share = whole <= SHARED && job->grid.tiles > OWN_TILES;
    const size_t most = share ? TILES : OWN_TILES;
    job->blocks = (job->grid.tiles + most - 1) / most;
    const size_t even = (job->blocks + threads - 1) / threads * threads;
    if (job->grid.tiles / even >= most / 2)
        job->blocks = even;
    job->parts = 1;
    while (job->blocks * job->parts % threads && job->parts < job->panels)
        job->parts++;
    job->v_step = CPU(winograd_step)(block_tiles(job), job->pitch);
    job->m_step = CPU(winograd_step)(block_tiles(job), DRIFT_CONV_PANEL);
    return share ? whole : 0;
}

static drift_status run(struct job *job, size_t threads)
{
    struct carver c = {0};
    const size_t shared = cut(job, threads) * sizeof(real);
    carve_workspace(job, &c);
    const size_t bytes = c.used;
    if (!(c.memory = CPU(scratch)(shared + threads * bytes)))
        return drift_fail(DRIFT_NO_MEMORY, "conv2d: no memory for %zu bytes", shared + threads * bytes);
    job->u = shared ? (real *)(void *)c.memory : NULL;
#pragma omp parallel num_threads((int)threads) if (threads > 1)
    {
        struct carver own = {c.memory, shared + (size_t)omp_get_thread_num() * bytes};
        const struct workspace w = carve_workspace(job, &own);
        const size_t steps = (job->in + DEPTH - 1) / DEPTH;
#pragma omp for schedule(static)
        for (ptrdiff_t i = 0; i < (ptrdiff_t)(shared ? job->panels * steps : 0); i++) {
            const size_t panel = (size_t)i / steps, from = (size_t)i % steps * DEPTH;
            transform_kernel(job, panel, from, from + DEPTH < job->in ? from + DEPTH : job->in, w.packed,
                             job->u + ELEMENTS * DRIFT_CONV_PANEL * (panel * job->in + from));
        }
#pragma omp for schedule(dynamic)
        for (ptrdiff_t i = 0; i < (ptrdiff_t)(job->blocks * job->parts); i++)
            run_piece(job, (size_t)i, &w);
    }
    return DRIFT_OK;
}

drift_status CPU(winograd)(int turned, const drift_tensor *source, const drift_tensor *kernel, const drift_tensor *bias,
                           int accumulate, drift_tensor *destination)
{
    struct job job = {.grid = CPU(winograd_grid)(source), .in = source->size[3], .out = destination->size[3]};
    if (!job.grid.tiles)
        return DRIFT_OK;
    job.pitch = CPU(winograd_pitch)(job.in);
    job.panels = (job.out + DRIFT_CONV_PANEL - 1) / DRIFT_CONV_PANEL;
    job.turned = turned;
    job.accumulate = accumulate;
    job.source = source->data;
    job.kernel = kernel->data;
    job.bias = bias ? bias->data : NULL;
    job.destination = destination->data;
    return run(&job, (size_t)omp_get_max_threads());
}
