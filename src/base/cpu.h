/* What this CPU can run, the operating system's part included (saved vector state). */
#ifndef DRIFT_BASE_CPU_H
#define DRIFT_BASE_CPU_H

/* 1 or 0. AVX2 means AVX2 and FMA with YMM state saved; AVX-512 means F and DQ with ZMM and mask state saved. */
int drift_cpu_has_avx2(void);
int drift_cpu_has_avx512(void);

#endif
