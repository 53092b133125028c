/* The field's settings; the field itself is in drift.h. */
#ifndef DRIFT_DRIFTING_FIELD_H
#define DRIFT_DRIFTING_FIELD_H

#include "base/status.h"

/* DRIFT_OK where the settings make sense, else which does not. */
drift_status drift_field_check(const drift_field_config *config);

#endif
