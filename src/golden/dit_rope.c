/* Kind dit_rope: the rotary embedding of vectors at positions 0, 1, ... */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "golden/golden.h"
#include "op/op.h"

/* x [tokens, dim] turned, in place: as the q of a sample with one head. */
static drift_status rotate(size_t tokens, size_t dim, int bf16, float *x)
{
    drift_tape *tape;
    float *packed = calloc(3 * tokens * dim + 1, sizeof *packed);
    drift_status status = packed ? drift_tape_new(drift_cpu_backend(DRIFT_F32), &tape)
                                 : drift_fail(DRIFT_NO_MEMORY, "no memory for %zu numbers", 3 * tokens * dim);
    if (status) {
        free(packed);
        return status;
    }
    for (size_t t = 0; t < tokens; t++)
        memcpy(packed + 3 * t * dim, x + t * dim, dim * sizeof *x);
    drift_tensor *qkv = drift_tape_input(tape, 3, (const size_t[]){1, tokens, 3 * dim}, packed, 0);
    drift_tensor *y = drift_rope(tape, 1, bf16, qkv);
    if (!(status = drift_tape_status(tape)))
        status = drift_tensor_read_floats(y, packed);
    for (size_t t = 0; !status && t < tokens; t++)
        memcpy(x + t * dim, packed + 3 * t * dim, dim * sizeof *x);
    drift_tape_free(tape);
    free(packed);
    return status;
}

drift_status drift_golden_dit_rope(drift_golden *golden)
{
    size_t shape[2] = {SIZE_MAX, SIZE_MAX};
    const char *dtype;
    float *x;
    drift_status status = drift_golden_text(golden, "dtype", &dtype);
    if (status || (status = drift_golden_input(golden, "in/x", 2, shape, NULL, &x)))
        return status;
    const int bf16 = !strcmp(dtype, "bfloat16");
    if (!bf16 && strcmp(dtype, "float32"))
        status = drift_fail(DRIFT_INVALID, "%s: config: dtype: expected float32 or bfloat16", golden->file->path);
    else if (shape[1] % 2 || !shape[1])
        status = drift_fail(DRIFT_INVALID, "%s: in/x: has rows of %zu numbers, expected an even number",
                            golden->file->path, shape[1]);
    else if (!(status = rotate(shape[0], shape[1], bf16, x)))
        status = drift_golden_compare(golden, "out/rotated", shape[0] * shape[1], x);
    free(x);
    return status;
}
