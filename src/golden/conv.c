/* Kind conv: a 2D convolution and all its gradients. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "golden/golden.h"
#include "op/op.h"

/* One convolution: its settings and tensors, of which bias may be absent. */
struct problem {
    drift_conv conv;
    size_t x_size[4], kernel_size[4], bias_size[1], dy_size[4];
    float *x, *kernel, *bias, *dy;
};

static drift_status read_problem(drift_golden *golden, struct problem *p)
{
    double stride, padding, groups;
    int absent;
    memset(p->x_size, 0xff, sizeof p->x_size); /* SIZE_MAX: any size */
    memset(p->kernel_size, 0xff, sizeof p->kernel_size);
    memset(p->dy_size, 0xff, sizeof p->dy_size);
    p->bias_size[0] = SIZE_MAX;
    drift_status status = drift_golden_number(golden, "stride", &stride);
    if (status || (status = drift_golden_number(golden, "padding", &padding)) ||
        (status = drift_golden_number(golden, "groups", &groups)) ||
        (status = drift_golden_input(golden, "in/x", 4, p->x_size, NULL, &p->x)) ||
        (status = drift_golden_input(golden, "param/kernel", 4, p->kernel_size, NULL, &p->kernel)) ||
        (status = drift_golden_input(golden, "param/bias", 1, p->bias_size, &absent, &p->bias)) ||
        (status = drift_golden_input(golden, "in/cotangent", 4, p->dy_size, NULL, &p->dy)))
        return status;
    if (!(stride >= 1 && stride <= 1e6 && padding >= 0 && padding <= 1e6 && groups >= 1 && groups <= 1e6))
        return drift_fail(DRIFT_INVALID, "%s: config: stride, padding, groups: expected 1, 0 or 1 at least",
                          golden->file->path);
    p->conv = (drift_conv){(size_t)stride, (size_t)padding, (size_t)groups};
    return DRIFT_OK;
}

static drift_status compare(drift_golden *golden, const char *name, const drift_tensor *x)
{
    const size_t n = drift_tensor_elements(x);
    float *value = malloc(n * sizeof *value + 1);
    if (!value)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", n);
    drift_status status = drift_tensor_read_floats(x, value);
    if (!status)
        status = drift_golden_compare(golden, name, n, value);
    free(value);
    return status;
}

static drift_status compare_gradient(drift_golden *golden, const char *name, const drift_tensor *x)
{
    const drift_tensor gradient = drift_tensor_grad(x);
    return compare(golden, name, &gradient);
}

static drift_status run(drift_golden *golden, const struct problem *p, drift_tape *tape)
{
    drift_tensor *x = drift_tape_input(tape, 4, p->x_size, p->x, 1);
    drift_tensor *kernel = drift_tape_input(tape, 4, p->kernel_size, p->kernel, 1);
    drift_tensor *bias = p->bias ? drift_tape_input(tape, 1, p->bias_size, p->bias, 1) : NULL;
    drift_tensor *y = drift_conv2d(tape, x, kernel, bias, p->conv.stride, p->conv.padding, p->conv.groups);
    drift_tape_backward(tape, y, drift_tape_input(tape, 4, p->dy_size, p->dy, 0));
    drift_status status = drift_tape_status(tape);
    if (status)
        return drift_fail(status, "%s: %s", golden->file->path, drift_message());
    if ((status = compare(golden, "out/y", y)) || (status = compare_gradient(golden, "grad/x", x)) ||
        (status = compare_gradient(golden, "grad/kernel", kernel)))
        return status;
    return bias ? compare_gradient(golden, "grad/bias", bias) : DRIFT_OK;
}

drift_status drift_golden_conv(drift_golden *golden)
{
    struct problem p = {.x = NULL};
    drift_tape *tape = NULL;
    drift_status status = read_problem(golden, &p);
    if (!status)
        status = drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape);
    if (!status)
        status = run(golden, &p, tape);
    drift_tape_free(tape);
    free(p.x);
    free(p.kernel);
    free(p.bias);
    free(p.dy);
    return status;
}
