/* The drifting field on raw arrays, in float (drift_cpu_field_f32) and double (drift_cpu_field_f64): arguments as
 * drift_field in drift.h, which checks them. */
#ifndef DRIFT_CPU_FIELD_H
#define DRIFT_CPU_FIELD_H

#include "base/status.h"

drift_status drift_cpu_field_f32(const drift_field_config *config, const drift_field_shape *shape, const float *gen,
                                 const float *pos, const float *neg, const float *w_gen, const float *w_pos,
                                 const float *w_neg, float *v, drift_field_report *report);
drift_status drift_cpu_field_f64(const drift_field_config *config, const drift_field_shape *shape, const double *gen,
                                 const double *pos, const double *neg, const double *w_gen, const double *w_pos,
                                 const double *w_neg, double *v, drift_field_report *report);

/* Bytes of scratch memory that a call takes beside its arguments, with the threads that there are now. */
size_t drift_cpu_field_bytes_f32(const drift_field_config *config, const drift_field_shape *shape);
size_t drift_cpu_field_bytes_f64(const drift_field_config *config, const drift_field_shape *shape);

#endif
