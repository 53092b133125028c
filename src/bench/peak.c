/* The machine's peak: leaf kernels that do nothing else, on all threads at once, between two barriers. */
#include "bench/peak.h"

#include <omp.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "kernel/kernel.h"

enum { RUNS = 100, ROUNDS = 20000, TOUCHED = 16 << 20 };

double drift_bench_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double drift_peak_flops(int threads)
{
    const struct drift_kernels *k = drift_kernels();
    const size_t rounds = drift_kernels_isa() == DRIFT_C || drift_kernels_isa() == DRIFT_REF ? ROUNDS / 100 : ROUNDS;
    double best = 1e30;
#pragma omp parallel num_threads(threads)
    {
        float x[2] = {0.999f, 0.001f}, y[DRIFT_PEAK_LANES] = {0};
        for (int run = 0; run < RUNS; run++) {
#pragma omp barrier
            const double start = drift_bench_clock();
            k->peak_fma(rounds, x, y);
#pragma omp barrier
            const double seconds = drift_bench_clock() - start;
#pragma omp master
            best = seconds < best ? seconds : best;
        }
    }
    return 2.0 * DRIFT_PEAK_LANES * (double)rounds * threads / best;
}

double drift_peak_bandwidth(int threads, size_t bytes)
{
    const struct drift_kernels *k = drift_kernels();
    const size_t n = bytes / 12 / 64 * 64, repeats = 1 + TOUCHED / (bytes + 1) / (size_t)threads;
    float *memory = drift_memory_take(4096, (3 * n + 1024) * sizeof *memory * (size_t)threads);
    if (!memory)
        return 0;
    double best = 1e30;
#pragma omp parallel num_threads(threads)
    {
        float *const a = memory + (3 * n + 1024) * (size_t)omp_get_thread_num(), *const b = a + n, *const y = b + n;
        for (size_t i = 0; i < 3 * n; i++)
            a[i] = 1;
        for (int run = 0; run < RUNS / 4; run++) {
#pragma omp barrier
            const double start = drift_bench_clock();
            for (size_t r = 0; r < repeats; r++)
                k->add(n, a, b, y);
#pragma omp barrier
            const double seconds = drift_bench_clock() - start;
#pragma omp master
            best = seconds < best ? seconds : best;
        }
    }
    free(memory);
    return 12.0 * (double)n * (double)repeats * threads / best;
}
