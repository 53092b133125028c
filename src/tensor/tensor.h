/* A tensor: a shape, a type, and memory of one backend. Row major, channels last, always contiguous.
 *
 * `data` and `grad` are the backend's addresses: on the CPU they can be read, on a device they cannot, so only a
 * backend's own ops follow them. Host values go in and out by drift_tensor_write and drift_tensor_read. */
#ifndef DRIFT_TENSOR_TENSOR_H
#define DRIFT_TENSOR_TENSOR_H

#include <stddef.h>

#include "base/status.h"

enum { DRIFT_MAX_DIMS = 5 };

/* BF16 is storage: an op that says so writes or reads it, rounding to nearest even; its gradient is real. */
typedef enum drift_dtype { DRIFT_F32, DRIFT_F64, DRIFT_I32, DRIFT_BF16 } drift_dtype;

typedef struct drift_backend drift_backend;

typedef struct drift_tensor {
    int dims;                    /* 0: a scalar, one element */
    size_t size[DRIFT_MAX_DIMS]; /* size[0] is the slowest; beyond dims unused */
    drift_dtype dtype;
    const drift_backend *backend;
    void *data;
    void *grad; /* the same shape, the backend's precision; NULL: none, or (a tensor made on a tape) none has arrived
                   yet */
    int needs_grad; /* backward computes its gradient: a parameter that is not frozen, and all that follows from it */
} drift_tensor;

/* 4, 8, 4, 2 */
size_t drift_dtype_size(drift_dtype dtype);

/* Number of elements; 1 for a scalar. */
size_t drift_tensor_elements(const drift_tensor *x);
size_t drift_tensor_bytes(const drift_tensor *x);

/* The tensor as a matrix [rows, row size]: the last dimension is the row; a scalar is one row of one. */
size_t drift_tensor_row_size(const drift_tensor *x);
size_t drift_tensor_rows(const drift_tensor *x);

int drift_tensor_same_shape(const drift_tensor *a, const drift_tensor *b);

/* A tensor of this shape in the backend's precision, without memory. drift_tensor_of(b, 2, (size_t[]){4, 3}) */
drift_tensor drift_tensor_of(const drift_backend *backend, int dims, const size_t *size);

/* x's gradient as a tensor of its own, and x's memory seen in another shape of as many elements. */
drift_tensor drift_tensor_grad(const drift_tensor *x);
drift_tensor drift_tensor_view(const drift_tensor *x, int dims, const size_t *size);
/* [rows, row size] of the same memory, gradient included. */
drift_tensor drift_tensor_matrix(const drift_tensor *x);

/* Copies all elements between the tensor and host memory of the tensor's own type. */
drift_status drift_tensor_write(drift_tensor *x, const void *host);
drift_status drift_tensor_read(const drift_tensor *x, void *host);

/* The same with floats on the host whatever the precision of the backend (x is f32 or f64). */
drift_status drift_tensor_write_floats(drift_tensor *x, const float *host);
drift_status drift_tensor_read_floats(const drift_tensor *x, float *host);

/* And with doubles. */
drift_status drift_tensor_write_doubles(drift_tensor *x, const double *host);
drift_status drift_tensor_read_doubles(const drift_tensor *x, double *host);

/* "[4,3]" for messages; up to four results stay valid at once per thread. */
const char *drift_tensor_shape(const drift_tensor *x);

#endif
