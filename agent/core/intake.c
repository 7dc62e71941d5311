// What the coordinator wants: commands by instance, generation and number, each done once; and what it does not want any more.
#include "agent/core/state.h"

static uint32_t highest_generation(const struct agent_core *core, uint64_t id)
{
    const struct agent_tombstone *stone = map_get_number(core->tombstones, id);
    uint32_t highest = stone ? stone->generation : 0;
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        const struct instance *instance = e->value;
        if (instance->row.instance == id && instance->row.generation > highest)
            highest = instance->row.generation;
    }
    return highest;
}

static bool is_stale(const struct agent_core *core, const Pb__Command *command)
{
    uint32_t highest = highest_generation(core, command->instance);
    return highest == 0 ? command->instance <= core->facts.tombstone_floor : command->generation <= highest;
}

// At most one live generation: the older ones are ended before the new one is placed. What has ended is left alone: its files are on their
// way.
static void end_predecessors(struct agent_core *core, const Pb__Command *command)
{
    size_t count = 0;
    struct instance **older = ARENA_ARRAY(core->out->arena, struct instance *, map_count(core->instances) + 1);
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        struct instance *other = e->value;
        if (other->row.instance == command->instance && !other->row.ended)
            older[count++] = other;
    }
    for (size_t i = 0; i < count; i++)
        agent_guard_discard(core, older[i], "a newer generation takes its place");
}

static void take_new(struct agent_core *core, const Pb__Command *command)
{
    if (is_stale(core, command)) {
        core->counters.commands_stale++;
        return;
    }
    if (command->body_case != PB__COMMAND__BODY_INITIALIZE || command->number != 1) {
        core->counters.commands_unknown++;
        return;
    }
    if (map_count(core->instances) >= AGENT_INSTANCES_MAX) {
        agent_session_fail(core, "more instances than an agent takes");
        return;
    }
    end_predecessors(core, command);
    agent_place(core, agent_begin(core, command));
}

// Stop may leave out cases that the coordinator numbered and never sent, a case with peers those before it whose services could not be
// brought up, and who says so; any other hole is a loss.
bool agent_command_may_skip(const Pb__Command *command)
{
    return command->after_gap || command->body_case == PB__COMMAND__BODY_STOP ||
           (command->body_case == PB__COMMAND__BODY_RUN_CASE && command->run_case->n_peers > 0);
}

static void take_known(struct agent_core *core, struct instance *instance, const Pb__Command *command)
{
    if (command->number <= instance->row.last_command) {
        core->counters.commands_repeated++;
        return;
    }
    if (instance->row.ended || instance->state == INSTANCE_SWEEPING || instance->state == INSTANCE_ENDED) {
        core->counters.commands_stale++; // InstanceEnded answers everything that is open
        return;
    }
    bool is_hole = command->number != instance->row.last_command + 1 && !agent_command_may_skip(command);
    if (is_hole || command->body_case == PB__COMMAND__BODY_INITIALIZE) {
        core->counters.commands_impossible++;
        agent_session_fail(core, "a command out of order");
        return;
    }
    agent_guard_command(core, instance, command);
}

void agent_take_commands(struct agent_core *core, const Pb__Commands *commands)
{
    for (size_t i = 0; i < commands->n_commands && core->session.state == SESSION_LIVE; i++) {
        const Pb__Command *command = commands->commands[i];
        struct instance *instance = agent_instance_find(core, command->instance, command->generation);
        if (instance)
            take_known(core, instance, command);
        else
            take_new(core, command);
    }
}

void agent_take_discard(struct agent_core *core, const Pb__Discard *discard)
{
    struct instance *instance = agent_instance_find(core, discard->instance, discard->generation);
    if (instance)
        agent_guard_discard(core, instance, discard->why);
    else
        core->counters.commands_unknown++;
}
