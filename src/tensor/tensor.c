/* Shapes, views, and the way of values between host and backend. */
#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

#include "tensor/backend.h"

size_t drift_dtype_size(drift_dtype dtype) { return dtype == DRIFT_F64 ? 8 : dtype == DRIFT_BF16 ? 2 : 4; }

size_t drift_tensor_elements(const drift_tensor *x)
{
    size_t n = 1;
    for (int i = 0; i < x->dims; i++)
        n *= x->size[i];
    return n;
}

size_t drift_tensor_bytes(const drift_tensor *x) { return drift_tensor_elements(x) * drift_dtype_size(x->dtype); }

size_t drift_tensor_row_size(const drift_tensor *x) { return x->dims ? x->size[x->dims - 1] : 1; }

size_t drift_tensor_rows(const drift_tensor *x)
{
    size_t n = 1;
    for (int i = 0; i + 1 < x->dims; i++)
        n *= x->size[i];
    return n;
}

int drift_tensor_same_shape(const drift_tensor *a, const drift_tensor *b)
{
    return a->dims == b->dims && !memcmp(a->size, b->size, sizeof *a->size * (size_t)a->dims);
}

drift_tensor drift_tensor_of(const drift_backend *backend, int dims, const size_t *size)
{
    drift_tensor x = {.dims = dims, .dtype = backend->real, .backend = backend};
    if (dims)
        memcpy(x.size, size, sizeof *size * (size_t)dims);
    return x;
}

drift_tensor drift_tensor_grad(const drift_tensor *x)
{
    drift_tensor grad = *x;
    grad.dtype = x->backend->real;
    grad.data = x->grad;
    grad.grad = NULL;
    grad.needs_grad = 0;
    return grad;
}

drift_tensor drift_tensor_view(const drift_tensor *x, int dims, const size_t *size)
{
    drift_tensor view = *x;
    view.dims = dims;
    if (dims)
        memcpy(view.size, size, sizeof *size * (size_t)dims);
    return view;
}

drift_tensor drift_tensor_matrix(const drift_tensor *x)
{
    return drift_tensor_view(x, 2, (const size_t[]){drift_tensor_rows(x), drift_tensor_row_size(x)});
}

drift_status drift_tensor_write(drift_tensor *x, const void *host)
{
    return x->backend->copy_in(x->backend, x->data, host, drift_tensor_bytes(x));
}

drift_status drift_tensor_read(const drift_tensor *x, void *host)
{
    return x->backend->copy_out(x->backend, host, x->data, drift_tensor_bytes(x));
}

/* Floats and doubles change places in pieces of this many, so that no memory is needed. */
enum { PIECE = 512 };

typedef union {
    float f32[PIECE];
    double f64[PIECE];
} piece;

/* Numbers of the other type to this one. */
static void convert(drift_dtype type, size_t n, const void *from, void *to)
{
    for (size_t i = 0; i < n; i++)
        if (type == DRIFT_F64)
            ((double *)to)[i] = (double)((const float *)from)[i];
        else
            ((float *)to)[i] = (float)((const double *)from)[i];
}

static drift_status write_as(drift_tensor *x, drift_dtype type, const void *host)
{
    const size_t n = drift_tensor_elements(x), from = drift_dtype_size(type), to = drift_dtype_size(x->dtype);
    drift_status status = DRIFT_OK;
    if (x->dtype == type)
        return drift_tensor_write(x, host);
    for (size_t start = 0; start < n && !status; start += PIECE) {
        const size_t count = n - start < PIECE ? n - start : PIECE;
        piece converted;
        convert(x->dtype, count, (const char *)host + start * from, &converted);
        status = x->backend->copy_in(x->backend, (char *)x->data + start * to, &converted, count * to);
    }
    return status;
}

static drift_status read_as(const drift_tensor *x, drift_dtype type, void *host)
{
    const size_t n = drift_tensor_elements(x), from = drift_dtype_size(x->dtype), to = drift_dtype_size(type);
    drift_status status = DRIFT_OK;
    if (x->dtype == type)
        return drift_tensor_read(x, host);
    for (size_t start = 0; start < n && !status; start += PIECE) {
        const size_t count = n - start < PIECE ? n - start : PIECE;
        piece read;
        status = x->backend->copy_out(x->backend, &read, (const char *)x->data + start * from, count * from);
        if (!status)
            convert(type, count, &read, (char *)host + start * to);
    }
    return status;
}

drift_status drift_tensor_write_floats(drift_tensor *x, const float *host) { return write_as(x, DRIFT_F32, host); }

drift_status drift_tensor_read_floats(const drift_tensor *x, float *host) { return read_as(x, DRIFT_F32, host); }

drift_status drift_tensor_write_doubles(drift_tensor *x, const double *host) { return write_as(x, DRIFT_F64, host); }

drift_status drift_tensor_read_doubles(const drift_tensor *x, double *host) { return read_as(x, DRIFT_F64, host); }

const char *drift_tensor_shape(const drift_tensor *x)
{
    static __thread char text[4][16 * DRIFT_MAX_DIMS + 48];
    static __thread int next;
    char *to = text[next = (next + 1) % 4];
    size_t room = sizeof text[0], used = (size_t)snprintf(to, room, "[");
    for (int i = 0; i < x->dims && used < room; i++)
        used += (size_t)snprintf(to + used, room - used, i ? ",%zu" : "%zu", x->size[i]);
    if (used < room)
        snprintf(to + used, room - used, "]");
    return to;
}
