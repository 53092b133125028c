/* Convolution as products whose rows lie apart. Every element is one chain of fma in the order of the pieces, so the
 * choice of tile below cannot change a bit.
 *
 * A register tile is rows x vectors of sums; the rows' sources are gathered by a table of addresses, so that it costs
 * nothing where the pixels of a tile lie: any pixels that see the same kernel elements can share one. */
#include "kernel.h"
#include "row.h"
#include "transpose.h"

#if defined(DRIFT_ISA_avx512)
enum { ROWS = 14, VECS = 2 }; /* 28 sums of 32 registers */
#elif defined(DRIFT_ISA_c)
enum { ROWS = 2, VECS = 1 };
#else
enum { ROWS = 6, VECS = 1 }; /* avx2: 12 sums of 16 registers; neon: 24 of 32 */
#endif
enum { WIDTH = DRIFT_CONV_PANEL };

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif PARTS == 16
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* ---- panels ---- */

static void panel_along(size_t k, size_t n, const float *w, ptrdiff_t w_row, float *panel)
{
    for (size_t p = 0; p < k; p++, w += w_row, panel += WIDTH)
        for (size_t j = 0; j < WIDTH; j += LANES)
            vec_store(panel + j, j < n ? row_load(w + j, n - j, 0) : vec_zero());
}

static void panel_across(size_t k, size_t n, const float *w, ptrdiff_t w_col, float *panel)
{
    for (size_t p = 0; p < k; p += LANES)
        for (size_t j = 0; j < WIDTH; j += LANES) {
            vec block[LANES];
            for (size_t i = 0; i < LANES; i++)
                block[i] = j + i < n ? row_load(w + (ptrdiff_t)(j + i) * w_col + p, k - p, 0) : vec_zero();
            vec_transpose(block);
            for (size_t i = 0; i < LANES && p + i < k; i++)
                vec_store(panel + (p + i) * WIDTH + j, block[i]);
        }
}

void K(conv_panel)(size_t k, size_t n, const float *w, ptrdiff_t w_row, ptrdiff_t w_col, float *panel)
{
    if (w_col == 1)
        panel_along(k, n, w, w_row, panel);
    else
        panel_across(k, n, w, w_col, panel);
}

/* ---- tiles ---- */

struct tile {
    size_t n; /* columns: ragged where they do not fill the vectors */
    size_t pieces;
    const struct drift_conv_piece *piece;
    const ptrdiff_t *x_at, *y_at;
    ptrdiff_t x_step;
    const float *x, *panel, *bias;
    int go_on; /* the chain begins from y, not from 0 */
    float *y;
};

static inline __attribute__((always_inline)) void tile(int rows, int vecs, const struct tile *t)
{
    vec sum[ROWS][VECS];
    const float *row[ROWS];
    const ptrdiff_t step = t->x_step;
    UNROLL for (int i = 0; i < rows; i++)
    {
        row[i] = t->x + t->x_at[i];
        UNROLL for (int v = 0; v < vecs; v++)
        {
            __builtin_prefetch(t->y + t->y_at[i] + v * LANES, 1);
            sum[i][v] = vec_zero();
        }
    }
    if (t->go_on)
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vecs; v++) sum[i][v] =
            row_load(t->y + t->y_at[i] + v * LANES, t->n - (size_t)v * LANES, 0);
    for (size_t s = 0; s < t->pieces; s++) {
        const float *w = t->panel + t->piece[s].w * WIDTH;
        ptrdiff_t at = t->piece[s].x;
        for (size_t p = t->piece[s].length; p; p--, at += step, w += WIDTH) {
            vec b[VECS];
            UNROLL for (int v = 0; v < vecs; v++) b[v] = vec_load(w + v * LANES);
            UNROLL for (int i = 0; i < rows; i++)
            {
                const vec a = vec_set1(row[i][at]);
                UNROLL for (int v = 0; v < vecs; v++) sum[i][v] = vec_fma(a, b[v], sum[i][v]);
            }
        }
    }
    if (t->bias)
        UNROLL for (int v = 0; v < vecs; v++)
        {
            const vec bias = row_load(t->bias + v * LANES, t->n - (size_t)v * LANES, 0);
            UNROLL for (int i = 0; i < rows; i++) sum[i][v] = vec_add(sum[i][v], bias);
        }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vecs; v++)
        row_store(t->y + t->y_at[i] + v * LANES, t->n - (size_t)v * LANES, sum[i][v]);
}

/* A function per size of tile: tiles[rows - 1][vectors - 1]. */
typedef void tile_function(const struct tile *);
/* clang-format off */
#define TILE(rows, vecs) static void tile_##rows##x##vecs(const struct tile *t) { tile(rows, vecs, t); }
#if defined(DRIFT_ISA_avx512)
#define BOTH(rows) TILE(rows, 1) TILE(rows, 2)
#define NAMES(rows) {tile_##rows##x1, tile_##rows##x2}
BOTH(1) BOTH(2) BOTH(3) BOTH(4) BOTH(5) BOTH(6) BOTH(7) BOTH(8) BOTH(9) BOTH(10) BOTH(11) BOTH(12) BOTH(13) BOTH(14)
static tile_function *const tiles[ROWS][VECS] = {
    NAMES(1), NAMES(2), NAMES(3), NAMES(4), NAMES(5), NAMES(6), NAMES(7),
    NAMES(8), NAMES(9), NAMES(10), NAMES(11), NAMES(12), NAMES(13), NAMES(14)};
#elif defined(DRIFT_ISA_c)
TILE(1, 1) TILE(2, 1)
static tile_function *const tiles[ROWS][VECS] = {{tile_1x1}, {tile_2x1}};
#else
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
static tile_function *const tiles[ROWS][VECS] = {
    {tile_1x1}, {tile_2x1}, {tile_3x1}, {tile_4x1}, {tile_5x1}, {tile_6x1}};
#endif
/* clang-format on */

void K(conv_rows)(size_t m, size_t n, size_t pieces, const struct drift_conv_piece *piece, const ptrdiff_t *x_at,
                  ptrdiff_t x_step, const float *x, const float *panel, const float *bias, int accumulate,
                  const ptrdiff_t *y_at, float *y)
{
    const size_t parts = (m + ROWS - 1) / ROWS;
    for (size_t q = 0; q < parts; q++) {
        const size_t i = m * q / parts, rows = m * (q + 1) / parts - i;
        for (size_t j = 0; j < n; j += VECS * LANES) {
            const size_t columns = n - j < VECS * LANES ? n - j : VECS * LANES;
            const struct tile t = {
                columns,    pieces, piece, x_at + i, y_at + i, x_step, x, panel + j, bias ? bias + j : NULL,
                accumulate, y + j};
            tiles[rows - 1][(columns - 1) / LANES](&t);
        }
    }
}

/* ---- depthwise ---- */

enum { PIXELS = PARTS == 16 ? 1 : 12 / PARTS, CHANNELS = PARTS == 16 ? 1 : 8 / PARTS };

struct pixels {
    size_t left, pieces, w_row;
    const struct drift_conv_piece *piece;
    const ptrdiff_t *x_at, *y_at;
    const float *x, *w, *bias;
    int go_on;
    float *y;
};

/* Sixteen channels (fewer at the end of a row) of some pixels. */
static inline __attribute__((always_inline)) void depthwise(int rows, size_t left, const struct pixels *t)
{
    vec sum[PIXELS];
    UNROLL for (int i = 0; i < rows; i++) sum[i] = t->go_on ? row_load(t->y + t->y_at[i], left, 0) : vec_zero();
    for (size_t s = 0; s < t->pieces; s++) {
        const float *const x = t->x + t->piece[s].x;
        const vec w = row_load(t->w + t->piece[s].w * t->w_row, left, 0);
        UNROLL for (int i = 0; i < rows; i++) sum[i] = vec_fma(row_load(x + t->x_at[i], left, 0), w, sum[i]);
    }
    const vec bias = t->bias ? row_load(t->bias, left, 0) : vec_zero();
    UNROLL for (int i = 0; i < rows; i++) row_store(t->y + t->y_at[i], left, t->bias ? vec_add(sum[i], bias) : sum[i]);
}

#define PIXELS_TILE(rows)                                                                                              \
    static void depthwise_##rows(const struct pixels *t)                                                               \
    {                                                                                                                  \
        if (t->left >= LANES)                                                                                          \
            depthwise(rows, LANES, t);                                                                                 \
        else                                                                                                           \
            depthwise(rows, t->left, t);                                                                               \
    }
typedef void pixels_function(const struct pixels *);
/* clang-format off */
PIXELS_TILE(1)
#if PARTS <= 4
PIXELS_TILE(2) PIXELS_TILE(3)
#endif
#if PARTS <= 2
PIXELS_TILE(4) PIXELS_TILE(5) PIXELS_TILE(6)
#endif
#if PARTS == 1
PIXELS_TILE(7) PIXELS_TILE(8) PIXELS_TILE(9) PIXELS_TILE(10) PIXELS_TILE(11) PIXELS_TILE(12)
#endif
static pixels_function *const pixels_tiles[PIXELS] = {
    depthwise_1,
#if PARTS <= 4
    depthwise_2, depthwise_3,
#endif
#if PARTS <= 2
    depthwise_4, depthwise_5, depthwise_6,
#endif
#if PARTS == 1
    depthwise_7, depthwise_8, depthwise_9, depthwise_10, depthwise_11, depthwise_12,
#endif
};
/* clang-format on */

void K(depthwise_rows)(size_t m, size_t n, size_t pieces, const struct drift_conv_piece *piece, const ptrdiff_t *x_at,
                       const float *x, const float *w, size_t w_row, const float *bias, int accumulate,
                       const ptrdiff_t *y_at, float *y)
{
    const size_t parts = (m + PIXELS - 1) / PIXELS;
    for (size_t j = 0; j < n; j += LANES)
        for (size_t q = 0; q < parts; q++) {
            const size_t i = m * q / parts, rows = m * (q + 1) / parts - i;
            const struct pixels t = {
                n - j,      pieces, w_row, piece, x_at + i, y_at + i, x + j, w + j, bias ? bias + j : NULL,
                accumulate, y + j};
            pixels_tiles[rows - 1](&t);
        }
}

struct gradient {
    size_t left, pieces, dy_row;
    const struct drift_conv_piece *piece;
    ptrdiff_t x_step;
    const float *x, *dy;
    int go_on;
    float *dw;
};

static inline __attribute__((always_inline)) void gradient(int vecs, int whole, const struct gradient *t)
{
    const size_t left = whole ? CHANNELS * LANES : t->left;
    vec sum[CHANNELS];
    UNROLL for (int v = 0; v < vecs; v++) sum[v] =
        t->go_on ? row_load(t->dw + v * LANES, left - (size_t)v * LANES, 0) : vec_zero();
    for (size_t s = 0; s < t->pieces; s++) {
        const float *x = t->x + t->piece[s].x, *dy = t->dy + t->piece[s].w * t->dy_row;
        for (size_t p = t->piece[s].length; p; p--, x += t->x_step, dy += t->dy_row)
            UNROLL for (int v = 0; v < vecs; v++) sum[v] =
                vec_fma(row_load(x + v * LANES, left - (size_t)v * LANES, 0),
                        row_load(dy + v * LANES, left - (size_t)v * LANES, 0), sum[v]);
    }
    UNROLL for (int v = 0; v < vecs; v++) row_store(t->dw + v * LANES, left - (size_t)v * LANES, sum[v]);
}

static void gradient_whole(const struct gradient *t) { gradient(CHANNELS, 1, t); }
static void gradient_one(const struct gradient *t) { gradient(1, 0, t); }

void K(depthwise_gradient)(size_t n, size_t pieces, const struct drift_conv_piece *piece, ptrdiff_t x_step,
                           const float *x, size_t dy_row, const float *dy, int accumulate, float *dw)
{
    for (size_t j = 0; j < n;) {
        const int whole = n - j >= CHANNELS * LANES;
        const struct gradient t = {n - j, pieces, dy_row, piece, x_step, x + j, dy + j, accumulate, dw + j};
        (whole ? gradient_whole : gradient_one)(&t);
        j += whole ? CHANNELS * LANES : LANES;
    }
}
