// How long this instance may live without a new grant, on the clock that goes on during suspend.
#ifndef PANTHER_AGENT_GUARD_LEASE_H
#define PANTHER_AGENT_GUARD_LEASE_H

#include <stdint.h>

struct loop;
struct lease;
typedef void lease_ended_fn(void *context);

struct lease *lease_new(struct loop *loop, uint64_t expires_ns, lease_ended_fn *ended, void *context);
void lease_free(struct lease **lease);
void lease_extend(struct lease *lease, uint64_t expires_ns); // only ever later: a grant that was overtaken shortens nothing
uint64_t lease_expires_ns(const struct lease *lease);

#endif
