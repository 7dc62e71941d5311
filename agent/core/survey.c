// "What lives on your host?" The shell looks at the processes; the table here knows what each of them may.
#include <stdio.h>

#include "agent/core/state.h"

void agent_take_survey(struct agent_core *core, const Pb__Survey *survey)
{
    struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_SURVEY);
    effect->survey.session = core->session.id;
    effect->survey.number = survey->number;
}

// Past the lease comes the kill ladder; what lives on after it escaped both. An instance that is looked for after a restart has a lease
// that its guard alone knows.
static bool outlived_lease(const struct agent_core *core, const struct instance *instance)
{
    return instance->lease_is_known && core->input->now_ns > instance->lease_ns + KILL_LADDER_MS * NS_PER_MS;
}

static const char *stray(struct agent_core *core, const struct instance *instance)
{
    if (!instance)
        return "this agent has no such instance";
    if (instance->state == INSTANCE_ENDED)
        return "its instance has ended";
    if (!outlived_lease(core, instance))
        return "";
    uint64_t late_ms = (core->input->now_ns - instance->lease_ns) / NS_PER_MS;
    return arena_printf(core->out->arena, "its lease ended %llu ms ago", (unsigned long long)late_ms);
}

static void judge(struct agent_core *core, Pb__HostProcess *process)
{
    if (process->instance == 0)
        return; // the shell said why
    const struct instance *instance = agent_instance_find(core, process->instance, process->generation);
    process->ending = instance && (instance->row.ended || instance->row.discarded);
    process->stray = arena_string(core->out->arena, stray(core, instance));
}

void agent_surveyed(struct agent_core *core, const struct agent_input *input)
{
    if (core->session.state != SESSION_LIVE || core->session.id != input->survey.session)
        return; // who asked is gone
    Pb__Surveyed *surveyed = ARENA_NEW(core->out->arena, Pb__Surveyed);
    pb__surveyed__init(surveyed);
    surveyed->number = input->survey.number;
    surveyed->left_out = input->survey.left_out;
    surveyed->processes = ARENA_ARRAY(core->out->arena, Pb__HostProcess *, input->survey.count + 1);
    for (size_t i = 0; i < input->survey.count; i++) {
        Pb__HostProcess *process = MESSAGE_COPY(input->survey.processes[i], core->out->arena);
        judge(core, process);
        surveyed->processes[surveyed->n_processes++] = process;
    }
    agent_envelope(core, PB__ENVELOPE__BODY_SURVEYED)->surveyed = surveyed;
}
