/* Maps and sums with a number per channel, for norms over the space of channels-last images: GroupNorm and GRN
 * (ConvNeXt-V2). x is [rows, cols], a row a location; centre [cols] or NULL for 0.
 *
 *   channel_moments   sum_c += sum over rows of d_c,  squares_c += the same of d_c^2,  d_c = x_c - centre_c; sum may be
 * NULL channel_map       y_c = v_c, or max(0, v_c) with relu,   v_c = (x_c - centre_c) factor_c + shift_c
 *
 * Backward, where centre, factor and shift themselves depend on sums over x: with g_c = dy_c, or 0 where relu and not
 * v_c > 0, first the sums that their gradients need,
 *
 *   channel_sums          sum_c += sum over rows of g_c,   product_c += sum over rows of g_c (x_c - centre_c)
 *
 * then what reaches x directly and through them:
 *
 *   channel_map_backward  dx_c += g_c factor_c - (x_c - centre_c) slope_c - constant_c
 *
 * where dy NULL makes g 0. */
#include "kernel.h"

static real centre_of(const real *centre, size_t c) { return centre ? centre[c] : 0; }

void K(channel_moments)(size_t rows, size_t cols, const real *x, const real *centre, real *sum, real *squares)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            const real d = x[r * cols + c] - centre_of(centre, c);
            squares[c] += d * d;
            if (sum)
                sum[c] += d;
        }
}

void K(channel_map)(size_t rows, size_t cols, int relu, const real *x, const real *centre, const real *factor,
                    const real *shift, real *y)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            const real v = (x[r * cols + c] - centre_of(centre, c)) * factor[c] + shift[c];
            y[r * cols + c] = relu && 0 > v ? 0 : v;
        }
}

static real gradient(int relu, real v, const real *dy, size_t i)
{
    if (!dy || (relu && !(v > 0)))
        return 0;
    return dy[i];
}

void K(channel_sums)(size_t rows, size_t cols, int relu, const real *x, const real *centre, const real *factor,
                     const real *shift, const real *dy, real *sum, real *product)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            const real d = x[r * cols + c] - centre_of(centre, c);
            const real g = gradient(relu, d * factor[c] + shift[c], dy, r * cols + c);
            sum[c] += g;
            product[c] += g * d;
        }
}

void K(channel_map_backward)(size_t rows, size_t cols, int relu, const real *x, const real *centre, const real *factor,
                             const real *shift, const real *dy, const real *slope, const real *constant, real *dx)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            const real d = x[r * cols + c] - centre_of(centre, c);
            const real g = gradient(relu, d * factor[c] + shift[c], dy, r * cols + c);
            dx[r * cols + c] += g * factor[c] - d * slope[c] - constant[c];
        }
}
