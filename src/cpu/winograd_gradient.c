/* The kernel's gradient of 3 x 3 convolutions by F(2 x 2, 3 x 3): dkernel = G^T [sum over tiles of V * (A d A^T)] G,
 * * element by element, V the transformed source and d the tile's dy.
 *
 *   for some source channels and some panels of dy's channels (a thread takes them)
 *     for a block of tiles                                     winograd_source: V, 16 matrices [tiles, channels]
 *       for a panel of DRIFT_CONV_PANEL channels of dy         winograd_spread: Z, 16 matrices [tiles, panel]
 *         16 products dU += V^T Z                              conv_rows with a row for each source channel
 *     dkernel                                                  winograd_gather
 *
 * An element of dU is one chain over all tiles: no choice of blocks, parts or threads can change a bit. */
#include <omp.h>

#include "cpu/conv_plan.h"
#include "cpu/winograd.h"

enum { ELEMENTS = WINOGRAD_ELEMENTS, TILES = 84, CHANNELS = 64 };

struct job {
    struct winograd_grid grid;
    size_t in, out, panels;
    size_t blocks, in_parts, out_parts;
    size_t pitch, v_step, z_step, u_step; /* V's rows; the matrices of V, Z and dU */
    int accumulate;
    const real *x, *dy;
    real *dkernel;
};

struct workspace {
    ptrdiff_t *x_at, *dy_at; /* [tiles][16], [tiles][4] */
    ptrdiff_t *v_at, *u_at;  /* of source channels */
    real *v, *z, *u;         /* u: dU of all panels of a part */
};

static size_t part_of(size_t n, size_t parts, size_t i) { return n * i / parts; }

static size_t most_of(size_t n, size_t parts) { return (n + parts - 1) / parts; }

static struct workspace carve_workspace(const struct job *job, struct carver *c)
{
    const size_t tiles = most_of(job->grid.tiles, job->blocks), channels = most_of(job->in, job->in_parts);
    struct workspace w;
    w.x_at = CPU(carve)(c, tiles * ELEMENTS * sizeof *w.x_at);
    w.dy_at = CPU(carve)(c, tiles * 4 * sizeof *w.dy_at);
    w.v_at = CPU(carve)(c, channels * sizeof *w.v_at);
    w.u_at = CPU(carve)(c, channels * sizeof *w.u_at);
    w.v = CPU(carve)(c, ELEMENTS * job->v_step * sizeof *w.v);
    w.z = CPU(carve)(c, ELEMENTS * job->z_step * sizeof *w.z);
    w.u = CPU(carve)(c, most_of(job->panels, job->out_parts) * ELEMENTS * job->u_step * sizeof *w.u);
    return w;
}

/* What a thread takes: source channels, and panels of dy's channels. */
struct share {
    size_t from, channels, first, last;
};

/* Columns of a panel. */
static size_t columns_of(const struct job *job, size_t panel)
{
    const size_t left = job->out - panel * DRIFT_CONV_PANEL;
    return left < DRIFT_CONV_PANEL ? left : DRIFT_CONV_PANEL;
}

static void add_block(const struct job *job, const struct share *s, size_t block, const struct workspace *w)
{
    const size_t first = part_of(job->grid.tiles, job->blocks, block);
    const size_t tiles = part_of(job->grid.tiles, job->blocks, block + 1) - first;
    for (size_t i = 0; i < tiles; i++) {
        CPU(winograd_sources)(&job->grid, first + i, job->in, w->x_at + ELEMENTS * i);
        CPU(winograd_destinations)(&job->grid, first + i, job->out, w->dy_at + 4 * i);
    }
    kernels()->winograd_source(tiles, s->channels, w->x_at, job->x + s->from, job->pitch, job->v_step, w->v);
    for (size_t panel = s->first; panel < s->last; panel++) {
        real *const u = w->u + (panel - s->first) * ELEMENTS * job->u_step;
        kernels()->winograd_spread(tiles, columns_of(job, panel), w->dy_at, job->dy + panel * DRIFT_CONV_PANEL,
                                   job->z_step, w->z);
        for (size_t t = 0; t < ELEMENTS; t++) {
            const struct drift_conv_piece piece = {(ptrdiff_t)(t * job->v_step), 0, tiles};
            kernels()->conv_rows(s->channels, DRIFT_CONV_PANEL, 1, &piece, w->v_at, (ptrdiff_t)job->pitch, w->v,
                                 w->z + t * job->z_step, NULL, block > 0, w->u_at, u + t * job->u_step);
        }
    }
}

static void run_share(const struct job *job, const struct share *s, const struct workspace *w)
{
    for (size_t i = 0; i < s->channels; i++) {
        w->v_at[i] = (ptrdiff_t)i;
        w->u_at[i] = (ptrdiff_t)(i * DRIFT_CONV_PANEL);
    }
    for (size_t block = 0; block < job->blocks; block++)
        add_block(job, s, block, w);
    for (size_t panel = s->first; panel < s->last; panel++)
        kernels()->winograd_gather(s->channels, columns_of(job, panel), job->u_step,
                                   w->u + (panel - s->first) * ELEMENTS * job->u_step, job->accumulate,
                                   job->in * job->out, job->out,
                                   job->dkernel + s->from * job->out + panel * DRIFT_CONV_PANEL);
}

static drift_status run(const struct job *job, size_t threads)
{
    struct carver c = {0};
    carve_workspace(job, &c);
    const size_t bytes = c.used;
    if (!(c.memory = CPU(scratch)(threads * bytes)))
        return drift_fail(DRIFT_NO_MEMORY, "conv2d: no memory for %zu bytes", threads * bytes);
#pragma omp parallel for num_threads((int)threads) schedule(dynamic) if (threads > 1)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)(job->in_parts * job->out_parts); i++) {
        struct carver own = {c.memory, (size_t)omp_get_thread_num() * bytes};
        const struct workspace w = carve_workspace(job, &own);
        const size_t in = (size_t)i % job->in_parts, out = (size_t)i / job->in_parts;
        struct share s = {part_of(job->in, job->in_parts, in), 0, part_of(job->panels, job->out_parts, out),
                          part_of(job->panels, job->out_parts, out + 1)};
        s.channels = part_of(job->in, job->in_parts, in + 1) - s.from;
        run_share(job, &s, &w);
    }
    return DRIFT_OK;
}

drift_status CPU(winograd_backward_kernel)(const drift_tensor *x, const drift_tensor *dy, int accumulate,
                                           drift_tensor *dkernel)
{
    struct job job = {.grid = CPU(winograd_grid)(x), .in = x->size[3], .out = dy->size[3], .accumulate = accumulate};
    const size_t threads = (size_t)omp_get_max_threads();
    job.x = x->data;
    job.dy = dy->data;
    job.dkernel = dkernel->data;
    job.panels = most_of(job.out, DRIFT_CONV_PANEL);
    job.blocks = most_of(job.grid.tiles, TILES);
    job.in_parts = most_of(job.in, CHANNELS);
    job.out_parts = 1;
    while (job.in_parts * job.out_parts % threads && job.out_parts < job.panels)
        job.out_parts++;
    job.pitch = CPU(winograd_pitch)(most_of(job.in, job.in_parts));
    job.v_step = CPU(winograd_step)(most_of(job.grid.tiles, job.blocks), job.pitch);
    job.z_step = CPU(winograd_step)(most_of(job.grid.tiles, job.blocks), DRIFT_CONV_PANEL);
    job.u_step = CPU(winograd_step)(most_of(job.in, job.in_parts), DRIFT_CONV_PANEL);
    return run(&job, threads);
}
