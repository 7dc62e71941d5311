// Somebody is inside an instance: turns of the shell are passed to its guard, which runs it, and back. Nothing of it is kept here.
#include "agent/core/state.h"

static Pb__ShellAnswer *answer(struct agent_core *core, const Pb__ShellCall *call)
{
    Pb__ShellAnswer *answer = ARENA_NEW(core->out->arena, Pb__ShellAnswer);
    pb__shell_answer__init(answer);
    answer->number = call->number;
    answer->shell = call->turn->shell;
    agent_envelope(core, PB__ENVELOPE__BODY_SHELL_ANSWER)->shell_answer = answer;
    return answer;
}

static void refuse(struct agent_core *core, const Pb__ShellCall *call, const char *why)
{
    Pb__ShellTurned *turned = answer(core, call)->turned = ARENA_NEW(core->out->arena, Pb__ShellTurned);
    pb__shell_turned__init(turned);
    turned->shell = call->turn->shell;
    turned->refused = arena_string(core->out->arena, why);
    turned->ended = true;
}

void agent_take_shell(struct agent_core *core, const Pb__ShellCall *call)
{
    struct instance *instance = agent_instance_find(core, call->instance, call->generation);
    if (core->takes_no_shells)
        refuse(core, call, "this agent takes no shells (shells: false)");
    else if (!instance || instance->state == INSTANCE_SWEEPING || instance->state == INSTANCE_ENDED)
        refuse(core, call, "it does not live any more");
    else if (instance->state != INSTANCE_ATTACHED)
        answer(core, call)->why = arena_string(core->out->arena, "its guard is not there");
    else
        agent_guard_shell(core, instance, call);
}

void agent_shell_answered(struct agent_core *core, const struct agent_input *input)
{
    if (core->session.state == SESSION_LIVE) // else who asked asks again
        agent_envelope(core, PB__ENVELOPE__BODY_SHELL_ANSWER)->shell_answer = MESSAGE_COPY(input->shell.answer, core->out->arena);
}
