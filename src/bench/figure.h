/* A list of figures, each a time beside what the machine's peak allows: what the benches of ops and models print. */
#ifndef DRIFT_BENCH_FIGURE_H
#define DRIFT_BENCH_FIGURE_H

#include <jansson.h>

#include "bench/bench.h"

struct drift_bench_figure {
    const char *name;
    double flop, bytes; /* of a call; where there are no FLOP worth counting, bytes are held against the bandwidth */
    double seconds;     /* of the fastest call; 0: not measured */
};

/* Seconds of the fastest call, for at least `seconds` and `fewest` calls. */
typedef drift_status drift_bench_call(void *context);
drift_status drift_bench_time(drift_bench_call *call, void *context, int fewest, double seconds, double *best);

/* The fraction of the peaks, in FLOP/s and bytes/s. */
struct drift_bench_peaks {
    int threads;
    double flops, bandwidth;
};
struct drift_bench_peaks drift_bench_peaks_of(int threads);

json_t *drift_bench_figures_json(const struct drift_bench_peaks *peaks, int count,
                                 const struct drift_bench_figure *figures);
void drift_bench_figures_print(const struct drift_bench_peaks *peaks, int count,
                               const struct drift_bench_figure *figures);

#endif
