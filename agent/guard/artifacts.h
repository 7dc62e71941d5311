// Files that the instance leaves: moved out of the work folder before its cleanup removes it, hashed, told as ArtifactReady.
#ifndef PANTHER_AGENT_GUARD_ARTIFACTS_H
#define PANTHER_AGENT_GUARD_ARTIFACTS_H

#include <stdbool.h>

#include "common/base/error.h"
#include "panther/v1/guard.pb-c.h"

#define ARTIFACTS_FOLDER "artifacts"

struct artifacts;
struct events;

// work: absolute. reserve_bytes: see common/system/space.h; on a disk that is short files are cut, which a Gap tells.
struct artifacts *artifacts_new(struct events *events, const char *work, uint64_t reserve_bytes);
void artifacts_free(struct artifacts **artifacts);
// A path relative to the work folder, or a pattern: without '/' it is compared with names in all folders, with one with the whole
// relative path. Core files are collected without being declared.
int artifacts_declare(struct artifacts *artifacts, const Pb__DeclareArtifact *declared, struct panther_error *error);
// Begins with the first call and does a bounded piece of the work in each; false: all is done.
bool artifacts_step(struct artifacts *artifacts);

#endif
