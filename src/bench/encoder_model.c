/* drift bench encoder, its second table: the masked autoencoder's encoder (width 64, 32 x 32 x 4, batch 16) forward,
 * and forward with backward to its input from all five maps; GroupNorm; the loss of features in the shapes of bench
 * field. Its weights are frozen, as in training. FLOP are those of the convolutions, counted as direct ones. */
#include <stdlib.h>

#include "base/random.h"
#include "bench/encoder.h"
#include "cpu/cpu.h"
#include "nn/mae.h"

enum { FEWEST_CALLS = 3, GROUPS = 32, NORM_TENSORS = 5, BATCH = 16, SIDE = 32, CHANNELS = 4 };

static const drift_mae_config config = {.num_classes = 1000,
                                        .in_channels = CHANNELS,
                                        .base_channels = 64,
                                        .patch_size = 2,
                                        .layers = {3, 4, 6, 3},
                                        .input_patch_size = 1};

struct run {
    drift_mae mae;
    drift_params params;
    drift_tape *tape;
    float *image;
    int backward;
};

/* mean x^2, so that every number of the map has a gradient */
static drift_tensor *loss_of(drift_tape *tape, drift_tensor *x)
{
    drift_tensor *zero = drift_tape_tensor(tape, x->dims, x->size);
    if (!drift_tape_failed(tape))
        drift_tape_check(tape, x->backend->fill(x->backend, 0, zero), "fill");
    return drift_mean_square(tape, x, zero);
}

static drift_status call(void *context)
{
    struct run *r = context;
    struct drift_mae_maps maps;
    drift_tape_clear(r->tape);
    if (!r->backward)
        drift_tape_pause(r->tape);
    drift_tensor *x = drift_tape_input(r->tape, 4, (const size_t[]){BATCH, SIDE, SIDE, CHANNELS}, r->image, 1);
    drift_mae_encode(&r->mae, r->tape, x, &maps);
    if (!r->backward) {
        drift_tape_resume(r->tape);
        return drift_tape_status(r->tape);
    }
    drift_tensor *total = loss_of(r->tape, maps.conv1);
    for (int stage = 0; stage < DRIFT_MAE_STAGES; stage++)
        total = drift_add(r->tape, total, loss_of(r->tape, maps.layer[stage]));
    drift_tape_backward(r->tape, total, NULL);
    return drift_tape_status(r->tape);
}

static drift_status time_model(struct run *r, double seconds, struct drift_bench_figure *f)
{
    const size_t n = (size_t)BATCH * SIDE * SIDE * CHANNELS;
    drift_params_new(&r->params, drift_cpu_backend(DRIFT_F32));
    drift_status status = drift_mae_new(&r->mae, &config, 0, &r->params);
    if (!status)
        status = drift_params_allocate(&r->params);
    if (!status)
        status = drift_params_init(&r->params, 1);
    if (!status)
        status = drift_tape_new(r->params.backend, &r->tape);
    r->image = malloc(n * sizeof *r->image);
    if (!status && !r->image)
        status = drift_fail(DRIFT_NO_MEMORY, "bench encoder: no memory");
    drift_params_freeze(&r->params, 1);
    for (size_t i = 0; i < n && !status; i++)
        r->image[i] = (float)(4 * drift_random_uniform_at(1, DRIFT_RANDOM_TEST, 0, i) - 2);
    return status ? status : drift_bench_time(call, r, FEWEST_CALLS, seconds, &f->seconds);
}

static drift_status measure_model(int backward, double seconds, struct drift_bench_figure *f)
{
    struct run r = {.backward = backward};
    drift_status status = time_model(&r, seconds, f);
    drift_tape_free(r.tape);
    drift_mae_free(&r.mae);
    drift_params_free(&r.params);
    free(r.image);
    return status;
}

/* FLOP of the encoder's convolutions. */
static double model_flop(void)
{
    double flop = 2.0 * BATCH * SIDE * SIDE * 9 * CHANNELS * (double)config.base_channels;
    size_t in = config.base_channels, side = SIDE;
    for (int stage = 0; stage < DRIFT_MAE_STAGES; stage++) {
        const size_t out = config.base_channels << stage;
        side = stage ? side / 2 : side;
        const double pair = 2.0 * (double)(BATCH * side * side * out);
        flop += pair * 9 * (double)(in + out * (2 * config.layers[stage] - 1)) + (stage ? pair * (double)in : 0);
        in = out;
    }
    return flop;
}

/* ---- GroupNorm ---- */

struct norm {
    drift_tensor x, y, scale, bias, statistics;
};

static drift_status call_norm(void *context)
{
    struct norm *n = context;
    const drift_backend *b = n->x.backend;
    return b->group_norm(b, 1e-6, GROUPS, 0, &n->x, &n->scale, &n->bias, &n->y, &n->statistics);
}

static drift_status measure_norm(double seconds, struct drift_bench_figure *f)
{
    const drift_backend *b = drift_cpu_backend(DRIFT_F32);
    const size_t size[] = {BATCH, SIDE, SIDE, 64}, statistics[] = {BATCH, GROUPS, 3};
    struct norm n = {.x = drift_tensor_of(b, 4, size), .scale = drift_tensor_of(b, 1, &size[3])};
    n.y = n.x, n.bias = n.scale, n.statistics = drift_tensor_of(b, 3, statistics);
    drift_tensor *const all[NORM_TENSORS] = {&n.x, &n.y, &n.scale, &n.bias, &n.statistics};
    drift_status status = DRIFT_OK;
    for (int i = 0; i < NORM_TENSORS && !status; i++) {
        const drift_stream stream = {.seed = 1, .purpose = DRIFT_RANDOM_TEST, .step = (uint32_t)i};
        status = b->alloc(b, drift_tensor_bytes(all[i]), &all[i]->data);
        if (!status)
            status = b->random_normal(b, &stream, 1, all[i]);
    }
    f->bytes = 2.0 * (double)drift_tensor_bytes(&n.x);
    if (!status)
        status = drift_bench_time(call_norm, &n, 10, seconds, &f->seconds);
    for (int i = 0; i < NORM_TENSORS; i++)
        b->free(b, all[i]->data);
    return status;
}

/* ---- all of them ---- */

drift_status drift_bench_encoder_model(const struct drift_bench_options *options,
                                       struct drift_bench_figure figures[DRIFT_BENCH_ENCODER_FIGURES])
{
    static const char *const names[DRIFT_BENCH_ENCODER_FIGURES] = {
        "MAE forward", "MAE forward, backward to the input", "GroupNorm, 16 x 32^2 x 64",
        "drifting loss, B 64, G 64, P 64, N 16, S 256", "drifting loss, B 4, G 64, P 128, N 32, S 4096"};
    const double seconds = options->seconds > 0 ? options->seconds : 0.25;
    drift_status status = DRIFT_OK;
    for (int i = 0; i < DRIFT_BENCH_ENCODER_FIGURES && !status; i++) {
        struct drift_bench_figure *f = &figures[i];
        *f = (struct drift_bench_figure){names[i], 0, 0, 0};
        if (!drift_bench_wants(options, names[i]))
            continue;
        if (i < 2) {
            f->flop = (i ? 2 : 1) * model_flop();
            status = measure_model(i, 4 * seconds, f);
        } else if (i == 2)
            status = measure_norm(seconds, f);
        else
            status = drift_bench_feature_loss(i == 4, seconds, &f->seconds, &f->flop);
    }
    return status;
}
