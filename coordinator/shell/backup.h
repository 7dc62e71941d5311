// `panther-coord backup`: a copy of the live store (store_backup) in a thread of its own, one at a time.
#ifndef PANTHER_COORDINATOR_SHELL_BACKUP_H
#define PANTHER_COORDINATOR_SHELL_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

struct loop;
struct backup;
// In the loop's thread; error NULL: done.
typedef void backup_done_fn(void *context, uint64_t route, uint64_t request, const char *path, uint64_t bytes, uint64_t records,
                            const struct panther_error *error);
int backup_new(struct backup **out, const char *folder, struct loop *loop, backup_done_fn *done, void *context,
               struct panther_error *error);
bool backup_is_busy(const struct backup *backup);
void backup_free(struct backup **backup); // waits for one that is being made
// PANTHER_ESTATE: one is being made. PANTHER_ESYSTEM: no thread for it.
int backup_ask(struct backup *backup, uint64_t route, uint64_t request, const char *path);

#endif
