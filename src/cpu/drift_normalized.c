/* placeholder while the file is written */
#include "cpu/drift.h"
drift_status CPU(field_normalized)(struct drift_call *call)
{
    (void)call;
    return drift_fail(DRIFT_UNAVAILABLE, "normalized form: not yet");
}
