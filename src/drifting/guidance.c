/* The law of alpha, by inversion of its distribution, and the weight of the unconditional negatives. */
#include "drifting/guidance.h"

#include <math.h>

#include "base/random.h"
#include "base/real.h"

drift_status drift_guidance_check(const struct drift_guidance *guidance)
{
    if (!(guidance->low >= 1 && guidance->high >= guidance->low && isfinite(guidance->high)))
        return drift_fail(DRIFT_INVALID, "guidance from %g to %g: expected 1 <= least <= most", guidance->low,
                          guidance->high);
    if (!isfinite(guidance->power))
        return drift_fail(DRIFT_INVALID, "guidance: the power %g is not finite", guidance->power);
    if (!(guidance->off_fraction >= 0 && guidance->off_fraction <= 1))
        return drift_fail(DRIFT_INVALID, "guidance: a share of %g is not within 0 .. 1", guidance->off_fraction);
    return DRIFT_OK;
}

/* alpha = (a^e + u (b^e - a^e))^(1/e) with e = 1 - k, and a (b/a)^u for e = 0. Written with r = ln(b/a) as
 * a exp(ln(1 + u (exp(e r) - 1)) / e), which keeps all digits where e is close to 0. */
double drift_guidance_scale(const struct drift_guidance *guidance, double u, double off)
{
    const double e = 1 - guidance->power, r = drift_log(guidance->high / guidance->low);
    if (off < guidance->off_fraction)
        return 1;
    if (fabs(e) < 1e-6)
        return guidance->low * drift_exp(u * r);
    return guidance->low * drift_exp(drift_log1p(u * drift_expm1(e * r)) / e);
}

double drift_guidance_weight(double alpha, size_t generated, size_t negatives)
{
    return (alpha - 1) * ((double)generated - 1) / (double)(negatives ? negatives : 1);
}

void drift_guidance_draw(const struct drift_guidance *guidance, uint64_t seed, uint32_t step, size_t n, float *alpha)
{
    for (size_t i = 0; i < n; i++) {
        const double u = drift_random_uniform_at(seed, DRIFT_RANDOM_GUIDANCE, step, 2 * i);
        const double off = drift_random_uniform_at(seed, DRIFT_RANDOM_GUIDANCE, step, 2 * i + 1);
        alpha[i] = (float)drift_guidance_scale(guidance, u, off);
    }
}
