/* y[i] = f(x[i]) and dx[i] += dy[i] f'(x[i]). exp, sigmoid, sqrt and tanh take y for x in their backward. */
#include "kernel.h"
#include "map.h"
#include "math.h"
#include "row.h"

VEC_MATH vec relu(vec x) { return vec_max(vec_zero(), x); } /* NaN stays: the second operand wins */
VEC_MATH vec relu_derivative(vec x) { return vec_select(vec_lt(vec_zero(), x), vec_set1(1), vec_zero()); }

/* s = 1 / (1 + e^-x):  x s  and  s + x s (1 - s) */
VEC_MATH vec silu(vec x) { return vec_mul(x, vec_sigmoid(x)); }
VEC_MATH vec silu_derivative(vec x)
{
    vec s = vec_sigmoid(x);
    return vec_fma(vec_mul(x, s), vec_sub(vec_set1(1), s), s);
}

/* (1 + erf(x / sqrt 2)) / 2, the normal distribution; x times it; and it + x e^(-x^2/2) / sqrt(2 pi) */
VEC_MATH vec normal_cdf(vec x)
{
    return vec_fma(vec_set1(0.5f), vec_erf(vec_mul(x, vec_set1(0x1.6a09e6p-1f))), vec_set1(0.5f));
}
VEC_MATH vec gelu(vec x) { return vec_mul(x, normal_cdf(x)); }
VEC_MATH vec gelu_derivative(vec x)
{
    vec density = vec_mul(vec_exp_neg(vec_mul(vec_mul(x, x), vec_set1(-0.5f))), vec_set1(0x1.988454p-2f));
    return vec_fma(x, density, normal_cdf(x));
}

/* x (1 + tanh u) / 2 = x sigmoid(2u),  u = sqrt(2 / pi) (x + 0.044715 x^3) */
VEC_MATH vec gelu_tanh_argument(vec x) /* 2u */
{
    return vec_mul(x, vec_fma(vec_mul(x, x), vec_set1(0x1.2444f2p-4f), vec_set1(0x1.988454p+0f)));
}
VEC_MATH vec gelu_tanh(vec x) { return vec_mul(x, vec_sigmoid(gelu_tanh_argument(x))); }
VEC_MATH vec gelu_tanh_derivative(vec x)
{
    vec s = vec_sigmoid(gelu_tanh_argument(x));
    vec slope = vec_fma(vec_mul(x, x), vec_set1(0x1.b6676cp-3f), vec_set1(0x1.988454p+0f)); /* 2 du/dx */
    return vec_fma(vec_mul(vec_mul(x, slope), s), vec_sub(vec_set1(1), s), s);
}

VEC_MATH vec identity(vec y) { return y; }
VEC_MATH vec sigmoid_derivative(vec y) { return vec_fnma(y, y, y); }
VEC_MATH vec log_derivative(vec x) { return vec_div(vec_set1(1), x); }
VEC_MATH vec sqrt_derivative(vec y) { return vec_div(vec_set1(0.5f), y); }
VEC_MATH vec cos_derivative(vec x) { return vec_neg(vec_sin(x)); }
VEC_MATH vec tanh_derivative(vec y) { return vec_fnma(y, y, vec_set1(1)); }
VEC_MATH vec erf_derivative(vec x) /* 2 / sqrt pi e^-x^2 */
{
    return vec_mul(vec_exp_neg(vec_neg(vec_mul(x, x))), vec_set1(0x1.20dd76p+0f));
}

void K(relu)(size_t n, const float *x, float *y) { map_unary(n, x, y, relu); }
void K(silu)(size_t n, const float *x, float *y) { map_unary(n, x, y, silu); }
void K(gelu)(size_t n, const float *x, float *y) { map_unary(n, x, y, gelu); }
void K(gelu_tanh)(size_t n, const float *x, float *y) { map_unary(n, x, y, gelu_tanh); }
void K(sigmoid)(size_t n, const float *x, float *y) { map_unary(n, x, y, vec_sigmoid); }
void K(exp)(size_t n, const float *x, float *y) { map_unary(n, x, y, vec_exp); }
void K(log)(size_t n, const float *x, float *y) { map_unary(n, x, y, vec_log); }
void K(sqrt)(size_t n, const float *x, float *y) { map_unary(n, x, y, vec_sqrt); }
void K(sin)(size_t n, const float *x, float *y) { map_unary(n, x, y, vec_sin); }
void K(cos)(size_t n, const float *x, float *y) { map_unary(n, x, y, vec_cos); }
void K(tanh)(size_t n, const float *x, float *y) { map_unary(n, x, y, vec_tanh); }
void K(erf)(size_t n, const float *x, float *y) { map_unary(n, x, y, vec_erf); }

void K(relu_backward)(size_t n, const float *x, const float *dy, float *dx)
{
    map_backward(n, x, dy, dx, relu_derivative);
}
void K(silu_backward)(size_t n, const float *x, const float *dy, float *dx)
{
    map_backward(n, x, dy, dx, silu_derivative);
}
void K(gelu_backward)(size_t n, const float *x, const float *dy, float *dx)
{
    map_backward(n, x, dy, dx, gelu_derivative);
}
void K(gelu_tanh_backward)(size_t n, const float *x, const float *dy, float *dx)
{
    map_backward(n, x, dy, dx, gelu_tanh_derivative);
}
void K(sigmoid_backward)(size_t n, const float *y, const float *dy, float *dx)
{
    map_backward(n, y, dy, dx, sigmoid_derivative);
}
void K(exp_backward)(size_t n, const float *y, const float *dy, float *dx) { map_backward(n, y, dy, dx, identity); }
void K(log_backward)(size_t n, const float *x, const float *dy, float *dx)
{
    map_backward(n, x, dy, dx, log_derivative);
}
void K(sqrt_backward)(size_t n, const float *y, const float *dy, float *dx)
{
    map_backward(n, y, dy, dx, sqrt_derivative);
}
void K(sin_backward)(size_t n, const float *x, const float *dy, float *dx) { map_backward(n, x, dy, dx, vec_cos); }
void K(cos_backward)(size_t n, const float *x, const float *dy, float *dx)
{
    map_backward(n, x, dy, dx, cos_derivative);
}
void K(tanh_backward)(size_t n, const float *y, const float *dy, float *dx)
{
    map_backward(n, y, dy, dx, tanh_derivative);
}
void K(erf_backward)(size_t n, const float *x, const float *dy, float *dx)
{
    map_backward(n, x, dy, dx, erf_derivative);
}

void K(swiglu)(size_t n, const float *a, const float *b, float *y)
{
    for (size_t i = 0; i < n; i += LANES)
        row_store(y + i, n - i, vec_mul(silu(row_load(a + i, n - i, 0)), row_load(b + i, n - i, 0)));
}

/* With s = sigmoid(a) and t = a s = silu(a): silu'(a) = s + t (1 - s). */
void K(swiglu_backward)(size_t n, const float *a, const float *b, const float *dy, float *da, float *db)
{
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        const vec x = row_load(a + i, left, 0), d = row_load(dy + i, left, 0), s = vec_sigmoid(x), t = vec_mul(x, s);
        const vec slope = vec_fma(t, vec_sub(vec_set1(1), s), s), factor = row_load(b + i, left, 0);
        row_store(da + i, left, vec_fma(vec_mul(d, factor), slope, row_load(da + i, left, 0)));
        row_store(db + i, left, vec_fma(d, t, row_load(db + i, left, 0)));
    }
}
