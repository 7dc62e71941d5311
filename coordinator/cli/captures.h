// Captures of a trial, as files that tshark and Wireshark read, with the secrets of all its services in one key log.
#ifndef PANTHER_COORDINATOR_CLI_CAPTURES_H
#define PANTHER_COORDINATOR_CLI_CAPTURES_H

#include "coordinator/cli/evidence.h"

// The trial that a name is below: "r1/t/1#1/server" is of "r1/t/1#1". Heap.
char *captures_trial(const char *scope);
// An artifact as a file: below the folder, or where an opened bundle has it. NULL: a word is on stderr. Heap.
char *captures_file(struct evidence *evidence, const char *folder, const struct table *artifacts, size_t row);
// FOLDER/keys.log with the lines of all key logs among the artifacts; *path is NULL when there are none. 0, or an exit status.
int captures_keys(struct evidence *evidence, const char *folder, const struct table *artifacts, char **path);

// false: no more is wanted
typedef bool captures_line_fn(void *context, const char *line);
// Has tshark print `fields` of the first `most` packets, with tabs between them. keys: NULL for none. 0, or an exit status with a word.
int captures_read(const char *path, const char *keys, size_t most, const char *const *fields, size_t count, captures_line_fn *take,
                  void *context);

#endif
