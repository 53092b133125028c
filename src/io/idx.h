/* idx: the format of MNIST, unsigned bytes, optionally gzipped. http://yann.lecun.com/exdb/mnist */
#ifndef DRIFT_IO_IDX_H
#define DRIFT_IO_IDX_H

#include "io/array.h"
#include "io/file.h"

/* Reads the array (type U8, rank 1 to 4; labels have 1, grey images 3); free with drift_array_free. */
drift_status drift_idx_read(const char *path, struct drift_array *array);

#endif
