/* A backend whose memory can be read and written inside its own functions only (PROT_NONE otherwise), as on a device:
 * code that follows a tensor's pointer on the host crashes. The arithmetic is the CPU backend's. */
#ifndef TESTS_SUPPORT_FENCED_H
#define TESTS_SUPPORT_FENCED_H

#include "tensor/backend.h"

drift_backend fenced_backend(drift_dtype real);

#endif
