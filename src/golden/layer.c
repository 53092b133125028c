/* Kinds of a single layer, with the gradients of its product with in/cotangent: conv, group_norm, resize. */
#include "golden/golden.h"
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

drift_status drift_golden_conv(drift_golden *golden) { return drift_golden_run(golden, conv, NULL); }

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

drift_status drift_golden_group_norm(drift_golden *golden) { return drift_golden_run(golden, group_norm, NULL); }

static drift_status resize(drift_golden *golden, drift_tape *tape, void *context)
{
    const json_t *size = json_object_get(golden->config, "size");
    const json_int_t height = json_integer_value(json_array_get(size, 0)),
                     width = json_integer_value(json_array_get(size, 1));
    (void)context;
    if (height < 1 || width < 1 || height > 100000 || width > 100000)
        return drift_fail(DRIFT_INVALID, "%s: config: size: expected height and width", golden->file->path);
    drift_tensor *x = drift_golden_tensor(golden, tape, "in/x", 1);
    return compute(golden, tape, x, drift_resize(tape, x, (size_t)height, (size_t)width));
}

drift_status drift_golden_resize(drift_golden *golden) { return drift_golden_run(golden, resize, NULL); }
