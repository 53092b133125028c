/* CIFAR-10's binary format: records of a label and a 32 x 32 image, 3,073 bytes each, optionally gzipped.
 * https://www.cs.toronto.edu/~kriz/cifar.html */
#ifndef DRIFT_IO_CIFAR_H
#define DRIFT_IO_CIFAR_H

#include "io/array.h"

/* Images [n, 32, 32, 3] and labels [n] (0 .. 9), both U8; free both with drift_array_free. A file that is no whole
 * number of records, or holds another label, is DRIFT_INVALID. */
drift_status drift_cifar_read(const char *path, struct drift_array *images, struct drift_array *labels);

#endif
