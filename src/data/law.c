/* Points by formula, about in [-1,1]. The first two are those of the authors' demo. */
#include <math.h>

#include "base/real.h"
#include "data/source.h"

#define PI 3.14159265358979323846

double drift_data_uniform(uint32_t word) { return (word >> 8) * 0x1p-24; }

/* u in 0 .. n-1. */
static int choose(uint32_t word, int n) { return (int)((uint64_t)word * (uint32_t)n >> 32); }

/* Dark squares of a 4 x 4 board over [-1,1]^2: column 2 u0 + b, row 2 v0 + b. */
static int checkerboard(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2])
{
    int square = choose(word[0], 8), b = square & 1;
    p[0] = (2 * (square >> 1 & 1) + b + drift_data_uniform(word[1]) - 2) / 2;
    p[1] = (2 * (square >> 2) + b + drift_data_uniform(word[2]) - 2) / 2;
    (void)data, (void)z;
    return square;
}

/* (t cos t, t sin t), t from pi/2 to 9/2 pi; the batch is scaled afterwards. */
static int swiss_roll(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2])
{
    double t = PI / 2 + 4 * PI * drift_data_uniform(word[0]);
    p[0] = t * drift_cos(t);
    p[1] = t * drift_sin(t);
    (void)data, (void)z;
    return 0;
}

/* Two half circles of radius 2/3 that reach into each other. */
static int two_moons(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2])
{
    double t = PI * drift_data_uniform(word[0]);
    int lower = choose(word[1], 2);
    p[0] = ((lower ? 1 - drift_cos(t) : drift_cos(t)) - 0.5) / 1.5;
    p[1] = ((lower ? 0.5 - drift_sin(t) : drift_sin(t)) - 0.25) / 1.5;
    (void)data, (void)z;
    return lower;
}

/* Eight on a circle of radius 0.8; the wide ones, three deviations apart, reach into each other. */
static void centre8(int k, double p[2])
{
    double t = PI / 4 * k;
    p[0] = 0.8 * drift_cos(t);
    p[1] = 0.8 * drift_sin(t);
}

static int gaussians8(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2])
{
    int k = choose(word[0], 8);
    centre8(k, p);
    (void)data, (void)z;
    return k;
}

/* Five by five, 0.4 apart. */
static void centre25(int k, double p[2])
{
    p[0] = 0.4 * (k % 5 - 2);
    p[1] = 0.4 * (k / 5 - 2);
}

static int gaussians25(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2])
{
    int k = choose(word[0], 25);
    centre25(k, p);
    (void)data, (void)z;
    return k;
}

/* Two arms of one and a half turns; the root makes them evenly dense. */
static int spiral(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2])
{
    double u = drift_data_uniform(word[0]), r = 0.9 * sqrt(u), t = 3 * PI * r / 0.9;
    int arm = choose(word[1], 2);
    if (arm)
        r = -r;
    p[0] = r * drift_cos(t);
    p[1] = r * drift_sin(t);
    (void)data, (void)z;
    return arm;
}

/* Five wings, each a Gaussian 0.3 long and 0.1 wide at radius 1, turned by exp(radius)/4; halved. */
static int pinwheel(const struct drift_data *data, const uint32_t word[4], const double z[2], double p[2])
{
    double along = 1 + 0.3 * z[0], across = 0.1 * z[1];
    int wing = choose(word[0], 5);
    double t = 2 * PI / 5 * wing + 0.25 * drift_exp(along), c = drift_cos(t), s = drift_sin(t);
    p[0] = (c * along - s * across) / 2;
    p[1] = (s * along + c * across) / 2;
    (void)data;
    return wing;
}

const struct drift_data_law drift_law_checkerboard = {.point = checkerboard, .noise = 0.05, .classes = 8},
                            drift_law_swiss_roll = {.point = swiss_roll, .noise = 0.03, .by_batch = 1},
                            drift_law_two_moons = {.point = two_moons, .noise = 0.03, .classes = 2},
                            drift_law_gaussians8 = {gaussians8, 0.05, 0, 8, centre8},
                            drift_law_gaussians8_wide = {gaussians8, 0.2, 0, 8, centre8},
                            drift_law_gaussians25 = {gaussians25, 0.03, 0, 25, centre25},
                            drift_law_spiral = {.point = spiral, .noise = 0.02, .classes = 2},
                            drift_law_pinwheel = {.point = pinwheel, .classes = 5};

int drift_data_has_likelihood(const struct drift_data *data) { return data->law && data->law->centre; }

double drift_data_likelihood(const struct drift_data *data, int class, const float x[2])
{
    const double variance = data->law->noise * data->law->noise;
    double centre[2];
    data->law->centre(class, centre);
    const double across = (double)x[0] - centre[0], up = (double)x[1] - centre[1];
    return drift_exp(-(across * across + up * up) / (2 * variance)) / (2 * PI * variance);
}
