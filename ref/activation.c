/* y[i] = f(x[i]) and dx[i] += dy[i] f'(x[i]). exp, sigmoid, sqrt and tanh take y for x in their backward.
 * The functions are evaluated in double and rounded. */
#include "kernel.h"

#include "base/real.h"

typedef double (*function)(double x);

static void map(size_t n, const real *x, real *y, function f)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (real)f(x[i]);
}

/* dx += dy f'(x) */
static void chain(size_t n, const real *x, const real *dy, real *dx, function derivative)
{
    for (size_t i = 0; i < n; i++)
        dx[i] += dy[i] * (real)derivative(x[i]);
}

static double relu(double x) { return 0 > x ? 0 : x; }
static double relu_derivative(double x) { return x > 0 ? 1 : 0; }

static double sigmoid(double x)
{
    double e = drift_exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}
static double sigmoid_derivative(double y) { return y * (1 - y); }

static double silu(double x) { return x * sigmoid(x); }
static double silu_derivative(double x)
{
    double s = sigmoid(x);
    return s + x * s * (1 - s);
}

static double normal_cdf(double x) { return 0.5 * (1 + drift_erf(x * 0.70710678118654752)); }
static double gelu(double x) { return x * normal_cdf(x); }
static double gelu_derivative(double x)
{
    return normal_cdf(x) + x * 0.39894228040143268 * drift_exp(-0.5 * x * x); /* the normal density */
}

/* x (1 + tanh u) / 2 = x sigmoid(2u),  u = sqrt(2 / pi) (x + 0.044715 x^3) */
static const double ROOT_2_PI = 0.79788456080286536;
static double gelu_tanh(double x) { return x * sigmoid(2 * ROOT_2_PI * (x + 0.044715 * x * x * x)); }
static double gelu_tanh_derivative(double x)
{
    double s = sigmoid(2 * ROOT_2_PI * (x + 0.044715 * x * x * x));
    return s + x * s * (1 - s) * 2 * ROOT_2_PI * (1 + 3 * 0.044715 * x * x);
}

static double identity(double y) { return y; }
static double log_derivative(double x) { return 1 / x; }
static double sqrt_derivative(double y) { return 0.5 / y; }
static double cos_derivative(double x) { return -drift_sin(x); }
static double tanh_derivative(double y) { return 1 - y * y; }
static double erf_derivative(double x) { return 1.1283791670955126 * drift_exp(-x * x); /* 2 / sqrt(pi) */ }

void K(relu)(size_t n, const real *x, real *y) { map(n, x, y, relu); }
void K(silu)(size_t n, const real *x, real *y) { map(n, x, y, silu); }
void K(gelu)(size_t n, const real *x, real *y) { map(n, x, y, gelu); }
void K(gelu_tanh)(size_t n, const real *x, real *y) { map(n, x, y, gelu_tanh); }
void K(sigmoid)(size_t n, const real *x, real *y) { map(n, x, y, sigmoid); }
void K(exp)(size_t n, const real *x, real *y) { map(n, x, y, drift_exp); }
void K(log)(size_t n, const real *x, real *y) { map(n, x, y, drift_log); }
void K(sqrt)(size_t n, const real *x, real *y) { map(n, x, y, sqrt); }
void K(sin)(size_t n, const real *x, real *y) { map(n, x, y, drift_sin); }
void K(cos)(size_t n, const real *x, real *y) { map(n, x, y, drift_cos); }
void K(tanh)(size_t n, const real *x, real *y) { map(n, x, y, drift_tanh); }
void K(erf)(size_t n, const real *x, real *y) { map(n, x, y, drift_erf); }

void K(relu_backward)(size_t n, const real *x, const real *dy, real *dx) { chain(n, x, dy, dx, relu_derivative); }
void K(silu_backward)(size_t n, const real *x, const real *dy, real *dx) { chain(n, x, dy, dx, silu_derivative); }
void K(gelu_backward)(size_t n, const real *x, const real *dy, real *dx) { chain(n, x, dy, dx, gelu_derivative); }
void K(gelu_tanh_backward)(size_t n, const real *x, const real *dy, real *dx)
{
    chain(n, x, dy, dx, gelu_tanh_derivative);
}
void K(sigmoid_backward)(size_t n, const real *y, const real *dy, real *dx) { chain(n, y, dy, dx, sigmoid_derivative); }
void K(exp_backward)(size_t n, const real *y, const real *dy, real *dx) { chain(n, y, dy, dx, identity); }
void K(log_backward)(size_t n, const real *x, const real *dy, real *dx) { chain(n, x, dy, dx, log_derivative); }
void K(sqrt_backward)(size_t n, const real *y, const real *dy, real *dx) { chain(n, y, dy, dx, sqrt_derivative); }
void K(sin_backward)(size_t n, const real *x, const real *dy, real *dx) { chain(n, x, dy, dx, drift_cos); }
void K(cos_backward)(size_t n, const real *x, const real *dy, real *dx) { chain(n, x, dy, dx, cos_derivative); }
void K(tanh_backward)(size_t n, const real *y, const real *dy, real *dx) { chain(n, y, dy, dx, tanh_derivative); }
void K(erf_backward)(size_t n, const real *x, const real *dy, real *dx) { chain(n, x, dy, dx, erf_derivative); }

/* The gate of a SwiGLU layer: y = silu(a) b. */
void K(swiglu)(size_t n, const real *a, const real *b, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (real)silu(a[i]) * b[i];
}

void K(swiglu_backward)(size_t n, const real *a, const real *b, const real *dy, real *da, real *db)
{
    for (size_t i = 0; i < n; i++) {
        da[i] += dy[i] * b[i] * (real)silu_derivative(a[i]);
        db[i] += dy[i] * (real)silu(a[i]);
    }
}
