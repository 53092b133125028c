/* Kind dit_rope: the rotary embedding of vectors at positions 0, 1, ... */
#include <string.h>

#include "golden/draft.h"
#include "op/op.h"

/* x [tokens, dim] as the q of a sample with one head, turned. */
static drift_status rotate(drift_golden *golden, drift_tape *tape, void *context)
{
    const int bf16 = *(const int *)context;
    drift_tensor *x = drift_golden_tensor(golden, tape, "in/x", 0);
    if (drift_tape_failed(tape) || x->dims != 2 || x->size[1] % 2 || !x->size[1])
        return drift_fail(DRIFT_INVALID, "%s: in/x: expected rows of an even number of numbers", golden->file->path);
    const size_t tokens = x->size[0], dim = x->size[1];
    drift_tensor *q = drift_reshape(tape, x, 3, (const size_t[]){1, tokens, dim}), *qkv = drift_concat(tape, q, q);
    qkv = drift_rope(tape, 1, bf16, drift_concat(tape, qkv, q));
    drift_tensor *y = drift_reshape(tape, drift_slice(tape, 0, dim, qkv), 2, (const size_t[]){tokens, dim});
    drift_status status = drift_tape_status(tape);
    return status ? status : drift_golden_output_tensor(golden, "out/rotated", y);
}

static drift_status compute_dit_rope(drift_golden *golden)
{
    const char *dtype;
    drift_status status = drift_golden_text(golden, "dtype", &dtype);
    if (status)
        return status;
    int bf16 = !strcmp(dtype, "bfloat16");
    if (!bf16 && strcmp(dtype, "float32"))
        return drift_fail(DRIFT_INVALID, "%s: config: dtype: expected float32 or bfloat16", golden->file->path);
    return drift_golden_run(golden, rotate, &bf16);
}

static void draw_rope(drift_golden_draft *draft)
{
    const size_t x[] = {drift_golden_size(draft, "tokens"), drift_golden_size(draft, "head_dim")};
    drift_golden_draw(draft, "in/x", drift_golden_normal(0, 1), 2, x);
}

const struct drift_golden_kind drift_golden_kind_dit_rope = {
    .name = "dit_rope",
    .what = "the rotary embedding of single vectors",
    .compute = compute_dit_rope,
    .inputs = draw_rope,
    .defaults = "{\"tokens\": 24, \"head_dim\": 16, \"dtype\": \"float32\"}",
};
