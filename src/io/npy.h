/* npy: one numpy array. Versions 1 to 3, little endian, C order; f8 f4 f2 i8 i4 u1 (and b1, as u1).
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef DRIFT_IO_NPY_H
#define DRIFT_IO_NPY_H

#include "io/array.h"
#include "io/file.h"

/* The array of a file; free it with drift_array_free. */
drift_status drift_npy_read(const char *path, struct drift_array *array);

/* The same from memory: `array` is a view into `data`. `name` is what messages call it. */
drift_status drift_npy_parse(const char *name, const unsigned char *data, size_t size, struct drift_array *array);

/* Writes f8, f4, i8, i4 or u1, atomically, the bytes that numpy.save writes. */
drift_status drift_npy_write(const char *path, const struct drift_array *array);

/* The header that precedes the data: multiple of 64 bytes. For those who put npy into something else (npz). */
enum { DRIFT_NPY_HEADER = 384 };
drift_status drift_npy_header(const struct drift_array *array, unsigned char header[DRIFT_NPY_HEADER], size_t *size);

#endif
