// See lease.h.
#include "agent/guard/lease.h"

#include "common/base/memory.h"
#include "common/system/loop.h"

struct lease {
    struct loop_source *timer;
    uint64_t expires_ns;
    lease_ended_fn *ended;
    void *context;
};

static void elapsed(void *context)
{
    struct lease *lease = context;
    lease->ended(lease->context);
}

struct lease *lease_new(struct loop *loop, uint64_t expires_ns, lease_ended_fn *ended, void *context)
{
    struct lease *lease = NEW(struct lease);
    *lease = (struct lease){.expires_ns = expires_ns, .ended = ended, .context = context};
    lease->timer = loop_timer(loop, elapsed, lease);
    loop_timer_set(lease->timer, expires_ns > 0 ? expires_ns : 1); // 0 would mean idle: a lease that never was is over
    return lease;
}

void lease_free(struct lease **lease)
{
    if (!*lease)
        return;
    loop_remove(&(*lease)->timer);
    free(*lease);
    *lease = NULL;
}

void lease_extend(struct lease *lease, uint64_t expires_ns)
{
    if (expires_ns <= lease->expires_ns)
        return;
    lease->expires_ns = expires_ns;
    loop_timer_set(lease->timer, expires_ns);
}

uint64_t lease_expires_ns(const struct lease *lease)
{
    return lease->expires_ns;
}
