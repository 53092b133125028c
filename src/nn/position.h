/* The first values of a position embedding: sine and cosine of a square grid's columns and rows. */
#ifndef DRIFT_NN_POSITION_H
#define DRIFT_NN_POSITION_H

#include <stddef.h>

/* The row of the table [grid grid, width] that belongs to this cell of the grid (row major); 4 divides width. The first
 * half encodes the cell's column, the second its row, each as [sin(p w_0), ..., cos(p w_0), ...] with
 * w_i = 10000^(-i / (width/4)), i < width/4, computed in double. spec: generator */
void drift_position_row(size_t grid, size_t width, size_t cell, float *row);

#endif
