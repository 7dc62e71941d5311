// See network.h.
#include "tests/simulation/network.h"

#include <string.h>

#include "common/base/map.h"
#include "tests/simulation/agent_host.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/world.h"

// A connection that hears nothing gives up (ZMTP heartbeats, TCP_MAXRT): after this, when at all.
#define GIVE_UP_LEAST_NS (5 * NS_PER_S)
#define GIVE_UP_MOST_NS (15 * NS_PER_S)
#define CONNECT_NS (5 * NS_PER_S)
// Frames of the past that may come again.
#define OLD_FRAMES 16

struct frame {
    struct link *link;
    enum way way;
    bool is_end;
    uint8_t *data;
    size_t bytes;
};

struct pipe {
    uint64_t last_ns; // nothing overtakes
    struct frame **held;
    size_t held_count, held_capacity;
};

struct link {
    struct world *world;
    struct agent_host *agent;
    uint64_t route;
    uint64_t lives[2]; // of the process at the end of each way
    bool open[2];
    struct pipe pipes[2];
};

struct network {
    struct map *links; // route -> struct link
    uint64_t last_route;
    const struct frame *old[AGENTS_MAX][2][OLD_FRAMES];
    size_t old_count[AGENTS_MAX][2];
    struct link **all; // for what they hold
    size_t all_count, all_capacity;
};

struct network *network_new(struct world *world)
{
    struct network *network = ARENA_NEW(world->arena, struct network);
    network->links = map_new();
    return network;
}

void network_free(struct network **network)
{
    for (size_t i = 0; i < (*network)->all_count; i++) {
        free((*network)->all[i]->pipes[0].held);
        free((*network)->all[i]->pipes[1].held);
    }
    free((*network)->all);
    map_free(&(*network)->links);
}

struct link *network_link(const struct world *world, uint64_t route)
{
    return map_get_number(world->network->links, route);
}

uint64_t link_route(const struct link *link)
{
    return link->route;
}

struct agent_host *link_agent(const struct link *link)
{
    return link->agent;
}

static uint64_t life_of(const struct link *link, enum way way)
{
    return way == TO_AGENT ? agent_life(link->agent) : coordinator_life(link->world);
}

bool link_is_open(const struct link *link, enum way way)
{
    return link->open[way] && link->lives[way] == life_of(link, way);
}

static void tell_end(struct link *link, enum way way, const char *why)
{
    if (!link_is_open(link, way))
        return;
    link->open[way] = false;
    if (way == TO_AGENT)
        agent_link_lost(link->agent, link, why);
    else
        coordinator_gone(link->world, link->route);
}

// ---- frames

static void hold(struct pipe *pipe, struct frame *frame)
{
    APPEND(pipe->held, pipe->held_count, pipe->held_capacity) = frame;
}

static void reset_later(void *context)
{
    struct frame *frame = context;
    tell_end(frame->link, frame->way, "connection reset by peer");
}

// What is sent to an end that is not there is answered by a reset, if it comes through.
static void answer_reset(const struct frame *frame)
{
    struct link *link = frame->link;
    struct world *world = link->world;
    struct frame *answer = ARENA_NEW(world->arena, struct frame);
    *answer = (struct frame){.link = link, .way = frame->way == TO_AGENT ? TO_COORDINATOR : TO_AGENT};
    if (!agent_path(link->agent)->cut[answer->way])
        agenda_add(&world->agenda, world->now_ns + NS_PER_MS, reset_later, answer);
}

static void arrive(struct frame *frame)
{
    struct link *link = frame->link;
    if (!link_is_open(link, frame->way)) {
        if (!frame->is_end)
            answer_reset(frame);
        return;
    }
    if (frame->is_end)
        tell_end(link, frame->way, "closed by the other end");
    else if (frame->way == TO_AGENT)
        agent_frame(link->agent, link, frame->data, frame->bytes);
    else
        coordinator_frame(link->world, link, frame->data, frame->bytes);
}

static void deliver(void *context)
{
    struct frame *frame = context;
    struct pipe *pipe = &frame->link->pipes[frame->way];
    if (agent_path(frame->link->agent)->cut[frame->way] || pipe->held_count > 0)
        hold(pipe, frame);
    else
        arrive(frame);
}

static void remember(struct link *link, const struct frame *frame)
{
    struct network *network = link->world->network;
    size_t agent = agent_index(link->agent);
    network->old[agent][frame->way][network->old_count[agent][frame->way]++ % OLD_FRAMES] = frame;
}

const void *network_old_frame(struct agent_host *agent, enum way way, size_t *bytes)
{
    struct world *world = agent_world(agent);
    struct network *network = world->network;
    size_t index = agent_index(agent), count = network->old_count[index][way];
    if (count == 0)
        return NULL;
    const struct frame *frame = network->old[index][way][dice_below(&world->dice.faults, count < OLD_FRAMES ? count : OLD_FRAMES)];
    *bytes = frame->bytes;
    return frame->data;
}

static void enter(struct link *link, struct frame *frame, bool in_order)
{
    struct world *world = link->world;
    struct pipe *pipe = &link->pipes[frame->way];
    uint64_t when_ns = world->now_ns + world_delay_ns(&world->dice.network, world->pace.network_least_us, world->pace.network_most_us);
    uint64_t stalled_ns = agent_path(link->agent)->stalled_until_ns[frame->way];
    if (when_ns < stalled_ns)
        when_ns = stalled_ns;
    if (in_order && when_ns < pipe->last_ns)
        when_ns = pipe->last_ns;
    if (in_order)
        pipe->last_ns = when_ns;
    agenda_add(&world->agenda, when_ns, deliver, frame);
}

// What a network may do that TCP would not let through. True: the frame was dropped.
static bool treated_harshly(struct link *link, struct frame *frame)
{
    struct world *world = link->world;
    if (!world->is_harsh || world->is_calm)
        return false;
    uint64_t fate = dice_below(&world->dice.network, 1000);
    if (fate < 4) {
        world_saw(world, RARITY_FRAME_DROPPED);
        TRACE(world, "network", "drops a frame of %s", agent_name(link->agent));
        return true;
    }
    if (fate < 10) {
        world_saw(world, RARITY_FRAME_DOUBLED);
        enter(link, frame, false);
    } else if (fate < 14) {
        world_saw(world, RARITY_FRAME_REORDERED);
        link->pipes[frame->way].last_ns = 0; // the next one may overtake
    }
    return false;
}

void network_send(struct link *link, enum way way, const void *data, size_t bytes)
{
    struct world *world = link->world;
    struct frame *frame = ARENA_NEW(world->arena, struct frame);
    *frame = (struct frame){.link = link, .way = way, .bytes = bytes, .data = arena_allocate(world->arena, bytes + 1)};
    memcpy(frame->data, data, bytes);
    remember(link, frame);
    if (!treated_harshly(link, frame))
        enter(link, frame, true);
}

// ---- ends

void network_close(struct link *link, enum way told)
{
    enum way own = told == TO_AGENT ? TO_COORDINATOR : TO_AGENT;
    if (!link->open[own])
        return;
    link->open[own] = false;
    struct frame *end = ARENA_NEW(link->world->arena, struct frame);
    *end = (struct frame){.link = link, .way = told, .is_end = true};
    enter(link, end, true);
}

void network_vanish(struct link *link, enum way told)
{
    enum way own = told == TO_AGENT ? TO_COORDINATOR : TO_AGENT;
    if (link->open[own] && link_is_open(link, told))
        world_saw(link->world, RARITY_HALF_OPEN);
    link->open[own] = false;
}

void network_reset(struct link *link)
{
    tell_end(link, TO_AGENT, "connection reset");
    tell_end(link, TO_COORDINATOR, "connection reset");
}

void network_agent_died(struct agent_host *agent, bool without_a_word)
{
    const struct network *network = agent_world(agent)->network;
    for (size_t i = 0; i < network->all_count; i++) {
        struct link *link = network->all[i];
        if (link->agent != agent || !link->open[TO_AGENT])
            continue;
        if (without_a_word)
            network_vanish(link, TO_COORDINATOR);
        else
            network_close(link, TO_COORDINATOR);
    }
}

void network_coordinator_died(struct world *world)
{
    const struct network *network = world->network;
    for (size_t i = 0; i < network->all_count; i++)
        network_close(network->all[i], TO_AGENT);
}

struct link *network_link_of(struct agent_host *agent)
{
    const struct network *network = agent_world(agent)->network;
    for (size_t i = network->all_count; i > 0; i--)
        if (network->all[i - 1]->agent == agent && link_is_open(network->all[i - 1], TO_AGENT))
            return network->all[i - 1];
    return NULL;
}

// ---- connecting

struct attempt {
    struct link *link;
    const char *why;
};

static void refuse(void *context)
{
    struct attempt *attempt = context;
    struct link *link = attempt->link;
    if (link_is_open(link, TO_AGENT)) {
        link->open[TO_AGENT] = false;
        agent_link_lost(link->agent, link, attempt->why);
    }
}

static void accept_or_refuse(void *context)
{
    struct link *link = context;
    struct world *world = link->world;
    struct attempt *attempt = ARENA_NEW(world->arena, struct attempt);
    const struct path *path = agent_path(link->agent);
    attempt->link = link;
    if (path->cut[TO_AGENT] || path->cut[TO_COORDINATOR]) {
        attempt->why = "connecting timed out";
        agenda_add(&world->agenda, world->now_ns + CONNECT_NS, refuse, attempt);
        return;
    }
    if (!coordinator_is_up(world)) {
        attempt->why = "connection refused";
        refuse(attempt);
        return;
    }
    if (!link_is_open(link, TO_AGENT))
        return;
    link->open[TO_COORDINATOR] = true;
    link->lives[TO_COORDINATOR] = coordinator_life(world);
    agent_link_up(link->agent, link);
}

struct link *network_open(struct agent_host *agent)
{
    struct world *world = agent_world(agent);
    struct network *network = world->network;
    struct link *link = ARENA_NEW(world->arena, struct link);
    link->world = world;
    link->agent = agent;
    link->route = ++network->last_route;
    link->open[TO_AGENT] = true;
    link->lives[TO_AGENT] = agent_life(agent);
    map_put_number(network->links, link->route, link);
    APPEND(network->all, network->all_count, network->all_capacity) = link;
    agenda_add(&world->agenda,
               world->now_ns + world_delay_ns(&world->dice.network, world->pace.network_least_us, world->pace.network_most_us),
               accept_or_refuse, link);
    return link;
}

// ---- faults

static void give_up(void *context)
{
    struct attempt *attempt = context;
    struct link *link = attempt->link;
    const struct path *path = agent_path(link->agent);
    for (enum way way = TO_COORDINATOR; way <= TO_AGENT; way++)
        if (path->cut[way])
            tell_end(link, way, "nothing was heard for too long");
}

static void release_held(struct link *link, enum way way)
{
    struct pipe *pipe = &link->pipes[way];
    for (size_t i = 0; i < pipe->held_count; i++)
        arrive(pipe->held[i]);
    pipe->held_count = 0;
}

static void may_give_up(struct link *link)
{
    struct world *world = link->world;
    if (!link->open[TO_AGENT] && !link->open[TO_COORDINATOR])
        return;
    if (dice_chance(&world->dice.network, 400))
        return; // nobody notices but the cores themselves
    struct attempt *attempt = ARENA_NEW(world->arena, struct attempt);
    attempt->link = link;
    agenda_add(&world->agenda, world->now_ns + dice_between(&world->dice.network, GIVE_UP_LEAST_NS, GIVE_UP_MOST_NS), give_up, attempt);
}

void network_cut(struct agent_host *agent, enum way way, bool on)
{
    const struct network *network = agent_world(agent)->network;
    struct path *path = agent_path(agent);
    if (path->cut[way] == on)
        return;
    path->cut[way] = on;
    for (size_t i = 0; i < network->all_count; i++) {
        struct link *link = network->all[i];
        if (link->agent != agent)
            continue;
        if (on)
            may_give_up(link);
        else
            release_held(link, way);
    }
}

void network_stall(struct agent_host *agent, enum way way, uint64_t until_ns)
{
    agent_path(agent)->stalled_until_ns[way] = until_ns;
}
