/* Random numbers by counter: Philox4x32-10 (Salmon and others, 2011). A number depends on (seed, purpose, step,
 * element) alone, so neither threads nor batches nor resumed runs change a stream.
 *
 *   key = seed (low word first)        counter = {block low, block high, step, purpose}
 *   element e of a stream is made of word e % 4 of block e / 4
 *   uniform   (word >> 8) 2^-24, in [0, 1)
 *   normal    Box-Muller on the words (0, 1) and (2, 3) of a block: u1 = ((w0 >> 8) + 1) 2^-24, u2 = (w1 >> 8) 2^-24,
 *             r = sqrt(-2 ln u1), the pair (r cos 2 pi u2, r sin 2 pi u2)
 *
 * Many at once: the kernels random_uniform and random_normal. */
#ifndef DRIFT_BASE_RANDOM_H
#define DRIFT_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What a stream is for. Numbers are part of what a seed means: append, never renumber. */
typedef enum drift_purpose {
    DRIFT_RANDOM_INIT = 0,   /* parameters */
    DRIFT_RANDOM_NOISE,      /* the generator's input in training */
    DRIFT_RANDOM_SAMPLE,     /* the generator's input in sampling */
    DRIFT_RANDOM_DATA,       /* which data, or the points of a set made by formula */
    DRIFT_RANDOM_DATA_NOISE, /* noise added to data */
    DRIFT_RANDOM_SPLIT,      /* train and test parts, shuffles */
    DRIFT_RANDOM_EVAL,       /* fresh data for metrics */
    DRIFT_RANDOM_EVAL_NOISE, /* their noise */
    DRIFT_RANDOM_SLICE,      /* directions of the sliced Wasserstein distance */
    DRIFT_RANDOM_GUIDANCE,   /* guidance scales */
    DRIFT_RANDOM_QUEUE,      /* draws from the sample queue: positives */
    DRIFT_RANDOM_TEST,
    DRIFT_RANDOM_QUEUE_ALL,    /* draws from the queue of unconditional samples */
    DRIFT_RANDOM_ENTRY,        /* which of the last batch give a step's classes */
    DRIFT_RANDOM_STYLE,        /* style indices in training */
    DRIFT_RANDOM_SAMPLE_STYLE, /* and in sampling */
    DRIFT_RANDOM_MIRROR,       /* which images of a batch are mirrored */
    DRIFT_RANDOM_WARP,         /* how the images that a classifier learns from are shifted and sheared */
    DRIFT_RANDOM_MASK,         /* an autoencoder's masks in training */
    DRIFT_RANDOM_EVAL_MASK,    /* and in evaluations */
    DRIFT_RANDOM_GOLDEN,       /* inputs of generated golden values; step: which tensor */
    DRIFT_RANDOM_GOLDEN_ROUND, /* which way each of them is rounded to see how much that matters */
    DRIFT_RANDOM_RULE,         /* points from which the linear rule of guidance takes its own */
    DRIFT_RANDOM_RULE_KEEP,    /* and which of them */
    DRIFT_RANDOM_CROP          /* which part of an image is trained on */
} drift_purpose;

/* One block of four words. */
void drift_philox(uint64_t seed, uint64_t block, uint32_t step, uint32_t purpose, uint32_t word[4]);

/* Element `element` of a stream: its word; uniform in [0, 1) from its top 24 bits; uniform in 0 .. n - 1, n >= 1, by
 * multiplication (bias below n / 2^32). */
uint32_t drift_random_u32(uint64_t seed, uint32_t purpose, uint32_t step, uint64_t element);
double drift_random_uniform_at(uint64_t seed, uint32_t purpose, uint32_t step, uint64_t element);
uint32_t drift_random_below(uint64_t seed, uint32_t purpose, uint32_t step, uint64_t element, uint32_t n);

#endif
