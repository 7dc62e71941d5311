// What is said: nothing that a crash could take back is told before it is committed. See oracle.h.
#include <string.h>

#include "common/base/message.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle_inside.h"

// ---- the coordinator speaks

static bool is_issued(const struct oracle *oracle, const Pb__Command *command)
{
    const struct instance_book *instance = oracle_instance(oracle, command->instance);
    return instance && map_get_number(instance->issued, command->number) != NULL;
}

static void says_commands(struct oracle *oracle, struct link *link, const Pb__Commands *commands)
{
    struct world *world = oracle->world;
    for (size_t i = 0; i < commands->n_commands; i++) {
        const Pb__Command *command = commands->commands[i];
        if (!is_issued(oracle, command)) {
            world_fail(world, P2, "command %u of %llu.%u is sent before its record is committed", command->number,
                       (unsigned long long)command->instance, command->generation);
            return;
        }
        if (command->body_case == PB__COMMAND__BODY_RUN_CASE)
            oracle_case_is_told(oracle, command);
        if (command->body_case != PB__COMMAND__BODY_INITIALIZE)
            continue;
        if (link && strcmp(oracle_instance(oracle, command->instance)->agent, agent_name(link_agent(link))) != 0)
            world_fail(world, P3, "instance %llu is placed on %s, and told to %s", (unsigned long long)command->instance,
                       oracle_instance(oracle, command->instance)->agent, agent_name(link_agent(link)));
        struct life_book *life = oracle_life(oracle, command->instance, command->generation);
        uint64_t until_ns = command->initialize->lease_stamp_ns + command->initialize->lease_ms * NS_PER_MS;
        if (life->granted_ns < until_ns)
            life->granted_ns = until_ns;
    }
}

static void says_grants(struct oracle *oracle, const Pb__HeartbeatReply *reply)
{
    for (size_t i = 0; i < reply->n_grants; i++) {
        struct life_book *life = oracle_life(oracle, reply->grants[i]->instance, reply->grants[i]->generation);
        uint64_t until_ns = reply->agent_sent_ns + reply->grants[i]->length_ms * NS_PER_MS;
        if (life->granted_ns < until_ns)
            life->granted_ns = until_ns;
    }
}

static void says_reply(struct oracle *oracle, const Pb__Reply *reply)
{
    struct world *world = oracle->world;
    if (reply->body_case == PB__REPLY__BODY_SUBMITTED && reply->submitted->accepted && !map_get_number(oracle->runs, reply->submitted->run))
        world_fail(world, P2, "run r%llu is said to be accepted before it is committed", (unsigned long long)reply->submitted->run);
    if (reply->body_case != PB__REPLY__BODY_CANCELLED)
        return;
    for (struct map_entry *entry = map_first(oracle->runs); entry; entry = map_next(oracle->runs, entry)) {
        const struct run_book *run = entry->value;
        const char *name = arena_printf(world->scratch, "r%llu", (unsigned long long)run->number);
        if (strcmp(name, reply->cancelled->run) == 0 && !run->is_cancelled && !run->has_ended)
            world_fail(world, P2, "run %s is said to be cancelled before it is committed", name);
    }
}

static void says_welcome(struct oracle *oracle, const struct link *link, const Pb__Welcome *welcome)
{
    const Pb__Hello *hello = map_get_number(oracle->hellos, link_route(link));
    const struct last_book *last = oracle_last(oracle, agent_name(link_agent(link)), hello ? hello->outbox_epoch : "");
    if (welcome->incarnation > oracle->incarnation)
        world_fail(oracle->world, P2, "Welcome names incarnation %llu, which is not committed", (unsigned long long)welcome->incarnation);
    if (hello && hello->outbox_acknowledged > last->last && strcmp(hello->store_id, welcome->store_id) == 0)
        world_fail(oracle->world, OLDER, "%s is welcomed, of whose outbox event %llu was acknowledged; committed is %llu",
                   agent_name(link_agent(link)), (unsigned long long)hello->outbox_acknowledged, (unsigned long long)last->last);
    if (welcome->last_seen > last->last)
        world_fail(oracle->world, P2, "Welcome has seen event %llu of %s, committed is %llu", (unsigned long long)welcome->last_seen,
                   agent_name(link_agent(link)), (unsigned long long)last->last);
}

static void says_acknowledged(struct oracle *oracle, const struct link *link, const Pb__EventsAcknowledged *acknowledged)
{
    const struct last_book *last = oracle_last(oracle, agent_name(link_agent(link)), acknowledged->epoch);
    if (acknowledged->last > last->last)
        world_fail(oracle->world, P2, "event %llu of %s is acknowledged, committed is %llu", (unsigned long long)acknowledged->last,
                   agent_name(link_agent(link)), (unsigned long long)last->last);
}

static void count_refusal(struct world *world, const Pb__Refused *refused)
{
    switch (refused->code) {
    case PB__REFUSAL_CODE__REFUSAL_CODE_NAME_TAKEN:
        world_saw(world, RARITY_NAME_TAKEN);
        break;
    case PB__REFUSAL_CODE__REFUSAL_CODE_FENCED:
        world_saw(world, RARITY_FENCED);
        break;
    case PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER:
        world_saw(world, RARITY_STORE_OLDER);
        break;
    default:
        break;
    }
}

void oracle_coordinator_says(struct world *world, struct link *link, const Pb__Envelope *envelope)
{
    struct oracle *oracle = world->oracle;
    if (trace_shows(world, envelope))
        trace_write(world, "coordinator", "to %s: %s", link ? agent_name(link_agent(link)) : "ann", describe_envelope(world, envelope));
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_COMMANDS:
        says_commands(oracle, link, envelope->commands);
        break;
    case PB__ENVELOPE__BODY_HEARTBEAT_REPLY:
        says_grants(oracle, envelope->heartbeat_reply);
        break;
    case PB__ENVELOPE__BODY_REPLY:
        says_reply(oracle, envelope->reply);
        break;
    case PB__ENVELOPE__BODY_WELCOME:
        if (link)
            says_welcome(oracle, link, envelope->welcome);
        break;
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
        if (link)
            says_acknowledged(oracle, link, envelope->events_acknowledged);
        break;
    case PB__ENVELOPE__BODY_REFUSED:
        count_refusal(world, envelope->refused);
        break;
    default:
        break;
    }
}

// ---- an agent speaks

void oracle_agent_said(struct world *world, struct link *link, const Pb__Envelope *envelope)
{
    if (trace_shows(world, envelope))
        trace_write(world, "coordinator", "gets from %s: %s", agent_name(link_agent(link)), describe_envelope(world, envelope));
    if (envelope->body_case == PB__ENVELOPE__BODY_HELLO)
        map_put_number(world->oracle->hellos, link_route(link), MESSAGE_COPY(envelope->hello, world->arena));
}
