// The key of a build: what its result depends on, as one hash. build.c asks for it.
#ifndef PANTHER_SERVICES_SDK_BUILD_KEY_H
#define PANTHER_SERVICES_SDK_BUILD_KEY_H

#include "panther/build.h"
#include "services/sdk/handle.h"

#define BUILD_KEY_BYTES 65 // SHA-256 in hex, NUL-terminated

// Below 0: an input cannot be read, or a tool not be run; panther_fail was called.
int build_key(struct panther_service *service, const struct panther_build_request *request, char key[BUILD_KEY_BYTES]);

#endif
