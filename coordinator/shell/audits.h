// `panther-coord audit`, asked of the coordinator: store_audit on the live store, in a thread of its own, one at a time.
#ifndef PANTHER_COORDINATOR_SHELL_AUDITS_H
#define PANTHER_COORDINATOR_SHELL_AUDITS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "panther/v1/client.pb-c.h"

struct loop;
struct audits;
// In the loop's thread; the result lives during the call; error NULL: done.
typedef void audits_done_fn(void *context, uint64_t route, uint64_t request, Pb__Audited *result, const struct panther_error *error);
int audits_new(struct audits **out, const char *folder, struct loop *loop, audits_done_fn *done, void *context,
               struct panther_error *error);
bool audits_are_busy(const struct audits *audits);
void audits_free(struct audits **audits); // waits for one that is on its way
// PANTHER_ESTATE: one is on its way. PANTHER_ESYSTEM: no thread for it.
int audits_ask(struct audits *audits, uint64_t route, uint64_t request, const char *run);

#endif
