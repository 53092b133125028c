/* Draws the inputs of a case. */
#include "golden/draft.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/real.h"

struct drift_golden_law drift_golden_normal(double mean, double deviation)
{
    return (struct drift_golden_law){DRIFT_GOLDEN_NORMAL, mean, deviation};
}

struct drift_golden_law drift_golden_uniform(double low, double high)
{
    return (struct drift_golden_law){DRIFT_GOLDEN_UNIFORM, low, high};
}

struct drift_golden_law drift_golden_index(size_t below)
{
    return (struct drift_golden_law){DRIFT_GOLDEN_INDEX, (double)below, 0};
}

struct drift_golden_law drift_golden_choice(double share)
{
    return (struct drift_golden_law){DRIFT_GOLDEN_CHOICE, share, 0};
}

/* Element e of the stream (seed, golden, tensor): base/random.h has the definitions. */
static double normal_at(uint64_t seed, uint32_t tensor, uint64_t e)
{
    const double pi = 3.14159265358979323846;
    uint32_t word[4];
    drift_philox(seed, e / 4, tensor, DRIFT_RANDOM_GOLDEN, word);
    const uint32_t *pair = word + (e / 2 % 2) * 2;
    const double u1 = ((pair[0] >> 8) + 1) * 0x1p-24, u2 = (pair[1] >> 8) * 0x1p-24;
    const double radius = sqrt(-2 * drift_log(u1)), angle = 2 * pi * u2;
    return radius * (e % 2 ? drift_sin(angle) : drift_cos(angle));
}

static double draw_one(const struct drift_golden_law *law, uint64_t seed, uint32_t tensor, uint64_t e)
{
    if (law->kind == DRIFT_GOLDEN_NORMAL)
        return law->a + law->b * normal_at(seed, tensor, e);
    if (law->kind == DRIFT_GOLDEN_INDEX)
        return drift_random_below(seed, DRIFT_RANDOM_GOLDEN, tensor, e, (uint32_t)law->a);
    const double u = drift_random_uniform_at(seed, DRIFT_RANDOM_GOLDEN, tensor, e);
    return law->kind == DRIFT_GOLDEN_CHOICE ? u < law->a : law->a + u * (law->b - law->a);
}

/* Room for another tensor of the draft; NULL after its failure. */
static struct drift_array *append(drift_golden_draft *draft, const char *name, enum drift_array_type type, int rank,
                                  const size_t *shape, int exact)
{
    struct drift_safetensors *file = &draft->file;
    size_t count, bytes;
    if (draft->status)
        return NULL;
    if (!drift_array_measure(type, rank, shape, &count, &bytes) || bytes > (size_t)1 << 31) {
        draft->status = drift_fail(DRIFT_INVALID, "%s: %s: more than 2 GiB", file->path, name);
        return NULL;
    }
    if (file->count == draft->room) {
        const size_t room = draft->room ? 2 * draft->room : 32;
        struct drift_tensor_entry *tensors = realloc(file->tensors, room * sizeof *tensors);
        file->tensors = tensors ? tensors : file->tensors;
        int *flags = tensors ? realloc(draft->exact, room * sizeof *flags) : NULL;
        draft->exact = flags ? flags : draft->exact;
        if (!flags) {
            draft->status = drift_fail_memory(file->path, room * sizeof *tensors);
            return NULL;
        }
        draft->room = room;
    }
    struct drift_tensor_entry entry = {malloc(strlen(name) + 1), drift_array_view(type, rank, shape, NULL)};
    entry.array.data = entry.array.memory = malloc(bytes + 1);
    if (!entry.name || !entry.array.memory) {
        free((char *)entry.name);
        free(entry.array.memory);
        draft->status = drift_fail_memory(file->path, bytes);
        return NULL;
    }
    strcpy((char *)entry.name, name);
    draft->exact[file->count] = exact;
    file->tensors[file->count] = entry;
    return &file->tensors[file->count++].array;
}

static void draw(drift_golden_draft *draft, const char *name, struct drift_golden_law law, int rank,
                 const size_t *shape, int exact)
{
    const int whole = law.kind == DRIFT_GOLDEN_INDEX;
    struct drift_array *array = append(draft, name, whole ? DRIFT_ARRAY_I32 : DRIFT_ARRAY_F32, rank, shape,
                                       exact || whole || law.kind == DRIFT_GOLDEN_CHOICE);
    const uint32_t stream = (uint32_t)draft->file.count;
    for (size_t i = 0; array && i < array->count; i++) {
        const double x = draw_one(&law, draft->seed, stream, i);
        if (whole)
            ((int32_t *)array->memory)[i] = (int32_t)x;
        else
            ((float *)array->memory)[i] = (float)x;
    }
}

void drift_golden_draw(drift_golden_draft *draft, const char *name, struct drift_golden_law law, int rank,
                       const size_t *shape)
{
    draw(draft, name, law, rank, shape, 0);
}

void drift_golden_draw_exact(drift_golden_draft *draft, const char *name, struct drift_golden_law law, int rank,
                             const size_t *shape)
{
    draw(draft, name, law, rank, shape, 1);
}

void drift_golden_put(drift_golden_draft *draft, const char *name, size_t n, const int32_t *values)
{
    struct drift_array *array = append(draft, name, DRIFT_ARRAY_I32, 1, &n, 1);
    if (array)
        memcpy(array->memory, values, n * sizeof *values);
}

void drift_golden_draw_params(drift_golden_draft *draft, const char *prefix, const drift_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        const drift_param *p = params->list[i];
        const drift_tensor *x = &p->tensor;
        char name[DRIFT_PARAM_NAME + 32];
        double mean = 0, deviation = 0.2; /* biases, tables, embeddings; scales around one; kernels by their fan-in */
        if (p->init == DRIFT_INIT_ONES)
            mean = 1;
        else if (x->dims >= 2 && p->init != DRIFT_INIT_NORMAL && p->init != DRIFT_INIT_POSITION)
            deviation = 1 / sqrt((double)(drift_tensor_elements(x) / x->size[x->dims - 1]));
        snprintf(name, sizeof name, "%s/%s", prefix, p->name);
        drift_golden_draw(draft, name, drift_golden_normal(mean, deviation), x->dims, x->size);
    }
}

static size_t size_of(drift_golden_draft *draft, const char *key, size_t least)
{
    size_t value;
    if (draft->status || (draft->status = drift_golden_count(&draft->golden, key, &value)))
        return 0;
    if (value < least || value > 100000) {
        draft->status = drift_fail(DRIFT_INVALID, "%s: config: %s: expected %zu to 100000, not %zu", draft->file.path,
                                   key, least, value);
        return 0;
    }
    return value;
}

size_t drift_golden_size(drift_golden_draft *draft, const char *key) { return size_of(draft, key, 1); }

size_t drift_golden_size_or_none(drift_golden_draft *draft, const char *key) { return size_of(draft, key, 0); }
