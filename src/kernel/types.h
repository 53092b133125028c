/* Small types that kernels' parameters need. */
#ifndef DRIFT_KERNEL_TYPES_H
#define DRIFT_KERNEL_TYPES_H

#include <stddef.h>
#include <stdint.h>

#endif
