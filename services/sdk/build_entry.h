// Entries of the build cache on disk: STATE/builds/KEY/ is what was built, KEY.complete beside it says that it is whole and how large,
// KEY.lock is locked exclusively by who builds or removes it and shared by who uses it. build.c uses them; an instance that dies leaves no
// lock.
#ifndef PANTHER_SERVICES_SDK_BUILD_ENTRY_H
#define PANTHER_SERVICES_SDK_BUILD_ENTRY_H

#include "services/sdk/build_key.h"

struct build_entry {
    const char *cache;  // STATE/builds
    const char *folder; // CACHE/KEY
    const char *complete;
    const char *lock_path;
    int lock; // below 0: not held
};

// Makes the cache's folder. Below 0: panther_fail was called. What it names lives in the handle's arena.
int build_entry_open(struct panther_service *service, const char *key, struct build_entry *entry);
// Takes the lock, waiting within the phase's deadline; below 0: cancelled, too late, or it cannot be made; panther_fail was called.
int build_entry_lock(struct panther_service *service, struct build_entry *entry, bool exclusive);
void build_entry_unlock(struct build_entry *entry);
bool build_entry_is_complete(const struct build_entry *entry);
// With the exclusive lock: an empty folder; what is in it is whole; or nothing of it is left.
int build_entry_begin(struct panther_service *service, const struct build_entry *entry);
int build_entry_finish(struct panther_service *service, const struct build_entry *entry);
void build_entry_remove(const struct build_entry *entry);
void build_entry_touch(const struct build_entry *entry); // it is the youngest
// Removes half-made entries that nobody builds, and the oldest unused ones until all others fit.
void build_entries_sweep(struct panther_service *service, const char *cache, uint64_t limit_bytes);

#endif
