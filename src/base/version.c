#include "drift.h"

const char *drift_version(void) { return DRIFT_VERSION; }
