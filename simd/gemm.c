/* Matrix product: c[i][j] = bias[j] + chain over p = 0, 1, ... k - 1 of fma(a[i][p], b[p][j], .), from 0 or from
 * c[i][j].
 *
 * Every element is that one chain and nothing else, so no choice made below (tile, panel, block, which operand lies
 * along the lanes) can change a bit of it.
 *
 *   for rows i of a MAX_BLOCK_ROWS block              a block of A stays in the second cache
 *     for a depth-block of k                          later ones load c and go on with its chain
 *       for a panel of `width` columns                B packed as panel[p][width], zero beyond n
 *         for a tile of rows x width                  sums in registers
 *
 * A is read where it lies, by strides, or from a copy in the workspace where that pays. B, packed for the first rows,
 * stays packed for the others where no copy of A takes the room and all of it fits.
 * While a tile is computed, what comes next is prefetched, a few lines with each link: all at once would keep what the
 * tile reads waiting. It is the next tile's c, the next panel of B, and the next block of A.
 * A product with few columns is computed as its transpose, so that the long side lies along the lanes. */
#include <string.h>

#include "kernel.h"
#include "transpose.h"

/* Register tiles, in rows x vectors of 16: the tall one, and the flat one for products of few rows. */
#if defined(DRIFT_ISA_avx512)
enum { ROWS = 14, VECS = 2, FLAT_ROWS = 6, FLAT_VECS = 4 }; /* of 32 registers: 28, 24 sums */
#elif defined(DRIFT_ISA_avx2)
enum { ROWS = 6, VECS = 1, FLAT_ROWS = 3, FLAT_VECS = 2 }; /* of 16 registers: 12 sums */
#elif defined(DRIFT_ISA_neon)
enum { ROWS = 6, VECS = 1, FLAT_ROWS = 3, FLAT_VECS = 2 }; /* of 32 registers: 24 sums */
#else
enum { ROWS = 2, VECS = 1, FLAT_ROWS = 1, FLAT_VECS = 1 };
#endif

enum {
    MAX_BLOCK_ROWS = 336,
    MAX_DEPTH = 384,
    FLAT_DEPTH = 64, /* a panel of the flat tile is used once: it stays in the first cache */
    PANEL_FLOATS = MAX_DEPTH * FLAT_VECS * LANES,
    CORNER_FLOATS = ROWS * FLAT_VECS * LANES,
    STORE_FLOATS = MAX_BLOCK_ROWS * (MAX_DEPTH + LANES),
    FEW_COLUMNS = 8,
    SHARE = 4, /* rows of A that share a pointer: distances to all would not fit in the registers */
    SHARES = (ROWS + SHARE - 1) / SHARE,
    PREFETCHES = 72,                     /* of a tile: c, 64 lines of a flat panel, some of A */
    PREFETCH_DEPTH = FLAT_DEPTH / 2 + 1, /* tiles of fewer links have time for c alone */
    PAGE_FLOATS = 1024                   /* rows a multiple of a page apart fall on the same few lines of the caches */
};
typedef char workspace_suffices[PANEL_FLOATS + CORNER_FLOATS + STORE_FLOATS <= DRIFT_GEMM_WORKSPACE ? 1 : -1];

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif PARTS == 16
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* With link p of so many: the tile's vectors at at[p step ...]. */
struct prefetch {
    const float *at;
    ptrdiff_t step;
    size_t links;
};

/* One register tile: rows of A at a[i a_row + p a_col], a panel of B at b[p b_row + j], whole vectors of c[i c_row +
 * j]; and what it prefetches. */
struct tile {
    size_t k;
    const float *a, *b, *bias;
    ptrdiff_t a_row, a_col, b_row, c_row;
    int go_on; /* the chain begins from c, not from 0 */
    float *c;
    const struct prefetch *prefetch;
    int prefetches;
};

/* Where the next link of the chains reads. */
struct place {
    const float *a[SHARES], *b;
};

static inline __attribute__((always_inline)) void links(int rows, int vecs, const struct tile *t, size_t k,
                                                        const struct prefetch *f, struct place *from,
                                                        vec sum[ROWS][FLAT_VECS])
{
    const ptrdiff_t a_row = t->a_row, a_col = t->a_col, b_row = t->b_row, step = f ? f->step : 0;
    const float *at = f ? f->at : NULL;
    for (; k; k--, from->b += b_row) {
        vec y[FLAT_VECS];
        UNROLL for (int v = 0; f && v < vecs; v++) __builtin_prefetch(at + v * LANES);
        if (f)
            at += step;
        UNROLL for (int v = 0; v < vecs; v++) y[v] = vec_load(from->b + v * LANES);
        UNROLL for (int i = 0; i < rows; i++)
        {
            const vec x = vec_set1(from->a[i / SHARE][i % SHARE * a_row]);
            UNROLL for (int v = 0; v < vecs; v++) sum[i][v] = vec_fma(x, y[v], sum[i][v]);
        }
        UNROLL for (int i = 0; i < rows; i += SHARE) from->a[i / SHARE] += a_col;
    }
}

static inline __attribute__((always_inline)) void tile(int rows, int vecs, const struct tile *t)
{
    vec sum[ROWS][FLAT_VECS];
    const ptrdiff_t c_row = t->c_row;
    float *const c = t->c;
    struct place from = {.b = t->b};
    size_t left = t->k;
    UNROLL for (int i = 0; i < rows; i += SHARE) from.a[i / SHARE] = t->a + i * t->a_row;
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vecs; v++) sum[i][v] = vec_zero();
    if (t->go_on)
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vecs; v++) sum[i][v] =
            vec_load(c + i * c_row + v * LANES);
    for (int i = 0; i < t->prefetches && left; i++) {
        const size_t k = t->prefetch[i].links < left ? t->prefetch[i].links : left;
        links(rows, vecs, t, k, &t->prefetch[i], &from, sum);
        left -= k;
    }
    links(rows, vecs, t, left, NULL, &from, sum);
    if (t->bias)
        UNROLL for (int v = 0; v < vecs; v++)
        {
            const vec bias = vec_load(t->bias + v * LANES);
            UNROLL for (int i = 0; i < rows; i++) sum[i][v] = vec_add(sum[i][v], bias);
        }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vecs; v++)
        vec_store(c + i * c_row + v * LANES, sum[i][v]);
}

/* A function per size of tile: tiles[rows - 1][vectors - 1]. */
typedef void tile_function(const struct tile *);
/* clang-format off */
#define TILE(rows, vecs) static void tile_##rows##x##vecs(const struct tile *t) { tile(rows, vecs, t); }
#if defined(DRIFT_ISA_avx512)
#define TALL(rows) TILE(rows, 1) TILE(rows, 2)
#define FLAT(rows) TALL(rows) TILE(rows, 3) TILE(rows, 4)
#define TALL_NAMES(rows) {tile_##rows##x1, tile_##rows##x2, NULL, NULL}
#define FLAT_NAMES(rows) {tile_##rows##x1, tile_##rows##x2, tile_##rows##x3, tile_##rows##x4}
FLAT(1) FLAT(2) FLAT(3) FLAT(4) FLAT(5) FLAT(6) TALL(7) TALL(8) TALL(9) TALL(10) TALL(11) TALL(12) TALL(13) TALL(14)
static tile_function *const tiles[ROWS][FLAT_VECS] = {
    FLAT_NAMES(1), FLAT_NAMES(2), FLAT_NAMES(3), FLAT_NAMES(4), FLAT_NAMES(5), FLAT_NAMES(6), TALL_NAMES(7),
    TALL_NAMES(8), TALL_NAMES(9), TALL_NAMES(10), TALL_NAMES(11), TALL_NAMES(12), TALL_NAMES(13), TALL_NAMES(14)};
#elif defined(DRIFT_ISA_c)
TILE(1, 1) TILE(2, 1)
static tile_function *const tiles[ROWS][FLAT_VECS] = {{tile_1x1}, {tile_2x1}};
#else
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(1, 2) TILE(2, 2) TILE(3, 2)
static tile_function *const tiles[ROWS][FLAT_VECS] = {
    {tile_1x1, tile_1x2}, {tile_2x1, tile_2x2}, {tile_3x1, tile_3x2},
    {tile_4x1, NULL}, {tile_5x1, NULL}, {tile_6x1, NULL}};
#endif
/* clang-format on */

/* panel[p * width + j] = x[j * step + p * k_step], j < count; 0 for count <= j < width. width: whole vectors. */
static void pack_along(size_t count, size_t width, size_t k, const float *x, ptrdiff_t k_step, float *panel)
{
    for (size_t p = 0; p < k; p++, x += k_step, panel += width)
        for (size_t j = 0; j < width; j += LANES) {
            const ptrdiff_t left = (ptrdiff_t)count - (ptrdiff_t)j;
            vec_store(panel + j, left >= LANES ? vec_load(x + j) : vec_load_n(x + j, left, 0));
        }
}

/* Sixteen columns [p .. p + depth] of x, transposed: panel[i * width + j] = x[j * step + i]. */
static inline __attribute__((always_inline)) void pack_square(size_t count, size_t width, size_t depth, const float *x,
                                                              ptrdiff_t step, float *panel)
{
    vec block[LANES];
    for (size_t j = 0; j < LANES; j++) {
        const float *row = x + (ptrdiff_t)j * step;
        block[j] = j >= count ? vec_zero() : depth == LANES ? vec_load(row) : vec_load_n(row, (ptrdiff_t)depth, 0);
    }
    vec_transpose(block);
    for (size_t i = 0; i < depth; i++)
        vec_store(panel + i * width, block[i]);
}

static void pack_across(size_t count, size_t width, size_t k, const float *x, ptrdiff_t step, float *panel)
{
    for (size_t p = 0; p < k; p += LANES)
        for (size_t j = 0; j < width; j += LANES)
            pack_square(count > j ? count - j : 0, width, k - p < LANES ? k - p : LANES, x + (ptrdiff_t)j * step + p,
                        step, panel + p * width + j);
}

/* Rows a page apart drive one another out of the cache line by line: here they are first copied, a piece at a time. */
static void pack_pages(size_t count, size_t width, size_t k, const float *x, ptrdiff_t step, float *panel)
{
    enum { PIECE = 128, APART = PIECE + LANES };
    float copy[LANES * APART];
    for (size_t j = 0; j < width; j += LANES)
        for (size_t p = 0; p < k; p += PIECE) {
            const size_t depth = k - p < PIECE ? k - p : PIECE, rows = count > j ? count - j : 0;
            for (size_t i = 0; i < rows && i < LANES; i++)
                for (size_t q = 0; q < depth; q += LANES) {
                    const float *from = x + (ptrdiff_t)(j + i) * step + p + q;
                    vec_store(copy + i * APART + q,
                              depth - q < LANES ? vec_load_n(from, (ptrdiff_t)(depth - q), 0) : vec_load(from));
                }
            for (size_t q = 0; q < depth; q += LANES)
                pack_square(rows, width, depth - q < LANES ? depth - q : LANES, copy + q, APART,
                            panel + (p + q) * width + j);
        }
}

static void pack(size_t count, size_t width, size_t k, const float *x, ptrdiff_t step, ptrdiff_t k_step, float *panel)
{
    if (step == 1)
        pack_along(count, width, k, x, k_step, panel);
    else if (k_step == 1 && step % PAGE_FLOATS == 0)
        pack_pages(count, width, k, x, step, panel);
    else if (k_step == 1)
        pack_across(count, width, k, x, step, panel);
    else
        for (size_t p = 0; p < k; p++)
            for (size_t j = 0; j < width; j++)
                panel[p * width + j] = j < count ? x[(ptrdiff_t)j * step + (ptrdiff_t)p * k_step] : 0;
}

/* A matrix that is read soon, x[j step + p k_step], in lines of `length` numbers, `each` of them for a tile. */
struct ahead {
    const float *x;
    ptrdiff_t line;
    size_t lines, length, each;
};

static struct ahead ahead_of(size_t count, size_t k, const float *x, ptrdiff_t step, ptrdiff_t k_step, size_t tiles)
{
    struct ahead h = {x, step, count, k, 0};
    if (step == 1)
        h = (struct ahead){x, k_step, k, count, 0};
    else if (k_step != 1)
        h.lines = 0;
    h.each = (h.lines + tiles - 1) / tiles;
    return h;
}

/* The part of tile number q, whose vectors hold `width` numbers, goes on the list, which holds `used`; returns how many
 * it holds then. What it has no room for is not prefetched. */
static inline int prefetch_part(const struct ahead *h, size_t q, size_t width, struct prefetch *list, int used)
{
    const size_t first = q * h->each, end = first + h->each < h->lines ? first + h->each : h->lines;
    if (first < end && h->length <= width && used < PREFETCHES)
        list[used++] = (struct prefetch){h->x + (ptrdiff_t)first * h->line, h->line, end - first};
    for (size_t i = first; h->length > width && i < end && used < PREFETCHES; i++)
        list[used++] =
            (struct prefetch){h->x + (ptrdiff_t)i * h->line, (ptrdiff_t)width, (h->length + width - 1) / width};
    return used;
}

struct product {
    size_t m, n, k;
    const float *a, *b, *bias;
    ptrdiff_t a_row, a_col, b_row, b_col, c_row;
    int accumulate;
    int turned; /* c holds the transpose, c[j c_row + i], and bias goes along i */
    int copied; /* `store` holds the block's rows of A */
    int kept;   /* or all of B, packed for the first block of rows and read by the others */
    float *c, *panel, *corner, *store;
};

/* n cut into parts of at most `most`, nearly even: the first `longer` have size + 1. */
struct cut {
    size_t parts, size, longer;
};

static struct cut cut(size_t n, size_t most)
{
    const size_t parts = n > most ? (n + most - 1) / most : 1;
    return (struct cut){parts, n / parts, n % parts};
}

static size_t part_start(struct cut c, size_t i) { return i * c.size + (i < c.longer ? i : c.longer); }
static size_t part_size(struct cut c, size_t i) { return c.size + (i < c.longer); }

/* A tile that is turned or has a ragged right edge: computed in the corner, [rows][width], and carried over to c. */
static void run_aside(tile_function *run, const struct product *x, struct tile *t, size_t rows, size_t columns,
                      const float *bias)
{
    enum { WIDTH = FLAT_VECS * LANES };
    const ptrdiff_t row = x->turned ? 1 : x->c_row, col = x->turned ? x->c_row : 1;
    float *const c = t->c, *const corner = x->corner;
    for (size_t i = 0; t->go_on && i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            corner[i * WIDTH + j] = c[(ptrdiff_t)i * row + (ptrdiff_t)j * col];
    t->c = corner;
    t->c_row = WIDTH;
    t->bias = NULL;
    run(t);
    for (size_t i = 0; !x->turned && i < rows; i++)
        for (size_t j = 0; j < columns; j += LANES) {
            const ptrdiff_t left = (ptrdiff_t)(columns - j);
            const vec sum = vec_load(corner + i * WIDTH + j);
            vec_store_n(c + (ptrdiff_t)i * row + (ptrdiff_t)j, left,
                        bias ? vec_add(sum, vec_load_n(bias + j, left, 0)) : sum);
        }
    for (size_t i = 0; x->turned && i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const float sum = corner[i * WIDTH + j];
            c[(ptrdiff_t)i * row + (ptrdiff_t)j * col] = bias ? sum + bias[i] : sum;
        }
}

/* Whether tiles read a panel of B where it lies: one tile does, or its rows follow one another without a gap, or they
 * are few and fall on all lines of the first cache. */
static int in_place(const struct product *x, size_t columns, size_t depth, size_t tiles)
{
    const ptrdiff_t row = x->b_row;
    if (x->b_col != 1 || columns % LANES)
        return 0;
    return tiles == 1 || row == LANES || row == DRIFT_GEMM_PANEL || (depth <= 128 && row % (2 * LANES) == LANES);
}

static size_t whole_vectors(size_t n) { return (n + LANES - 1) / LANES * LANES; }

static size_t width_of(const struct product *x) { return (x->m <= FLAT_ROWS ? FLAT_VECS : VECS) * LANES; }

/* Some rows of A and links of the chains: `rows` from `from` on, cut into tiles, and depth links from `first` on. */
struct block {
    size_t from, first, depth, rows;
    struct cut tiles;
};

/* The number-th panel of columns, j .. j + columns, of a block of rows. */
struct panel {
    size_t j, columns, number;
    const float *b; /* where it lies, or packed */
    ptrdiff_t b_row;
};

static const float *rows_of(const struct product *x, const struct block *o)
{
    return x->a + (ptrdiff_t)o->from * x->a_row + (ptrdiff_t)o->first * x->a_col;
}

static const float *columns_of(const struct product *x, const struct block *o, size_t j)
{
    return x->b + (ptrdiff_t)o->first * x->b_row + (ptrdiff_t)j * x->b_col;
}

/* What tiles read after those of this panel: the next panel of B, or the first of the next block (NULL: none). */
static struct ahead next_panel(const struct product *x, const struct block *o, const struct block *next,
                               const struct panel *y)
{
    const size_t j = y->j + y->columns, width = width_of(x), left = j < x->n ? x->n - j : x->n;
    const struct block *of = j < x->n ? o : next;
    if (!of || (x->kept && of->from))
        return (struct ahead){0};
    return ahead_of(left < width ? left : width, of->depth, columns_of(x, of, j < x->n ? j : 0), x->b_col, x->b_row,
                    o->tiles.parts);
}

/* A of the next block, for all tiles of this one. */
static struct ahead next_rows(const struct product *x, const struct block *o, const struct block *next, size_t panels)
{
    if (!next)
        return (struct ahead){0};
    return ahead_of(next->rows, next->depth, rows_of(x, next), x->a_row, x->a_col, panels * o->tiles.parts);
}

/* Tile q of a panel, without what it prefetches. */
static struct tile tile_of(const struct product *x, const struct block *o, const struct panel *y, size_t q)
{
    const size_t start = part_start(o->tiles, q), i = o->from + start, j = y->j;
    struct tile t = {.k = o->depth, .b = y->b, .b_row = y->b_row, .a_col = x->a_col, .c_row = x->c_row};
    t.a_row = x->a_row;
    t.a = rows_of(x, o) + (ptrdiff_t)start * x->a_row;
    if (x->copied && x->a_col == 1) {
        t.a_row = (ptrdiff_t)(o->depth + LANES);
        t.a = x->store + (ptrdiff_t)start * t.a_row;
    } else if (x->copied) {
        t.a_col = (ptrdiff_t)part_size(o->tiles, q);
        t.a = x->store + start * o->depth;
    }
    t.go_on = o->first > 0 || x->accumulate;
    if (x->bias && o->first + o->depth == x->k)
        t.bias = x->bias + (x->turned ? i : j);
    t.c = x->c + (x->turned ? (ptrdiff_t)j * x->c_row + (ptrdiff_t)i : (ptrdiff_t)i * x->c_row + (ptrdiff_t)j);
    return t;
}

/* A block by one panel. */
static void panel(const struct product *x, const struct block *o, const struct block *next, const struct panel *y,
                  const struct ahead *rows_ahead)
{
    const size_t vecs = (y->columns + LANES - 1) / LANES, j = y->j + y->columns, tiles_now = o->tiles.parts;
    const int aside = x->turned || y->columns % LANES;
    const struct ahead panel_ahead = next_panel(x, o, next, y);
    const float *const after = j < x->n ? x->c + (ptrdiff_t)o->from * x->c_row + (ptrdiff_t)j
                               : next   ? x->c + (ptrdiff_t)next->from * x->c_row
                                        : NULL;
    struct prefetch list[PREFETCHES];
    for (size_t q = 0; q < tiles_now; q++) {
        const size_t rows = part_size(o->tiles, q);
        struct tile t = tile_of(x, o, y, q);
        t.prefetch = list;
        if (!aside && (q + 1 < tiles_now || after))
            list[t.prefetches++] =
                (struct prefetch){q + 1 < tiles_now ? t.c + (ptrdiff_t)rows * x->c_row : after, x->c_row, rows};
        if (o->depth >= PREFETCH_DEPTH) {
            t.prefetches = prefetch_part(&panel_ahead, q, vecs * LANES, list, t.prefetches);
            t.prefetches = prefetch_part(rows_ahead, y->number * tiles_now + q, vecs * LANES, list, t.prefetches);
        }
        tile_function *const run = tiles[rows - 1][vecs - 1];
        if (aside)
            run_aside(run, x, &t, rows, y->columns, t.bias);
        else
            run(&t);
    }
}

/* A of the block, to x->store: its rows, depth + LANES apart; or, where memory holds its columns, tile by tile the
 * tile's columns, one after another. */
static void copy(const struct product *x, const struct block *o)
{
    const float *const a = rows_of(x, o);
    for (size_t i = 0; x->a_col == 1 && i < o->rows; i++)
        memcpy(x->store + i * (o->depth + LANES), a + (ptrdiff_t)i * x->a_row, o->depth * sizeof *a);
    for (size_t p = 0; x->a_col != 1 && p < o->depth; p++)
        for (size_t q = 0; q < o->tiles.parts; q++) {
            const size_t start = part_start(o->tiles, q), rows = part_size(o->tiles, q);
            vec_store_n(x->store + start * o->depth + p * rows, (ptrdiff_t)rows,
                        vec_load_n(a + (ptrdiff_t)p * x->a_col + (ptrdiff_t)start, (ptrdiff_t)rows, 0));
        }
}

static void block(const struct product *x, const struct block *o, const struct block *next)
{
    const size_t width = width_of(x);
    if (x->copied)
        copy(x, o);
    const struct ahead rows_ahead = next_rows(x, o, next, (x->n + width - 1) / width);
    struct panel y = {0};
    for (; y.j < x->n; y.j += y.columns, y.number++) {
        y.b = columns_of(x, o, y.j);
        y.b_row = x->b_row;
        y.columns = x->n - y.j < width ? x->n - y.j : width;
        if (!in_place(x, y.columns, o->depth, o->tiles.parts)) {
            const size_t whole = whole_vectors(y.columns);
            float *const packed = x->kept ? x->store + y.j * x->k + o->first * whole : x->panel;
            if (!x->kept || !o->from) /* in_place() answers alike for all blocks: of many, each has several tiles */
                pack(y.columns, whole, o->depth, y.b, x->b_col, x->b_row, packed);
            y.b = packed;
            y.b_row = (ptrdiff_t)whole;
        }
        panel(x, o, next, &y, &rows_ahead);
    }
}

/* Whether A is read often enough, and its rows lie whole pages apart, or its columns, of which a tile reads more at
 * once, quarters of a page. */
static int copy_pays(const struct product *x)
{
    if (x->n < 4 * VECS * LANES)
        return 0;
    if (x->a_col == 1)
        return x->a_row % PAGE_FLOATS == 0;
    return x->a_row == 1 && x->a_col % (PAGE_FLOATS / 4) == 0 && x->a_col > PAGE_FLOATS / 4;
}

/* The number-th block: depth by depth of the first rows, then of the next. */
static struct block block_of(const struct product *x, struct cut rows, struct cut depths, size_t number)
{
    const size_t i = number / depths.parts, p = number % depths.parts;
    struct block o = {part_start(rows, i), part_start(depths, p), part_size(depths, p), .rows = part_size(rows, i)};
    o.tiles = cut(o.rows, x->m <= FLAT_ROWS ? FLAT_ROWS : ROWS);
    return o;
}

static void multiply(const struct product *x)
{
    const struct cut rows = cut(x->m, MAX_BLOCK_ROWS);
    const struct cut depths = cut(x->k, x->m <= FLAT_ROWS && x->b_col != 1 ? FLAT_DEPTH : MAX_DEPTH);
    const size_t blocks = rows.parts * depths.parts;
    struct block o = block_of(x, rows, depths, 0), next;
    for (size_t i = 1; i < blocks; i++, o = next) {
        next = block_of(x, rows, depths, i);
        block(x, &o, &next);
    }
    block(x, &o, NULL);
}

void K(gemm)(size_t m, size_t n, size_t k, const float *a, ptrdiff_t a_row, ptrdiff_t a_col, const float *b,
             ptrdiff_t b_row, ptrdiff_t b_col, const float *bias, int accumulate, float *workspace, float *c,
             ptrdiff_t c_row)
{
    if (!m || !n)
        return;
    struct product x = {m, n, k, a, b, bias, a_row, a_col, b_row, b_col, c_row, accumulate, .c = c};
    x.panel = workspace;
    x.corner = x.panel + PANEL_FLOATS;
    x.store = x.corner + CORNER_FLOATS;
    if (!k) /* no link reads them, and they may be NULL */
        x.a = x.b = workspace, x.a_row = x.a_col = x.b_row = x.b_col = 0;
    if (n <= FEW_COLUMNS && m > n) {
        x.m = n, x.a = b, x.a_row = b_col, x.a_col = b_row;
        x.n = m, x.b = a, x.b_row = a_col, x.b_col = a_row;
        x.turned = 1;
    }
    x.copied = copy_pays(&x);
    x.kept = !x.copied && x.m > MAX_BLOCK_ROWS && x.k <= STORE_FLOATS / whole_vectors(x.n);
    multiply(&x);
}
