/* Philox4x32-10, sixteen blocks at a time, and what is made of its words: src/base/random.h has the definitions. */
#include "kernel.h"
#include "math.h"

enum { GROUP = 4 * LANES }; /* elements made at once */

typedef struct {
    veci word[4];
} words;

typedef struct stream {
    uint64_t seed, block;
    uint32_t step, purpose;
} stream;

VEC_MATH words philox(stream s)
{
    int32_t low[LANES], high[LANES];
    for (int i = 0; i < LANES; i++) {
        const uint64_t block = (s.block + (uint64_t)i) & (UINT64_MAX >> 2); /* elements are counted modulo 2^64 */
        low[i] = (int32_t)(uint32_t)block;
        high[i] = (int32_t)(uint32_t)(block >> 32);
    }
    veci c0 = veci_load(low), c1 = veci_load(high), c2 = veci_set1((int32_t)s.step), c3 = veci_set1((int32_t)s.purpose);
    veci m0 = veci_set1((int32_t)0xd2511f53), m1 = veci_set1((int32_t)0xcd9e8d57);
    uint32_t k0 = (uint32_t)s.seed, k1 = (uint32_t)(s.seed >> 32);
    for (int round = 0; round < 10; round++) {
        veci high0 = veci_mulhi(m0, c0), high1 = veci_mulhi(m1, c2);
        veci low0 = veci_mul(m0, c0), low1 = veci_mul(m1, c2);
        c0 = veci_xor(veci_xor(high1, c1), veci_set1((int32_t)k0));
        c2 = veci_xor(veci_xor(high0, c3), veci_set1((int32_t)k1));
        c1 = low1;
        c3 = low0;
        k0 += 0x9e3779b9;
        k1 += 0xbb67ae85;
    }
    return (words){{c0, c1, c2, c3}};
}

/* The top 24 bits, as a float. */
VEC_MATH vec top_bits(veci word) { return vec_from_int(veci_srl(word, 8)); }

/* part[w] holds word w of every block; elements run through a block's words first. */
static inline void interleave(const vec part[4], float group[GROUP])
{
    float t[4][LANES];
    for (int w = 0; w < 4; w++)
        vec_store(t[w], part[w]);
    for (int i = 0; i < LANES; i++)
        for (int w = 0; w < 4; w++)
            group[4 * i + w] = t[w][i];
}

static void uniform_group(stream s, float group[GROUP])
{
    words x = philox(s);
    vec part[4];
    for (int w = 0; w < 4; w++)
        part[w] = vec_mul(top_bits(x.word[w]), vec_set1(0x1p-24f));
    interleave(part, group);
}

static void normal_group(stream s, float group[GROUP])
{
    words x = philox(s);
    vec part[4];
    for (int w = 0; w < 4; w += 2) {
        vec u1 = vec_mul(vec_add(top_bits(x.word[w]), vec_set1(1)), vec_set1(0x1p-24f)), sine, cosine;
        vec r = vec_sqrt(vec_mul(vec_set1(-2), vec_log_normal(u1, vec_zero())));
        vec_sincos_turn(vec_mul(top_bits(x.word[w + 1]), vec_set1(0x1p-24f)), &sine, &cosine);
        part[w] = vec_mul(r, cosine);
        part[w + 1] = vec_mul(r, sine);
    }
    interleave(part, group);
}

/* Elements first .. first + n - 1 of a stream made in groups that start at any block. */
static inline __attribute__((always_inline)) void fill(size_t n, uint64_t first, stream s, float *y,
                                                       void (*make_group)(stream s, float group[GROUP]))
{
    size_t skip = (size_t)(first % 4);
    s.block = first / 4;
    for (size_t i = 0; i < n; s.block += LANES) {
        float group[GROUP];
        size_t count = n - i < GROUP - skip ? n - i : GROUP - skip;
        make_group(s, group);
        memcpy(y + i, group + skip, count * sizeof *y);
        i += count;
        skip = 0;
    }
}

void K(random_uniform)(size_t n, uint64_t seed, uint64_t first, uint32_t step, uint32_t purpose, float *y)
{
    fill(n, first, (stream){seed, 0, step, purpose}, y, uniform_group);
}

void K(random_normal)(size_t n, uint64_t seed, uint64_t first, uint32_t step, uint32_t purpose, float *y)
{
    fill(n, first, (stream){seed, 0, step, purpose}, y, normal_group);
}
