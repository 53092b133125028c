/* Tables of numbers as text: one point per line, separated by commas, semicolons, tabs or spaces. */
#ifndef DRIFT_IO_CSV_H
#define DRIFT_IO_CSV_H

#include "io/array.h"
#include "io/file.h"

/* Reads [rows,columns] doubles (free with drift_array_free). A first line with a column's name in it is a header and
 * skipped, as are empty lines and lines that begin with #. All lines have the same number of columns; a file without a
 * row is an error. gz is unpacked. NaN, Inf and missing numbers are refused, in the first line too. */
drift_status drift_csv_read(const char *path, struct drift_array *array);

/* Writes rows of floats with as many digits as bring them back exactly, separated by commas, without a header. */
drift_status drift_csv_write(const char *path, size_t rows, size_t columns, const float *data);

#endif
