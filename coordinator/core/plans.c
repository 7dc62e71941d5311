// What a plugin of a host would run: a client's question, passed to that agent, and its answer.
#include "common/base/message.h"
#include "coordinator/core/state.h"

// Loading a plugin and asking it, on a busy host behind others.
#define PLAN_ANSWER_MS 8000

static Pb__CommandsPlanned *reply_to(struct core *core, uint64_t route, uint64_t request)
{
    Pb__Reply *reply = core_reply_urgent(core, route, request);
    reply->body_case = PB__REPLY__BODY_COMMANDS_PLANNED;
    return reply->commands_planned = NEW_MESSAGE(core, Pb__CommandsPlanned, pb__commands_planned);
}

static void say_nothing(struct core *core, uint64_t route, uint64_t request)
{
    reply_to(core, route, request);
}

void plans_request(struct core *core, uint64_t request, const Pb__PlanCommands *plan)
{
    const struct agent_live *agent = sessions_agent(core, plan->agent);
    if (!agent || !agent_live_is_connected(agent)) {
        say_nothing(core, core->event->route, request);
        return;
    }
    uint64_t number = passed_add(core, request, agent, PLAN_ANSWER_MS, say_nothing);
    if (!number) {
        return;
    }
    // Prompt: it changes nothing, and is wanted also when the disk is full.
    Pb__Envelope *envelope = core_send_prompt(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_PLAN_PLUGIN;
    const Pb__PlanCommands *kept = MESSAGE_COPY(plan, core->effects->arena);
    Pb__PlanPlugin *asked = envelope->plan_plugin = NEW_MESSAGE(core, Pb__PlanPlugin, pb__plan_plugin);
    asked->number = number;
    asked->plugin = kept->plugin;
    asked->n_options = kept->n_options;
    asked->options = kept->options;
}

void plans_answered(struct core *core, const struct agent_live *agent, const Pb__PluginPlanned *answer)
{
    struct passed_question question;
    if (!passed_take(core, agent, answer->number, &question)) {
        return;
    }
    const Pb__PluginPlanned *kept = MESSAGE_COPY(answer, core->effects->arena);
    Pb__CommandsPlanned *planned = reply_to(core, question.route, question.request);
    planned->answered = true;
    planned->text = kept->text;
    planned->problem = kept->problem;
}
