/* The field of all three forms, a second time: from elementary ops on a tape in double, so that its gradient is there
 * too, each step as the spec has it (spec: drifting) or as a known mistake has it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "golden/mistakes.h"

/* A call. Tensors of all batches lie one after the other; those of a batch are cut out as they are needed. */
struct call {
    drift_tape *tape;
    const drift_field_config *config;
    uint64_t mistakes;
    size_t batches, generated, positives, negatives, dim;
    drift_tensor *gen, *pos, *neg; /* [1, all numbers]; neg NULL where there are none */
    double *w_gen, *w_pos, *w_neg; /* ones where the caller has none */
};

static int makes(const struct call *c, uint64_t mistake) { return (c->mistakes & mistake) != 0; }
#define MAKES(c, bit) makes(c, DRIFT_MISTAKE(bit))

/* ---- small steps on the tape ---- */

static drift_tensor *shaped(struct call *c, drift_tensor *x, size_t rows, size_t columns)
{
    return drift_reshape(c->tape, x, 2, (const size_t[]){rows, columns});
}

static drift_tensor *constant(struct call *c, size_t rows, size_t columns, const double *values)
{
    return drift_tape_input_doubles(c->tape, 2, (const size_t[]){rows, columns}, values, 0);
}

static drift_tensor *filled(struct call *c, size_t rows, size_t columns, double value)
{
    drift_tensor *x = drift_tape_tensor(c->tape, 2, (const size_t[]){rows, columns});
    const drift_backend *b = drift_tape_backend(c->tape);
    if (!drift_tape_failed(c->tape))
        drift_tape_check(c->tape, b->fill(b, value, x), "field");
    return x;
}

static drift_tensor *transposed(struct call *c, drift_tensor *x)
{
    const size_t rows = x->size[0], columns = x->size[1];
    x = drift_reshape(c->tape, x, 4, (const size_t[]){1, rows, columns, 1});
    return shaped(c, drift_swap(c->tape, x), columns, rows);
}

/* a_i + b_j of columns a [n, 1] and b [m, 1]; and a_i in every column. */
static drift_tensor *outer_sum(struct call *c, drift_tensor *a, drift_tensor *b)
{
    return drift_add(c->tape, drift_matmul(c->tape, 0, 1, a, filled(c, b->size[0], 1, 1)),
                     drift_matmul(c->tape, 0, 1, filled(c, a->size[0], 1, 1), b));
}

static drift_tensor *in_columns(struct call *c, drift_tensor *a, size_t columns)
{
    return drift_matmul(c->tape, 0, 1, a, filled(c, columns, 1, 1));
}

/* max(x, least), its gradient that of x where x is larger. */
static drift_tensor *at_least(struct call *c, drift_tensor *x, double least)
{
    const size_t n = drift_tensor_elements(x), rows = x->size[0], columns = x->size[1];
    double *values = malloc(2 * n * sizeof *values + 1), *rest = values + n;
    if (!values)
        return drift_tape_fail(c->tape, DRIFT_NO_MEMORY, "field: no memory");
    if (!drift_tape_failed(c->tape))
        drift_tape_check(c->tape, drift_tensor_read_doubles(x, values), "field");
    for (size_t i = 0; i < n && !drift_tape_failed(c->tape); i++) {
        const int larger = values[i] > least;
        rest[i] = larger ? 0 : least;
        values[i] = larger;
    }
    drift_tensor *y =
        drift_add(c->tape, drift_mul(c->tape, x, constant(c, rows, columns, values)), constant(c, rows, columns, rest));
    free(values);
    return y;
}

/* x times the number s [1, 1]; and 1 / s, s > 0. */
static drift_tensor *times(struct call *c, drift_tensor *x, drift_tensor *s)
{
    const size_t rows = x->size[0], columns = x->size[1];
    return shaped(c, drift_matmul(c->tape, 0, 0, shaped(c, x, rows * columns, 1), s), rows, columns);
}

static drift_tensor *inverse(struct call *c, drift_tensor *s)
{
    return drift_unary(c->tape, DRIFT_EXP, drift_scale(c->tape, -1, drift_unary(c->tape, DRIFT_LOG, s)));
}

static drift_tensor *root(struct call *c, drift_tensor *x) { return drift_unary(c->tape, DRIFT_SQRT, x); }

/* The mean of all of x, [1, 1]. */
static drift_tensor *mean(struct call *c, drift_tensor *x)
{
    return shaped(c, drift_reduce(c->tape, DRIFT_MEAN, shaped(c, x, 1, drift_tensor_elements(x))), 1, 1);
}

static drift_tensor *columns(struct call *c, drift_tensor *x, size_t first, size_t count)
{
    return drift_slice(c->tape, first, count, x);
}

static drift_tensor *side_by_side(struct call *c, drift_tensor *a, drift_tensor *b)
{
    return a && b ? drift_concat(c->tape, a, b) : a ? a : b;
}

/* ---- one batch: x [G, D] and y [M, D] = [generated; other negatives; positives] ---- */

struct batch {
    drift_tensor *x, *y, *d;          /* d [G, M]: distances */
    double *w;                        /* [M] */
    size_t generated, negatives, all; /* negatives: generated ones included */
};

/* Rows of batch b of a tensor that holds `rows` of each. */
static drift_tensor *rows_of(struct call *c, drift_tensor *x, size_t b, size_t rows)
{
    return rows ? columns(c, x, b * rows * c->dim, rows * c->dim) : NULL;
}

static void batch_new(struct call *c, size_t b, struct batch *p)
{
    const size_t g = c->generated, none = c->config->form == DRIFT_EXACT && c->config->self == DRIFT_SELF_NONE;
    drift_tensor *gen = rows_of(c, c->gen, b, g), *y = none ? NULL : gen;
    double *w = p->w;
    if (!none)
        memcpy(w, c->w_gen + b * g, g * sizeof *w), w += g;
    for (size_t other = 0; other < c->batches && MAKES(c, OTHER_CLASSES); other++)
        if (other != b) {
            y = side_by_side(c, y, rows_of(c, c->gen, other, g));
            memcpy(w, c->w_gen + other * g, g * sizeof *w), w += g;
        }
    if (c->negatives) {
        y = side_by_side(c, y, rows_of(c, c->neg, b, c->negatives));
        memcpy(w, c->w_neg + b * c->negatives, c->negatives * sizeof *w), w += c->negatives;
    }
    p->negatives = (size_t)(w - p->w);
    y = side_by_side(c, y, rows_of(c, c->pos, b, c->positives));
    memcpy(w, c->w_pos + b * c->positives, c->positives * sizeof *w);
    p->generated = none ? 0 : g;
    p->all = p->negatives + c->positives;
    p->x = shaped(c, gen, g, c->dim);
    p->y = shaped(c, y, p->all, c->dim);
    p->d = drift_distance(c->tape, p->x, p->y);
    if (MAKES(c, DISTANCE_SQUARED))
        p->d = drift_mul(c->tape, p->d, p->d);
}

/* [G, M]: `value` where a generated sample meets itself, and where a mistake takes a positive for it; else 0. */
static drift_tensor *self_mask(struct call *c, const struct batch *p, double value, int kept)
{
    const size_t g = c->generated;
    double *mask = calloc(g * p->all + 1, sizeof *mask);
    if (!mask)
        return drift_tape_fail(c->tape, DRIFT_NO_MEMORY, "field: no memory");
    for (size_t i = 0; i < g; i++) {
        if (p->generated && !kept && !MAKES(c, SELF_KEPT))
            mask[i * p->all + i] = value;
        if (MAKES(c, POSITIVE_DIAGONAL) && i < c->positives)
            mask[i * p->all + p->negatives + i] = value;
    }
    drift_tensor *x = constant(c, g, p->all, mask);
    free(mask);
    return x;
}

/* w_j, or ln w_j, in every row. */
static drift_tensor *weight_rows(struct call *c, const struct batch *p, int logarithm)
{
    drift_tensor *row = constant(c, p->all, 1, p->w);
    if (logarithm)
        row = drift_unary(c->tape, DRIFT_LOG, at_least(c, row, 1e-300));
    return drift_matmul(c->tape, 0, 1, filled(c, c->generated, 1, 1), row);
}

/* sum_j a_ij (y_j - x_i) over columns first .. first + count - 1. */
static drift_tensor *pull(struct call *c, const struct batch *p, drift_tensor *a, size_t first, size_t count)
{
    drift_tensor *part = columns(c, a, first, count);
    drift_tensor *rows =
        shaped(c, columns(c, shaped(c, p->y, 1, p->all * c->dim), first * c->dim, count * c->dim), count, c->dim);
    drift_tensor *sum = drift_matmul(c->tape, 0, 0, part, filled(c, count, 1, 1));
    return drift_sub(c->tape, drift_matmul(c->tape, 0, 0, part, rows),
                     drift_mul(c->tape, in_columns(c, sum, c->dim), p->x));
}

/* (sum of A over negatives) pull to positives - (sum over positives) pull to negatives: forms 2 and 3. */
static drift_tensor *two_sided(struct call *c, const struct batch *p, drift_tensor *a)
{
    const size_t n = p->negatives, m = c->positives;
    if (!n)
        return filled(c, c->generated, c->dim, 0);
    drift_tensor *negative = drift_matmul(c->tape, 0, 0, columns(c, a, 0, n), filled(c, n, 1, 1)),
                 *positive = drift_matmul(c->tape, 0, 0, columns(c, a, n, m), filled(c, m, 1, 1));
    drift_tensor *to = drift_mul(c->tape, in_columns(c, negative, c->dim), pull(c, p, a, n, m)),
                 *from = drift_mul(c->tape, in_columns(c, positive, c->dim), pull(c, p, a, 0, n));
    const double sign = MAKES(c, REPULSION_SIGN) ? 1 : -1;
    return drift_add(c->tape, drift_scale(c->tape, c->config->attraction, to),
                     drift_scale(c->tape, sign * c->config->repulsion, from));
}

/* ---- form 1 ---- */

/* One side's pull, its weights the softmax over columns first .. of logits; NULL where the side is empty. */
static drift_tensor *mean_shift(struct call *c, const struct batch *p, drift_tensor *logits, size_t first, size_t count)
{
    if (!count)
        return NULL;
    drift_tensor *a = MAKES(c, SOFTMAX_BOTH) ? columns(c, drift_softmax(c->tape, logits), first, count)
                                             : drift_softmax(c->tape, columns(c, logits, first, count));
    if (MAKES(c, WEIGHTS_AFTER))
        a = drift_mul(c->tape, a, columns(c, weight_rows(c, p, 0), first, count));
    drift_tensor *whole = a; /* pull takes the columns of all */
    if (first)
        whole = drift_concat(c->tape, filled(c, c->generated, first, 0), whole);
    if (first + count < p->all)
        whole = drift_concat(c->tape, whole, filled(c, c->generated, p->all - first - count, 0));
    return pull(c, p, whole, first, count);
}

static drift_tensor *exact(struct call *c, struct batch *p)
{
    const int kept = c->config->self == DRIFT_SELF_KEPT;
    drift_tensor *logits = drift_scale(c->tape, -1 / c->config->tau[0], p->d);
    if (!MAKES(c, WEIGHTS_AFTER))
        logits = drift_add(c->tape, logits, weight_rows(c, p, 1));
    logits = drift_add(c->tape, logits, self_mask(c, p, -1e30, kept));
    /* alone among its negatives and masked there, a sample has none */
    const int none = !p->negatives || (p->negatives == 1 && p->generated && !kept && !MAKES(c, SELF_KEPT));
    drift_tensor *to = mean_shift(c, p, logits, p->negatives, c->positives),
                 *from = none ? NULL : mean_shift(c, p, logits, 0, p->negatives);
    drift_tensor *v = drift_scale(c->tape, c->config->attraction, to);
    const double sign = MAKES(c, REPULSION_SIGN) ? 1 : -1;
    return from ? drift_add(c->tape, v, drift_scale(c->tape, sign * c->config->repulsion, from)) : v;
}

/* ---- form 2: A from logarithms, so that nothing underflows ---- */

static drift_tensor *row_logs(struct call *c, drift_tensor *logits)
{
    return shaped(c, drift_reduce(c->tape, DRIFT_LOG_SUM_EXP, logits), logits->size[0], 1);
}

/* Log of the row sum that belongs to each entry, [G, M]. */
static drift_tensor *row_part(struct call *c, const struct batch *p, drift_tensor *logits)
{
    if (!MAKES(c, SOFTMAX_SIDES) || !p->negatives)
        return in_columns(c, row_logs(c, logits), p->all);
    drift_tensor *n = row_logs(c, columns(c, logits, 0, p->negatives)),
                 *m = row_logs(c, columns(c, logits, p->negatives, c->positives));
    return drift_concat(c->tape, in_columns(c, n, p->negatives), in_columns(c, m, c->positives));
}

static drift_tensor *joint(struct call *c, struct batch *p)
{
    const double floor = MAKES(c, FLOOR_MISSING) ? 0 : c->config->floor;
    drift_tensor *logits =
        drift_add(c->tape, drift_scale(c->tape, -1 / c->config->tau[0], p->d), self_mask(c, p, -1e30, 0));
    drift_tensor *rows = row_part(c, p, logits), *zero = filled(c, c->generated, 1, 0);
    drift_tensor *cols = outer_sum(c, zero, row_logs(c, transposed(c, logits)));
    if (MAKES(c, SOFTMAX_ROWS))
        cols = rows;
    else if (MAKES(c, SOFTMAX_COLUMNS))
        rows = cols;
    drift_tensor *product = drift_add(c->tape, rows, cols);
    if (floor > 0)
        product = at_least(c, product, log(floor) * (MAKES(c, FLOOR_ON_ROOT) ? 2 : 1));
    drift_tensor *a = MAKES(c, ROOT_MISSING) ? drift_sub(c->tape, drift_scale(c->tape, 2, logits), product)
                                             : drift_sub(c->tape, logits, drift_scale(c->tape, 0.5, product));
    return two_sided(c, p, drift_unary(c->tape, DRIFT_EXP, a));
}

/* ---- form 3 ---- */

/* sqrt(max(floor, R C)) w of logits, [G, M]. */
static drift_tensor *affinity(struct call *c, const struct batch *p, drift_tensor *logits)
{
    const double floor = MAKES(c, FLOOR_MISSING) ? 0 : c->config->floor;
    if (MAKES(c, WEIGHTS_BEFORE))
        logits = drift_add(c->tape, logits, weight_rows(c, p, 1));
    drift_tensor *rows = drift_softmax(c->tape, logits);
    if (MAKES(c, SOFTMAX_SIDES))
        rows = drift_concat(c->tape, drift_softmax(c->tape, columns(c, logits, 0, p->negatives)),
                            drift_softmax(c->tape, columns(c, logits, p->negatives, c->positives)));
    drift_tensor *cols = transposed(c, drift_softmax(c->tape, transposed(c, logits)));
    if (MAKES(c, SOFTMAX_ROWS))
        cols = rows;
    else if (MAKES(c, SOFTMAX_COLUMNS))
        rows = cols;
    if (MAKES(c, FLOOR_ON_EACH))
        rows = at_least(c, rows, floor), cols = at_least(c, cols, floor);
    drift_tensor *a = drift_mul(c->tape, rows, cols);
    const int late = MAKES(c, FLOOR_ON_ROOT) || MAKES(c, FLOOR_ON_EACH);
    a = at_least(c, a, late ? 1e-300 : fmax(floor, 1e-300));
    if (!MAKES(c, ROOT_MISSING))
        a = root(c, a);
    if (MAKES(c, FLOOR_ON_ROOT))
        a = at_least(c, a, floor);
    return MAKES(c, WEIGHTS_BEFORE) ? a : drift_mul(c->tape, a, weight_rows(c, p, 0));
}

/* Distances, none below 1e-4. */
static drift_tensor *least_distance(struct call *c, const struct batch *p)
{
    return at_least(c, p->d, MAKES(c, DISTANCE_SQUARED) ? 1e-8 : 1e-4);
}

/* The weighted mean distance of batches first .. first + count - 1, [1, 1]. */
static drift_tensor *mean_distance(struct call *c, const struct batch *batch, size_t first, size_t count)
{
    drift_tensor *sum = NULL;
    double weights = 0;
    for (size_t b = first; b < first + count; b++) {
        drift_tensor *part = mean(c, drift_mul(c->tape, least_distance(c, &batch[b]), weight_rows(c, &batch[b], 0)));
        sum = sum ? drift_add(c->tape, sum, part) : part;
        for (size_t j = 0; j < batch[b].all; j++)
            weights += batch[b].w[j] / (double)batch[b].all;
    }
    return drift_scale(c->tape, 1 / weights, sum);
}

/* What differences are in units of, s_in: a distance's share of one dimension. */
static drift_tensor *unit_of(struct call *c, drift_tensor *scale)
{
    return at_least(c, drift_scale(c->tape, 1 / sqrt((double)c->dim), scale), 1e-3);
}

/* F of a batch. */
static drift_tensor *drift_of(struct call *c, struct batch *p, drift_tensor *scale, double tau)
{
    drift_tensor *d = least_distance(c, p);
    if (!MAKES(c, TAU_UNSCALED))
        d = times(c, d, inverse(c, at_least(c, scale, 1e-3)));
    d = drift_add(c->tape, d, self_mask(c, p, 100, 0));
    drift_tensor *v = two_sided(c, p, affinity(c, p, drift_scale(c->tape, -1 / tau, d)));
    return times(c, v, inverse(c, unit_of(c, scale)));
}

/* What divides F [G, D]: 1 / sqrt(max(1e-8, f)), f its mean square. */
static drift_tensor *lambda_of(struct call *c, drift_tensor *square)
{
    square = drift_scale(c->tape, MAKES(c, LAMBDA_DIMENSION) ? 1 / (double)c->dim : 1, square);
    return inverse(c, root(c, at_least(c, square, 1e-8)));
}

/* F over the root of its mean square: over all batches; or over one, one sample, or (per_channel [1, D]) one channel.
 */
static drift_tensor *normalised(struct call *c, drift_tensor *f, drift_tensor *square, drift_tensor *per_channel)
{
    drift_tensor *own = drift_mul(c->tape, f, f);
    if (MAKES(c, LAMBDA_PER_SAMPLE)) {
        square = shaped(c, drift_reduce(c->tape, DRIFT_MEAN, own), c->generated, 1);
        return drift_mul(c->tape, f, in_columns(c, lambda_of(c, square), c->dim));
    }
    if (MAKES(c, LAMBDA_PER_CHANNEL))
        return drift_mul(c->tape, f,
                         drift_matmul(c->tape, 0, 0, filled(c, c->generated, 1, 1), lambda_of(c, per_channel)));
    return times(c, f, lambda_of(c, MAKES(c, LAMBDA_PER_CLASS) ? mean(c, own) : square));
}

static double number(struct call *c, drift_tensor *x)
{
    double value = 0;
    if (!drift_tape_failed(c->tape))
        drift_tape_check(c->tape, drift_tensor_read_doubles(x, &value), "field");
    return value;
}

/* V of each batch in total [B], the unit of each in unit [B]; returns the losses' sum over temperatures and batches,
 * which a mistake reports. */
static drift_tensor *normalized(struct call *c, struct batch *batch, drift_tensor **total, drift_tensor **unit,
                                drift_field_report *report)
{
    const size_t all = c->batches;
    drift_tensor *scale = mean_distance(c, batch, 0, all), *losses = NULL;
    drift_tensor **f = malloc(all * sizeof *f), **scales = malloc(all * sizeof *scales);
    for (size_t b = 0; b < all && f && scales; b++) {
        scales[b] = MAKES(c, SCALE_PER_CLASS) ? mean_distance(c, batch, b, 1) : scale;
        unit[b] = unit_of(c, scales[b]);
    }
    report->scale = number(c, scale);
    report->unit = number(c, unit_of(c, scale));
    for (int t = 0; t < c->config->taus && f && scales; t++) {
        drift_tensor *square = NULL, *channels = NULL;
        for (size_t b = 0; b < all; b++) {
            f[b] = drift_of(c, &batch[b], scales[b], c->config->tau[t]);
            drift_tensor *own = drift_mul(c->tape, f[b], f[b]), *part = mean(c, own);
            square = square ? drift_add(c->tape, square, part) : part;
            part = drift_matmul(c->tape, 0, 0, filled(c, 1, c->generated, 1 / (double)(all * c->generated)), own);
            channels = channels ? drift_add(c->tape, channels, part) : part;
        }
        square = drift_scale(c->tape, 1 / (double)all, square);
        report->raw[t] = number(c, square);
        for (size_t b = 0; b < all; b++) {
            drift_tensor *v = normalised(c, f[b], square, channels), *loss = mean(c, drift_mul(c->tape, v, v));
            total[b] = t ? drift_add(c->tape, total[b], v) : v;
            losses = losses ? drift_add(c->tape, losses, loss) : loss;
        }
    }
    free(f);
    free(scales);
    return losses;
}

/* ---- the call ---- */

static drift_tensor *all_numbers(struct call *c, const drift_tensor *x, int leaf)
{
    const size_t n = x ? drift_tensor_elements(x) : 0, size[] = {1, n};
    if (!n)
        return NULL;
    double *values = malloc(n * sizeof *values);
    if (!values)
        return drift_tape_fail(c->tape, DRIFT_NO_MEMORY, "field: no memory");
    drift_tape_check(c->tape, drift_tensor_read_doubles(x, values), "field");
    drift_tensor *y = drift_tape_input_doubles(c->tape, 2, size, values, leaf);
    free(values);
    return y;
}

static double *all_weights(struct call *c, const drift_tensor *w, size_t n)
{
    double *values = malloc(n * sizeof *values + 1);
    for (size_t i = 0; i < n && values; i++)
        values[i] = 1;
    if (values && w)
        drift_tape_check(c->tape, drift_tensor_read_doubles(w, values), "field");
    if (!values)
        drift_tape_fail(c->tape, DRIFT_NO_MEMORY, "field: no memory");
    return values;
}

/* What the gradient pulls by, in the place of V: d(sum over b of loss_b)/dgen, so that -2 / (G D unit) times it is that
 * gradient. `v` holds V. */
static void pull_by(struct call *c, drift_tensor **total, drift_tensor **unit, double own_unit, double *v)
{
    const size_t each = c->generated * c->dim;
    drift_tensor *loss = NULL;
    if (!MAKES(c, THROUGH_TARGET)) { /* every batch in its own unit */
        for (size_t b = 0; b < c->batches && unit; b++)
            for (size_t i = 0; i < each; i++)
                v[b * each + i] *= own_unit / number(c, unit[b]);
        return;
    }
    for (size_t b = 0; b < c->batches; b++) {
        drift_tensor *part = mean(c, drift_mul(c->tape, total[b], total[b]));
        loss = loss ? drift_add(c->tape, loss, part) : part;
    }
    drift_tape_backward(c->tape, loss, NULL);
    if (drift_tape_failed(c->tape))
        return;
    const drift_tensor gradient = drift_tensor_grad(c->gen);
    drift_tape_check(c->tape, drift_tensor_read_doubles(&gradient, v), "field");
    for (size_t i = 0; i < c->batches * each; i++)
        v[i] *= -0.5 * (double)each * own_unit;
}

static void compute(struct call *c, struct batch *batch, int forward, double *v, drift_field_report *report)
{
    const size_t each = c->generated * c->dim, all = c->batches;
    const int form3 = c->config->form == DRIFT_NORMALIZED;
    drift_tensor **total = calloc(2 * all + 1, sizeof *total), **unit = total ? total + all : NULL, *losses = NULL;
    if (!total) {
        drift_tape_fail(c->tape, DRIFT_NO_MEMORY, "field: no memory");
        return;
    }
    for (size_t b = 0; b < all; b++)
        batch_new(c, b, &batch[b]);
    if (form3)
        losses = normalized(c, batch, total, unit, report);
    for (size_t b = 0; b < all && !form3; b++)
        total[b] = c->config->form == DRIFT_EXACT ? exact(c, &batch[b]) : joint(c, &batch[b]);
    for (size_t b = 0; b < all && !drift_tape_failed(c->tape); b++)
        drift_tape_check(c->tape, drift_tensor_read_doubles(total[b], v + b * each), "field");
    const double size = drift_golden_rms(all * each, v, NULL);
    report->loss = MAKES(c, LOSS_PER_TAU) && losses ? number(c, losses) / (double)all : size * size;
    if (!form3)
        report->raw[0] = size * size;
    if (!forward && !drift_tape_failed(c->tape))
        pull_by(c, total, form3 ? unit : NULL, report->unit, v);
    free(total);
}

drift_status drift_golden_wrong_field(const drift_backend *backend, const drift_field_config *config,
                                      const drift_tensor *gen, const drift_tensor *pos, const drift_tensor *neg,
                                      const drift_tensor *w_gen, const drift_tensor *w_pos, const drift_tensor *w_neg,
                                      drift_tensor *v, drift_field_report *report)
{
    struct drift_golden_wrong *wrong = backend->state;
    const int batched = gen->dims == 3;
    struct call c = {.config = config, .mistakes = wrong->mistakes, .batches = batched ? gen->size[0] : 1};
    c.generated = gen->size[batched];
    c.dim = gen->size[batched + 1];
    c.positives = pos->size[batched];
    c.negatives = neg ? neg->size[batched] : 0;
    const size_t most = c.batches * c.generated + c.negatives + c.positives;
    *report = (drift_field_report){.scale = 1, .unit = 1};
    drift_status status = wrong->tape ? DRIFT_OK : drift_tape_new(drift_cpu_backend(DRIFT_F64), &wrong->tape);
    if (status)
        return status;
    c.tape = wrong->tape;
    drift_tape_clear(c.tape);
    c.gen = all_numbers(&c, gen, MAKES(&c, THROUGH_TARGET) && !wrong->forward);
    c.pos = all_numbers(&c, pos, 0);
    c.neg = all_numbers(&c, neg, 0);
    c.w_gen = all_weights(&c, w_gen, c.batches * c.generated);
    c.w_pos = all_weights(&c, w_pos, c.batches * c.positives);
    c.w_neg = all_weights(&c, w_neg, c.batches * c.negatives);
    struct batch *batch = calloc(c.batches + 1, sizeof *batch);
    double *w = malloc(c.batches * most * sizeof *w + 1),
           *values = calloc(drift_tensor_elements(v) + 1, sizeof *values);
    if (!batch || !w || !values)
        drift_tape_fail(c.tape, DRIFT_NO_MEMORY, "field: no memory");
    for (size_t b = 0; b < c.batches && batch && w; b++)
        batch[b].w = w + b * most;
    if (!drift_tape_failed(c.tape))
        compute(&c, batch, wrong->forward, values, report);
    status = drift_tape_status(c.tape);
    if (!status)
        status = drift_tensor_write_doubles(v, values);
    free(batch);
    free(w);
    free(values);
    free(c.w_gen);
    free(c.w_pos);
    free(c.w_neg);
    return status;
}
