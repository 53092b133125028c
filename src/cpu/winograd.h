/* 3 x 3 convolutions without stride by F(2 x 2, 3 x 3): 16 products in the place of 36. */
#ifndef DRIFT_CPU_WINOGRAD_H
#define DRIFT_CPU_WINOGRAD_H

#include "cpu/cpu.h"

/* Whether y from x (or dx from dy: the same) is computed so: follows from the sizes alone. */
int CPU(winograd_pays)(const drift_conv *conv, const drift_tensor *x, const drift_tensor *kernel,
                       const drift_tensor *y);

/* destination (+)= source convolved with kernel, + bias unless NULL; `turned`: dx from dy. */
drift_status CPU(winograd)(const drift_conv *conv, int turned, const drift_tensor *source, const drift_tensor *kernel,
                           const drift_tensor *bias, int accumulate, drift_tensor *destination);

#endif
