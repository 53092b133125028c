#include <stdio.h>
#include "kernel/kernel.h"
int main(void) { if (drift_kernels_status()) { fprintf(stderr, "drift: %s\n", drift_message()); return 2; } float a[33], y[33]; for (int i = 0; i < 33; i++) a[i] = i; drift_kernels()->add(33, a, a, y); printf("%s %g\n", drift_isa_name(drift_kernels_isa()), y[32]); return 0; }
