// What an instance captures, read while it is written. Asked by shell.c, for somebody who follows it.
#ifndef PANTHER_AGENT_SHELL_CAPTURE_FILE_H
#define PANTHER_AGENT_SHELL_CAPTURE_FILE_H

#include "common/base/memory.h"
#include "panther/v1/agent.pb-c.h"

// The answer to a question about the instance with this folder. Captures are NAME.pcapng in its work folder, and behind its end among its
// artifacts; several are a ring, in the order of their names.
const Pb__CaptureRead *capture_file_read(const char *folder, const Pb__ReadCapture *asked, struct arena *arena);

#endif
