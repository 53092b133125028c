/* Sine and cosine of columns and rows. */
#include "nn/position.h"

#include "base/real.h"

static void encode(size_t position, size_t quarter, float *to)
{
    for (size_t i = 0; i < quarter; i++) {
        const double angle = (double)position * drift_pow(10000, -(double)i / (double)quarter);
        to[i] = (float)drift_sin(angle);
        to[quarter + i] = (float)drift_cos(angle);
    }
}

void drift_position_row(size_t grid, size_t width, size_t cell, float *row)
{
    encode(cell % grid, width / 4, row);
    encode(cell / grid, width / 4, row + width / 2);
}
