/* For kinds that run ops on a tape: tensors from a case's file, and back to be compared. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "golden/golden.h"
#include "golden/mistakes.h"

/* The array as a tensor of that shape. */
static drift_tensor *read_array(drift_golden *golden, drift_tape *tape, const char *name, int dims, const size_t *size,
                                int needs_grad)
{
    const struct drift_array *array;
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    drift_status status = drift_safetensors_get(golden->file, name, -1, NULL, &array);
    if (status)
        return drift_tape_fail(tape, status, "%s", drift_message());
    if (array->rank > DRIFT_MAX_DIMS && !size)
        return drift_tape_fail(tape, DRIFT_INVALID, "%s: %s: expected at most %d dimensions", golden->file->path, name,
                               (int)DRIFT_MAX_DIMS);
    double *values = malloc(array->count * sizeof *values + 1);
    if (!values)
        return drift_tape_fail(tape, DRIFT_NO_MEMORY, "no memory for %s", name);
    drift_array_doubles(array, values);
    drift_tensor *x =
        drift_tape_input_doubles(tape, size ? dims : array->rank, size ? size : array->shape, values, needs_grad);
    free(values);
    return x;
}

drift_tensor *drift_golden_tensor(drift_golden *golden, drift_tape *tape, const char *name, int needs_grad)
{
    return read_array(golden, tape, name, 0, NULL, needs_grad);
}

drift_tensor *drift_golden_tensor_as(drift_golden *golden, drift_tape *tape, const char *name, int dims,
                                     const size_t *size)
{
    return read_array(golden, tape, name, dims, size, 0);
}

drift_tensor *drift_golden_indices(drift_golden *golden, drift_tape *tape, const char *name)
{
    const struct drift_array *array;
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    drift_status status = drift_safetensors_get(golden->file, name, -1, NULL, &array);
    if (status)
        return drift_tape_fail(tape, status, "%s", drift_message());
    if (array->type != DRIFT_ARRAY_I32 || array->rank > DRIFT_MAX_DIMS)
        return drift_tape_fail(tape, DRIFT_INVALID, "%s: %s: expected int32 in at most %d dimensions",
                               golden->file->path, name, (int)DRIFT_MAX_DIMS);
    int32_t *values = malloc(array->count * sizeof *values + 1);
    if (!values)
        return drift_tape_fail(tape, DRIFT_NO_MEMORY, "no memory for %s", name);
    if (array->count)
        memcpy(values, array->data, array->count * sizeof *values);
    drift_tensor *indices = drift_tape_indices(tape, array->rank, array->shape, values);
    free(values);
    return indices;
}

drift_status drift_golden_output_tensor(drift_golden *golden, const char *name, const drift_tensor *x)
{
    const size_t n = drift_tensor_elements(x);
    double *values = malloc(n * sizeof *values + 1);
    if (!values)
        return drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", n);
    drift_status status = drift_tensor_read_doubles(x, values);
    if (!status)
        drift_golden_reorder(golden, name, n, values, 1);
    if (!status)
        status = drift_golden_output(golden, name, x->dims, x->size, values);
    free(values);
    return status;
}

drift_status drift_golden_output_gradient(drift_golden *golden, const char *name, const drift_tensor *x)
{
    const drift_tensor gradient = drift_tensor_grad(x);
    return drift_golden_output_tensor(golden, name, &gradient);
}

drift_status drift_golden_run(drift_golden *golden, drift_golden_model *run, void *context)
{
    drift_tape *tape;
    drift_status status = drift_tape_new(golden->backend, &tape);
    if (status)
        return status;
    status = run(golden, tape, context);
    if (drift_tape_failed(tape)) {
        status = drift_tape_status(tape);
        if (strncmp(drift_message(), golden->file->path, strlen(golden->file->path)))
            status = drift_fail_context(status, "%s", golden->file->path);
    }
    drift_tape_free(tape);
    return status;
}
