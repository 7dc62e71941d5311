// See guard.h. This file: birth, what its agent says; guard_spool.c has the spool, guard_work.c the plugin's calls, guard_end.c the ends.
#include <string.h>

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/wire/wire.h"
#include "tests/simulation/guard_inside.h"
#include "tests/simulation/host_clock.h"

#define HEARS_NS (100 * NS_PER_US)

uint64_t guard_boottime_ns(const struct guard *guard)
{
    return host_clock_boottime_ns(agent_clock(guard->host), guard->world->now_ns);
}

const char *guard_name(const struct guard *guard)
{
    return arena_printf(guard->world->scratch, "guard %llu.%u", (unsigned long long)guard->instance, guard->generation);
}

void guard_spoil(struct guard *guard, const char *why)
{
    if (!guard->spoiled)
        guard->spoiled = why;
}

bool guard_runs(const struct guard *guard)
{
    return guard->stage < GUARD_ENDED;
}

bool guard_is_tester(const struct guard *guard)
{
    return guard->spec->initialize->is_tester;
}

bool guard_anything_lives(const struct guard *guard)
{
    return guard->plugin_lives || guard_any_process(guard);
}

// ---- birth

static void start_is_due(void *context)
{
    struct guard *guard = context;
    if (guard->stage != GUARD_STARTING)
        return;
    bool is_late = guard_boottime_ns(guard) >= guard->spec->lease_expires_ns; // as agent/guard: nothing may begin to live
    guard->stage = GUARD_SERVING;
    guard->plugin_lives = !is_late;
    guard->last_number = 1;
    guard->open[0].number = 1;
    guard->open[0].kind = PB__COMMAND__BODY_INITIALIZE;
    guard->open[0].timeout_ms = guard->spec->initialize->initialize_ms;
    guard->open_count = 1;
    guard->lease_ns = guard->spec->lease_expires_ns;
    agenda_set(&guard->world->agenda, &guard->lease, host_clock_when_ns(agent_clock(guard->host), guard->lease_ns));
    TRACE(guard->world, guard_name(guard), "runs %s on %s", guard->spec->initialize->service, agent_name(guard->host));
    oracle_guard_lives(guard);
    agent_guard_started(guard->host, guard);
    if (is_late)
        guard_answer(guard, PB__COMMAND_STATUS__COMMAND_STATUS_FAILED, "its lease had run out before it was started");
    else
        guard_begin_first(guard);
}

static const char *profile_of(const Pb__Initialize *initialize)
{
    for (size_t i = 0; i < initialize->n_settings; i++)
        if (strcmp(initialize->settings[i]->name, "profile") == 0 && initialize->settings[i]->n_values)
            return initialize->settings[i]->values[0];
    return "";
}

struct guard *guard_spawn(struct agent_host *host, const Pb__GuardSpec *spec)
{
    struct world *world = agent_world(host);
    struct guard *guard = ARENA_NEW(world->arena, struct guard);
    *guard = (struct guard){.world = world,
                            .host = host,
                            .instance = spec->instance,
                            .generation = spec->generation,
                            .spec = MESSAGE_COPY(spec, world->arena),
                            .has_folder = true,
                            .boot = agent_boot(host),
                            .born_ns = world->now_ns};
    guard->profile = profile_of(guard->spec->initialize);
    guard->start = (struct timer){.call = start_is_due, .context = guard};
    guard->lease = (struct timer){.call = guard_lease_is_over, .context = guard};
    guard->work = (struct timer){.call = guard_work_is_due, .context = guard};
    guard->sync = (struct timer){.call = guard_sync_is_due, .context = guard};
    guard->plugin_end = (struct timer){.call = guard_plugin_is_gone, .context = guard};
    agenda_set(&world->agenda, &guard->start,
               world->now_ns + world_delay_ns(&world->dice.work, world->pace.work_least_us, world->pace.work_most_us));
    return guard;
}

void guard_free(struct guard *guard)
{
    free(guard->spool);
}

// ---- commands

void guard_first_is_answered(struct guard *guard)
{
    guard->open_first = (guard->open_first + 1) % GUARD_OPEN_MAX;
    guard->open_count--;
    guard->is_at_work = guard->stop_called = false;
    agenda_stop(&guard->work);
}

static uint32_t timeout_of(const struct guard *guard, const Pb__Command *command)
{
    switch (command->body_case) {
    case PB__COMMAND__BODY_START:
        return guard->spec->initialize->start_ms;
    case PB__COMMAND__BODY_RUN_CASE:
        return command->run_case->timeout_ms;
    case PB__COMMAND__BODY_EXECUTE:
        return command->execute->timeout_ms;
    default:
        return guard->spec->initialize->stop_ms;
    }
}

// A tester judges what a client did for its case.
static bool peer_failed(const Pb__Command *command)
{
    bool any = false;
    for (size_t i = 0; command->body_case == PB__COMMAND__BODY_RUN_CASE && i < command->run_case->n_peers; i++) {
        const Pb__CasePeer *peer = command->run_case->peers[i];
        any |= peer->executed && peer->outcome && peer->outcome->verdict == PB__VERDICT__VERDICT_FAIL;
    }
    return any;
}

static void take_command(struct guard *guard, const Pb__Command *command)
{
    bool is_stop = command->body_case == PB__COMMAND__BODY_STOP;
    oracle_guard_told(guard, command);
    if (guard->stage >= GUARD_ENDING || command->number <= guard->last_number)
        return;
    bool is_prepared = command->after_gap || (command->body_case == PB__COMMAND__BODY_RUN_CASE && command->run_case->n_peers > 0);
    if (command->number != guard->last_number + 1 && !is_stop && !is_prepared) {
        world_fail(guard->world, "P3 commands in order", "%s was given command %u after %u", guard_name(guard), command->number,
                   guard->last_number);
        return;
    }
    guard->last_number = command->number;
    if (command->body_case == PB__COMMAND__BODY_FAULT || command->body_case == PB__COMMAND__BODY_RUN) {
        guard_begin_beside(guard, command);
        return;
    }
    size_t at = (guard->open_first + guard->open_count++) % GUARD_OPEN_MAX;
    guard->open[at].number = command->number;
    guard->open[at].kind = command->body_case;
    guard->open[at].timeout_ms = timeout_of(guard, command);
    guard->open[at].name =
        command->body_case == PB__COMMAND__BODY_RUN_CASE ? arena_string(guard->world->arena, command->run_case->name) : "";
    guard->open[at].peer_failed = peer_failed(command);
    if (is_stop && command->stop->cancel)
        guard_hurry(guard);
}

static void take_request(struct guard *guard, const Pb__GuardRequest *request)
{
    switch (request->body_case) {
    case PB__GUARD_REQUEST__BODY_COMMAND:
        take_command(guard, request->command);
        break;
    case PB__GUARD_REQUEST__BODY_CASES:
        for (size_t i = 0; i < request->cases->n_cases; i++)
            take_command(guard, request->cases->cases[i]);
        break;
    case PB__GUARD_REQUEST__BODY_LEASE:
        if (request->lease->expires_ns > guard->lease_ns && guard->stage < GUARD_ENDING) {
            guard->lease_ns = request->lease->expires_ns;
            agenda_set(&guard->world->agenda, &guard->lease, host_clock_when_ns(agent_clock(guard->host), guard->lease_ns));
        }
        break;
    case PB__GUARD_REQUEST__BODY_DISCARD:
        world_saw(guard->world, RARITY_DISCARDED);
        guard->is_discarded = true;
        guard_end(guard, PB__END_CAUSE__END_CAUSE_CLEANED, "discarded");
        break;
    default: // acknowledged: nothing to do for a model that keeps its spool
        break;
    }
    guard_flow(guard);
}

struct packet {
    struct guard *guard;
    uint64_t attachment;
    const Pb__GuardRequest *request;
};

static void packet_arrives(void *context)
{
    const struct packet *packet = context;
    if (guard_runs(packet->guard) && packet->guard->attachment == packet->attachment)
        take_request(packet->guard, packet->request);
}

void guard_hears(struct guard *guard, uint64_t attachment, const Pb__GuardRequest *request)
{
    struct packet *packet = ARENA_NEW(guard->world->arena, struct packet);
    *packet = (struct packet){guard, attachment, MESSAGE_COPY(request, guard->world->arena)};
    agenda_add(&guard->world->agenda, guard->world->now_ns + HEARS_NS, packet_arrives, packet);
}

uint64_t guard_attach(struct guard *guard)
{
    guard->attachment = ++guard->attachments;
    return guard->attachment;
}

void guard_state(const struct guard *guard, Pb__GuardState *state)
{
    pb__guard_state__init(state);
    state->version = GUARD_PROTOCOL_VERSION;
    state->instance = guard->instance;
    state->generation = guard->generation;
    state->last_command = guard->last_number;
    state->spool_bytes = guard_spool_bytes(guard, guard->told);
    state->lease_expires_ns = guard->lease_ns;
}
