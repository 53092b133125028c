/* One block for all parameters, and tensors that point into it. */
#include "nn/params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "nn/position.h"

enum { ALIGNED = 16 }; /* elements */

void drift_params_new(drift_params *params, const drift_backend *backend)
{
    *params = (drift_params){.backend = backend};
    params->values = drift_tensor_of(backend, 1, (const size_t[]){0});
}

void drift_params_free(drift_params *params)
{
    const drift_backend *b = params->backend;
    for (size_t i = 0; i < params->count; i++)
        free(params->list[i]);
    free(params->list);
    if (params->values.data)
        b->free(b, params->values.data);
    if (params->values.grad)
        b->free(b, params->values.grad);
    drift_params_new(params, b);
}

drift_param *drift_params_find(const drift_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++)
        if (!strcmp(params->list[i]->name, name))
            return params->list[i];
    return NULL;
}

/* A place in the list for one more. */
static drift_param *append(drift_params *params)
{
    drift_param **list = realloc(params->list, (params->count + 1) * sizeof(drift_param *));
    if (list)
        params->list = list;
    drift_param *p = list ? calloc(1, sizeof *p) : NULL;
    if (p)
        list[params->count++] = p;
    else
        params->status = drift_fail(DRIFT_NO_MEMORY, "parameters: no memory");
    return p;
}

drift_param *drift_params_add_fan(drift_params *params, const char *name, int dims, const size_t *size, drift_init init,
                                  double scale, size_t fan_in, size_t fan_out)
{
    if (params->status)
        return NULL;
    if (strlen(name) >= sizeof(((drift_param *)0)->name) || drift_params_find(params, name)) {
        params->status = drift_fail(DRIFT_INVALID, "parameter %s: the name is taken or too long", name);
        return NULL;
    }
    drift_param *p = append(params);
    if (!p)
        return NULL;
    strcpy(p->name, name);
    p->tensor = drift_tensor_of(params->backend, dims, size);
    p->tensor.needs_grad = !params->frozen;
    p->offset = params->values.size[0];
    p->init = init;
    p->scale = scale;
    p->fan_in = fan_in;
    p->fan_out = fan_out;
    params->values.size[0] += (drift_tensor_elements(&p->tensor) + ALIGNED - 1) / ALIGNED * ALIGNED;
    return p;
}

drift_param *drift_params_add(drift_params *params, const char *name, int dims, const size_t *size, drift_init init,
                              double scale)
{
    size_t last = dims ? size[dims - 1] : 1, rest = 1;
    for (int i = 0; i + 1 < dims; i++)
        rest *= size[i];
    return drift_params_add_fan(params, name, dims, size, init, scale, dims > 1 ? rest : last, last);
}

/* Zeroed memory of the whole block's size. */
static drift_status take(const drift_params *params, void **memory)
{
    const drift_backend *b = params->backend;
    const size_t bytes = drift_tensor_bytes(&params->values);
    drift_status status = b->alloc(b, bytes, memory);
    return status ? status : b->zero(b, *memory, bytes);
}

static void *at(const drift_params *params, void *memory, size_t offset)
{
    return memory ? (char *)memory + offset * drift_dtype_size(params->backend->real) : NULL;
}

drift_status drift_params_allocate(drift_params *params)
{
    drift_status status = params->status;
    if (!status)
        status = take(params, &params->values.data);
    if (!status && !params->frozen)
        status = take(params, &params->values.grad);
    if (status)
        return status;
    for (size_t i = 0; i < params->count && params->values.grad; i++)
        params->list[i]->tensor.grad = at(params, params->values.grad, params->list[i]->offset);
    drift_params_use(params, NULL);
    return DRIFT_OK;
}

static drift_status write_positions(drift_tensor *x)
{
    const size_t cells = x->size[1], width = x->size[2];
    float *table = malloc(cells * width * sizeof *table + 1);
    if (!table)
        return drift_fail(DRIFT_NO_MEMORY, "parameters: no memory for %zu positions", cells);
    for (size_t i = 0; i < cells; i++)
        drift_position_row((size_t)sqrt((double)cells), width, i, table + i * width);
    drift_status status = drift_tensor_write_floats(x, table);
    free(table);
    return status;
}

static drift_status draw(drift_param *p, const drift_stream *stream)
{
    const drift_backend *b = p->tensor.backend;
    double bound;
    switch (p->init) {
    case DRIFT_INIT_ONES: return b->fill(b, 1, &p->tensor);
    case DRIFT_INIT_UNIFORM:
        bound = p->scale / sqrt((double)p->fan_in);
        return b->random_uniform(b, stream, -bound, bound, &p->tensor);
    case DRIFT_INIT_XAVIER:
        bound = p->scale * sqrt(6 / (double)(p->fan_in + p->fan_out));
        return b->random_uniform(b, stream, -bound, bound, &p->tensor);
    case DRIFT_INIT_TRUNCATED: /* what is left of a standard normal between -2 and 2 has this deviation: */
        bound = p->scale / sqrt((double)p->fan_in) / 0.87962566103423978;
        return b->random_truncated(b, stream, bound, &p->tensor);
    case DRIFT_INIT_NORMAL: return b->random_normal(b, stream, p->scale, &p->tensor);
    case DRIFT_INIT_POSITION: return write_positions(&p->tensor);
    default: return b->fill(b, 0, &p->tensor);
    }
}

drift_status drift_params_init(drift_params *params, uint64_t seed)
{
    drift_status status = DRIFT_OK;
    for (size_t i = 0; i < params->count && !status; i++) {
        const drift_stream stream = {.seed = seed, .purpose = DRIFT_RANDOM_INIT, .step = (uint32_t)i};
        status = draw(params->list[i], &stream);
    }
    return status;
}

drift_status drift_params_zero_grad(drift_params *params)
{
    const drift_backend *b = params->backend;
    return b->zero(b, params->values.grad, drift_tensor_bytes(&params->values));
}

drift_status drift_params_block(const drift_params *params, drift_tensor *block)
{
    *block = params->values;
    block->data = block->grad = NULL;
    return take(params, &block->data);
}

void drift_params_block_free(const drift_params *params, drift_tensor *block)
{
    if (block->data)
        params->backend->free(params->backend, block->data);
    block->data = NULL;
}

drift_tensor drift_params_view(const drift_params *params, const drift_tensor *block, size_t i)
{
    const drift_param *p = params->list[i];
    drift_tensor view = p->tensor;
    view.data = at(params, block->data, p->offset);
    view.grad = NULL;
    view.needs_grad = 0;
    return view;
}

void drift_params_use(drift_params *params, const drift_tensor *block)
{
    void *memory = block ? block->data : params->values.data;
    for (size_t i = 0; i < params->count; i++)
        params->list[i]->tensor.data = at(params, memory, params->list[i]->offset);
}

void drift_params_freeze(drift_params *params, int frozen)
{
    params->frozen = frozen;
    for (size_t i = 0; i < params->count; i++)
        params->list[i]->tensor.needs_grad = !frozen;
}
