// The step: one input in, records and effects out. Everything it decides stands in the other files of this folder.
#include "agent/core/core.h"

#include <stdio.h>
#include <string.h>

#include "agent/core/state.h"

struct agent_core *agent_core_new(void)
{
    struct agent_core *core = NEW(struct agent_core);
    core->instances = map_new();
    core->tombstones = map_new();
    core->session.backoff_ms = AGENT_BACKOFF_FIRST_MS;
    pb__heartbeat__init(&core->session.previous);
    return core;
}

void agent_core_free(struct agent_core **core)
{
    if (!core || !*core)
        return;
    agent_instance_free_all(*core);
    map_free(&(*core)->instances);
    map_free(&(*core)->tombstones);
    agent_plugins_free(*core);
    agent_outbox_clear(&(*core)->outbox);
    free((*core)->dirty);
    message_free((*core)->self);
    free(*core);
    *core = NULL;
}

// ---- start

static void load_row(struct agent_core *core, const struct agent_row *row)
{
    struct instance *instance = agent_instance_add(core, row, INSTANCE_DETACHED);
    instance->lease_ns = instance->spec->lease_expires_ns;
    instance->passed_command = 1;
    instance->recorded = true;
    instance->adopting = true;
    core->adopting++;
    struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_ADOPT);
    effect->instance = row->instance;
    effect->generation = row->generation;
    effect->row = &instance->row;
}

static void start(struct agent_core *core, const struct agent_input *input)
{
    INVARIANT(!core->started);
    core->started = true;
    core->self = message_copy(input->start.self, NULL);
    core->takes_no_shells = input->start.takes_no_shells;
    core->port_first = input->start.port_first;
    core->port_count = input->start.port_count;
    core->facts = input->start.facts;
    core->adoption_until_ns = input->now_ns + AGENT_ADOPTION_MS * NS_PER_MS;
    for (size_t i = 0; i < input->start.tombstone_count; i++)
        agent_tombstone_add(core, input->start.tombstones[i].instance, input->start.tombstones[i].generation);
    agent_outbox_load(&core->outbox, core->facts.acknowledged, input->start.outbox_bytes, input->start.outbox_count);
    if (core->facts.epoch[0] == '\0') {
        agent_outbox_renew(core);
        core->out->urgent = true;
    }
    for (size_t i = 0; i < input->start.row_count; i++)
        load_row(core, &input->start.rows[i]);
}

// ---- the step

static void catalogue(struct agent_core *core, const struct agent_input *input)
{
    char **gone = NULL;
    size_t gone_count = agent_plugins_gone(core, input->catalogue.plugins, input->catalogue.count, &gone);
    agent_plugins_set(core, input->catalogue.plugins, input->catalogue.count);
    core->catalogue_known = true;
    core->probed = input->catalogue.probed;
    agent_place_waiting(core);
    agent_plugins_tell(core, gone, gone_count);
    if (!core->probed && core->session.state == SESSION_LIVE)
        agent_effect_add(core, AGENT_EFFECT_PROBE);
    agent_session_try(core);
}

static void tick(struct agent_core *core, const struct agent_input *input)
{
    core->session.disk_free_bytes = input->tick.disk_free_bytes;
    core->session.disk_is_short = input->tick.disk_is_short;
    agent_session_tick(core);
    agent_placing_tick(core);
    agent_guard_tick(core);
}

static void step_instance(struct agent_core *core, struct instance *instance, const struct agent_input *input)
{
    switch (input->kind) {
    case AGENT_INPUT_GUARD_ATTACHED:
        agent_guard_attached(core, instance, input->attached.state);
        break;
    case AGENT_INPUT_GUARD_DETACHED:
        agent_guard_detached(core, instance);
        break;
    case AGENT_INPUT_GUARD_GONE:
        agent_guard_gone(core, instance, input->gone.rebooted, input->gone.why);
        break;
    case AGENT_INPUT_NOT_SPAWNED:
        if (instance->state == INSTANCE_SPAWNING)
            agent_refuse(core, instance, PB__END_CAUSE__END_CAUSE_REFUSED, input->gone.why);
        break;
    case AGENT_INPUT_NEVER_SPAWNED:
        agent_guard_never_spawned(core, instance);
        break;
    case AGENT_INPUT_SPOOL:
        agent_guard_spooled(core, instance, input->spool.events, input->spool.count, input->spool.offset);
        break;
    case AGENT_INPUT_SWEPT:
        agent_guard_swept(core, instance, input->swept.killed);
        break;
    case AGENT_INPUT_BULK_DONE:
        instance->bulk_done = true;
        agent_instance_forget_if_done(core, instance);
        break;
    default:
        PANIC("input %d is not one of an instance", (int)input->kind);
    }
}

static void step(struct agent_core *core, const struct agent_input *input)
{
    switch (input->kind) {
    case AGENT_INPUT_START:
        start(core, input);
        break;
    case AGENT_INPUT_TICK:
        tick(core, input);
        break;
    case AGENT_INPUT_LINK_UP:
        agent_session_up(core);
        break;
    case AGENT_INPUT_LINK_LOST:
        agent_session_lost(core, input->link_lost.why);
        break;
    case AGENT_INPUT_MESSAGE:
        agent_session_message(core, input->message.envelope);
        break;
    case AGENT_INPUT_COMMITTED:
        agent_outbox_committed(core, input->committed.outbox_last, input->committed.outbox_life);
        break;
    case AGENT_INPUT_STORAGE_FULL:
        core->storage_full = input->storage.full;
        break;
    case AGENT_INPUT_CATALOGUE:
        catalogue(core, input);
        break;
    case AGENT_INPUT_SURVEYED:
        agent_surveyed(core, input);
        break;
    case AGENT_INPUT_CAPTURE:
        agent_capture_read(core, input);
        break;
    case AGENT_INPUT_PLANNED:
        agent_planned(core, input);
        break;
    case AGENT_INPUT_SHELL:
        agent_shell_answered(core, input);
        break;
    case AGENT_INPUT_PLACED:
        agent_plugin_placed(core, input);
        break;
    case AGENT_INPUT_FILE:
        agent_file_arrived(core);
        break;
    case AGENT_INPUT_STOP:
        agent_session_stop(core, input->stop.why);
        break;
    default: {
        struct instance *instance = agent_instance_find(core, input->instance, input->generation);
        if (instance) // else it was forgotten while the shell was at it
            step_instance(core, instance, input);
    }
    }
}

void agent_core_step(struct agent_core *core, const struct agent_input *input, struct agent_output *output)
{
    INVARIANT(output->arena);
    INVARIANT(core->started || input->kind == AGENT_INPUT_START);
    core->input = input;
    core->out = output;
    step(core, input);
    agent_instance_flush(core);
    core->input = NULL;
    core->out = NULL;
    core->last_request = NULL;
}

// ---- questions

uint64_t agent_core_deadline(const struct agent_core *core)
{
    const uint64_t due_ns[] = {agent_session_deadline(core), agent_placing_deadline(core), agent_guard_deadline(core)};
    uint64_t earliest_ns = 0;
    for (size_t i = 0; i < sizeof due_ns / sizeof *due_ns; i++)
        if (due_ns[i] && (earliest_ns == 0 || due_ns[i] < earliest_ns))
            earliest_ns = due_ns[i];
    return earliest_ns;
}

size_t agent_core_event_room(const struct agent_core *core)
{
    size_t held = (size_t)(core->outbox.last - core->outbox.acknowledged);
    bool is_full = core->storage_full || held >= AGENT_OUTBOX_MAX || core->outbox.held_bytes >= AGENT_OUTBOX_MAX_BYTES;
    return is_full ? 0 : AGENT_OUTBOX_MAX - held;
}

bool agent_core_is_live(const struct agent_core *core)
{
    return core->session.state == SESSION_LIVE;
}

uint64_t agent_core_session(const struct agent_core *core)
{
    return core->session.id;
}

const char *agent_core_epoch(const struct agent_core *core)
{
    return core->facts.epoch;
}

const char *agent_core_session_state(const struct agent_core *core)
{
    return lifecycle_name(&agent_session_table, core->session.state);
}

const struct agent_counters *agent_core_counters(const struct agent_core *core)
{
    return &core->counters;
}

void agent_core_print(const struct agent_core *core, struct text *out)
{
    const struct agent_facts *facts = &core->facts;
    text_printf(out, "epoch %s store %s incarnation %llu acknowledged %llu last %llu floor %llu\n", facts->epoch, facts->store_id,
                (unsigned long long)facts->incarnation, (unsigned long long)facts->acknowledged, (unsigned long long)core->outbox.last,
                (unsigned long long)facts->tombstone_floor);
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        const struct agent_row *row = &((const struct instance *)e->value)->row;
        text_printf(out, "instance %llu.%u command %u spool %llu/%llu outbox %llu%s%s\n", (unsigned long long)row->instance,
                    row->generation, row->last_command, (unsigned long long)row->spool_sequence, (unsigned long long)row->spool_offset,
                    (unsigned long long)row->outbox_last, row->ended ? " ended" : "", row->discarded ? " discarded" : "");
    }
    for (struct map_entry *e = map_first(core->tombstones); e; e = map_next(core->tombstones, e)) {
        const struct agent_tombstone *stone = e->value;
        text_printf(out, "forgotten %llu.%u\n", (unsigned long long)stone->instance, stone->generation);
    }
}
