// Frames that come when they should not: of an older session, or such as only a confused coordinator would send. Neither core may be led
// astray by them (P3). See faults.h.
#include "agent/core/core.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/wire/wire.h"
#include "tests/simulation/agent_host.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/faults_inside.h"
#include "tests/simulation/network.h"

#define TRIES 8

// As it was: its session is over, or it is a repeat.
void happen_old_frame(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    struct link *link = network_link_of(agent);
    enum way way = dice_chance(&world->dice.faults, 500) ? TO_AGENT : TO_COORDINATOR;
    size_t bytes;
    const void *data = network_old_frame(agent, way, &bytes);
    if (!link || !data || !link_is_open(link, way))
        return;
    world_saw(world, RARITY_FRAME_OF_OLD_SESSION);
    TRACE(world, "faults", "an old frame comes to %s", way == TO_AGENT ? agent_name(agent) : "the coordinator");
    if (way == TO_AGENT)
        agent_frame(agent, link, data, bytes);
    else
        coordinator_frame(world, link, data, bytes);
}

// A frame of this kind that was sent to the agent before; NULL: none was found.
static Pb__Envelope *old_envelope(struct world *world, struct agent_host *agent, Pb__Envelope__BodyCase kind)
{
    for (int i = 0; i < TRIES; i++) {
        size_t bytes;
        const void *data = network_old_frame(agent, TO_AGENT, &bytes);
        Pb__Envelope *envelope = data ? wire_envelope(data, bytes, world->arena, NULL) : NULL;
        if (envelope && envelope->body_case == kind)
            return envelope;
    }
    return NULL;
}

// False: the agent has no session that it could come in.
static bool say_in_session(struct world *world, struct agent_host *agent, Pb__Envelope *envelope)
{
    struct link *link = network_link_of(agent);
    size_t bytes;
    if (!link || !agent_host_core(agent) || !agent_core_is_live(agent_host_core(agent)))
        return false;
    envelope->session = agent_core_session(agent_host_core(agent));
    uint8_t *data = wire_pack(envelope, world->arena, &bytes);
    agent_frame(agent, link, data, bytes);
    return true;
}

void happen_repeated_command(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    Pb__Envelope *envelope = old_envelope(world, agent, PB__ENVELOPE__BODY_COMMANDS);
    if (!envelope)
        return;
    world->has_injected = true;
    TRACE(world, "faults", "old commands come to %s in its session", agent_name(agent));
    if (say_in_session(world, agent, envelope))
        world_saw(world, RARITY_COMMAND_REPEATED);
}

void happen_stale_grant(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    Pb__Envelope *envelope = old_envelope(world, agent, PB__ENVELOPE__BODY_HEARTBEAT_REPLY);
    if (envelope && say_in_session(world, agent, envelope))
        world_saw(world, RARITY_GRANT_STALE);
}

// ---- generations

struct older {
    struct world *world;
    struct agent_host *agent;
    Pb__Envelope *envelope;
};

static void older_comes(void *context)
{
    const struct older *older = context;
    if (!older->world->is_calm && say_in_session(older->world, older->agent, older->envelope))
        world_saw(older->world, RARITY_GENERATION_OLDER);
}

// The next generation of an instance, then once more the one that it replaced.
void happen_newer_generation(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    Pb__Envelope *envelope = old_envelope(world, agent, PB__ENVELOPE__BODY_COMMANDS);
    if (!envelope || envelope->commands->commands[0]->body_case != PB__COMMAND__BODY_INITIALIZE)
        return;
    struct older *older = ARENA_NEW(world->arena, struct older);
    *older = (struct older){world, agent, MESSAGE_COPY(envelope, world->arena)};
    envelope->commands->n_commands = 1;
    envelope->commands->commands[0]->generation++;
    world->has_injected = true;
    TRACE(world, "faults", "a newer generation comes to %s", agent_name(agent));
    if (!say_in_session(world, agent, envelope))
        return;
    world_saw(world, RARITY_GENERATION_NEWER);
    agenda_add(&world->agenda, faults_later(world, 1, 4000), older_comes, older);
}
