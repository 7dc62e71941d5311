// Sessions of agents: Hello and Welcome, heartbeats and leases, events and their acknowledgement, reconciliation, loss.
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

static struct agent_identity *identity(const struct core *core, const struct agent_live *agent)
{
    return map_get_text(core->durable->agents, agent->name);
}

static void lose_instance(struct core *core, struct instance *instance, const char *text)
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
static void lab_changed(struct core *core)
{
    core->lab_changed_ns = core->event->now_ns;
    core->placement_due = true;
}

static void end_session(struct core *core, struct agent_live *agent)
{
    if (agent->route) {
        map_remove_number(core->routes, agent->route);
        agent->route = 0;
        agent->reconciled = false;
        lab_changed(core);
    }
}

void sessions_gone(struct core *core, uint64_t route)
{
    struct agent_live *agent = map_get_number(core->routes, route);
    if (agent) {
        end_session(core, agent);
    }
}

void sessions_key_revoked(struct core *core, const char *name)
{
    struct agent_live *agent = sessions_agent(core, name);
    if (agent_live_is_connected(agent)) {
        core_close(core, agent->route);
        end_session(core, agent);
    }
}

// ---- Hello

// The same plugin in two folders: the first one counts, the other is listed as unusable.
static bool is_shadowed(Pb__PluginPresence *const *plugins, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (plugins[i]->usable && strcmp(plugins[i]->name, plugins[index]->name) == 0) {
            return true;
        }
    }
    return false;
}

static void presences_take(struct core *core, struct agent_live *agent, Pb__PluginPresence *const *plugins, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool has_place = map_count(agent->presences) < PRESENCES_MAX || map_get_text(agent->presences, plugins[i]->name);
        if (has_place && !is_shadowed(plugins, i)) {
            message_free(map_put_text(agent->presences, plugins[i]->name, MESSAGE_COPY(plugins[i], NULL)));
        }
    }
    lab_changed(core);
}

static size_t wanted_descriptions(struct core *core, Pb__PluginPresence *const *plugins, size_t count, char ***wanted)
{
    *wanted = ARENA_ARRAY(core->effects->arena, char *, count + 1);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const char *hash = plugins[i]->description_hash;
        if (*hash && !is_shadowed(plugins, i) && !map_get_text(core->durable->descriptions, hash)) {
            (*wanted)[found++] = arena_string(core->effects->arena, hash);
        }
    }
    return found;
}

static bool hello_is_refused(struct core *core, const Pb__Hello *hello, const struct agent_live *live)
{
    const struct core_event *event = core->event;
    if (strcmp(hello->name, event->peer_name) != 0) {
        core_refuse(core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_NAME, 0, "this key belongs to agent %s, not to %s",
                    event->peer_name, hello->name);
        return true;
    }
    const struct agent_identity *known = map_get_text(core->durable->agents, hello->name);
    bool same_store = strcmp(hello->store_id, core->durable->store_id) == 0;
    if (same_store && (hello->incarnation > core->durable->incarnation ||
                       (known && strcmp(known->epoch, hello->outbox_epoch) == 0 && hello->outbox_acknowledged > known->last_seen))) {
        core_refuse(core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER, 30000,
                    "this coordinator was restored from an older backup: agent %s has had event %llu acknowledged, the store ends at %llu",
                    hello->name, (unsigned long long)hello->outbox_acknowledged, (unsigned long long)(known ? known->last_seen : 0));
        return true;
    }
    if (agent_live_is_connected(live) && live->route != event->route && strcmp(live->hello->host_id, hello->host_id) != 0 &&
        event->now_ns - live->heard_ns < LOST_MS * NS_PER_MS) {
        core_refuse(core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_NAME_TAKEN, 30000,
                    "agent %s is already connected from host %s (%s); this is host %s (%s): give each host a key of its own", hello->name,
                    live->hello->host_id, live->hello->n_addresses ? live->hello->addresses[0]->address : "no address", hello->host_id,
                    hello->n_addresses ? hello->addresses[0]->address : "no address");
        return true;
    }
    return false;
}

static struct agent_live *agent_live_new(struct core *core, const char *name)
{
    struct agent_live *agent = NEW(struct agent_live);
    agent->presences = map_new();
    map_put_text(core->agents, name, agent);
    return agent;
}

static void agent_take_hello(struct core *core, struct agent_live *agent, const Pb__Hello *hello)
{
    message_free(agent->hello);
    agent->hello = MESSAGE_COPY(hello, NULL);
    agent->name = agent->hello->name;
    for (struct map_entry *entry = map_first(agent->presences); entry; entry = map_next(agent->presences, entry)) {
        message_free(entry->value);
    }
    map_free(&agent->presences);
    agent->presences = map_new();
    presences_take(core, agent, hello->plugins, hello->n_plugins);
    agent->route = core->event->route;
    agent->session = (++core->ids ^ (core->event->random << 20)) | UINT64_C(1) << 63; // 0 is no session
    agent->heard_ns = core->event->now_ns;
    agent->stamp_ns = hello->boottime_ns;
    agent->stamped_ns = core->event->now_ns;
    agent->suspect = false;
    agent->reconciled = false;
    // One that served another store ends everything of it when it reads Welcome, and comes again: until then its numbers are not ours.
    bool is_foreign = *hello->store_id && strcmp(hello->store_id, core->durable->store_id) != 0;
    agent->outbox_target = is_foreign ? UINT64_MAX : hello->outbox_last;
    map_put_number(core->routes, agent->route, agent);
}

// A new host, boot or outbox is worth a record: with a new outbox the sequence starts again.
static void record_agent_seen(struct core *core, const Pb__Hello *hello)
{
    const struct agent_identity *known = map_get_text(core->durable->agents, hello->name);
    bool new_epoch = !known || strcmp(known->epoch, hello->outbox_epoch) != 0;
    if (!new_epoch && strcmp(known->host_id, hello->host_id) == 0 && strcmp(known->boot_id, hello->boot_id) == 0) {
        return;
    }
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_AGENT_SEEN;
    record->agent_seen = NEW_MESSAGE(core, Pb__AgentSeen, pb__agent_seen);
    record->agent_seen->name = hello->name;
    record->agent_seen->host_id = hello->host_id;
    record->agent_seen->boot_id = hello->boot_id;
    record->agent_seen->epoch = hello->outbox_epoch;
    record->agent_seen->last_seen = new_epoch ? hello->outbox_first - 1 : known->last_seen;
    record->agent_seen = MESSAGE_COPY(record->agent_seen, core->effects->arena);
    core_emit(core, record);
}

static void send_welcome(struct core *core, const struct agent_live *agent, const Pb__Hello *hello)
{
    Pb__Envelope *envelope = core_send(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_WELCOME;
    Pb__Welcome *welcome = envelope->welcome = NEW_MESSAGE(core, Pb__Welcome, pb__welcome);
    welcome->session = agent->session;
    welcome->store_id = arena_string(core->effects->arena, core->durable->store_id);
    welcome->incarnation = core->durable->incarnation;
    welcome->last_seen = identity(core, agent)->last_seen;
    welcome->heartbeat_ms = core->options.heartbeat_ms;
    welcome->bulk_port = core->options.bulk_port;
    welcome->n_wanted_descriptions = wanted_descriptions(core, hello->plugins, hello->n_plugins, &welcome->wanted_descriptions);
}

static void send_discard(struct core *core, const struct agent_live *agent, uint64_t instance, uint32_t generation, const char *why)
{
    Pb__Envelope *envelope = core_send(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_DISCARD;
    envelope->discard = NEW_MESSAGE(core, Pb__Discard, pb__discard);
    envelope->discard->instance = instance;
    envelope->discard->generation = generation;
    envelope->discard->why = arena_string(core->effects->arena, why);
}

// What the agent has and nobody wants is discarded at once; what is wanted is noted.
static void take_listed(struct core *core, struct agent_live *agent, const Pb__Hello *hello)
{
    struct agent_identity *known = identity(core, agent);
    for (struct map_entry *entry = map_first(known->placed); entry; entry = map_next(known->placed, entry)) {
        struct instance_link *link = core_instance_link(core, entry->value);
        link->listed = false;
        link->cases_sent = 0;
    }
    for (size_t i = 0; i < hello->n_instances; i++) {
        const Pb__LiveInstance *live = hello->instances[i];
        struct instance *instance = map_get_number(known->placed, live->instance);
        if (instance && instance->generation == live->generation) {
            core_instance_link(core, instance)->listed = true;
            core_instance_link(core, instance)->forsaken = false;
        } else if (!live->ended) {
            send_discard(core, agent, live->instance, live->generation, "nobody wants it any more");
        }
    }
}

// What is wanted and not there any more: nothing of it lives when its host was rebooted, and then it is lost now. Else its guard may
// live on without the agent, so its host is not free for it again before its lease is over.
static void forsake(struct core *core, struct agent_live *agent, struct instance *instance)
{
    if (!agent->rebooted) {
        core_instance_link(core, instance)->forsaken = true;
        return;
    }
    char text[256];
    snprintf(text, sizeof text, "%s: agent %s does not have it any more after a reboot", instance->service, agent->name);
    struct trial *trial = instance->trial;
    lose_instance(core, instance, text);
    trials_advance(core, trial);
}

// Once the outbox is read to where it stood at Hello: what the agent has heard of and does not have any more is forsaken; what it never
// heard of is told again; what it has gets its open commands again (the agent drops repeats).
static void reconcile(struct core *core, struct agent_live *agent)
{
    struct agent_identity *known = identity(core, agent);
    if (agent->reconciled || known->last_seen < agent->outbox_target) {
        return;
    }
    agent->reconciled = true;
    lab_changed(core);
    // Losing one may end its trial, and so take others out of the map: map_next goes on from a removed entry.
    for (struct map_entry *entry = map_first(known->placed); entry; entry = map_next(known->placed, entry)) {
        struct instance *instance = entry->value;
        if (!core_instance_link(core, instance)->listed && instance->state != INSTANCE_PLACED && instance->heard) {
            forsake(core, agent, instance);
        } else {
            trials_resend(core, instance);
        }
    }
}

static void take_hello(struct core *core, const Pb__Hello *hello)
{
    struct agent_live *agent = sessions_agent(core, core->event->peer_name);
    if (hello_is_refused(core, hello, agent)) {
        core_close(core, core->event->route);
        return;
    }
    if (agent && agent->route && agent->route != core->event->route) {
        core_refuse(core, agent->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_FENCED, 0, "a newer session of agent %s took over", hello->name);
        core_close(core, agent->route);
    }
    if (agent) {
        end_session(core, agent);
    } else {
        agent = agent_live_new(core, hello->name);
    }
    const struct agent_identity *known = map_get_text(core->durable->agents, hello->name);
    agent->rebooted = known && strcmp(known->host_id, hello->host_id) == 0 && strcmp(known->boot_id, hello->boot_id) != 0;
    record_agent_seen(core, hello);
    agent_take_hello(core, agent, hello);
    send_welcome(core, agent, hello);
    if (agent->outbox_target != UINT64_MAX) {
        take_listed(core, agent, hello);
    }
    reconcile(core, agent);
}

// ---- in a session

static void take_plugins(struct core *core, struct agent_live *agent, const Pb__PluginsChanged *changed)
{
    presences_take(core, agent, changed->plugins, changed->n_plugins);
    char **wanted;
    size_t count = wanted_descriptions(core, changed->plugins, changed->n_plugins, &wanted);
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
    const Pb__PluginPresence *presence = map_get_text(agent->presences, described->description->name);
    return presence && strcmp(presence->description_hash, described->hash) == 0 &&
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
    lab_changed(core);
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
    }
}

static void grant_leases(struct core *core, struct agent_live *agent, Pb__HeartbeatReply *reply)
{
    struct agent_identity *known = identity(core, agent);
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
        lab_changed(core);
    }
    agent->stamp_ns = heartbeat->agent_sent_ns;
    agent->stamped_ns = core->event->now_ns;
    agent->disk_free_bytes = heartbeat->disk_free_bytes;
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
    core_emit(core, record);
}

static struct instance *event_instance(struct core *core, const struct agent_live *agent, const Pb__Event *event)
{
    struct instance *instance = map_get_number(core->durable->instances, event->instance);
    if (!instance || instance->generation != event->generation || instance->state == INSTANCE_ENDED ||
        strcmp(instance->agent, agent->name) != 0) {
        core_count(core, "stale_events");
        return NULL;
    }
    return instance;
}

static void take_events(struct core *core, struct agent_live *agent, const Pb__Events *events)
{
    struct agent_identity *known = identity(core, agent);
    if (strcmp(known->epoch, events->epoch) != 0 || events->first > known->last_seen + 1) {
        core_refuse(core, agent->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, 1000,
                    "events of epoch %s from %llu, expected epoch %s from %llu", events->epoch, (unsigned long long)events->first,
                    known->epoch, (unsigned long long)known->last_seen + 1);
        core_close(core, agent->route);
        end_session(core, agent);
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
    reconcile(core, agent);
}

void sessions_message(struct core *core)
{
    const Pb__Envelope *envelope = core->event->envelope;
    if (envelope->body_case == PB__ENVELOPE__BODY_HELLO) {
        take_hello(core, envelope->hello);
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
        lab_changed(core);
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
    case PB__ENVELOPE__BODY_GOODBYE:
        core_close(core, agent->route);
        end_session(core, agent);
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
    lab_changed(core);
}

static void agents_tick(struct core *core)
{
    forgive_pause(core);
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        struct agent_live *agent = entry->value;
        uint64_t silent_ns = core->event->now_ns - agent->heard_ns;
        if (agent->route && silent_ns >= LOST_MS * NS_PER_MS) {
            core_close(core, agent->route);
            end_session(core, agent);
        } else if (agent->route && silent_ns >= SUSPECT_MS * NS_PER_MS && !agent->suspect) {
            agent->suspect = true;
            lab_changed(core);
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
        lose_instance(core, instance, text);
        trials_advance(core, trial);
    }
}

void sessions_tick(struct core *core)
{
    agents_tick(core);
    leases_tick(core);
}
