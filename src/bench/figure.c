/* Timing a call, and printing figures. */
#include "bench/figure.h"

#include <stdio.h>
#include <string.h>

#include "bench/peak.h"

int drift_bench_wants(const struct drift_bench_options *options, const char *name)
{
    return !options->only || strstr(name, options->only) != NULL;
}

drift_status drift_bench_time(drift_bench_call *call, void *context, int fewest, double seconds, double *best)
{
    drift_status status = call(context); /* memory is taken, tables are made */
    const double begin = drift_bench_clock();
    *best = 1e30;
    for (int i = 0; !status && (i < fewest || drift_bench_clock() - begin < seconds); i++) {
        const double start = drift_bench_clock();
        status = call(context);
        const double spent = drift_bench_clock() - start;
        *best = spent < *best ? spent : *best;
    }
    return status;
}

struct drift_bench_peaks drift_bench_peaks_of(int threads)
{
    return (struct drift_bench_peaks){threads, drift_peak_flops(threads),
                                      drift_peak_bandwidth(threads, (size_t)64 << 20)};
}

static double fraction(const struct drift_bench_peaks *peaks, const struct drift_bench_figure *f)
{
    return f->flop > 0 ? f->flop / f->seconds / peaks->flops : f->bytes / f->seconds / peaks->bandwidth;
}

json_t *drift_bench_figures_json(const struct drift_bench_peaks *peaks, int count,
                                 const struct drift_bench_figure *figures)
{
    json_t *list = json_array();
    for (const struct drift_bench_figure *f = figures; f < figures + count; f++)
        if (f->seconds > 0)
            json_array_append_new(list,
                                  json_pack("{s:s, s:f, s:f, s:s}", "name", f->name, "seconds", f->seconds, "of_peak",
                                            fraction(peaks, f), "peak", f->flop > 0 ? "products" : "bandwidth"));
    return list;
}

void drift_bench_figures_print(const struct drift_bench_peaks *peaks, int count,
                               const struct drift_bench_figure *figures)
{
    printf("%d thread%s, peak %.1f GFLOP/s, %.1f GB/s %26s  of peak\n", peaks->threads, peaks->threads == 1 ? "" : "s",
           1e-9 * peaks->flops, 1e-9 * peaks->bandwidth, "ms");
    for (const struct drift_bench_figure *f = figures; f < figures + count; f++)
        if (f->seconds > 0)
            printf("%-56s %12.3f %8.2f%s\n", f->name, 1e3 * f->seconds, fraction(peaks, f),
                   f->flop > 0 ? "" : " of bandwidth");
}
