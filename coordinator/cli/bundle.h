// What is where in a bundle, beside its tables and content (evidence.h).
#ifndef PANTHER_COORDINATOR_CLI_BUNDLE_H
#define PANTHER_COORDINATOR_CLI_BUNDLE_H

#include <stdint.h>

// The experiment's files, each under its hash.
#define BUNDLE_FILES "files"
// A file from elsewhere must not fill the disk.
#define BUNDLE_OPENED_MAX_BYTES (UINT64_C(16) * 1024 * 1024 * 1024)

#endif
