/* Known mistakes against plain loops of their own: the released loss (form 3) with each of its mistakes, gradients
 * through the target against differences, a convolution padded on one side, rotary pairs, resizes, sample variances. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden/diagnose.h"
#include "golden/draft.h"

static double *numbers(const drift_golden_draft *draft, const char *name)
{
    const struct drift_array *array = drift_safetensors_find(&draft->file, name);
    ck_assert_msg(array != NULL, "%s", name);
    double *x = malloc(array->count * sizeof *x + 1);
    ck_assert_ptr_nonnull(x);
    drift_array_doubles(array, x);
    return x;
}

static void draft_new(drift_golden_draft *draft, const char *kind, const char *config)
{
    json_error_t wrong;
    json_t *keys = json_loads(config, 0, &wrong);
    ck_assert_msg(!drift_golden_draft_new(draft, drift_golden_kind_named(kind), keys, 7), "%s", drift_message());
    json_decref(keys);
}

static struct drift_golden_values mistaken(const drift_golden_draft *draft, const char *kind, uint64_t mistakes)
{
    struct drift_golden_values values;
    ck_assert_msg(!drift_golden_mistaken(drift_golden_kind_named(kind), &draft->golden, mistakes, &values), "%s",
                  drift_message());
    return values;
}

/* Result `name` is x[n], to 1e-10 of its size. */
static void same(const struct drift_golden_values *values, const char *name, size_t n, const double *x,
                 const char *what)
{
    const struct drift_golden_value *v = drift_golden_value_find(values, name);
    ck_assert_msg(v && v->array.count == n, "%s: %s", what, name);
    const double error = drift_golden_rms(n, v->array.data, x), size = drift_golden_rms(n, x, NULL);
    ck_assert_msg(error <= 1e-10 * size && size > 0, "%s: %s is off by %g of %g", what, name, error, size);
}

/* ---- form 3 ---- */

enum { B = 3, G = 4, P = 5, N = 3, S = 6, M = B * G + N + P, TAUS = 2 };
static const double tau[TAUS] = {0.1, 0.4};
static const char form3[] = "{\"taus\": [0.1, 0.4], \"shape\": {\"batches\": 3, \"generated\": 4, \"positives\": 5, "
                            "\"negatives\": 3, \"dim\": 6}}";

struct plain {
    double *gen, *pos, *neg, *w_gen, *w_pos, *w_neg;
    double d[B][G][M], y[B][M][S], w[B][M], f[TAUS][B][G][S], total[B][G][S], loss[B], scale, own_scale[B];
    int columns, negatives; /* columns that are there; the first of the positives */
};

static int is(uint64_t mistake, uint64_t bit) { return mistake == bit; }
#define IS(bit) is(mistake, DRIFT_MISTAKE(bit))

static void add_column(struct plain *p, int b, const double *y, double w)
{
    memcpy(p->y[b][p->columns], y, S * sizeof *y);
    p->w[b][p->columns++] = w;
}

static void distances(struct plain *p, uint64_t mistake)
{
    double sum[B], weights[B], all = 0, all_weights = 0;
    for (int b = 0; b < B; b++) {
        p->columns = 0;
        for (int j = 0; j < G; j++)
            add_column(p, b, p->gen + (b * G + j) * S, p->w_gen[b * G + j]);
        for (int o = 0; o < B && IS(OTHER_CLASSES); o++)
            for (int j = 0; j < G && o != b; j++)
                add_column(p, b, p->gen + (o * G + j) * S, p->w_gen[o * G + j]);
        for (int j = 0; j < N; j++)
            add_column(p, b, p->neg + (b * N + j) * S, p->w_neg[b * N + j]);
        p->negatives = p->columns;
        for (int j = 0; j < P; j++)
            add_column(p, b, p->pos + (b * P + j) * S, p->w_pos[b * P + j]);
        sum[b] = weights[b] = 0;
        for (int j = 0; j < p->columns; j++)
            weights[b] += p->w[b][j] / p->columns;
        for (int i = 0; i < G; i++)
            for (int j = 0; j < p->columns; j++) {
                double square = 0;
                for (int s = 0; s < S; s++)
                    square += pow(p->gen[(b * G + i) * S + s] - p->y[b][j][s], 2);
                square = fmax(1e-8, square);
                p->d[b][i][j] = IS(DISTANCE_SQUARED) ? square : sqrt(square);
                sum[b] += p->d[b][i][j] * p->w[b][j] / (G * p->columns);
            }
        all += sum[b];
        all_weights += weights[b];
    }
    p->scale = all / all_weights;
    for (int b = 0; b < B; b++)
        p->own_scale[b] = IS(SCALE_PER_CLASS) ? sum[b] / weights[b] : p->scale;
}

/* exp(l) over its sum over `first` <= j < `end` of row i, or over all rows of column j. */
static double row_share(double (*l)[M], int i, int j, int first, int end)
{
    double sum = 0;
    for (int k = first; k < end; k++)
        sum += exp(l[i][k] - l[i][j]);
    return 1 / sum;
}

static double column_share(double (*l)[M], int i, int j)
{
    double sum = 0;
    for (int k = 0; k < G; k++)
        sum += exp(l[k][j] - l[i][j]);
    return 1 / sum;
}

static double affinity(const struct plain *p, double (*l)[M], int i, int j, double w, uint64_t mistake)
{
    const int positive = j >= p->negatives, sides = IS(SOFTMAX_SIDES);
    double r = row_share(l, i, j, sides && positive ? p->negatives : 0, sides && !positive ? p->negatives : p->columns);
    double c = column_share(l, i, j), a;
    if (IS(SOFTMAX_ROWS))
        c = r;
    if (IS(SOFTMAX_COLUMNS))
        r = c;
    if (IS(FLOOR_ON_EACH))
        a = sqrt(fmax(1e-6, r) * fmax(1e-6, c));
    else if (IS(FLOOR_ON_ROOT))
        a = fmax(1e-6, sqrt(r * c));
    else if (IS(FLOOR_MISSING))
        a = sqrt(r * c);
    else
        a = IS(ROOT_MISSING) ? fmax(1e-6, r * c) : sqrt(fmax(1e-6, r * c));
    return IS(WEIGHTS_BEFORE) ? a : a * w;
}

static void drift(struct plain *p, int t, int b, uint64_t mistake)
{
    double l[G][M], a[G][M];
    const double scale = p->own_scale[b], unit = fmax(1e-3, scale / sqrt(S));
    for (int i = 0; i < G; i++)
        for (int j = 0; j < p->columns; j++) {
            double d = IS(TAU_UNSCALED) ? p->d[b][i][j] : p->d[b][i][j] / fmax(1e-3, scale);
            d += (i == j && !IS(SELF_KEPT)) || (IS(POSITIVE_DIAGONAL) && j == p->negatives + i) ? 100 : 0;
            l[i][j] = -d / tau[t] + (IS(WEIGHTS_BEFORE) ? log(p->w[b][j]) : 0);
        }
    for (int i = 0; i < G; i++) {
        double near[2] = {0, 0};
        for (int j = 0; j < p->columns; j++)
            near[j >= p->negatives] += a[i][j] = affinity(p, l, i, j, p->w[b][j], mistake);
        for (int s = 0; s < S; s++)
            p->f[t][b][i][s] = 0;
        for (int j = 0; j < p->columns; j++) {
            const double c = j >= p->negatives ? a[i][j] * near[0] : a[i][j] * near[1] * (IS(REPULSION_SIGN) ? 1 : -1);
            for (int s = 0; s < S; s++)
                p->f[t][b][i][s] += c * (p->y[b][j][s] - p->gen[(b * G + i) * S + s]) / unit;
        }
    }
}

/* The mean square of F that belongs to its element [b, i, s]. */
static double square_of(const struct plain *p, int t, int b, int i, int s, uint64_t mistake)
{
    double sum = 0;
    int count = 0;
    for (int bb = 0; bb < B; bb++)
        for (int ii = 0; ii < G; ii++)
            for (int ss = 0; ss < S; ss++)
                if ((!IS(LAMBDA_PER_CLASS) || bb == b) && (!IS(LAMBDA_PER_SAMPLE) || (bb == b && ii == i)) &&
                    (!IS(LAMBDA_PER_CHANNEL) || ss == s))
                    sum += pow(p->f[t][bb][ii][ss], 2), count++;
    return sum / count / (IS(LAMBDA_DIMENSION) ? S : 1);
}

static void released_loss(struct plain *p, uint64_t mistake)
{
    distances(p, mistake);
    memset(p->total, 0, sizeof p->total);
    memset(p->loss, 0, sizeof p->loss);
    for (int t = 0; t < TAUS; t++)
        for (int b = 0; b < B; b++)
            drift(p, t, b, mistake);
    for (int t = 0; t < TAUS; t++)
        for (int b = 0; b < B; b++)
            for (int i = 0; i < G; i++)
                for (int s = 0; s < S; s++) {
                    const double v = p->f[t][b][i][s] / sqrt(fmax(1e-8, square_of(p, t, b, i, s, mistake)));
                    p->total[b][i][s] += v;
                    p->loss[b] += IS(LOSS_PER_TAU) ? v * v / (G * S) : 0;
                }
    for (int k = 0; k < B * G * S && !IS(LOSS_PER_TAU); k++)
        p->loss[k / (G * S)] += pow((&p->total[0][0][0])[k], 2) / (G * S);
}

static double mean_loss(struct plain *p)
{
    released_loss(p, 0);
    return (p->loss[0] + p->loss[1] + p->loss[2]) / B;
}

static void gradient(struct plain *p, uint64_t mistake, double *g)
{
    const double h = 1e-5;
    for (int k = 0; k < B * G * S; k++)
        if (IS(THROUGH_TARGET)) {
            const double x = p->gen[k];
            p->gen[k] = x + h;
            g[k] = mean_loss(p) / (2 * h);
            p->gen[k] = x - h;
            g[k] -= mean_loss(p) / (2 * h);
            p->gen[k] = x;
        } else {
            const int b = k / (G * S);
            g[k] = -2 * (&p->total[0][0][0])[k] / (G * S * fmax(1e-3, p->own_scale[b] / sqrt(S))) / B;
        }
}

START_TEST(released)
{
    static const uint64_t bits[] = {0,
                                    DRIFT_MISTAKE(SOFTMAX_ROWS),
                                    DRIFT_MISTAKE(SOFTMAX_COLUMNS),
                                    DRIFT_MISTAKE(SOFTMAX_SIDES),
                                    DRIFT_MISTAKE(SELF_KEPT),
                                    DRIFT_MISTAKE(POSITIVE_DIAGONAL),
                                    DRIFT_MISTAKE(TAU_UNSCALED),
                                    DRIFT_MISTAKE(SCALE_PER_CLASS),
                                    DRIFT_MISTAKE(WEIGHTS_BEFORE),
                                    DRIFT_MISTAKE(FLOOR_MISSING),
                                    DRIFT_MISTAKE(FLOOR_ON_ROOT),
                                    DRIFT_MISTAKE(FLOOR_ON_EACH),
                                    DRIFT_MISTAKE(LAMBDA_DIMENSION),
                                    DRIFT_MISTAKE(LAMBDA_PER_CLASS),
                                    DRIFT_MISTAKE(LAMBDA_PER_SAMPLE),
                                    DRIFT_MISTAKE(LAMBDA_PER_CHANNEL),
                                    DRIFT_MISTAKE(LOSS_PER_TAU),
                                    DRIFT_MISTAKE(DISTANCE_SQUARED),
                                    DRIFT_MISTAKE(ROOT_MISSING),
                                    DRIFT_MISTAKE(REPULSION_SIGN),
                                    DRIFT_MISTAKE(OTHER_CLASSES)};
    drift_golden_draft draft;
    struct plain *p = calloc(1, sizeof *p);
    draft_new(&draft, "drift_normalized", form3);
    p->gen = numbers(&draft, "in/gen"), p->pos = numbers(&draft, "in/pos"), p->neg = numbers(&draft, "in/neg");
    p->w_gen = numbers(&draft, "in/w_gen"), p->w_pos = numbers(&draft, "in/w_pos"),
    p->w_neg = numbers(&draft, "in/w_neg");
    for (size_t k = 0; k < sizeof bits / sizeof *bits; k++) {
        char what[32];
        double g[B * G * S];
        struct drift_golden_values values = mistaken(&draft, "drift_normalized", bits[k]);
        snprintf(what, sizeof what, "mistake %llx", (unsigned long long)bits[k]);
        released_loss(p, bits[k]);
        gradient(p, bits[k], g);
        same(&values, "out/loss", B, p->loss, what);
        same(&values, "grad/gen", B * G * S, g, what);
        same(&values, "out/scale", 1, &p->scale, what);
        drift_golden_values_free(&values);
    }
    double g[B * G * S];
    struct drift_golden_values values = mistaken(&draft, "drift_normalized", DRIFT_MISTAKE(THROUGH_TARGET));
    gradient(p, DRIFT_MISTAKE(THROUGH_TARGET), g);
    const double *ours = drift_golden_value_find(&values, "grad/gen")->array.data;
    ck_assert(drift_golden_rms(B * G * S, ours, g) <= 1e-6 * drift_golden_rms(B * G * S, g, NULL));
    drift_golden_values_free(&values);
    double *all[] = {p->gen, p->pos, p->neg, p->w_gen, p->w_pos, p->w_neg};
    for (int i = 0; i < 6; i++)
        free(all[i]);
    free(p);
    drift_golden_draft_free(&draft);
}
END_TEST

/* ---- layers ---- */

/* 3x3, stride 2, an even and an odd side: SAME pads below alone, and on both sides. */
START_TEST(one_sided_padding)
{
    enum { H = 6, W = 5, IN = 2, OUT = 3, HO = 3, WO = 3 };
    drift_golden_draft draft;
    draft_new(&draft, "conv",
              "{\"bias\": false, \"shape\": {\"batch\": 1, \"height\": 6, \"width\": 5, \"in\": 2, \"out\": 3}}");
    double *x = numbers(&draft, "in/x"), *k = numbers(&draft, "param/kernel"), *dy = numbers(&draft, "in/cotangent");
    double y[HO * WO * OUT] = {0}, dx[H * W * IN] = {0}, dk[9 * IN * OUT] = {0};
    for (int at = 0; at < HO * WO * 9 * IN * OUT; at++) {
        const int o = at % OUT, c = at / OUT % IN, v = at / OUT / IN % 3, u = at / OUT / IN / 3 % 3,
                  j = at / OUT / IN / 9 % WO, i = at / OUT / IN / 9 / WO;
        const int row = 2 * i + u, column = 2 * j + v - 1;
        if (row >= H || column < 0 || column >= W)
            continue;
        const int in = (row * W + column) * IN + c, weight = ((u * 3 + v) * IN + c) * OUT + o,
                  out = (i * WO + j) * OUT + o;
        y[out] += x[in] * k[weight];
        dx[in] += dy[out] * k[weight];
        dk[weight] += dy[out] * x[in];
    }
    struct drift_golden_values values = mistaken(&draft, "conv", DRIFT_MISTAKE(PADDING_SAME));
    same(&values, "out/y", HO * WO * OUT, y, "SAME");
    same(&values, "grad/x", H * W * IN, dx, "SAME");
    same(&values, "grad/kernel", 9 * IN * OUT, dk, "SAME");
    drift_golden_values_free(&values);
    free(x);
    free(k);
    free(dy);
    drift_golden_draft_free(&draft);
}
END_TEST

START_TEST(interleaved_pairs)
{
    enum { T = 5, D = 6 };
    drift_golden_draft draft;
    double want[T * D];
    draft_new(&draft, "dit_rope", "{\"tokens\": 5, \"head_dim\": 6}");
    double *x = numbers(&draft, "in/x");
    for (int k = 0; k < T * D; k += 2) {
        const double angle = k / D * pow(10000, -(k % D / 2) / 3.0);
        want[k] = x[k] * cos(angle) - x[k + 1] * sin(angle);
        want[k + 1] = x[k + 1] * cos(angle) + x[k] * sin(angle);
    }
    struct drift_golden_values values = mistaken(&draft, "dit_rope", DRIFT_MISTAKE(ROPE_INTERLEAVED));
    same(&values, "out/rotated", T * D, want, "pairs");
    drift_golden_values_free(&values);
    free(x);
    drift_golden_draft_free(&draft);
}
END_TEST

/* One row: 7 pixels to 4. Corners on corners; and linear at half-pixel centres, no wider where it shrinks. */
START_TEST(resizes)
{
    drift_golden_draft draft;
    draft_new(&draft, "resize",
              "{\"size\": [1, 4], \"shape\": {\"batch\": 1, \"height\": 1, \"width\": 7, \"channels\": 1}}");
    double *x = numbers(&draft, "in/x"), corners[4], plain[4];
    for (int i = 0; i < 4; i++) {
        const double at = (i + 0.5) * 7 / 4 - 0.5;
        const int low = (int)at;
        corners[i] = x[2 * i];
        plain[i] = x[low] + (at - low) * (x[low + 1] - x[low]);
    }
    struct drift_golden_values values = mistaken(&draft, "resize", DRIFT_MISTAKE(ALIGN_CORNERS));
    same(&values, "out/y", 4, corners, "corners");
    drift_golden_values_free(&values);
    values = mistaken(&draft, "resize", DRIFT_MISTAKE(RESIZE_PLAIN));
    same(&values, "out/y", 4, plain, "plain");
    drift_golden_values_free(&values);
    free(x);
    drift_golden_draft_free(&draft);
}
END_TEST

/* One image, one group of 24 numbers. */
START_TEST(sample_variance)
{
    enum { CHANNELS = 2, NUMBERS = 24 };
    drift_golden_draft draft;
    draft_new(&draft, "group_norm",
              "{\"groups\": 1, \"shape\": {\"batch\": 1, \"height\": 3, \"width\": 4, \"channels\": 2}}");
    double *x = numbers(&draft, "in/x"), *scale = numbers(&draft, "param/scale"), *bias = numbers(&draft, "param/bias"),
           mean = 0, variance = 0, y[NUMBERS];
    for (int i = 0; i < NUMBERS; i++)
        mean += x[i] / NUMBERS;
    for (int i = 0; i < NUMBERS; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (NUMBERS - 1);
    for (int i = 0; i < NUMBERS; i++)
        y[i] = (x[i] - mean) / sqrt(variance + 1e-6) * scale[i % CHANNELS] + bias[i % CHANNELS];
    struct drift_golden_values values = mistaken(&draft, "group_norm", DRIFT_MISTAKE(VARIANCE_NORM));
    same(&values, "out/y", NUMBERS, y, "variance");
    drift_golden_values_free(&values);
    free(x);
    free(scale);
    free(bias);
    drift_golden_draft_free(&draft);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mistakes");
    TCase *tests = tcase_create("mistakes");
    tcase_add_test(tests, released);
    tcase_add_test(tests, one_sided_padding);
    tcase_add_test(tests, interleaved_pairs);
    tcase_add_test(tests, resizes);
    tcase_add_test(tests, sample_variance);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
