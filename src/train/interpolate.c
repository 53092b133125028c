/* Spherical interpolation of noise, and steps of style indices. */
#include "train/interpolate.h"

#include <math.h> /* sqrt */
#include <stdlib.h>

#include "base/random.h"
#include "base/real.h"

#define PI 3.14159265358979323846

/* The angle in [0, pi] whose cosine is c, by bisection. */
static double angle_of(double c)
{
    double low = 0, high = PI;
    for (int i = 0; i < 60; i++) {
        const double middle = 0.5 * (low + high);
        if (drift_cos(middle) > c)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static double product(size_t n, const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void between(size_t n, const float *a, const float *b, size_t steps, float *noise)
{
    const double length_a = sqrt(product(n, a, a)), length_b = sqrt(product(n, b, b));
    const int known = length_a > 0 && length_b > 0;
    const double angle = known ? angle_of(product(n, a, b) / (length_a * length_b)) : 0, sine = drift_sin(angle);
    const int line = !(sine > 1e-6);
    for (size_t s = 0; s < steps; s++) {
        const double t = (double)s / (double)(steps - 1), length = (1 - t) * length_a + t * length_b;
        const double of_a = line ? 1 - t : length / length_a * (drift_sin((1 - t) * angle) / sine),
                     of_b = line ? t : length / length_b * (drift_sin(t * angle) / sine);
        for (size_t i = 0; i < n; i++)
            noise[s * n + i] = (float)(of_a * (double)a[i] + of_b * (double)b[i]);
    }
}

static void change(size_t n, const int32_t *a, const int32_t *b, size_t steps, int32_t *style)
{
    for (size_t s = 0; s < steps; s++)
        for (size_t k = 0; k < n; k++)
            style[s * n + k] = s * (n + 1) >= (k + 1) * (steps - 1) ? b[k] : a[k];
}

/* The noise and styles of one sample. */
static drift_status draw(const struct drift_generator *generator, uint64_t seed, double temperature, uint64_t sample,
                         float *noise, int32_t *style)
{
    const struct drift_generator_stream stream = {seed, DRIFT_RANDOM_SAMPLE, DRIFT_RANDOM_SAMPLE_STYLE, 0, temperature};
    struct drift_generator_input input = {NULL, NULL, NULL, NULL};
    drift_tape *tape = generator->tape;
    drift_tape_clear(tape);
    drift_tape_pause(tape);
    drift_generator_draw(generator, tape, &stream, sample, 1, &input);
    drift_status status = drift_tape_status(tape);
    if (!status)
        status = drift_tensor_read_floats(input.noise, noise);
    return !status && input.style ? drift_tensor_read(input.style, style) : status;
}

drift_status drift_interpolate(const struct drift_generator *generator, uint64_t seed, double temperature, uint64_t a,
                               uint64_t b, size_t steps, float *noise, int32_t *style)
{
    const size_t dim = generator->noise_dim, styles = generator->styles;
    float *ends = malloc(2 * dim * sizeof *ends);
    int32_t *indices = malloc((2 * styles + 1) * sizeof *indices);
    drift_status status = DRIFT_OK;
    if (!ends || !indices)
        status = drift_fail(DRIFT_NO_MEMORY, "no memory for noise of %zu numbers", dim);
    if (!status)
        status = draw(generator, seed, temperature, a, ends, indices);
    if (!status)
        status = draw(generator, seed, temperature, b, ends + dim, indices + styles);
    if (!status) {
        between(dim, ends, ends + dim, steps, noise);
        if (styles)
            change(styles, indices, indices + styles, steps, style);
    }
    free(ends);
    free(indices);
    return status;
}
