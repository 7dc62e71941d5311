// Carries the rules of retention out: now and then a thread looks which streams and artifacts go, the core records it, and after that
// record is on the disk the next look removes their files. It also answers what the rules would take away.
#ifndef PANTHER_COORDINATOR_SHELL_RETENTION_H
#define PANTHER_COORDINATOR_SHELL_RETENTION_H

#include <stdbool.h>

#include "coordinator/store/retention.h"

struct loop;
struct retention;
struct retention_settings {
    struct retention_rules rules;
    uint64_t every_ms;     // 0: RETENTION_EVERY_MS
    const char *described; // for people
};
#define RETENTION_EVERY_MS 60000

// In the loop's thread: these are to be recorded. They live during the call.
typedef void retention_removed_fn(void *context, const Pb__EvidenceRemoved *const *removed, size_t count);
// What the rules would take away; error NULL: done.
typedef void retention_told_fn(void *context, uint64_t route, uint64_t request, Pb__Retention *told, const struct panther_error *error);
int retention_new(struct retention **out, const char *folder, const struct retention_settings *settings, struct loop *loop,
                  retention_removed_fn *removed, retention_told_fn *told, void *context, struct panther_error *error);
void retention_free(struct retention **retention); // waits for a look that is on its way
// may_remove: nobody goes through all files now, as an audit and a backup do.
void retention_tick(struct retention *retention, bool may_remove);
// PANTHER_ESTATE: another one asks. It may wait for a look that is on its way.
int retention_ask(struct retention *retention, uint64_t route, uint64_t request);

#endif
