// The limit of open files: each agent is a connection. Said at the start, when there is time to do something about it.
#ifndef PANTHER_COORDINATOR_SHELL_OPEN_FILES_H
#define PANTHER_COORDINATOR_SHELL_OPEN_FILES_H

#include <stdint.h>

// Raises the soft limit to the hard one. Call it before anything is opened.
void open_files_raise(void);
// Says so when agents that have keys could not all be connected.
void open_files_check(uint64_t agents);

#endif
