// Somebody is inside a service of a trial that runs or is held: the turns of the shell are passed to the agent, its answers to who asked.
// Nothing of it is durable here: the guard records what is done, and takes each turn once.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)
// Turns on their way: a client has two at most, one that waits and one with what was typed meanwhile.
#define SHELL_TURNS_MAX 128
static_assert(SHELL_TURNS_MAX * SHELL_PIECE_MAX_BYTES <= 16 * 1024 * 1024, "answers are bounded");
// A guard keeps a turn for SHELL_WAIT_MAX_MS; the rest is for a busy host.
#define SHELL_ANSWER_MS (SHELL_WAIT_MAX_MS + 3000)

struct shells_turn {
    uint64_t number; // 0: free
    uint64_t route, request, shell, asked_ns;
    char agent[NAME_MAX_BYTES];
};

struct shells {
    uint64_t last;
    struct shells_turn turns[SHELL_TURNS_MAX];
};

struct shells *shells_new(void)
{
    return NEW(struct shells);
}

void shells_free(struct shells **shells)
{
    free(*shells);
    *shells = NULL;
}

static struct shells_turn *find_turn(struct core *core, uint64_t number)
{
    for (size_t i = 0; i < SHELL_TURNS_MAX; i++) {
        if (core->shells->turns[i].number == number) {
            return &core->shells->turns[i];
        }
    }
    return NULL;
}

static Pb__ShellSaid *reply_to(struct core *core, uint64_t route, uint64_t request)
{
    Pb__Reply *reply = core_reply_urgent(core, route, request);
    reply->body_case = PB__REPLY__BODY_SHELL_SAID;
    return reply->shell_said = NEW_MESSAGE(core, Pb__ShellSaid, pb__shell_said);
}

static void say_again(struct core *core, uint64_t route, uint64_t request, const char *why)
{
    reply_to(core, route, request)->why = arena_string(core->effects->arena, why);
}

static void pass_on(struct core *core, uint64_t request, const struct agent_live *agent, const struct instance *instance,
                    const Pb__ShellTurn *turn)
{
    struct shells_turn *waiting = find_turn(core, 0);
    if (!waiting) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, SHELL_ANSWER_MS,
                    "%d turns of shells are on their way already", SHELL_TURNS_MAX);
        return;
    }
    *waiting = (struct shells_turn){++core->shells->last, core->event->route, request, turn->shell, core->event->now_ns, {0}};
    memcpy(waiting->agent, agent->name, strlen(agent->name) + 1);
    // Prompt: it follows from nothing that is not committed.
    Pb__Envelope *envelope = core_send_prompt(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_SHELL_CALL;
    Pb__ShellCall *call = envelope->shell_call = NEW_MESSAGE(core, Pb__ShellCall, pb__shell_call);
    call->number = waiting->number;
    call->instance = instance->id;
    call->generation = instance->generation;
    call->by = arena_string(core->effects->arena, core->event->peer_name);
    call->turn = MESSAGE_COPY(turn, core->effects->arena);
}

static const struct instance *find_instance(const struct core *core, const Pb__Shell *shell)
{
    const struct trial *trial = trials_find(core, shell->trial);
    for (size_t i = 0; trial && i < trial->instance_count; i++) {
        if (strcmp(trial->instances[i]->service, shell->service) == 0) {
            return trial->instances[i];
        }
    }
    return NULL;
}

void shells_request(struct core *core, uint64_t request, const Pb__Shell *shell)
{
    uint64_t route = core->event->route;
    const struct instance *instance = find_instance(core, shell);
    if (!instance || instance->state == INSTANCE_ENDED) {
        core_refuse(core, route, request, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND, 0, "%s/%s does not run: %s", shell->trial,
                    shell->service, instance ? "it has ended" : "the trial is over, or has no such service");
        return;
    }
    const struct agent_live *agent = sessions_agent(core, instance->agent);
    if (!*instance->agent) {
        say_again(core, route, request, "it has no host yet");
    } else if (!agent || !agent_live_is_connected(agent)) {
        say_again(core, route, request, arena_printf(core->effects->arena, "agent %s is away", instance->agent));
    } else {
        pass_on(core, request, agent, instance, shell->turn);
    }
}

void shells_answered(struct core *core, const struct agent_live *agent, const Pb__ShellAnswer *answer)
{
    struct shells_turn *turn = find_turn(core, answer->number);
    // The number alone is not enough: a coordinator that was restarted counts from the beginning.
    if (!turn || turn->shell != answer->shell || strcmp(turn->agent, agent->name) != 0) {
        core_count(core, "stale_shell_turns");
        return;
    }
    Pb__ShellSaid *said = reply_to(core, turn->route, turn->request);
    said->turned = answer->turned ? MESSAGE_COPY(answer->turned, core->effects->arena) : NULL;
    said->why = arena_string(core->effects->arena, answer->why);
    *turn = (struct shells_turn){0};
}

void shells_tick(struct core *core)
{
    for (size_t i = 0; i < SHELL_TURNS_MAX; i++) {
        struct shells_turn *turn = &core->shells->turns[i];
        if (turn->number && core->event->now_ns - turn->asked_ns >= SHELL_ANSWER_MS * NS_PER_MS) {
            say_again(core, turn->route, turn->request, arena_printf(core->effects->arena, "agent %s does not answer", turn->agent));
            *turn = (struct shells_turn){0};
        }
    }
}
