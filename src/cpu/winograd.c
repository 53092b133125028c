/* 3 x 3 convolutions by F(2 x 2, 3 x 3), for y from x, and for dx from dy with the kernel turned round:
 *
 *   for a block of tiles of 4 x 4 source pixels (a thread takes one)    winograd_source: V, 16 matrices [tiles, Cin]
 *     for a panel of DRIFT_CONV_PANEL destination channels              winograd_kernel: U, 16 matrices [Cin, panel]
 *       16 products M = V U                                             conv_rows
 *       2 x 2 destination pixels of each tile                           winograd_destination
 *
 * An element of M is one chain over Cin: no choice of blocks, panels or threads can change a bit. The error is bounded
 * in docs/ops/conv.md. */
#include "cpu/winograd.h"

#include <omp.h>

#include "cpu/conv_plan.h"

enum {
    ELEMENTS = 16, /* of a transformed tile */
    BLOCK = 131072,
    LEAST_TILES = 64, /* of a block: elements of V, unless that would be too few tiles */
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

struct job {
    size_t batch, height, width, in, out; /* of the source; the destination's height and width are the same */
    size_t rows, columns, tiles;          /* of tiles */
    size_t pitch, tile;                   /* from a matrix of V to the next; from a tile */
    size_t blocks, parts;                 /* of the tiles, of the panels */
    int turned, accumulate;
    const real *source, *kernel, *bias;
    real *destination;
};

struct workspace {
    ptrdiff_t *source_at, *destination_at; /* [tiles][16], [tiles][4]: winograd_source, winograd_destination */
    ptrdiff_t *v_at, *m_at;
    real *v, *packed, *u, *m;
};

static size_t block_tiles(const struct job *job) { return (job->tiles + job->blocks - 1) / job->blocks; }

static size_t m_step(const struct job *job) { return block_tiles(job) * DRIFT_CONV_PANEL + LINE; }

static struct workspace carve_workspace(const struct job *job, struct carver *c)
{
    const size_t tiles = block_tiles(job);
    struct workspace w;
    w.source_at = CPU(carve)(c, tiles * ELEMENTS * sizeof *w.source_at);
    w.destination_at = CPU(carve)(c, tiles * 4 * sizeof *w.destination_at);
    w.v_at = CPU(carve)(c, tiles * sizeof *w.v_at);
    w.m_at = CPU(carve)(c, tiles * sizeof *w.m_at);
    w.v = CPU(carve)(c, tiles * job->tile * sizeof *w.v);
    w.packed = CPU(carve)(c, (size_t)9 * CHUNK * DRIFT_CONV_PANEL * sizeof *w.packed);
    w.u = CPU(carve)(c, ELEMENTS * job->in * DRIFT_CONV_PANEL * sizeof *w.u);
    w.m = CPU(carve)(c, ELEMENTS * m_step(job) * sizeof *w.m);
    return w;
}

/* Where pixel (y, x) of an image lies, of `channels` each; -1: outside. */
static ptrdiff_t pixel_at(const struct job *job, size_t image, size_t y, size_t x, size_t channels)
{
    if (y >= job->height || x >= job->width) /* so is what lies before 0 */
        return -1;
    return (ptrdiff_t)(((image * job->height + y) * job->width + x) * channels);
}

static void place_tile(const struct job *job, size_t number, size_t i, const struct workspace *w)
{
    const size_t image = number / job->columns / job->rows, y = number / job->columns % job->rows * 2;
    const size_t x = number % job->columns * 2;
    for (size_t k = 0; k < ELEMENTS; k++) /* a tile's sources begin one pixel before it: the padding */
        w->source_at[ELEMENTS * i + k] = pixel_at(job, image, y + k / 4 - 1, x + k % 4 - 1, job->in);
    for (size_t k = 0; k < 4; k++)
        w->destination_at[4 * i + k] = pixel_at(job, image, y + k / 2, x + k % 2, job->out);
    w->v_at[i] = (ptrdiff_t)(i * job->tile);
    w->m_at[i] = (ptrdiff_t)(i * DRIFT_CONV_PANEL);
}

/* U of a panel: n columns from j on. */
static void transform_kernel(const struct job *job, size_t j, size_t n, const struct workspace *w)
{
    const size_t u_step = job->in * DRIFT_CONV_PANEL, matrix = job->in * job->out;
    for (size_t p = 0; p < job->in; p += CHUNK) {
        const size_t k = job->in - p < CHUNK ? job->in - p : CHUNK, packed = k * DRIFT_CONV_PANEL;
        for (size_t e = 0; e < 9; e++) {
            const real *from =
                job->kernel + (job->turned ? (8 - e) * matrix + j * job->in + p : e * matrix + p * job->out + j);
            const ptrdiff_t row = job->turned ? 1 : (ptrdiff_t)job->out, column = job->turned ? (ptrdiff_t)job->in : 1;
            kernels()->conv_panel(k, n, from, row, column, w->packed + e * packed);
        }
        kernels()->winograd_kernel(packed, packed, w->packed, u_step, w->u + p * DRIFT_CONV_PANEL);
    }
}

static void run_panel(const struct job *job, size_t j, size_t tiles, const struct workspace *w)
{
    const size_t n = job->out - j < DRIFT_CONV_PANEL ? job->out - j : DRIFT_CONV_PANEL, step = m_step(job);
    transform_kernel(job, j, n, w);
    for (size_t t = 0; t < ELEMENTS; t++) {
        const struct drift_conv_piece piece = {(ptrdiff_t)(t * job->pitch), t * job->in, job->in};
        kernels()->conv_rows(tiles, DRIFT_CONV_PANEL, 1, &piece, w->v_at, 1, w->v, w->u, NULL, 0, w->m_at,
                             w->m + t * step);
    }
    kernels()->winograd_destination(tiles, n, w->destination_at, step, w->m, job->bias ? job->bias + j : NULL,
                                    job->accumulate, job->destination + j);
}

static void run_piece(const struct job *job, size_t number, const struct workspace *w)
{
    const size_t block = number / job->parts, part = number % job->parts;
    const size_t from = job->tiles * block / job->blocks, tiles = job->tiles * (block + 1) / job->blocks - from;
    const size_t panels = (job->out + DRIFT_CONV_PANEL - 1) / DRIFT_CONV_PANEL;
    for (size_t i = 0; i < tiles; i++)
        place_tile(job, from + i, i, w);
    kernels()->winograd_source(tiles, job->in, w->source_at, job->source, job->tile, job->pitch, w->v);
    for (size_t j = panels * part / job->parts; j < panels * (part + 1) / job->parts; j++)
        run_panel(job, j * DRIFT_CONV_PANEL, tiles, w);
}

/* Blocks of the asked size, even ones for all threads; where tiles do not suffice, parts of the panels. */
static void cut(struct job *job, size_t threads)
{
    const size_t panels = (job->out + DRIFT_CONV_PANEL - 1) / DRIFT_CONV_PANEL;
    const size_t fit = BLOCK / job->tile, most = fit < LEAST_TILES ? LEAST_TILES : fit;
    job->blocks = (job->tiles + most - 1) / most;
    const size_t even = (job->blocks + threads - 1) / threads * threads;
    if (job->tiles / even >= LEAST_TILES / 2)
        job->blocks = even;
    job->parts = 1;
    while (job->blocks * job->parts % threads && job->parts < panels)
        job->parts++;
}

drift_status CPU(winograd)(const drift_conv *conv, int turned, const drift_tensor *source, const drift_tensor *kernel,
                           const drift_tensor *bias, int accumulate, drift_tensor *destination)
{
    (void)conv;
    struct job job = {.batch = source->size[0],
                      .height = source->size[1],
                      .width = source->size[2],
                      .in = source->size[3],
                      .out = destination->size[3]};
    job.rows = tiles_along(job.height);
    job.columns = tiles_along(job.width);
    job.tiles = job.batch * job.rows * job.columns;
    if (!job.tiles)
        return DRIFT_OK;
    job.pitch = (job.in + LINE - 1) / LINE * LINE;
    job.pitch += job.pitch / LINE % 2 ? 0 : LINE;
    job.tile = ELEMENTS * job.pitch + LINE;
    job.turned = turned;
    job.accumulate = accumulate;
    job.source = source->data;
    job.kernel = kernel->data;
    job.bias = bias ? bias->data : NULL;
    job.destination = destination->data;
    const size_t threads = (size_t)omp_get_max_threads();
    cut(&job, threads);
    struct carver c = {0};
    carve_workspace(&job, &c);
    const size_t bytes = c.used;
    if (!(c.memory = CPU(scratch)(threads * bytes)))
        return drift_fail(DRIFT_NO_MEMORY, "conv2d: no memory for %zu bytes", threads * bytes);
#pragma omp parallel for num_threads((int)threads) schedule(dynamic) if (threads > 1)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)(job.blocks * job.parts); i++) {
        struct carver own = {c.memory, (size_t)omp_get_thread_num() * bytes};
        const struct workspace w = carve_workspace(&job, &own);
        run_piece(&job, (size_t)i, &w);
    }
    return DRIFT_OK;
}
