// Sessions of agents: heartbeats and leases, events and their acknowledgement, silence and loss. How one begins is in hello.c.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)
// Clocks are shown only when the stamps make sense: an offset whose error bound is above this says nothing.
#define CLOCK_ERROR_MAX_NS (UINT64_C(10) * 1000 * NS_PER_MS)

bool agent_live_is_connected(const struct agent_live *agent)
{
    return agent && agent->route != 0;
}

// After a pause of our own an agent is not suspect, but leases run from its last stamp, which is old.
bool agent_live_is_fresh(const struct core *core, const struct agent_live *agent)
{
    return !agent->suspect && core->event->now_ns - agent->stamped_ns < SUSPECT_MS * NS_PER_MS;
}

const char *agent_live_state(const struct agent_live *agent)
{
    if (!agent) {
        return "never seen";
    }
    if (!agent->route) {
        return "lost";
    }
    return agent->suspect ? "suspect" : "connected";
}

struct agent_live *sessions_agent(const struct core *core, const char *name)
{
    return map_get_text(core->agents, name);
}

struct agent_identity *sessions_identity(const struct core *core, const struct agent_live *agent)
{
    return map_get_text(core->durable->agents, agent->name);
}

void sessions_lose(struct core *core, struct instance *instance, const char *text)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_INSTANCE_LOST;
    record->instance_lost = NEW_MESSAGE(core, Pb__InstanceLost, pb__instance_lost);
    record->instance_lost->trial = instance->trial->id;
    record->instance_lost->instance = instance->id;
    record->instance_lost->generation = instance->generation;
    record->instance_lost->agent = arena_string(core->effects->arena, instance->agent);
    record->instance_lost->text = arena_string(core->effects->arena, text);
    core_emit(core, record);
}

// Cells that wait may find a host now, and ones that could never be placed may be able to be.
void sessions_lab_changed(struct core *core)
{
    core->lab_changed_ns = core->event->now_ns;
    core->placement_due = true;
}

void sessions_end(struct core *core, struct agent_live *agent)
{
    if (agent->route) {
        map_remove_number(core->routes, agent->route);
        agent->route = 0;
        agent->reconciled = false;
        roster_leave(core, agent);
        sessions_lab_changed(core);
    }
}

void sessions_gone(struct core *core, uint64_t route)
{
    struct agent_live *agent = map_get_number(core->routes, route);
    if (agent) {
        sessions_end(core, agent);
    }
}

void sessions_key_revoked(struct core *core, const char *name)
{
    struct agent_live *agent = sessions_agent(core, name);
    if (agent_live_is_connected(agent)) {
        core_close(core, agent->route);
        sessions_end(core, agent);
    }
}

// ---- in a session

static void take_plugins(struct core *core, struct agent_live *agent, const Pb__PluginsChanged *changed)
{
    presences_drop(core, agent, changed->gone, changed->n_gone);
    presences_take(core, agent, changed->plugins, changed->n_plugins);
    sessions_lab_changed(core);
    char **wanted;
    size_t count = hello_wanted(core, changed->plugins, changed->n_plugins, &wanted);
    if (count) {
        Pb__Envelope *envelope = core_send(core, agent->route, agent->session);
        envelope->body_case = PB__ENVELOPE__BODY_DESCRIPTIONS_WANTED;
        envelope->descriptions_wanted = NEW_MESSAGE(core, Pb__DescriptionsWanted, pb__descriptions_wanted);
        envelope->descriptions_wanted->n_hashes = count;
        envelope->descriptions_wanted->hashes = wanted;
    }
}

// Descriptions are kept for ever: only of what this agent says it has, under its name.
static bool is_wanted(const struct core *core, const struct agent_live *agent, const Pb__DescribedPlugin *described)
{
    const struct presence *presence = presences_find(agent, described->description->name);
    return presence && strcmp(presence->is->description_hash, described->hash) == 0 &&
           !map_get_text(core->durable->descriptions, described->hash);
}

static void take_descriptions(struct core *core, const struct agent_live *agent, const Pb__Descriptions *descriptions)
{
    for (size_t i = 0; i < descriptions->n_descriptions; i++) {
        const Pb__DescribedPlugin *described = descriptions->descriptions[i];
        if (!is_wanted(core, agent, described)) {
            continue;
        }
        Pb__Record *record = core_record(core);
        record->body_case = PB__RECORD__BODY_DESCRIPTION;
        record->description = MESSAGE_COPY(described, core->effects->arena);
        core_emit(core, record);
    }
    sessions_lab_changed(core);
}

static void clock_measure(struct agent_live *agent, const Pb__Heartbeat *heartbeat)
{
    int64_t t1 = (int64_t)heartbeat->previous_agent_sent_ns, t2 = (int64_t)heartbeat->previous_coordinator_received_ns;
    int64_t t3 = (int64_t)heartbeat->previous_coordinator_sent_ns, t4 = (int64_t)heartbeat->previous_agent_received_ns;
    const int64_t most = INT64_MAX / 4; // 73 years of boottime: their sums do not overflow
    if (t1 <= 0 || t2 < 0 || t4 < t1 || t3 < t2 || t4 > most || t3 > most || t4 - t1 < t3 - t2) {
        return;
    }
    uint64_t error = (uint64_t)((t4 - t1) - (t3 - t2)) / 2;
    if (error <= CLOCK_ERROR_MAX_NS) {
        agent->clock_offset_ns = ((t1 - t2) + (t4 - t3)) / 2;
        agent->clock_error_ns = error;
        agent->clock_is_known = true;
    }
}

static void grant_leases(struct core *core, struct agent_live *agent, Pb__HeartbeatReply *reply)
{
    struct agent_identity *known = sessions_identity(core, agent);
    reply->grants = ARENA_ARRAY(core->effects->arena, Pb__LeaseGrant *, map_count(known->placed) + 1);
    for (struct map_entry *entry = map_first(known->placed); entry; entry = map_next(known->placed, entry)) {
        struct instance *instance = entry->value;
        if (instance->state == INSTANCE_PLACED || core_instance_link(core, instance)->forsaken ||
            core_trial_is_over(core, instance->trial)) {
            continue;
        }
        Pb__LeaseGrant *grant = NEW_MESSAGE(core, Pb__LeaseGrant, pb__lease_grant);
        grant->instance = instance->id;
        grant->generation = instance->generation;
        grant->length_ms = instance->trial->lease_ms;
        reply->grants[reply->n_grants++] = grant;
        core_instance_link(core, instance)->lease_until_ns = core_lease_until(core, instance);
    }
}

static void take_heartbeat(struct core *core, struct agent_live *agent, const Pb__Heartbeat *heartbeat)
{
    clock_measure(agent, heartbeat);
    if (!agent_live_is_fresh(core, agent)) {
        sessions_lab_changed(core);
    }
    agent->stamp_ns = heartbeat->agent_sent_ns;
    agent->stamped_ns = core->event->now_ns;
    agent->disk_free_bytes = heartbeat->disk_free_bytes;
    if (agent->disk_is_short && !heartbeat->disk_is_short) {
        sessions_lab_changed(core);
    }
    agent->disk_is_short = heartbeat->disk_is_short;
    // Urgent: leases must not run out because our disk is slow or full, and a grant tells nothing that a crash could take back.
    Pb__Envelope *envelope = core_send_urgent(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_HEARTBEAT_REPLY;
    Pb__HeartbeatReply *reply = envelope->heartbeat_reply = NEW_MESSAGE(core, Pb__HeartbeatReply, pb__heartbeat_reply);
    reply->agent_sent_ns = heartbeat->agent_sent_ns;
    reply->coordinator_received_ns = core->event->now_ns;
    reply->coordinator_sent_ns = core->event->now_ns; // the shell puts the time of sending
    grant_leases(core, agent, reply);
}

static void emit_event(struct core *core, const struct agent_live *agent, const Pb__Events *events, size_t index, struct instance *instance)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_INSTANCE_EVENT;
    Pb__InstanceEvent *kept = record->instance_event = NEW_MESSAGE(core, Pb__InstanceEvent, pb__instance_event);
    kept->agent = arena_string(core->effects->arena, agent->name);
    kept->epoch = arena_string(core->effects->arena, events->epoch);
    kept->sequence = events->first + index;
    kept->event = MESSAGE_COPY(events->events[index], core->effects->arena);
    kept->stale = !instance;
    kept->trial = instance ? instance->trial->id : 0;
    kept->received_ns = core->event->now_ns;
    kept->clock_offset_ns = agent->clock_error_ns ? agent->clock_offset_ns : 0;
    kept->clock_error_ns = agent->clock_error_ns;
    core_emit(core, record);
}

static struct instance *event_instance(struct core *core, const struct agent_live *agent, const Pb__Event *event)
{
    struct instance *instance = map_get_number(core->durable->instances, event->instance);
    if (!instance || instance->generation != event->generation || instance->state == INSTANCE_ENDED ||
        strcmp(instance->agent, agent->name) != 0 || event->sequence <= instance->last_event) {
        core_count(core, "stale_events");
        return NULL;
    }
    return instance;
}

static void take_events(struct core *core, struct agent_live *agent, const Pb__Events *events)
{
    struct agent_identity *known = sessions_identity(core, agent);
    if (strcmp(known->epoch, events->epoch) != 0 || events->first > known->last_seen + 1) {
        core_refuse(core, agent->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, 1000,
                    "events of epoch %s from %llu, expected epoch %s from %llu", events->epoch, (unsigned long long)events->first,
                    known->epoch, (unsigned long long)known->last_seen + 1);
        core_close(core, agent->route);
        sessions_end(core, agent);
        return;
    }
    struct map *touched = map_new();
    for (size_t i = 0; i < events->n_events; i++) {
        if (events->first + i <= known->last_seen) {
            core_count(core, "repeated_events");
            continue;
        }
        struct instance *instance = event_instance(core, agent, events->events[i]);
        if (instance) {
            map_put_number(touched, instance->trial->id, instance->trial);
        }
        emit_event(core, agent, events, i, instance);
    }
    Pb__Envelope *envelope = core_send(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED;
    envelope->events_acknowledged = NEW_MESSAGE(core, Pb__EventsAcknowledged, pb__events_acknowledged);
    envelope->events_acknowledged->epoch = arena_string(core->effects->arena, events->epoch);
    envelope->events_acknowledged->last = known->last_seen;
    for (struct map_entry *entry = map_first(touched); entry; entry = map_next(touched, entry)) {
        trials_advance(core, entry->value);
    }
    map_free(&touched);
    hello_reconcile(core, agent);
}

void sessions_message(struct core *core)
{
    const Pb__Envelope *envelope = core->event->envelope;
    if (envelope->body_case == PB__ENVELOPE__BODY_HELLO) {
        hello_take(core, envelope->hello);
        return;
    }
    struct agent_live *agent = map_get_number(core->routes, core->event->route);
    if (!agent || envelope->session != agent->session) {
        core_count(core, "stale_sessions");
        core_refuse(core, core->event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_SESSION, 0, "unknown session: say Hello again");
        return;
    }
    agent->heard_ns = core->event->now_ns;
    if (agent->suspect) {
        agent->suspect = false;
        sessions_lab_changed(core);
    }
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_DESCRIPTIONS:
        take_descriptions(core, agent, envelope->descriptions);
        break;
    case PB__ENVELOPE__BODY_PLUGINS_CHANGED:
        take_plugins(core, agent, envelope->plugins_changed);
        break;
    case PB__ENVELOPE__BODY_HEARTBEAT:
        take_heartbeat(core, agent, envelope->heartbeat);
        break;
    case PB__ENVELOPE__BODY_EVENTS:
        take_events(core, agent, envelope->events);
        break;
    case PB__ENVELOPE__BODY_SURVEYED:
        survey_answered(core, agent, envelope->surveyed);
        break;
    case PB__ENVELOPE__BODY_CAPTURE_READ:
        captures_answered(core, agent, envelope->capture_read);
        break;
    case PB__ENVELOPE__BODY_PLUGIN_PLANNED:
        plans_answered(core, agent, envelope->plugin_planned);
        break;
    case PB__ENVELOPE__BODY_SHELL_ANSWER:
        shells_answered(core, agent, envelope->shell_answer);
        break;
    case PB__ENVELOPE__BODY_PLUGIN_PLACED:
        pushes_placed(core, agent, envelope->plugin_placed);
        break;
    case PB__ENVELOPE__BODY_GOODBYE:
        core_close(core, agent->route);
        sessions_end(core, agent);
        break;
    default:
        core_refuse(core, core->event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, 0, "an agent does not say this");
    }
}

// ---- time

// Silence counts only while we listened: after a pause of our own, what agents said meanwhile is still to be read.
static void forgive_pause(struct core *core)
{
    uint64_t now_ns = core->event->now_ns, pause_ns = core->ticked_ns ? now_ns - core->ticked_ns : 0;
    core->ticked_ns = now_ns;
    if (pause_ns <= TICK_PAUSE_MS * NS_PER_MS) {
        return;
    }
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        struct agent_live *agent = entry->value;
        agent->heard_ns = agent->heard_ns + pause_ns < now_ns ? agent->heard_ns + pause_ns : now_ns;
    }
    sessions_lab_changed(core);
}

static void agents_tick(struct core *core)
{
    forgive_pause(core);
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        struct agent_live *agent = entry->value;
        uint64_t silent_ns = core->event->now_ns - agent->heard_ns;
        if (agent->route && silent_ns >= LOST_MS * NS_PER_MS) {
            core_close(core, agent->route);
            sessions_end(core, agent);
        } else if (agent->route && silent_ns >= SUSPECT_MS * NS_PER_MS && !agent->suspect) {
            agent->suspect = true;
            sessions_lab_changed(core);
        }
    }
}

// No grant may be out there any more: now, and only now, an instance that nobody heard of again is lost.
static void leases_tick(struct core *core)
{
    // Advancing may end the trial and so remove this entry and its neighbours: map_next goes on from a removed one.
    for (struct map_entry *entry = map_first(core->durable->instances); entry; entry = map_next(core->durable->instances, entry)) {
        struct instance *instance = entry->value;
        if (instance->state == INSTANCE_ENDED || instance->state == INSTANCE_PLACED ||
            core->event->now_ns < core_instance_link(core, instance)->lease_until_ns) {
            continue;
        }
        char text[256];
        snprintf(text, sizeof text, "%s: nothing was heard from agent %s until the lease of %u ms was over", instance->service,
                 instance->agent, instance->trial->lease_ms);
        struct trial *trial = instance->trial;
        sessions_lose(core, instance, text);
        trials_advance(core, trial);
    }
}

void sessions_tick(struct core *core)
{
    agents_tick(core);
    leases_tick(core);
}
