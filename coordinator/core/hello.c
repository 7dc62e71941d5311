// Hello and Welcome: who comes, what it has, and how both sides agree on it (reconciliation).
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)

size_t hello_wanted(struct core *core, Pb__PluginPresence *const *plugins, size_t count, char ***wanted)
{
    *wanted = ARENA_ARRAY(core->effects->arena, char *, count + 1);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const char *hash = plugins[i]->description_hash;
        if (*hash && !presences_are_shadowed(plugins, i) && !map_get_text(core->durable->descriptions, hash)) {
            (*wanted)[found++] = arena_string(core->effects->arena, hash);
        }
    }
    return found;
}

// It has run what this store has never given.
static uint64_t unknown_instance(const struct core *core, const Pb__Hello *hello)
{
    for (size_t i = 0; i < hello->n_instances; i++) {
        if (!durable_gave_instance(core->durable, hello->instances[i]->instance)) {
            return hello->instances[i]->instance;
        }
    }
    return 0;
}

// It was welcomed by this store before, which has never seen it, nor its host under another name.
static bool is_forgotten(const struct core *core, const Pb__Hello *hello)
{
    if (map_get_text(core->durable->agents, hello->name)) {
        return false;
    }
    for (struct map_entry *entry = map_first(core->durable->agents); entry; entry = map_next(core->durable->agents, entry)) {
        if (strcmp(((const struct agent_identity *)entry->value)->host_id, hello->host_id) == 0) {
            return false;
        }
    }
    return true;
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
    if (same_store && !durable_gave_incarnation(core->durable, hello->incarnation)) {
        core_refuse(
            core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER, 30000,
            "this coordinator was restored from an older backup: agent %s knows incarnation %llu of the store, which this one never had",
            hello->name, (unsigned long long)hello->incarnation);
        return true;
    }
    if (same_store && known && strcmp(known->epoch, hello->outbox_epoch) == 0 && hello->outbox_acknowledged > known->last_seen) {
        core_refuse(core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER, 30000,
                    "this coordinator was restored from an older backup: agent %s has had event %llu acknowledged, the store ends at %llu",
                    hello->name, (unsigned long long)hello->outbox_acknowledged, (unsigned long long)(known ? known->last_seen : 0));
        return true;
    }
    if (same_store && is_forgotten(core, hello)) {
        core_refuse(core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER, 30000,
                    "this coordinator was restored from an older backup: agent %s was welcomed before, and the store has never seen it",
                    hello->name);
        return true;
    }
    uint64_t unknown = same_store ? unknown_instance(core, hello) : 0;
    if (unknown) {
        core_refuse(core, event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER, 30000,
                    "this coordinator was restored from an older backup: agent %s was given instance %llu, which this store never gave",
                    hello->name, (unsigned long long)unknown);
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
    map_put_text(core->agents, name, agent);
    return agent;
}

static void agent_take_hello(struct core *core, struct agent_live *agent, const Pb__Hello *hello)
{
    // What an agent has of plugins and instances is kept elsewhere.
    Pb__Hello kept = *hello;
    kept.n_plugins = kept.n_instances = 0;
    message_free(agent->hello);
    agent->hello = MESSAGE_COPY(&kept, NULL);
    agent->name = agent->hello->name;
    presences_clear(core, agent);
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
    welcome->last_seen = sessions_identity(core, agent)->last_seen;
    welcome->heartbeat_ms = core->options.heartbeat_ms;
    welcome->bulk_port = core->options.bulk_port;
    welcome->n_wanted_descriptions = hello_wanted(core, hello->plugins, hello->n_plugins, &welcome->wanted_descriptions);
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
    struct agent_identity *known = sessions_identity(core, agent);
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
    if (!agent->rebooted || instance->elsewhere) {
        core_instance_link(core, instance)->forsaken = true;
        return;
    }
    char text[256];
    snprintf(text, sizeof text, "%s: agent %s does not have it any more after a reboot", instance->service, agent->name);
    struct trial *trial = instance->trial;
    sessions_lose(core, instance, text);
    trials_advance(core, trial);
}

// Once the outbox is read to where it stood at Hello: what the agent has heard of and does not have any more is forsaken; what it never
// heard of is told again; what it has gets its open commands again (the agent drops repeats).
void hello_reconcile(struct core *core, struct agent_live *agent)
{
    struct agent_identity *known = sessions_identity(core, agent);
    if (agent->reconciled || known->last_seen < agent->outbox_target) {
        return;
    }
    agent->reconciled = true;
    roster_enter(core, agent);
    sessions_lab_changed(core);
    // Losing one may end its trial, and so take others out of the map: map_next goes on from a removed entry.
    for (struct map_entry *entry = map_first(known->placed); entry; entry = map_next(known->placed, entry)) {
        struct instance *instance = entry->value;
        if (!core_instance_link(core, instance)->listed && instance->state != INSTANCE_PLACED && instance->heard) {
            forsake(core, agent, instance);
        } else {
            commands_resend(core, instance);
        }
    }
}

void hello_take(struct core *core, const Pb__Hello *hello)
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
        sessions_end(core, agent);
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
    hello_reconcile(core, agent);
}
