/* What this machine can do at most, with the ISA in use: the measure that every benchmark is held against. */
#ifndef DRIFT_BENCH_PEAK_H
#define DRIFT_BENCH_PEAK_H

#include <stddef.h>

/* Seconds of a clock that only goes forward. */
double drift_bench_clock(void);

/* FLOP per second of fused multiply-adds in registers, all threads together: the best of many short runs (20 ms). */
double drift_peak_flops(int threads);

/* Bytes per second of y = a + b, read and written bytes counted, all threads together; each thread has three arrays of
 * `bytes` in all, so the size says which cache or memory is measured. The best of many short runs; 0: no memory. */
double drift_peak_bandwidth(int threads, size_t bytes);

#endif
