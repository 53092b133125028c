/* drift gradient: backward passes beside difference quotients, in double. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cli/commands.h"
#include "cpu/cpu.h"
#include "op/drift.h"
#include "op/op.h"
#include "report/report.h"

enum { INPUTS = 3, MOST = 256, STEPS = 12 }; /* step k is h = 10^-k */

struct settings {
    const char *out;
    int64_t seed;
};

/* x[] to a result; `target` [G D] stands for x + V at the place where the gradient is taken. */
typedef drift_tensor *build(drift_tape *tape, drift_tensor **x, const double *target);

struct op {
    const char *name;
    build *run, *value; /* value: what is differentiated by quotients, where that is not run */
    struct {
        int dims;
        size_t size[DRIFT_MAX_DIMS];
    } x[INPUTS];
    int differs; /* the quotient is not the gradient, and shall not be */
};

static drift_tensor *product(drift_tape *t, drift_tensor **x, const double *target)
{
    (void)target;
    return drift_matmul(t, 0, 0, x[0], x[1]);
}

static drift_tensor *softmax(drift_tape *t, drift_tensor **x, const double *target)
{
    (void)target;
    return drift_softmax(t, x[0]);
}

static drift_tensor *rms_norm(drift_tape *t, drift_tensor **x, const double *target)
{
    (void)target;
    return drift_rms_norm(t, 1e-6, x[0], x[1]);
}

static drift_tensor *attention(drift_tape *t, drift_tensor **x, const double *target)
{
    (void)target;
    return drift_attention(t, 2, x[0]);
}

/* The drifting loss, its samples x[0] and positives x[1]. */
static drift_field_config field_config(void)
{
    drift_field_config config = drift_field_defaults(DRIFT_EXACT);
    config.tau[0] = 0.5;
    return config;
}

static drift_tensor *drifting(drift_tape *t, drift_tensor **x, const double *target)
{
    const drift_field_config config = field_config();
    const drift_loss_input in = {.gen = x[0], .pos = x[1]};
    drift_field_report report;
    (void)target;
    return drift_loss(t, &config, &in, &report);
}

/* mean (x - target)^2, the target held still. */
static drift_tensor *held(drift_tape *t, drift_tensor **x, const double *target)
{
    drift_tensor *gap = drift_sub(t, x[0], drift_tape_input_doubles(t, x[0]->dims, x[0]->size, target, 0));
    drift_tensor *flat = drift_reshape(t, drift_mul(t, gap, gap), 1, (const size_t[]){drift_tensor_elements(x[0])});
    return drift_reduce(t, DRIFT_MEAN, flat);
}

static const struct op ops[] = {
    {"product", product, NULL, {{2, {5, 7}}, {2, {7, 4}}}, 0},
    {"softmax", softmax, NULL, {{2, {4, 6}}}, 0},
    {"RMSNorm", rms_norm, NULL, {{2, {4, 6}}, {1, {6}}}, 0},
    {"attention", attention, NULL, {{3, {1, 4, 24}}}, 0},
    {"drifting loss", drifting, held, {{2, {6, 2}}, {2, {7, 2}}}, 0},
    {"its target let go", drifting, NULL, {{2, {6, 2}}, {2, {7, 2}}}, 1},
};
enum { OPS = sizeof ops / sizeof *ops };

/* An op at a place: all its inputs, and the factors of its outputs in the scalar that is differentiated. */
struct place {
    const struct op *op;
    size_t n[INPUTS];
    double x[INPUTS][MOST], factor[MOST], target[MOST];
};

static void place_new(struct place *p, const struct op *op, uint64_t seed)
{
    *p = (struct place){.op = op};
    for (int i = 0; i < INPUTS && op->x[i].dims; i++) {
        p->n[i] = 1;
        for (int k = 0; k < op->x[i].dims; k++)
            p->n[i] *= op->x[i].size[k];
        for (size_t k = 0; k < p->n[i]; k++)
            p->x[i][k] = 2 * drift_random_uniform_at(seed, DRIFT_RANDOM_TEST, (uint32_t)i, k) - 1;
    }
    for (size_t k = 0; k < MOST; k++)
        p->factor[k] = 2 * drift_random_uniform_at(seed, DRIFT_RANDOM_TEST, INPUTS, k) - 1;
}

static drift_tensor *forward(const struct place *p, build *run, drift_tape *tape, int needs_grad, drift_tensor **x)
{
    for (int i = 0; i < INPUTS && p->n[i]; i++) /* positives take no gradient */
        x[i] = drift_tape_input_doubles(tape, p->op->x[i].dims, p->op->x[i].size, p->x[i],
                                        needs_grad && (i == 0 || p->op->run != drifting));
    return run(tape, x, p->target);
}

/* The factor of output k: of a scalar 1. */
static double factor_of(const struct place *p, size_t outputs, size_t k) { return outputs > 1 ? p->factor[k] : 1; }

static double scalar(const struct place *p, drift_tape *tape)
{
    drift_tensor *x[INPUTS] = {NULL};
    double y[MOST], sum = 0;
    drift_tape_clear(tape);
    drift_tape_pause(tape);
    drift_tensor *result = forward(p, p->op->value ? p->op->value : p->op->run, tape, 0, x);
    if (drift_tape_failed(tape))
        return NAN;
    const size_t n = drift_tensor_elements(result);
    drift_tape_check(tape, drift_tensor_read_doubles(result, y), "gradient");
    for (size_t k = 0; k < n; k++)
        sum += factor_of(p, n, k) * y[k];
    return sum;
}

/* What backward says, of each input. The target of the drifting loss is where it pulls: x + V, V = -n/2 gradient. */
static void gradients(struct place *p, drift_tape *tape, double gradient[INPUTS][MOST])
{
    drift_tensor *x[INPUTS] = {NULL};
    double dy[MOST];
    drift_tape_clear(tape);
    drift_tensor *y = forward(p, p->op->run, tape, 1, x);
    const size_t n = drift_tensor_elements(y);
    for (size_t k = 0; k < n; k++)
        dy[k] = factor_of(p, n, k);
    drift_tape_backward(tape, y, drift_tape_input_doubles(tape, y->dims, y->size, dy, 0));
    for (int i = 0; i < INPUTS && p->n[i] && !drift_tape_failed(tape); i++) {
        memset(gradient[i], 0, sizeof gradient[i]);
        if (!x[i]->grad)
            continue;
        const drift_tensor view = drift_tensor_grad(x[i]);
        drift_tape_check(tape, drift_tensor_read_doubles(&view, gradient[i]), "gradient");
    }
    for (size_t k = 0; k < p->n[0]; k++)
        p->target[k] = p->x[0][k] - 0.5 * (double)p->n[0] * gradient[0][k];
}

/* rms of (f(x + h) - f(x - h)) / 2h less the gradient, over the gradient's rms. */
static double error_at(struct place *p, drift_tape *tape, double h, double gradient[INPUTS][MOST])
{
    double error = 0, size = 0;
    const int inputs = p->op->run == drifting ? 1 : INPUTS;
    for (int i = 0; i < inputs; i++)
        for (size_t k = 0; k < p->n[i]; k++) {
            const double x = p->x[i][k], up = x + h, down = x - h;
            p->x[i][k] = up;
            const double above = scalar(p, tape);
            p->x[i][k] = down;
            const double quotient = (above - scalar(p, tape)) / (up - down), gap = quotient - gradient[i][k];
            p->x[i][k] = x;
            error += gap * gap;
            size += gradient[i][k] * gradient[i][k];
        }
    return sqrt(error / size);
}

static drift_status measure(uint64_t seed, double error[OPS][STEPS])
{
    static double gradient[INPUTS][MOST];
    drift_tape *tape = NULL;
    struct place *p = malloc(sizeof *p);
    drift_status status =
        p ? drift_tape_new(drift_cpu_backend(DRIFT_F64), &tape) : drift_fail(DRIFT_NO_MEMORY, "gradient: no memory");
    for (int o = 0; o < OPS && !status; o++) {
        place_new(p, &ops[o], seed);
        gradients(p, tape, gradient);
        double h = 1;
        for (int k = 0; k < STEPS; k++)
            error[o][k] = error_at(p, tape, h /= 10, gradient);
        status = drift_tape_status(tape);
    }
    drift_tape_free(tape);
    free(p);
    return status;
}

static drift_status draw(double error[OPS][STEPS], const char *path)
{
    drift_curve curves[OPS];
    double digits[STEPS];
    for (int k = 0; k < STEPS; k++)
        digits[k] = k + 1;
    for (int o = 0; o < OPS; o++)
        curves[o] = (drift_curve){.figure = "difference quotient against backward",
                                  .name = ops[o].name,
                                  .unit = "rms error / rms",
                                  .log_scale = 1,
                                  .n = STEPS,
                                  .step = digits,
                                  .y = error[o]};
    const drift_report report = {.curve_count = OPS, .curves = curves};
    return drift_report_curves(&report, "d, of the step h = 10\xe2\x81\xbb\xe1\xb5\x88", path);
}

/* Prints the table; returns whether every quotient comes as near as rounding and the step's square let it. */
static int print(double error[OPS][STEPS])
{
    int right = 1;
    printf("step h");
    for (int o = 0; o < OPS; o++)
        printf("  %17s", ops[o].name);
    for (int k = 0; k < STEPS; k++) {
        printf("\n1e-%02d ", k + 1);
        for (int o = 0; o < OPS; o++)
            printf("  %17.1e", error[o][k]);
    }
    for (int o = 0; o < OPS; o++) {
        double least = INFINITY;
        for (int k = 0; k < STEPS; k++)
            least = error[o][k] < least ? error[o][k] : least;
        right = right && (ops[o].differs || least <= 1e-8);
    }
    printf("\n");
    return right;
}

static int run(int argc, char **argv)
{
    struct settings s = {.seed = 0};
    static double error[OPS][STEPS];
    const int exit_status = drift_options_parse(&drift_command_gradient, &argc, argv, 0, 0, &s);
    if (exit_status >= 0)
        return exit_status;
    if (s.out && !drift_ends_with(s.out, ".svg"))
        return drift_error("--out: %s: expected a name that ends with .svg", s.out);
    if (measure((uint64_t)s.seed, error) || (s.out && draw(error, s.out)))
        return drift_error_kept();
    return print(error) ? DRIFT_EXIT_YES : DRIFT_EXIT_NO;
}

#define AT(member) offsetof(struct settings, member)
static const struct drift_option options[] = {
    {"out", "FILE.svg", DRIFT_OPTION_TEXT, AT(out), "draw the errors over the step", 0, 0},
    {"seed", "N", DRIFT_OPTION_INTEGER, AT(seed), "of the inputs (default: 0)", 0, 9e15},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_gradient = {
    .name = "gradient",
    .summary = "backward passes beside difference quotients",
    .arguments = "[options]",
    .text = "Takes the gradient of a product, a softmax, RMSNorm, attention and the drifting loss twice, in double: by "
            "backward, and as the quotient (f(x + h) - f(x - h)) / 2h for steps h of 0.1 to 1e-12. Prints the rms "
            "error of the quotients over the rms of the gradient: it falls with h^2 until rounding over h takes over. "
            "Exit status 0 where each comes below 1e-8, else 1.\n\n"
            "The drifting loss holds its target x + V still, and so do its quotients; \"its target let go\" are "
            "quotients of mean(V^2), which moves with V: another gradient, so that no step brings them near.",
    .options = options,
    .examples = {{"drift gradient --out gradient.svg", "the table and its drawing"}},
    .run = run,
};
