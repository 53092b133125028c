/* The geometry of convolutions: see conv_plan.h. */
#include "cpu/conv_plan.h"

#include <string.h>

enum { LINE = 64 / sizeof(real), SLAB = 147456, FEW_PIXELS = 256, ALIGNMENT = 64 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* ---- one side ---- */

/* y's row i sees the rows i stride + k - padding of x, through kernel rows k. */
static struct conv_view forward(const struct conv_side *s, size_t i, size_t stride, size_t padding)
{
    const size_t at = i * stride, k = at < padding ? padding - at : 0;
    const size_t end = s->source + padding > at ? least(s->kernel, s->source + padding - at) : 0;
    return k < end ? (struct conv_view){at + k - padding, end - k, k, 0} : (struct conv_view){0};
}

/* dx's row i sees the rows o of dy with k = i + padding - o stride in the kernel: k falls as o grows. */
static struct conv_view backward(const struct conv_side *s, size_t i, size_t stride, size_t padding)
{
    const size_t at = i + padding;
    const size_t first = at < s->kernel ? 0 : (at - s->kernel) / stride + 1, end = least(s->source, at / stride + 1);
    return first < end ? (struct conv_view){first, end - first, s->kernel - 1 - (at - first * stride), 0}
                       : (struct conv_view){0};
}

static void fill_side(const struct conv_plan *p, struct conv_side *s)
{
    s->kinds = 0;
    for (size_t i = 0; i < s->destination; i++) {
        struct conv_view v = (p->turned ? backward : forward)(s, i, p->stride, p->padding);
        size_t same = 0;
        while (same < i && (s->view[same].count != v.count || s->view[same].place != v.place))
            same++;
        v.kind = same < i ? s->view[same].kind : s->kinds++;
        s->view[i] = v;
    }
    size_t n = 0;
    for (size_t kind = 0; kind < s->kinds; kind++) {
        s->start[kind] = n;
        for (size_t i = 0; i < s->destination; i++)
            if (s->view[i].kind == kind)
                s->order[n++] = i;
    }
    s->start[s->kinds] = n;
}

/* How many source rows n neighbouring destination rows see at most. */
static size_t most_sources(const struct conv_plan *p, size_t n)
{
    const size_t rows = p->turned ? (n + p->rows.kernel) / p->stride + 1 : n * p->stride + p->rows.kernel;
    return least(rows, p->rows.source);
}

/* ---- the plan ---- */

static size_t odd_lines(size_t n) { return n % (2 * LINE) == 0 ? n + LINE : n; }

static size_t lines_of(const struct conv_plan *p) { return p->batch * p->rows.destination; }

/* Blocks whose slab stays in the second cache, beside a panel. A multiple of `parallel`, unless blocks would be so
 * small that packing panels for each shows. */
static size_t blocks_for(const struct conv_plan *p, size_t parallel)
{
    const size_t lines = lines_of(p), height = p->rows.destination, image = p->rows.source * p->row;
    size_t most = height; /* lines of a block */
    if (image > SLAB)
        while (most > 1 && most_sources(p, most) * p->row > SLAB)
            most--;
    else if (image)
        most *= SLAB / image;
    const size_t blocks = lines ? (lines + most - 1) / most : 1, even = (blocks + parallel - 1) / parallel * parallel;
    const int small = !p->depthwise && lines * p->columns.destination / even < FEW_PIXELS;
    return even > lines || small ? blocks : even;
}

struct conv_plan CPU(conv_plan)(const drift_conv *conv, int turned, const drift_tensor *x, const drift_tensor *kernel,
                                const drift_tensor *y, size_t parallel)
{
    const drift_tensor *source = turned ? y : x, *destination = turned ? x : y;
    struct conv_plan p = {.batch = x->size[0], .stride = conv->stride, .padding = conv->padding, .turned = turned};
    p.rows = (struct conv_side){.source = source->size[1], .destination = destination->size[1]};
    p.columns = (struct conv_side){.source = source->size[2], .destination = destination->size[2]};
    p.rows.kernel = kernel->size[0];
    p.columns.kernel = kernel->size[1];
    p.source_channels = source->size[3];
    p.channels = destination->size[3];
    p.depthwise = conv->groups != 1;
    p.terms = p.depthwise ? 1 : p.source_channels;
    p.step = turned ? conv->stride : 1;
    p.pixel = p.source_channels % LINE ? p.source_channels : odd_lines(p.source_channels);
    p.row = p.columns.source * p.pixel;
    p.row = p.row % LINE ? p.row : odd_lines(p.row);
    p.blocks = blocks_for(&p, parallel);
    return p;
}

void *CPU(carve)(struct carver *c, size_t bytes)
{
    void *p = c->memory ? c->memory + c->used : NULL;
    c->used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return p;
}

static void carve_side(struct conv_side *s, struct carver *c)
{
    s->view = CPU(carve)(c, s->destination * sizeof *s->view);
    s->order = CPU(carve)(c, s->destination * sizeof *s->order);
    s->start = CPU(carve)(c, (s->destination + 1) * sizeof *s->start);
}

void CPU(conv_plan_carve)(struct conv_plan *p, struct carver *c)
{
    carve_side(&p->rows, c);
    carve_side(&p->columns, c);
}

void CPU(conv_plan_fill)(struct conv_plan *p)
{
    fill_side(p, &p->rows);
    fill_side(p, &p->columns);
}

/* ---- blocks ---- */

/* A view has at most kernel + 1 counts and kernel places. */
static size_t most_kinds(const struct conv_side *s) { return least(s->destination, s->kernel * (s->kernel + 1)); }

void CPU(conv_plan_carve_block)(const struct conv_plan *p, struct carver *c, struct conv_block *b)
{
    const size_t height = p->rows.destination, lines = (lines_of(p) + p->blocks - 1) / p->blocks;
    const size_t pixels = lines * p->columns.destination, images = height ? lines / height + 2 : 0;
    const size_t rows = least(images * most_sources(p, least(lines, height)), p->batch * p->rows.source);
    b->slab = CPU(carve)(c, rows * p->row * sizeof *b->slab);
    b->source_at = CPU(carve)(c, pixels * sizeof *b->source_at);
    b->destination_at = CPU(carve)(c, pixels * sizeof *b->destination_at);
    b->class_at = CPU(carve)(c, (most_kinds(&p->rows) * most_kinds(&p->columns) + 1) * sizeof *b->class_at);
}

/* A part of a block that lies in one image: destination rows, and the source rows that they see. */
struct part {
    size_t image, from, to, first, sources;
};

static struct part part_from(const struct conv_plan *p, size_t line, size_t end)
{
    const size_t height = p->rows.destination, image = line / height;
    struct part part = {image, line % height, least(end - image * height, height), 0, 0};
    for (size_t i = part.from; i < part.to; i++) { /* first, and first + count, rise with i */
        const struct conv_view *v = p->rows.view + i;
        if (v->count && !part.sources)
            part.first = v->first;
        if (v->count)
            part.sources = v->first + v->count - part.first;
    }
    return part;
}

static void copy_row(const struct conv_plan *p, const real *source, real *slab)
{
    const size_t channels = p->source_channels;
    if (p->pixel == channels) {
        memcpy(slab, source, p->columns.source * channels * sizeof *slab);
        return;
    }
    for (size_t i = 0; i < p->columns.source; i++)
        memcpy(slab + i * p->pixel, source + i * channels, channels * sizeof *slab);
}

/* Appends the pixels of a class of one line, whose sources begin at `slab`, after the first n. */
static size_t append(const struct conv_plan *p, size_t line, size_t slab, size_t kind, size_t n,
                     const struct conv_block *b)
{
    const struct conv_side *s = &p->columns;
    for (size_t k = s->start[kind]; k < s->start[kind + 1]; k++) {
        const size_t column = s->order[k];
        b->source_at[n] = (ptrdiff_t)(slab + s->view[column].first * p->pixel);
        b->destination_at[n++] = (ptrdiff_t)((line * s->destination + column) * p->channels);
    }
    return n;
}

void CPU(conv_plan_fill_block)(const struct conv_plan *p, size_t number, const real *source, struct conv_block *b)
{
    const size_t lines = lines_of(p);
    size_t n = 0, class = 0, slab = 0;
    b->from = lines * number / p->blocks;
    b->to = lines * (number + 1) / p->blocks;
    for (; class < p->rows.kinds * p->columns.kinds; class ++) {
        b->class_at[class] = n;
        slab = 0;
        for (size_t line = b->from; line < b->to;) {
            const struct part part = part_from(p, line, b->to);
            for (size_t i = part.from; i < part.to; i++, line++) {
                const struct conv_view *v = p->rows.view + i;
                if (v->kind == class / p->columns.kinds)
                    n = append(p, line, slab + (v->count ? v->first - part.first : 0) * p->row,
                               class % p->columns.kinds, n, b);
            }
            slab += part.sources * p->row;
        }
    }
    b->class_at[class] = n;
    slab = 0;
    for (size_t line = b->from; line < b->to;) {
        const struct part part = part_from(p, line, b->to);
        for (size_t i = 0; i < part.sources; i++, slab += p->row)
            copy_row(p,
                     source + (part.image * p->rows.source + part.first + i) * p->columns.source * p->source_channels,
                     b->slab + slab);
        line += part.to - part.from;
    }
}

size_t CPU(conv_plan_pieces)(const struct conv_plan *p, size_t class, size_t first, size_t last,
                             struct drift_conv_piece *piece)
{
    const struct conv_view *rows = p->rows.view + p->rows.order[p->rows.start[class / p->columns.kinds]];
    const struct conv_view *columns = p->columns.view + p->columns.order[p->columns.start[class % p->columns.kinds]];
    const int together = !p->depthwise && p->pixel == p->source_channels && p->step == 1;
    const size_t joined = together && columns->count ? columns->count : 1;
    size_t n = 0;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t j = 0; j < columns->count; j += joined) {
            const size_t place = (rows->place + i * p->step) * p->columns.kernel + columns->place + j * p->step;
            const size_t from = place * p->terms, to = least(from + joined * p->terms, last);
            const size_t cut = from < first ? first - from : 0;
            if (from + cut < to)
                piece[n++] = (struct drift_conv_piece){(ptrdiff_t)(i * p->row + j * p->pixel + cut), from + cut - first,
                                                       to - from - cut};
        }
    return n;
}
