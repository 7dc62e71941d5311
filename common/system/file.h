// Files and folders, the careful way.
#ifndef PANTHER_COMMON_SYSTEM_FILE_H
#define PANTHER_COMMON_SYSTEM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"

// Whole file, NUL-terminated; max_bytes is a limit, not a truncation.
int file_read(const char *path, size_t max_bytes, char **data, size_t *bytes, struct panther_error *error);
// Written beside, synced, renamed over, folder synced: after 0 it is there whole, even after a power loss.
int file_write_atomic(const char *path, const void *data, size_t bytes, mode_t mode, struct panther_error *error);
int folder_make(const char *path, mode_t mode, struct panther_error *error); // with parents; existing is fine
int folder_remove(const char *path, struct panther_error *error);            // with all in it; not there is fine; follows no link
bool file_exists(const char *path);
char *path_join(const char *folder, const char *name); // heap
// Exclusive lock on FOLDER/lock held until the process ends: PANTHER_EEXISTS names the pid that holds it.
int folder_lock(const char *folder, int *fd, struct panther_error *error);
// For who looks and changes nothing, the lock's file included: keeps those out who would. A folder without the file: *fd is -1.
int folder_lock_shared(const char *folder, int *fd, struct panther_error *error);
uint64_t disk_free_bytes(const char *path);

#endif
