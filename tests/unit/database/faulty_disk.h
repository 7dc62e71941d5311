// A disk under SQLite (a VFS over the real one) that is full, fails to sync, or loses what was not synced.
#ifndef PANTHER_TESTS_UNIT_DATABASE_FAULTY_DISK_H
#define PANTHER_TESTS_UNIT_DATABASE_FAULTY_DISK_H

#include <stdbool.h>

void faulty_disk_install(void); // the default VFS from now on
void faulty_disk_set_full(bool full);
void faulty_disk_set_sync_fails(bool fails);
unsigned faulty_disk_syncs(void);     // tried so far
unsigned faulty_disk_log_syncs(void); // of write-ahead logs, so far
// From now on nothing reaches the disk any more. What was synced until then is in FILE.synced beside each file.
void faulty_disk_set_power(bool on);
// What the disk of `path` has after the power came back, as a new database at `copy`.
void faulty_disk_recover(const char *path, const char *copy);

#endif
