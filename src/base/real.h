/* Elementary functions in double, for whatever reaches a result: schedules, metrics, the reference kernels. Portable C
 * over +, -, *, /, sqrt and fma, so every machine gives the same bits, which libm does not.
 *
 * Error at most 1 ULP (pow: 2). NaN, infinities, zeros and subnormals as in C99's annex F. */
#ifndef DRIFT_BASE_REAL_H
#define DRIFT_BASE_REAL_H

double drift_exp(double x);
double drift_expm1(double x);
double drift_log(double x);
double drift_log1p(double x);
double drift_pow(double x, double y);
double drift_sin(double x); /* every finite x, however large */
double drift_cos(double x);
double drift_tanh(double x);
double drift_erf(double x);

#endif
