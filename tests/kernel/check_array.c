/* Arrays of the kernel checks: inputs drawn, memory guarded. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, which POSIX.1-2008 lacks */
#include "check_array.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BAND = 256, GUARD = 0xa5 };

static size_t narrow_size(enum check_type type)
{
    return type == CHECK_DOUBLE ? sizeof(double) : type == CHECK_BF16 ? sizeof(uint16_t) : sizeof(float);
}

static size_t wide_size(enum check_type type) { return type == CHECK_REAL ? sizeof(double) : narrow_size(type); }

static unsigned char *place_narrow(struct check_memory *m, enum check_place place, size_t shift)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inner = (m->bytes + 2 * BAND + page - 1) / page * page;
    m->page = page;
    m->map_bytes = inner + 2 * page;
    void *map = mmap(NULL, m->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    m->map = map;
    memset(m->map + page, GUARD, inner);
    if (mprotect(m->map, page, PROT_NONE) || mprotect(m->map + page + inner, page, PROT_NONE))
        return NULL;
    switch (place) {
    case CHECK_AT_END: return m->map + page + inner - m->bytes;
    case CHECK_AT_START: return m->map + page;
    case CHECK_INSIDE: return m->map + page + 64 + shift;
    default: return m->map + page + BAND;
    }
}

struct check_array *check_array_new(size_t n, enum check_type type, enum check_role role, enum check_place place,
                                    size_t shift)
{
    struct check_array *a = calloc(1, sizeof *a);
    struct check_memory *m = calloc(1, sizeof *m);
    if (!a || !m) {
        free(a);
        free(m);
        return NULL;
    }
    a->memory = m;
    a->n = m->n = n;
    m->role = role;
    m->type = type;
    m->bytes = n * narrow_size(type);
    m->narrow = place_narrow(m, place, shift);
    m->wide_block = malloc(n * wide_size(type) + 2 * BAND);
    m->before = calloc(n + 1, narrow_size(type));
    m->c_result = calloc(n + 1, narrow_size(type));
    if (!m->narrow || !m->wide_block || !m->before || !m->c_result) {
        check_array_free(a);
        return NULL;
    }
    memset(m->wide_block, GUARD, n * wide_size(type) + 2 * BAND);
    m->wide = m->wide_block + BAND;
    a->x = m->before;
    a->p = m->narrow;
    return a;
}

void check_array_free(struct check_array *a)
{
    struct check_memory *m = a->memory;
    if (m->map)
        munmap(m->map, m->map_bytes);
    free(m->wide_block);
    free(m->before);
    free(m->c_result);
    free(m);
    free(a->scale);
    free(a);
}

/* An array that is only written starts as NaN, so that an element left out is seen. */
static int starts_as_nan(const struct check_memory *m) { return m->role == CHECK_OUT || m->role == CHECK_WORK; }

void check_array_restore(struct check_array *a, int wide)
{
    struct check_memory *m = a->memory;
    a->p = wide ? m->wide : (void *)m->narrow;
    if (starts_as_nan(m))
        memset(a->p, 0xff, m->n * (wide ? wide_size(m->type) : narrow_size(m->type)));
    else if (wide && m->type == CHECK_REAL)
        for (size_t i = 0; i < m->n; i++)
            ((double *)m->wide)[i] = ((float *)m->before)[i];
    else
        memcpy(a->p, m->before, m->bytes);
}

static int untouched(const unsigned char *from, const unsigned char *to)
{
    for (; from < to; from++)
        if (*from != GUARD)
            return 0;
    return 1;
}

const char *check_array_damage(const struct check_array *a, int wide)
{
    const struct check_memory *m = a->memory;
    const unsigned char *start = wide ? m->wide_block : m->map + m->page, *data = a->p;
    const unsigned char *after = data + (wide ? m->n * wide_size(m->type) : m->bytes);
    const unsigned char *end = wide ? after + BAND : m->map + m->map_bytes - m->page;
    if (!untouched(start, data))
        return "wrote before an array";
    if (!untouched(after, end))
        return "wrote after an array";
    if (m->role == CHECK_IN && !wide && memcmp(m->narrow, m->before, m->bytes))
        return "wrote to an input";
    return NULL;
}

uint64_t check_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static float wild_value(uint64_t r, int wild)
{
    static const uint32_t special[] = {/* the last five are not finite */
                                       0,          0x80000000, 0x3f800000, 0xbf800000, 1,          0x80000001,
                                       0x007fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x3f000000,
                                       0x3fc00000, 0x40200000, 0xbf000000, 0xbfc00000, 0x4b000000, 0x4affffff,
                                       0x4b7fffff, 0x42b17218, 0xc2aeac50, 0xc2cff1b5, 0x33800000, 0x7f800000,
                                       0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001};
    const size_t count = sizeof special / sizeof *special - (wild == 1 ? 5 : 0);
    uint32_t low = (uint32_t)r;
    if (r >> 63)
        return from_bits(special[low % count]);
    if (wild == 1 && (low >> 23 & 255) == 255)
        low &= 0xbfffffff;
    return from_bits(low);
}

void check_array_fill(struct check_array *a, uint64_t *state, float low, float high, int wild, int sparse)
{
    const double span = (double)high - low;
    for (size_t i = 0; i < a->n; i++) {
        uint64_t r = check_random(state);
        if (wild && !(r & ((UINT64_C(1) << sparse) - 1)))
            a->x[i] = wild_value(check_random(state), wild);
        else
            a->x[i] = (float)(low + span * (double)(r >> 11) * 0x1p-53);
    }
}

uint64_t check_bits(const void *values, enum check_type type, size_t i)
{
    if (type == CHECK_DOUBLE) {
        double d = ((const double *)values)[i];
        uint64_t u;
        memcpy(&u, &d, sizeof u);
        return d != d ? UINT64_C(0x7ff8000000000000) : u;
    }
    uint32_t u;
    if (type == CHECK_BF16)
        u = (uint32_t)((const uint16_t *)values)[i] << 16;
    else
        memcpy(&u, (const uint32_t *)values + i, sizeof u);
    return type != CHECK_INT32 && from_bits(u) != from_bits(u) ? 0x7fc00000 : u;
}

double check_value(const void *values, enum check_type type, size_t i)
{
    switch (type) {
    case CHECK_DOUBLE: return ((const double *)values)[i];
    case CHECK_INT32: return ((const int32_t *)values)[i];
    case CHECK_BF16: return from_bits((uint32_t)((const uint16_t *)values)[i] << 16);
    default: return ((const float *)values)[i];
    }
}
