// What lives: guards and what they guard, leases, agents' disks. See oracle.h.
#include <string.h>

#include "agent/core/core.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "tests/simulation/agent_disk.h"
#include "tests/simulation/client.h"
#include "tests/simulation/host_clock.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle_inside.h"

// What a guard left when it was killed is swept by a living agent in a moment; a stopped or dead one sweeps when it is back.
#define LEFTOVERS_NS (10 * NS_PER_S)

uint32_t oracle_slots(const struct oracle *oracle, const char *agent)
{
    uint32_t slots = 0;
    for (size_t i = 0; i < oracle->world->agent_count; i++)
        if (strcmp(agent_name(oracle->world->agents[i]), agent) == 0 && agent_slots(oracle->world->agents[i]) > slots)
            slots = agent_slots(oracle->world->agents[i]);
    return slots;
}

// The coordinator makes first generations only: others come from faults_commands.c.
static bool is_injected(uint32_t generation)
{
    return generation > 1;
}

// ---- starts

static bool ports_meet(const struct guard *guard, const Pb__GuardSpec *spec)
{
    return guard->spec->port_first < spec->port_first + spec->port_count &&
           spec->port_first < guard->spec->port_first + guard->spec->port_count;
}

// Of the same instance none may live anywhere, of whatever generation.
static void check_alone(struct oracle *oracle, struct agent_host *host, const Pb__GuardSpec *spec)
{
    struct world *world = oracle->world;
    for (size_t i = 0; i < world->agent_count; i++) {
        struct guard *const *guards;
        size_t count = agent_guards(world->agents[i], &guards);
        for (size_t g = 0; g < count; g++) {
            const struct guard *other = guards[g];
            bool lives = guard_anything_lives(other) || other->stage == GUARD_STARTING;
            if (!lives)
                continue;
            if (other->instance == spec->instance)
                world_fail(world, P3, "%llu.%u is started on %s while %llu.%u lives on %s", (unsigned long long)spec->instance,
                           spec->generation, agent_name(host), (unsigned long long)other->instance, other->generation,
                           agent_name(world->agents[i]));
            else if (world->agents[i] == host && guard_runs(other) && other->has_folder && ports_meet(other, spec))
                world_fail(world, P3, "%llu.%u has ports on %s that %llu.%u still has", (unsigned long long)spec->instance,
                           spec->generation, agent_name(host), (unsigned long long)other->instance, other->generation);
        }
    }
}

void oracle_agent_spawns(struct agent_host *host, const Pb__GuardSpec *spec)
{
    struct world *world = agent_world(host);
    struct oracle *oracle = world->oracle;
    struct life_book *life = oracle_life(oracle, spec->instance, spec->generation);
    const struct agent_row *row = agent_disk_row(agent_host_disk(host), spec->instance, spec->generation);
    if (!row || !row->spec)
        world_fail(world, P2, "%s spawns %llu.%u before the intent is on its disk", agent_name(host), (unsigned long long)spec->instance,
                   spec->generation);
    // A disk that was wiped remembers no tombstone, and a command that nobody gave is not refused by the coordinator's books.
    bool nobody_can_know = oracle->wiped[agent_index(host)] && world->has_injected;
    if (++life->spawns > 1 && !nobody_can_know)
        world_fail(world, P3, "%llu.%u is started a second time, on %s", (unsigned long long)spec->instance, spec->generation,
                   agent_name(host));
    if (spec->lease_expires_ns > life->granted_ns && !is_injected(spec->generation))
        world_fail(world, P4, "%llu.%u is started with a lease %.3f s longer than any that was granted", (unsigned long long)spec->instance,
                   spec->generation, (double)(spec->lease_expires_ns - life->granted_ns) / (double)NS_PER_S);
    if (!nobody_can_know)
        check_alone(oracle, host, spec);
}

void oracle_guard_lives(struct guard *guard)
{
    oracle_life(guard->world->oracle, guard->instance, guard->generation)->guard = guard;
}

// ---- leases and commands

void oracle_agent_tells_guard(struct agent_host *host, uint64_t instance, uint32_t generation, const Pb__GuardRequest *request)
{
    struct world *world = agent_world(host);
    const struct life_book *life = oracle_life(world->oracle, instance, generation);
    if (request->body_case == PB__GUARD_REQUEST__BODY_LEASE && request->lease->expires_ns > life->granted_ns && !is_injected(generation))
        world_fail(world, P4, "%llu.%u gets a lease %.3f s longer than any that was granted", (unsigned long long)instance, generation,
                   (double)(request->lease->expires_ns - life->granted_ns) / (double)NS_PER_S);
    if (request->body_case != PB__GUARD_REQUEST__BODY_ACKNOWLEDGED)
        return;
    const struct agent_row *row = agent_disk_row(agent_host_disk(host), instance, generation);
    if (row && request->acknowledged->sequence > row->spool_sequence)
        world_fail(world, P2, "%s acknowledges event %llu of %llu.%u, on its disk is %llu", agent_name(host),
                   (unsigned long long)request->acknowledged->sequence, (unsigned long long)instance, generation,
                   (unsigned long long)row->spool_sequence);
}

void oracle_guard_told(struct guard *guard, const Pb__Command *command)
{
    if (command->instance != guard->instance || command->generation != guard->generation)
        world_fail(guard->world, P3_ORDER, "the guard of %llu.%u was given a command for %llu.%u", (unsigned long long)guard->instance,
                   guard->generation, (unsigned long long)command->instance, command->generation);
}

// ---- ends

// Who says that an instance is over says that nothing of it lives. Stated exception: what a guard that was killed has left, until its agent
// sweeps it.
void oracle_instance_is_over(struct oracle *oracle, struct instance_book *instance, uint32_t generation, const char *says)
{
    struct world *world = oracle->world;
    const struct guard *guard = oracle_life(oracle, instance->id, generation)->guard;
    if (instance->has_ended)
        world_fail(world, P1, "instance %llu ended twice", (unsigned long long)instance->id);
    instance->has_ended = true;
    oracle_agent(oracle, instance->agent)->placed--;
    if (guard && guard_anything_lives(guard) && (guard_runs(guard) || strcmp(says, "InstanceEnded") == 0))
        world_fail(world, P4, "%s of %llu.%u is committed while it lives", says, (unsigned long long)instance->id, generation);
}

static void look_at_guard(struct world *world, struct guard *guard)
{
    uint64_t now_ns = host_clock_boottime_ns(agent_clock(guard->host), world->now_ns);
    if (!guard_anything_lives(guard))
        return;
    if (guard_runs(guard) && guard->stage != GUARD_STARTING && now_ns > guard->lease_ns + KILL_LADDER_MS * NS_PER_MS)
        world_fail(world, P4, "%llu.%u lives %.3f s past its lease and ladder", (unsigned long long)guard->instance, guard->generation,
                   (double)(now_ns - guard->lease_ns) / (double)NS_PER_S);
    bool is_leftover =
        !guard_runs(guard) && agent_has_been_up_ns(guard->host) > LEFTOVERS_NS && world->now_ns > guard->killed_ns + LEFTOVERS_NS;
    if (is_leftover && guard->has_folder)
        world_fail(world, P4, "what the guard of %llu.%u left is not swept", (unsigned long long)guard->instance, guard->generation);
}

void oracle_look(struct world *world)
{
    for (size_t i = 0; i < world->agent_count; i++) {
        struct guard *const *guards;
        size_t count = agent_guards(world->agents[i], &guards);
        for (size_t g = 0; g < count; g++)
            look_at_guard(world, guards[g]);
    }
}

// ---- agents' disks

// No agent finds a command before the one in front of it, unless a disk was lost or put back, or a frame fell out of a connection that
// stands.
static void check_commands(struct agent_host *host)
{
    struct oracle *oracle = agent_world(host)->oracle;
    if (agent_core_counters(agent_host_core(host))->commands_impossible && !oracle->world->is_harsh && !oracle->was_restored &&
        !oracle->wiped[agent_index(host)])
        world_fail(oracle->world, P3_ORDER, "%s was given a command out of order", agent_name(host));
}

void oracle_agent_stepped(struct agent_host *host)
{
    struct world *world = agent_world(host);
    struct oracle *oracle = world->oracle;
    check_commands(host);
    const struct link *link = network_link_of(host);
    if (!oracle->was_restored || !agent_core_is_live(agent_host_core(host)) || !link || !map_get_number(oracle->hellos, link_route(link)))
        return; // or its session is of the time before, and its end not noticed yet
    const struct agent_disk *disk = agent_host_disk(host);
    if (disk->facts.acknowledged > oracle_last(oracle, agent_name(host), disk->facts.epoch)->last)
        world_fail(world, OLDER, "%s is live with a store that has forgotten what it acknowledged to it", agent_name(host));
}

static void check_freed(struct agent_host *host, const char *epoch, uint64_t freed)
{
    struct world *world = agent_world(host);
    if (freed > oracle_last(world->oracle, agent_name(host), epoch)->last)
        world_fail(world, P2, "%s frees event %llu of outbox %s, the coordinator has %llu", agent_name(host), (unsigned long long)freed,
                   trace_text(world, 'e', epoch), (unsigned long long)oracle_last(world->oracle, agent_name(host), epoch)->last);
}

void oracle_agent_committed(struct agent_host *host, const struct agent_output *output)
{
    const struct agent_disk *disk = agent_host_disk(host);
    for (size_t i = 0; i < output->record_count; i++)
        if (output->records[i].kind == AGENT_RECORD_FREE && !agent_world(host)->oracle->was_restored)
            check_freed(host, disk->facts.epoch, output->records[i].freed);
}

void oracle_agent_wiped(struct agent_host *host)
{
    agent_world(host)->oracle->wiped[agent_index(host)] = true;
    agent_world(host)->oracle->any_wiped = true;
}

// What a loss of power takes from a spool is on the agent's disk, or nobody was told of it but the agent that died with it.
void oracle_spool_cut(struct guard *guard, size_t said, size_t told)
{
    struct world *world = guard->world;
    struct oracle *oracle = world->oracle;
    const struct agent_row *row = agent_disk_row(agent_host_disk(guard->host), guard->instance, guard->generation);
    const struct life_book *life = oracle_life(oracle, guard->instance, guard->generation);
    if (!row || oracle->was_restored)
        return; // nobody knows of it any more
    guard->taken = row->spool_sequence < said ? (size_t)row->spool_sequence : said;
    if (told > guard->spool_count && guard->taken > guard->spool_count)
        world_saw(world, RARITY_RESULT_KEPT);
    if (told > guard_kept(guard))
        world_saw(world, RARITY_RESULT_GONE);
    uint64_t last = row->spool_sequence > guard->spool_count ? row->spool_sequence : guard->spool_count;
    if (life->guard == guard && life->sequence > last)
        world_fail(world, P2_LOST, "the journal has event %llu of %llu.%u, and after a loss of power %s has only %llu",
                   (unsigned long long)life->sequence, (unsigned long long)guard->instance, guard->generation, agent_name(guard->host),
                   (unsigned long long)last);
}

// ---- the end of a run

uint64_t oracle_cells_open(const struct world *world)
{
    uint64_t open = 0;
    for (struct map_entry *entry = map_first(world->oracle->runs); entry; entry = map_next(world->oracle->runs, entry)) {
        const struct run_book *run = entry->value;
        open += run->cells - run->ended;
    }
    return open;
}

static const char *left_on(struct world *world, struct agent_host *host)
{
    struct guard *const *guards;
    size_t count = agent_guards(host, &guards);
    const struct agent_disk *disk = agent_host_disk(host);
    for (size_t g = 0; g < count; g++)
        if (guard_runs(guards[g]) || guard_anything_lives(guards[g]))
            return arena_printf(world->scratch, "on %s: the guard of %llu.%u or what it guards", agent_name(host),
                                (unsigned long long)guards[g]->instance, guards[g]->generation);
    if (agent_is_gone(host) || (world->oracle->was_restored && agent_is_refused(host)))
        return NULL; // a person must act
    if (disk->row_count)
        return arena_printf(world->scratch, "on %s: the row of %llu.%u", agent_name(host), (unsigned long long)disk->rows[0].instance,
                            disk->rows[0].generation);
    if (disk->event_count)
        return arena_printf(world->scratch, "on %s: %zu events in the outbox", agent_name(host), disk->event_count);
    return NULL;
}

// A guard wrote it, and the spool or the agent's disk still has it: so it must have come.
static const char *unheard_on(struct world *world, struct agent_host *host)
{
    struct guard *const *guards;
    size_t count = agent_guards(host, &guards);
    if (world->oracle->wiped[agent_index(host)] || world->oracle->was_restored || agent_is_gone(host))
        return NULL;
    for (size_t g = 0; g < count; g++) {
        const struct life_book *life = oracle_life(world->oracle, guards[g]->instance, guards[g]->generation);
        if (life->guard == guards[g] && life->sequence < guard_kept(guards[g]))
            return arena_printf(world->scratch, "event %llu of %llu.%u on %s, which its guard spooled",
                                (unsigned long long)life->sequence + 1, (unsigned long long)guards[g]->instance, guards[g]->generation,
                                agent_name(host));
    }
    return NULL;
}

const char *oracle_what_is_left(struct world *world)
{
    uint64_t open = oracle_cells_open(world);
    if (open)
        return arena_printf(world->scratch, "%llu cells without a verdict", (unsigned long long)open);
    for (struct map_entry *entry = map_first(world->oracle->runs); entry; entry = map_next(world->oracle->runs, entry))
        if (!((const struct run_book *)entry->value)->has_ended)
            return "a run that has not ended";
    const char *left = client_waits_for(world);
    for (size_t i = 0; i < world->agent_count && !left; i++)
        left = left_on(world, world->agents[i]);
    for (size_t i = 0; i < world->agent_count && !left; i++)
        left = unheard_on(world, world->agents[i]);
    return left;
}

bool oracle_all_has_ended(const struct world *world)
{
    return oracle_what_is_left((struct world *)(uintptr_t)world) == NULL;
}
