/* The linear probe. */
#include "judge/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpu/cpu.h"
#include "eval/eval.h"
#include "nn/mlp.h"
#include "train/optimizer.h"

enum { STEPS = 1000, BATCH = 256 };

void drift_probe_scale(struct drift_probe_set *train, struct drift_probe_set *test)
{
    struct drift_probe_set *const sets[] = {train, test};
    double variance = 0;
    for (size_t k = 0; k < train->dim; k++) {
        double mean = 0;
        for (size_t i = 0; i < train->n; i++)
            mean += (double)train->x[i * train->dim + k] / (double)train->n;
        for (int s = 0; s < 2; s++)
            for (size_t i = 0; i < sets[s]->n; i++)
                sets[s]->x[i * train->dim + k] = (float)((double)sets[s]->x[i * train->dim + k] - mean);
        for (size_t i = 0; i < train->n; i++)
            variance += (double)train->x[i * train->dim + k] * (double)train->x[i * train->dim + k];
    }
    variance /= (double)train->n * (double)train->dim;
    const double factor = variance > 0 ? 1 / sqrt(variance) : 0;
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sets[s]->n * train->dim; i++)
            sets[s]->x[i] = (float)((double)sets[s]->x[i] * factor);
}

struct probe {
    drift_params params;
    drift_mlp layer;
    struct drift_optimizer optimizer;
    drift_tape *tape;
};

static drift_status probe_new(struct probe *p, size_t dim, size_t classes)
{
    const drift_mlp_config config = {.layers = 1, .size = {dim, classes}, .init = DRIFT_INIT_ZEROS};
    memset(p, 0, sizeof *p);
    drift_params_new(&p->params, drift_cpu_backend(DRIFT_F32));
    drift_status status = drift_mlp_new(&p->layer, &config, &p->params);
    if (!status)
        status = drift_params_allocate(&p->params);
    if (!status)
        status = drift_optimizer_new(&p->optimizer, &p->params);
    return status ? status : drift_tape_new(p->params.backend, &p->tape);
}

static void probe_free(struct probe *p)
{
    drift_tape_free(p->tape);
    drift_optimizer_free(&p->optimizer, &p->params);
    drift_params_free(&p->params);
}

/* AdamW with 1e-2, which a cosine brings to nothing. */
static drift_status settings(struct drift_recipe *recipe)
{
    drift_recipe_defaults(recipe);
    recipe->optimizer.lr_schedule.total_steps = STEPS;
    drift_status status = drift_recipe_set(recipe, "optimizer.name", "adamw");
    if (!status)
        status = drift_recipe_set(recipe, "optimizer.lr_schedule.learning_rate", "1e-2");
    return status ? status : drift_recipe_set(recipe, "optimizer.lr_schedule.lr_schedule", "cosine");
}

static drift_tensor *logits(struct probe *p, size_t n, size_t dim, const float *x)
{
    return drift_mlp_forward(&p->layer, p->tape, drift_tape_input(p->tape, 2, (const size_t[]){n, dim}, x, 0));
}

static drift_status train_step(struct probe *p, const struct drift_recipe *recipe, int64_t step, size_t dim,
                               const float *x, const int32_t *label)
{
    static const size_t n = BATCH;
    struct drift_optimizer_report report;
    drift_tape_clear(p->tape);
    drift_status status = drift_params_zero_grad(&p->params);
    if (status)
        return status;
    drift_tensor *loss = drift_cross_entropy(p->tape, logits(p, n, dim, x), drift_tape_indices(p->tape, 1, &n, label));
    drift_tape_backward(p->tape, drift_reduce(p->tape, DRIFT_MEAN, loss), NULL);
    status = drift_tape_status(p->tape);
    return status ? status : drift_optimizer_step(&p->optimizer, recipe, step, &p->params, &report);
}

static drift_status train_probe(struct probe *p, const struct drift_probe_set *train, uint64_t seed)
{
    struct drift_recipe recipe;
    int32_t label[BATCH];
    float *x = malloc(BATCH * train->dim * sizeof *x);
    drift_status status = x ? settings(&recipe) : drift_fail(DRIFT_NO_MEMORY, "probe: no memory for a batch");
    for (uint32_t step = 0; step < STEPS && !status; step++) {
        for (size_t i = 0; i < BATCH; i++) {
            const size_t row = drift_random_below(seed, DRIFT_RANDOM_EVAL, step, i, (uint32_t)train->n);
            memcpy(x + i * train->dim, train->x + row * train->dim, train->dim * sizeof *x);
            label[i] = train->label[row];
        }
        status = train_step(p, &recipe, step, train->dim, x, label);
    }
    free(x);
    return status;
}

static drift_status count_right(struct probe *p, const struct drift_probe_set *test, size_t *right)
{
    float *values = malloc(test->n * test->classes * sizeof *values + 1);
    if (!values)
        return drift_fail(DRIFT_NO_MEMORY, "probe: no memory for %zu logits", test->n * test->classes);
    drift_tape_clear(p->tape);
    drift_tape_pause(p->tape);
    drift_tensor *y = logits(p, test->n, test->dim, test->x);
    drift_status status = drift_tape_status(p->tape);
    if (!status)
        status = drift_tensor_read_floats(y, values);
    for (size_t i = 0; i < test->n && !status; i++)
        *right += drift_most_likely(test->classes, values + i * test->classes) == test->label[i];
    free(values);
    return status;
}

drift_status drift_probe_linear(const struct drift_probe_set *train, const struct drift_probe_set *test, uint64_t seed,
                                double *accuracy)
{
    struct probe p;
    size_t right = 0;
    drift_status status = probe_new(&p, train->dim, train->classes);
    if (!status)
        status = train_probe(&p, train, seed);
    if (!status)
        status = count_right(&p, test, &right);
    if (!status)
        *accuracy = (double)right / (double)test->n;
    probe_free(&p);
    return status;
}
