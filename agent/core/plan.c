// Somebody asks what a plugin of this host would run: the shell asks the plugin.
#include "agent/core/state.h"

void agent_take_plan(struct agent_core *core, const Pb__PlanPlugin *plan)
{
    struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_PLAN);
    effect->plan.session = core->session.id;
    effect->plan.plugin = MESSAGE_COPY(plan, core->out->arena);
}

void agent_planned(struct agent_core *core, const struct agent_input *input)
{
    if (core->session.state != SESSION_LIVE || core->session.id != input->planned.session)
        return; // who asked is gone
    agent_envelope(core, PB__ENVELOPE__BODY_PLUGIN_PLANNED)->plugin_planned = MESSAGE_COPY(input->planned.answer, core->out->arena);
}
