// Programs on this host: where one is, and what it prints when asked for its version.
#ifndef PANTHER_SERVICES_SDK_PROGRAM_H
#define PANTHER_SERVICES_SDK_PROGRAM_H

#include "common/base/memory.h"

// The absolute path of an executable, or NULL. Searches PATH, then the sbin folders (gtlsserver lives in /usr/sbin, which is not
// in the PATH of most users). A name with a slash is taken as it stands.
char *program_find(const char *name, struct arena *arena);

#endif
