/* The same numbers in other places: columns side by side, a part of the columns, two dimensions swapped, patches. */
#include <string.h>

#include "op/op.h"

static drift_backward concat_backward, slice_backward, swap_backward;

/* x's shape with another row size, as a new tensor. */
static drift_tensor *with_columns(drift_tape *tape, const drift_tensor *x, size_t columns)
{
    size_t size[DRIFT_MAX_DIMS];
    memcpy(size, x->size, sizeof size);
    size[x->dims - 1] = columns;
    return drift_tape_tensor(tape, x->dims, size);
}

drift_tensor *drift_concat(drift_tape *tape, drift_tensor *a, drift_tensor *b)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (a->dims < 1 || a->dims != b->dims || memcmp(a->size, b->size, sizeof *a->size * (size_t)(a->dims - 1)))
        return drift_tape_fail(tape, DRIFT_INVALID, "concat: a is %s but b is %s", drift_tensor_shape(a),
                               drift_tensor_shape(b));
    const drift_backend *backend = drift_tape_backend(tape);
    const size_t first = drift_tensor_row_size(a), second = drift_tensor_row_size(b);
    drift_tensor *y = with_columns(tape, a, first + second);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, backend->copy_columns(backend, first, 0, a, 0, 0, y), "concat");
    drift_tape_check(tape, backend->copy_columns(backend, second, 0, b, 0, first, y), "concat");
    drift_tape_record(tape, concat_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){a, b}, NULL, 0);
    return y;
}

/* da += the first columns of dy, db += the rest */
static void concat_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    size_t from = 0;
    for (int i = 0; i < 2; i++) {
        const size_t columns = drift_tensor_row_size(node->x[i]);
        int accumulate;
        if (drift_tape_grad_or_new(tape, node->x[i], &dx, &accumulate))
            drift_tape_check(tape, b->copy_columns(b, columns, from, &dy, accumulate, 0, &dx), "concat");
        from += columns;
    }
}

drift_tensor *drift_slice(drift_tape *tape, size_t first, size_t count, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims < 1 || first > drift_tensor_row_size(x) || count > drift_tensor_row_size(x) - first)
        return drift_tape_fail(tape, DRIFT_INVALID, "slice: x is %s, without columns %zu to %zu", drift_tensor_shape(x),
                               first, first + count);
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = with_columns(tape, x, count);
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->copy_columns(b, count, first, x, 0, 0, y), "slice");
    drift_tape_record(tape, slice_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, &first, sizeof first);
    return y;
}

/* those columns of dx += dy */
static void slice_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    const size_t *first = node->saved;
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    if (drift_tape_grad(tape, node->x[0], &dx))
        drift_tape_check(tape, b->copy_columns(b, drift_tensor_row_size(&dy), 0, &dy, 1, *first, &dx), "slice");
}

drift_tensor *drift_swap(drift_tape *tape, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    if (x->dims != 4)
        return drift_tape_fail(tape, DRIFT_INVALID, "swap: x is %s, expected four dimensions", drift_tensor_shape(x));
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor *y = drift_tape_tensor(tape, 4, (const size_t[]){x->size[0], x->size[2], x->size[1], x->size[3]});
    if (drift_tape_failed(tape))
        return y;
    drift_tape_check(tape, b->swap(b, x, 0, y), "swap");
    drift_tape_record(tape, swap_backward, y, (drift_tensor *[DRIFT_NODE_INPUTS]){x}, NULL, 0);
    return y;
}

/* Swapping is its own inverse, and as a linear map its own transpose: dx += swap(dy). */
static void swap_backward(drift_tape *tape, const drift_node *node)
{
    const drift_backend *b = drift_tape_backend(tape);
    drift_tensor dx, dy = drift_tensor_grad(node->y);
    int accumulate;
    if (drift_tape_grad_or_new(tape, node->x[0], &dx, &accumulate))
        drift_tape_check(tape, b->swap(b, &dy, accumulate, &dx), "swap");
}

/* [B,H,W,C] is [B H/p, p rows, W/p, p C]; a patch has its rows together: [B H/p, W/p, p rows, p C]. */
drift_tensor *drift_patchify(drift_tape *tape, size_t patch, drift_tensor *image)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    const size_t *s = image->size;
    if (image->dims != 4 || !patch || s[1] % patch || s[2] % patch)
        return drift_tape_fail(tape, DRIFT_INVALID, "patchify: image is %s, patches are %zux%zu",
                               drift_tensor_shape(image), patch, patch);
    const size_t across = s[2] / patch, row = patch * s[3];
    drift_tensor *x = drift_reshape(tape, image, 4, (const size_t[]){s[0] * s[1] / patch, patch, across, row});
    return drift_reshape(tape, drift_swap(tape, x), 3, (const size_t[]){s[0], s[1] / patch * across, patch * row});
}

drift_tensor *drift_unpatchify(drift_tape *tape, size_t patch, size_t height, size_t width, drift_tensor *x)
{
    if (drift_tape_failed(tape))
        return drift_tape_empty(tape);
    const size_t *s = x->size;
    if (x->dims != 3 || !patch || height % patch || width % patch || s[1] != (height / patch) * (width / patch) ||
        s[2] % (patch * patch))
        return drift_tape_fail(tape, DRIFT_INVALID, "unpatchify: x is %s, patches are %zux%zu of an image %zux%zu",
                               drift_tensor_shape(x), patch, patch, height, width);
    const size_t across = width / patch, row = s[2] / patch;
    x = drift_reshape(tape, x, 4, (const size_t[]){s[0] * height / patch, across, patch, row});
    return drift_reshape(tape, drift_swap(tape, x), 4, (const size_t[]){s[0], height, width, row / patch});
}
