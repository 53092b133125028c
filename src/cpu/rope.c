/* Cosines and sines of the rotary embedding, in double and then rounded. Models ask for the same few tables again and
 * again, so those that were made are kept. */
#include "cpu/rope.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bfloat16.h"
#include "base/real.h"

struct table {
    size_t tokens, half;
    int bf16;
    struct table *next;
    real values[]; /* [tokens, 3, half] */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct table *tables;

static double rounded(int bf16, double x) { return bf16 ? (double)drift_bfloat16((float)x) : x; }

static void fill(struct table *t)
{
    for (size_t i = 0; i < t->half; i++) {
        const double frequency = rounded(t->bf16, drift_pow(10000, -(double)i / (double)t->half));
        for (size_t token = 0; token < t->tokens; token++) {
            const double angle = rounded(t->bf16, rounded(t->bf16, (double)token) * frequency);
            real *at = t->values + token * 3 * t->half + i;
            at[0] = (real)rounded(t->bf16, drift_cos(angle));
            at[t->half] = (real)rounded(t->bf16, drift_sin(angle));
            at[2 * t->half] = -at[t->half];
        }
    }
}

static struct table *find(size_t tokens, size_t half, int bf16)
{
    struct table *t = tables;
    while (t && (t->tokens != tokens || t->half != half || t->bf16 != bf16))
        t = t->next;
    return t;
}

const real *CPU(rope_table)(size_t tokens, size_t half, int bf16)
{
    pthread_mutex_lock(&lock);
    struct table *t = find(tokens, half, !!bf16);
    if (!t && (t = malloc(sizeof *t + tokens * 3 * half * sizeof *t->values))) {
        *t = (struct table){tokens, half, !!bf16, tables};
        fill(t);
        tables = t;
    }
    pthread_mutex_unlock(&lock);
    return t ? t->values : NULL;
}
