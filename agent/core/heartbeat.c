// Heartbeats with four stamps each: they show that both sides live, carry the lease grants back, and let the coordinator compute
// the offset of this host's clock.
#include "agent/core/state.h"

#define HEARTBEAT_LEAST_MS 100       // faster than that measures nothing more
#define HEARTBEAT_MOST_MS SUSPECT_MS // slower than that and we would be suspect while alive

static void beat(struct agent_core *core)
{
    struct session *session = &core->session;
    Pb__Heartbeat *heartbeat = ARENA_NEW(core->out->arena, Pb__Heartbeat);
    *heartbeat = session->previous;
    heartbeat->agent_sent_ns = core->input->now_ns;
    heartbeat->instances = (uint32_t)agent_instance_living(core);
    heartbeat->outbox_last = core->outbox.last;
    heartbeat->disk_free_bytes = session->disk_free_bytes;
    heartbeat->disk_is_short = session->disk_is_short;
    agent_envelope(core, PB__ENVELOPE__BODY_HEARTBEAT)->heartbeat = heartbeat;
    session->sent_ns[session->sent++ % AGENT_HEARTBEATS_REMEMBERED] = core->input->now_ns;
    session->next_heartbeat_ns = core->input->now_ns + session->heartbeat_ns;
}

void agent_heartbeat_begin(struct agent_core *core, uint32_t period_ms)
{
    if (period_ms == 0)
        period_ms = HEARTBEAT_MS;
    if (period_ms < HEARTBEAT_LEAST_MS)
        period_ms = HEARTBEAT_LEAST_MS;
    if (period_ms > HEARTBEAT_MOST_MS)
        period_ms = HEARTBEAT_MOST_MS;
    core->session.heartbeat_ns = period_ms * NS_PER_MS;
    beat(core);
}

void agent_heartbeat_tick(struct agent_core *core)
{
    if (core->input->now_ns >= core->session.next_heartbeat_ns)
        beat(core);
}

static bool was_sent(const struct session *session, uint64_t stamp_ns)
{
    uint64_t remembered = session->sent < AGENT_HEARTBEATS_REMEMBERED ? session->sent : AGENT_HEARTBEATS_REMEMBERED;
    for (uint64_t i = 1; i <= remembered; i++)
        if (session->sent_ns[(session->sent - i) % AGENT_HEARTBEATS_REMEMBERED] == stamp_ns)
            return true;
    return false;
}

// A grant runs from the echoed stamp, so one that was queued for long extends nothing.
void agent_heartbeat_reply(struct agent_core *core, const Pb__HeartbeatReply *reply)
{
    struct session *session = &core->session;
    if (!was_sent(session, reply->agent_sent_ns)) {
        core->counters.grants_stale++;
        return;
    }
    if (reply->agent_sent_ns > session->answered_ns) {
        session->answered_ns = reply->agent_sent_ns;
        session->previous.previous_agent_sent_ns = reply->agent_sent_ns;
        session->previous.previous_coordinator_received_ns = reply->coordinator_received_ns;
        session->previous.previous_coordinator_sent_ns = reply->coordinator_sent_ns;
        session->previous.previous_agent_received_ns = core->input->now_ns;
    }
    for (size_t i = 0; i < reply->n_grants; i++) {
        const Pb__LeaseGrant *grant = reply->grants[i];
        struct instance *instance = agent_instance_find(core, grant->instance, grant->generation);
        if (instance)
            agent_guard_lease(core, instance, reply->agent_sent_ns + grant->length_ms * NS_PER_MS);
        else
            core->counters.grants_stale++;
    }
}
