/* drift field: the drifting field itself, for people who check their own code. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "io/npy.h"
#include "io/npz.h"

struct settings {
    const char *x, *pos, *neg, *w_gen, *w_pos, *w_neg, *form, *self, *out;
    struct drift_option_numbers tau;
    double floor, attraction, repulsion;
    int plain_features, plain_drift;
};

/* Floats of an .npy file with `rank` dimensions (0: any); `array` keeps its shape alone. NULL path: none. */
static drift_status read_array(const char *path, int rank, struct drift_array *array, float **x)
{
    *x = NULL;
    if (!path)
        return DRIFT_OK;
    drift_status status = drift_npy_read(path, array);
    if (status)
        return status;
    char text[DRIFT_ARRAY_TEXT];
    if (rank && array->rank != rank)
        status = drift_fail(DRIFT_INVALID, "%s: is %s, expected %d dimensions", path, drift_array_describe(array, text),
                            rank);
    else if (!(*x = malloc(array->count * sizeof **x + 1)))
        status = drift_fail(DRIFT_NO_MEMORY, "%s: no memory for %zu numbers", path, array->count);
    else
        drift_array_floats(array, *x);
    struct drift_array shape = *array;
    drift_array_free(array);
    shape.data = shape.memory = NULL;
    *array = shape;
    return status;
}

struct problem {
    drift_field_config config;
    drift_field_shape shape;
    struct drift_array like; /* x: shape of the result */
    float *gen, *pos, *neg, *w_gen, *w_pos, *w_neg, *v;
};

static void problem_free(struct problem *p)
{
    float *all[] = {p->gen, p->pos, p->neg, p->w_gen, p->w_pos, p->w_neg, p->v};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* The dimension that counts samples: [B,G,D] has batches before it, all others are [G, one sample's shape]. */
static int samples_of(const struct drift_array *x) { return x->rank == 3; }

/* All but the number of samples as x has it. */
static drift_status read_side(const char *path, const struct problem *p, size_t *rows, float **x)
{
    const struct drift_array *like = &p->like;
    struct drift_array array;
    drift_status status = read_array(path, like->rank, &array, x);
    if (status || !path)
        return status;
    for (int i = 0; i < like->rank; i++)
        if (i != samples_of(like) && array.shape[i] != like->shape[i])
            return drift_fail(DRIFT_INVALID, "%s: shape does not fit: dimension %d is %zu, expected %zu as in x", path,
                              i + 1, array.shape[i], like->shape[i]);
    *rows = array.shape[samples_of(like)];
    return DRIFT_OK;
}

static drift_status read_weights(const char *path, size_t rows, const struct problem *p, float **w)
{
    struct drift_array array;
    drift_status status = read_array(path, 0, &array, w);
    if (!status && path && array.count != p->shape.batches * rows)
        return drift_fail(DRIFT_INVALID, "%s: has %zu weights, expected %zu", path, array.count,
                          p->shape.batches * rows);
    return status;
}

static drift_status read_problem(const struct settings *s, struct problem *p)
{
    drift_status status = read_array(s->x, 0, &p->like, &p->gen);
    if (status)
        return status;
    if (p->like.rank < 2)
        return drift_fail(DRIFT_INVALID, "%s: has %d dimensions, expected [G,D], [B,G,D] or images [G,...]", s->x,
                          p->like.rank);
    const int samples = samples_of(&p->like);
    p->shape.batches = samples ? p->like.shape[0] : 1;
    p->shape.generated = p->like.shape[samples];
    p->shape.dim = 1;
    for (int i = samples + 1; i < p->like.rank; i++) /* no overflow: the reader checked the product */
        p->shape.dim *= p->like.shape[i];
    if ((status = read_side(s->pos, p, &p->shape.positives, &p->pos)) ||
        (status = read_side(s->neg, p, &p->shape.negatives, &p->neg)) ||
        (status = read_weights(s->w_gen, p->shape.generated, p, &p->w_gen)) ||
        (status = read_weights(s->w_pos, p->shape.positives, p, &p->w_pos)) ||
        (status = read_weights(s->w_neg, p->shape.negatives, p, &p->w_neg)))
        return status;
    p->v = malloc(p->like.count * sizeof *p->v + 1);
    return p->v ? DRIFT_OK : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", p->like.count);
}

static int word(const char *name, const char *const *words)
{
    int i = 0;
    while (strcmp(name, words[i]))
        i++;
    return i;
}

static void configure(const struct settings *s, drift_field_config *config)
{
    static const char *const forms[] = {"exact", "joint", "normalized"}, *const selves[] = {"masked", "kept", "none"};
    *config = drift_field_defaults((drift_form)word(s->form, forms));
    config->self = (drift_self)word(s->self, selves);
    config->taus = s->tau.count ? s->tau.count : config->taus;
    for (int i = 0; i < s->tau.count && i < DRIFT_MAX_TAUS; i++)
        config->tau[i] = s->tau.items[i];
    config->floor = s->floor >= 0 ? s->floor : config->floor;
    config->attraction = s->attraction;
    config->repulsion = s->repulsion;
    config->normalize_features &= !s->plain_features;
    config->normalize_drift &= !s->plain_drift;
}

static drift_status write_result(const struct settings *s, const struct problem *p)
{
    static const char *const names[] = {"V"};
    struct drift_array v = drift_array_view(DRIFT_ARRAY_F32, p->like.rank, p->like.shape, p->v);
    if (drift_ends_with(s->out, ".npz"))
        return drift_npz_write(s->out, 1, names, &v, 0);
    return drift_npy_write(s->out, &v);
}

static int run(int argc, char **argv)
{
    struct settings s = {.form = "joint", .self = "masked", .floor = -1, .attraction = 1, .repulsion = 1};
    struct problem p = {.gen = NULL};
    drift_field_report report;
    int exit_status = drift_options_parse(&drift_command_field, &argc, argv, 0, 0, &s);
    if (exit_status >= 0)
        return exit_status;
    if (!s.x || !s.pos || !s.out)
        return drift_error("field: --x, --pos and --out are needed; \"drift help field\" shows how");
    if (!drift_ends_with(s.out, ".npy") && !drift_ends_with(s.out, ".npz") && strncmp(s.out, "/dev/", 5))
        return drift_error("--out: %s: expected a name that ends with .npy or .npz", s.out);
    configure(&s, &p.config);
    drift_status status = read_problem(&s, &p);
    if (!status)
        status = drift_field(&p.config, &p.shape, p.gen, p.pos, p.neg, p.w_gen, p.w_pos, p.w_neg, p.v, &report);
    if (!status)
        status = write_result(&s, &p);
    problem_free(&p);
    if (status)
        return drift_error_kept();
    printf("loss   %.9g\nscale  %.9g\nunit   %.9g\n", report.loss, report.scale, report.unit);
    for (int t = 0; t < p.config.taus; t++)
        printf("raw |V|^2 at tau %g: %.9g\n", p.config.tau[t], report.raw[t]);
    return DRIFT_EXIT_YES;
}

#define AT(member) offsetof(struct settings, member)
static const struct drift_option options[] = {
    {"x", "X.npy", DRIFT_OPTION_TEXT, AT(x), "generated samples [G,D], batches of them [B,G,D], or images, [G,H,W,C]",
     0, 0},
    {"pos", "P.npy", DRIFT_OPTION_TEXT, AT(pos), "positives, of the same shape but for their number", 0, 0},
    {"neg", "N.npy", DRIFT_OPTION_TEXT, AT(neg), "extra negatives (default: none)", 0, 0},
    {"out", "V.npy", DRIFT_OPTION_TEXT, AT(out), "where the field goes: .npy, or .npz with V", 0, 0},
    {"form", "exact|joint|normalized", DRIFT_OPTION_CHOICE, AT(form), "of the field (default: joint)", 0, 0},
    {"tau", "T[,T...]", DRIFT_OPTION_NUMBERS, AT(tau), "temperatures (default: 0.05; normalized: 0.02,0.05,0.2)", 1e-30,
     1e30},
    {"floor", "F", DRIFT_OPTION_NUMBER, AT(floor), "of the affinity (default: 0; normalized: 1e-6)", 0, 1e30},
    {"self", "masked|kept|none", DRIFT_OPTION_CHOICE, AT(self), "is a sample its own negative (default: masked)", 0, 0},
    {"w-gen", "W.npy", DRIFT_OPTION_TEXT, AT(w_gen), "weights of the generated samples (default: ones)", 0, 0},
    {"w-pos", "W.npy", DRIFT_OPTION_TEXT, AT(w_pos), "weights of the positives", 0, 0},
    {"w-neg", "W.npy", DRIFT_OPTION_TEXT, AT(w_neg), "weights of the extra negatives", 0, 0},
    {"attraction", "A", DRIFT_OPTION_NUMBER, AT(attraction), "a of a V+ - b V- (default: 1)", -1e30, 1e30},
    {"repulsion", "B", DRIFT_OPTION_NUMBER, AT(repulsion), "b of a V+ - b V- (default: 1)", -1e30, 1e30},
    {"plain-features", NULL, DRIFT_OPTION_FLAG, AT(plain_features), "normalized form: no feature normalisation", 0, 0},
    {"plain-drift", NULL, DRIFT_OPTION_FLAG, AT(plain_drift), "normalized form: no drift normalisation", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_field = {
    .name = "field",
    .summary = "compute the drifting field of samples in files",
    .arguments = "--x X.npy --pos P.npy --out V.npy [options]",
    .text =
        "Reads generated samples, positives and, if given, extra negatives, and writes the field V at every generated "
        "sample, in the shape of x. With four dimensions and more a sample is all that follows the first, in any order "
        "of channels. Prints the loss mean(V^2), the scale, the unit that V is in (1 but for the normalized form) and "
        "the "
        "mean of V^2 before any normalisation of the drift, for each temperature. The gradient of the loss with "
        "respect to x is -2 V / (count of x * unit).",
    .options = options,
    .examples = {{"drift field --x x.npy --pos p.npy --out v.npy", "Algorithm 2 of the paper"},
                 {"drift field --x x.npy --pos p.npy --form normalized --out v.npz", "the released loss"}},
    .run = run,
};
