// Hello and Welcome: who we are and what we hold; whether the coordinator is the one that we know; what both sides make of it.
#include <stdio.h>
#include <string.h>

#include "agent/core/state.h"

static Pb__LiveInstance **live_instances(struct agent_core *core, size_t *count)
{
    Pb__LiveInstance **list = ARENA_ARRAY(core->out->arena, Pb__LiveInstance *, map_count(core->instances) + 1);
    *count = 0;
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        const struct instance *instance = e->value;
        Pb__LiveInstance *live = ARENA_NEW(core->out->arena, Pb__LiveInstance);
        pb__live_instance__init(live);
        live->instance = instance->row.instance;
        live->generation = instance->row.generation;
        live->last_command = instance->row.last_command;
        live->ended = instance->row.ended;
        list[(*count)++] = live;
    }
    return list;
}

void agent_greet(struct agent_core *core)
{
    Pb__Hello *hello = ARENA_NEW(core->out->arena, Pb__Hello);
    *hello = *core->self;
    hello->boottime_ns = core->input->now_ns;
    hello->outbox_epoch = core->facts.epoch;
    hello->outbox_first = core->outbox.acknowledged + 1;
    hello->outbox_last = core->outbox.last;
    hello->outbox_acknowledged = core->outbox.acknowledged;
    hello->store_id = core->facts.store_id;
    hello->incarnation = core->facts.incarnation;
    hello->plugins = ARENA_ARRAY(core->out->arena, Pb__PluginPresence *, core->plugin_count + 1);
    hello->n_plugins = core->plugin_count;
    for (size_t i = 0; i < core->plugin_count; i++)
        hello->plugins[i] = core->plugins[i].presence;
    hello->instances = live_instances(core, &hello->n_instances);
    core->session.hello_ns = core->input->now_ns;
    agent_envelope(core, PB__ENVELOPE__BODY_HELLO)->hello = hello;
}

// ---- another store: instance numbers and sequences mean something else there, so everything of the old one ends first

static void reset(struct agent_core *core)
{
    agent_log(core, AGENT_LOG_WARNING, "everything of the former store is gone; starting afresh");
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        const struct instance *instance = e->value;
        struct agent_effect *effect = agent_effect_later(core, AGENT_EFFECT_REMOVE_FOLDER);
        effect->instance = instance->row.instance;
        effect->generation = instance->row.generation;
    }
    agent_instance_free_all(core);
    agent_record_add(core, AGENT_RECORD_RESET);
    core->facts = (struct agent_facts){0};
    agent_outbox_clear(&core->outbox);
    agent_outbox_renew(core);
    core->out->urgent = true;
}

void agent_clearing_go_on(struct agent_core *core)
{
    if (core->session.state != SESSION_CLEARING || agent_instance_living(core) > 0)
        return;
    reset(core);
    lifecycle_move(&agent_session_table, &core->session.state, SESSION_DISCONNECTED);
    agent_session_try(core);
}

static void clear(struct agent_core *core, const Pb__Welcome *welcome)
{
    agent_log(core, AGENT_LOG_WARNING, "the coordinator has another store (%s, known was %s): ending what was run for the old one",
              welcome->store_id, core->facts.store_id);
    agent_effect_add(core, AGENT_EFFECT_CLOSE_LINK);
    agent_session_end(core);
    lifecycle_move(&agent_session_table, &core->session.state, SESSION_CLEARING);
    size_t count = 0;
    struct instance **all = ARENA_ARRAY(core->out->arena, struct instance *, map_count(core->instances) + 1);
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e))
        all[count++] = e->value;
    for (size_t i = 0; i < count; i++)
        agent_guard_discard(core, all[i], "its coordinator is gone");
    agent_clearing_go_on(core);
}

// ---- Welcome

static const char *older_store(struct agent_core *core, const Pb__Welcome *welcome)
{
    if (welcome->incarnation < core->facts.incarnation)
        return arena_printf(core->out->arena,
                            "the coordinator's store is older than this agent knows (incarnation %llu, known is %llu): it was restored "
                            "from a backup",
                            (unsigned long long)welcome->incarnation, (unsigned long long)core->facts.incarnation);
    if (welcome->last_seen < core->outbox.acknowledged)
        return arena_printf(core->out->arena,
                            "the coordinator's store is older than this agent knows (it has seen event %llu, but acknowledged %llu): it "
                            "was restored from a backup",
                            (unsigned long long)welcome->last_seen, (unsigned long long)core->outbox.acknowledged);
    return NULL;
}

static void remember_store(struct agent_core *core, const Pb__Welcome *welcome)
{
    if (strcmp(core->facts.store_id, welcome->store_id) == 0 && core->facts.incarnation == welcome->incarnation)
        return;
    snprintf(core->facts.store_id, sizeof core->facts.store_id, "%s", welcome->store_id);
    core->facts.incarnation = welcome->incarnation;
    agent_facts_changed(core);
    core->out->urgent = true;
}

static void go_live(struct agent_core *core, const Pb__Welcome *welcome)
{
    lifecycle_move(&agent_session_table, &core->session.state, SESSION_LIVE);
    core->session.backoff_ms = AGENT_BACKOFF_FIRST_MS;
    core->counters.sessions++;
    remember_store(core, welcome);
    agent_log(core, AGENT_LOG_INFO, "live with the coordinator, session %llu, %zu instances", (unsigned long long)welcome->session,
              map_count(core->instances));
    agent_outbox_free(core, welcome->last_seen);
    agent_outbox_rewind(core, core->outbox.acknowledged);
    agent_heartbeat_begin(core, welcome->heartbeat_ms);
    agent_plugins_describe(core, welcome->wanted_descriptions, welcome->n_wanted_descriptions);
    if (!core->probed)
        agent_effect_add(core, AGENT_EFFECT_PROBE);
    agent_outbox_send(core);
}

void agent_welcomed(struct agent_core *core, const Pb__Welcome *welcome)
{
    if (welcome->session == 0 || welcome->store_id[0] == '\0' || strlen(welcome->store_id) >= sizeof core->facts.store_id) {
        agent_session_fail(core, "Welcome names no session or no store");
        return;
    }
    core->session.id = welcome->session; // also to say goodbye in it
    if (core->facts.store_id[0] && strcmp(core->facts.store_id, welcome->store_id) != 0) {
        clear(core, welcome);
        return;
    }
    const char *older = older_store(core, welcome);
    if (older) {
        agent_session_refuse_store(core, older);
        return;
    }
    if (welcome->last_seen > core->outbox.last) {
        agent_log(core, AGENT_LOG_WARNING, "this host's outbox was set back (event %llu was seen, %llu is the last here): new epoch",
                  (unsigned long long)welcome->last_seen, (unsigned long long)core->outbox.last);
        agent_outbox_renew(core);
        agent_effect_add(core, AGENT_EFFECT_CLOSE_LINK);
        agent_session_lost(core, "new outbox epoch");
        return;
    }
    go_live(core, welcome);
}
