/* Kinds of a single layer, with the gradients of its product with in/cotangent: conv, group_norm, resize. */
#include <math.h>

#include "golden/draft.h"
#include "op/op.h"

/* y and its backward, as out/y and grad/x. */
static drift_status compute(drift_golden *golden, drift_tape *tape, const drift_tensor *x, drift_tensor *y)
{
    drift_tape_backward(tape, y, drift_golden_tensor(golden, tape, "in/cotangent", 0));
    drift_status status = drift_tape_status(tape);
    if (!status)
        status = drift_golden_output_tensor(golden, "out/y", y);
    return status ? status : drift_golden_output_gradient(golden, "grad/x", x);
}

static drift_status conv(drift_golden *golden, drift_tape *tape, void *context)
{
    size_t stride, padding, groups;
    drift_status status = drift_golden_count(golden, "stride", &stride);
    (void)context;
    if (status || (status = drift_golden_count(golden, "padding", &padding)) ||
        (status = drift_golden_count(golden, "groups", &groups)))
        return status;
    drift_tensor *x = drift_golden_tensor(golden, tape, "in/x", 1);
    drift_tensor *kernel = drift_golden_tensor(golden, tape, "param/kernel", 1), *bias = NULL;
    if (drift_safetensors_find(golden->file, "param/bias"))
        bias = drift_golden_tensor(golden, tape, "param/bias", 1);
    status = compute(golden, tape, x, drift_conv2d(tape, x, kernel, bias, stride, padding, groups));
    if (!status)
        status = drift_golden_output_gradient(golden, "grad/kernel", kernel);
    return status || !bias ? status : drift_golden_output_gradient(golden, "grad/bias", bias);
}

static drift_status compute_conv(drift_golden *golden) { return drift_golden_run(golden, conv, NULL); }

/* x, the parameters, and a cotangent of the shape that y has. */
static void draw_conv(drift_golden_draft *draft)
{
    const size_t kernel = drift_golden_size(draft, "kernel"), stride = drift_golden_size(draft, "stride"),
                 padding = drift_golden_size_or_none(draft, "padding"), groups = drift_golden_size(draft, "groups"),
                 batch = drift_golden_size(draft, "shape.batch"), height = drift_golden_size(draft, "shape.height"),
                 width = drift_golden_size(draft, "shape.width"), in = drift_golden_size(draft, "shape.in"),
                 out = drift_golden_size(draft, "shape.out");
    if (!draft->status && (in % groups || height + 2 * padding < kernel || width + 2 * padding < kernel))
        draft->status = drift_fail(DRIFT_INVALID, "%s: config: an image of %zux%zux%zu does not fit the convolution",
                                   draft->file.path, height, width, in);
    if (draft->status)
        return;
    const size_t kernels[] = {kernel, kernel, in / groups, out}, x[] = {batch, height, width, in},
                 y[] = {batch, (height + 2 * padding - kernel) / stride + 1,
                        (width + 2 * padding - kernel) / stride + 1, out};
    drift_golden_draw(draft, "in/x", drift_golden_normal(0, 1), 4, x);
    drift_golden_draw(draft, "param/kernel", drift_golden_normal(0, 1 / sqrt((double)(kernel * kernel * x[3]))), 4,
                      kernels);
    if (json_is_true(json_object_get(draft->golden.config, "bias")))
        drift_golden_draw(draft, "param/bias", drift_golden_normal(0, 0.5), 1, &out);
    drift_golden_draw(draft, "in/cotangent", drift_golden_normal(0, 1), 4, y);
}

const struct drift_golden_kind drift_golden_kind_conv = {
    .name = "conv",
    .what = "a 2D convolution and its gradients",
    .compute = compute_conv,
    .inputs = draw_conv,
    .defaults = "{\"kernel\": 3, \"stride\": 2, \"padding\": 1, \"groups\": 1, \"bias\": true,"
                " \"shape\": {\"batch\": 2, \"height\": 8, \"width\": 6, \"in\": 4, \"out\": 5},"
                " \"loss\": \"sum(out/y * in/cotangent)\"}",
};

static drift_status group_norm(drift_golden *golden, drift_tape *tape, void *context)
{
    size_t groups;
    double epsilon;
    drift_status status = drift_golden_count(golden, "groups", &groups);
    (void)context;
    if (status || (status = drift_golden_number(golden, "epsilon", &epsilon)))
        return status;
    drift_tensor *x = drift_golden_tensor(golden, tape, "in/x", 1);
    drift_tensor *scale = drift_golden_tensor(golden, tape, "param/scale", 1);
    drift_tensor *bias = drift_golden_tensor(golden, tape, "param/bias", 1);
    status = compute(golden, tape, x, drift_group_norm(tape, epsilon, groups, 0, x, scale, bias));
    if (!status)
        status = drift_golden_output_gradient(golden, "grad/scale", scale);
    return status ? status : drift_golden_output_gradient(golden, "grad/bias", bias);
}

static drift_status compute_group_norm(drift_golden *golden) { return drift_golden_run(golden, group_norm, NULL); }

static void draw_group_norm(drift_golden_draft *draft)
{
    const size_t x[] = {drift_golden_size(draft, "shape.batch"), drift_golden_size(draft, "shape.height"),
                        drift_golden_size(draft, "shape.width"), drift_golden_size(draft, "shape.channels")};
    drift_golden_draw(draft, "in/x", drift_golden_normal(0.5, 1), 4, x);
    drift_golden_draw(draft, "param/scale", drift_golden_normal(1, 0.3), 1, x + 3);
    drift_golden_draw(draft, "param/bias", drift_golden_normal(0, 0.5), 1, x + 3);
    drift_golden_draw(draft, "in/cotangent", drift_golden_normal(0, 1), 4, x);
}

const struct drift_golden_kind drift_golden_kind_group_norm = {
    .name = "group_norm",
    .what = "GroupNorm and its gradients",
    .compute = compute_group_norm,
    .inputs = draw_group_norm,
    .defaults =
        "{\"groups\": 4, \"epsilon\": 1e-6, \"shape\": {\"batch\": 2, \"height\": 5, \"width\": 4, \"channels\": 12},"
        " \"loss\": \"sum(out/y * in/cotangent)\"}",
};

/* config's size: height and width. */
static drift_status sides(drift_golden *golden, size_t side[2])
{
    const json_t *size = json_object_get(golden->config, "size");
    for (size_t i = 0; i < 2; i++) {
        const json_int_t n = json_integer_value(json_array_get(size, i));
        if (n < 1 || n > 100000)
            return drift_fail(DRIFT_INVALID, "%s: config: size: expected height and width", golden->file->path);
        side[i] = (size_t)n;
    }
    return DRIFT_OK;
}

static drift_status resize(drift_golden *golden, drift_tape *tape, void *context)
{
    size_t side[2];
    drift_status status = sides(golden, side);
    (void)context;
    if (status)
        return status;
    drift_tensor *x = drift_golden_tensor(golden, tape, "in/x", 1);
    return compute(golden, tape, x, drift_resize(tape, x, side[0], side[1]));
}

static drift_status compute_resize(drift_golden *golden) { return drift_golden_run(golden, resize, NULL); }

static void draw_resize(drift_golden_draft *draft)
{
    const size_t x[] = {drift_golden_size(draft, "shape.batch"), drift_golden_size(draft, "shape.height"),
                        drift_golden_size(draft, "shape.width"), drift_golden_size(draft, "shape.channels")};
    size_t y[4] = {x[0], 0, 0, x[3]};
    if (!draft->status)
        draft->status = sides(&draft->golden, y + 1);
    drift_golden_draw(draft, "in/x", drift_golden_normal(0, 1), 4, x);
    drift_golden_draw(draft, "in/cotangent", drift_golden_normal(0, 1), 4, y);
}

const struct drift_golden_kind drift_golden_kind_resize = {
    .name = "resize",
    .what = "(antialiased) bilinear resize and its gradient",
    .compute = compute_resize,
    .inputs = draw_resize,
    .defaults = "{\"size\": [9, 7], \"shape\": {\"batch\": 1, \"height\": 6, \"width\": 12, \"channels\": 3},"
                " \"loss\": \"sum(out/y * in/cotangent)\"}",
};
